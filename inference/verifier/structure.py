"""Is it a program at all: counts, names, references, types, constants' sizes, limits. Linear."""

from collections.abc import Sequence

from inference.ir import ops
from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.limits import MAX_ELEMENTS, MAX_METADATA_BYTES, MAX_NAME_BYTES, MAX_PORTS, MAX_RANK, Limits
from inference.ir.ops import OPSET_VERSION
from inference.ir.program import Program
from inference.ir.result_types import result_type
from inference.ir.types import DType, Quantization, TensorSpec, TensorType
from inference.verifier.effort import CONSTANT_TIME, NODE_TIME, OPERAND_TIME, Effort
from inference.verifier.fields import check_fields

#: Numerator and denominator of a boundary scale.
_MAX_SCALE = (1 << 63) - 1

#: Operands that must be constants, from this position on.
_CONSTANT_OPERANDS: dict[type[ops.Op], int] = {ops.Lookup: 1, ops.Trees: 1}


def check_structure(program: Program, limits: Limits, effort: Effort) -> tuple[TensorType, ...]:
    """The type of every value; raises InvalidArtifact with the first broken rule."""
    _require(program.opset == OPSET_VERSION, f"op set {program.opset}", ArtifactFault.UNKNOWN_FORMAT)
    _require(
        len(program.nodes) <= limits.operations,
        f"{len(program.nodes)} operations of at most {limits.operations}",
        ArtifactFault.LIMIT,
    )
    effort.charge(len(program.constants), CONSTANT_TIME)
    effort.charge(len(program.nodes), NODE_TIME)
    effort.charge(sum(len(node.operands) for node in program.nodes), OPERAND_TIME)
    _check_metadata(program)
    types = [spec.type for spec in program.inputs] + [c.type for c in program.constants]
    for i, type_ in enumerate(types):
        _check_type(f"%{i}", type_)
    for i, constant in enumerate(program.constants):
        _require(
            len(constant.data) == constant.type.nbytes,
            f"constant {i} has {len(constant.data)} bytes, {constant.type} has {constant.type.nbytes}",
            ArtifactFault.BAD_CONSTANT,
        )
    used = {o.value for o in program.outputs}
    for i, node in enumerate(program.nodes):
        place = f"node {i} ({type(node.op).__name__})"
        for operand in node.operands:
            _require(0 <= operand < len(types), f"{place} uses %{operand}", ArtifactFault.BAD_REFERENCE)
        used.update(node.operands)
        check_fields(place, node.op)
        types.append(_result(place, node.op, [types[o] for o in node.operands]))
        _check_type(place, types[-1])
        for operand in node.operands[_CONSTANT_OPERANDS.get(type(node.op), len(node.operands)) :]:
            _require(
                program.constant(operand) is not None,
                f"{place}: operand %{operand} is not a constant",
                ArtifactFault.BAD_CONSTANT,
            )
        _check_windows(place, node.op, types[node.operands[0]])
    _check_ports(program, types)
    for value in range(program.first_constant, len(types)):
        _require(value in used, f"%{value} is never used", ArtifactFault.UNUSED_VALUE)
    return tuple(types)


def output_specs(program: Program, types: Sequence[TensorType]) -> tuple[TensorSpec, ...]:
    """The outputs with the types of their values."""
    return tuple(TensorSpec(o.name, types[o.value], o.quantization) for o in program.outputs)


def _result(place: str, op: ops.Op, operands: list[TensorType]) -> TensorType:
    try:
        type_ = result_type(op, operands)
    except InvalidArtifact as error:
        raise InvalidArtifact(error.reason, f"{place}: {error.detail}") from None
    if isinstance(op, ops.Conv | ops.MatMul):
        for t in operands[:2]:
            _require(t.dtype is not DType.I64, f"{place} multiplies {t}", ArtifactFault.BAD_TYPE)
    return type_


def _check_type(place: str, type_: TensorType) -> None:
    _require(len(type_.shape) <= MAX_RANK, f"{place} has rank {len(type_.shape)}", ArtifactFault.LIMIT)
    _require(
        all(n >= 1 for n in type_.shape), f"{place} is {type_}: dimensions start at 1", ArtifactFault.BAD_TYPE
    )
    _require(type_.elements <= MAX_ELEMENTS, f"{place} has {type_.elements} elements", ArtifactFault.LIMIT)


def _check_windows(place: str, op: ops.Op, x: TensorType) -> None:
    """No pooling window may lie in padding only: it would have no greatest element and no mean."""
    if not isinstance(op, ops.MaxPool | ops.AveragePool):
        return
    spatial = x.shape[2:]
    for i, (n, kernel) in enumerate(zip(spatial, op.kernel, strict=True)):
        stride, dilation, before, after = (
            op.strides[i],
            op.dilations[i],
            op.pads[i],
            op.pads[len(spatial) + i],
        )
        reach = dilation * (kernel - 1)
        last_start = (n + before + after - reach - 1) // stride * stride - before
        _require(
            before <= reach and last_start < n and (before == 0 or dilation <= n),
            f"{place}: a window of axis {i + 2} may lie in padding only",
            ArtifactFault.BAD_TYPE,
        )


def _check_ports(program: Program, types: Sequence[TensorType]) -> None:
    specs: list[tuple[str, TensorType, Quantization]] = [
        (s.name, s.type, s.quantization) for s in program.inputs
    ]
    for output in program.outputs:
        _require(0 <= output.value < len(types), f"output uses %{output.value}", ArtifactFault.BAD_REFERENCE)
        specs.append((output.name, types[output.value], output.quantization))
    for kind, least, names in (
        ("inputs", 0, [s.name for s in program.inputs]),
        ("outputs", 1, [o.name for o in program.outputs]),
    ):
        fits = least <= len(names) <= MAX_PORTS
        _require(fits, f"{len(names)} {kind}, not {least}..{MAX_PORTS}", ArtifactFault.LIMIT)
        _require(len(set(names)) == len(names), f"{kind} share a name", ArtifactFault.BAD_FIELD)
    for name, type_, q in specs:
        _require(
            0 < len(name.encode()) <= MAX_NAME_BYTES and name.isprintable(),
            f"name {name[:40]!r} is empty, too long or not printable",
            ArtifactFault.BAD_FIELD,
        )
        _require(
            1 <= q.numerator <= _MAX_SCALE
            and 1 <= q.denominator <= _MAX_SCALE
            and type_.dtype.low <= q.zero_point <= type_.dtype.high,
            f"{name!r}: scale {q.numerator}/{q.denominator}, zero point {q.zero_point}, {type_.dtype.text}",
            ArtifactFault.BAD_FIELD,
        )


def _check_metadata(program: Program) -> None:
    keys = [key for key, _ in program.metadata]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in program.metadata)
    _require(size <= MAX_METADATA_BYTES, f"{size} bytes of metadata", ArtifactFault.LIMIT)
    _require(
        keys == sorted(set(keys)), "metadata keys are not strictly increasing", ArtifactFault.NOT_CANONICAL
    )


def _require(condition: bool, detail: str, fault: ArtifactFault) -> None:
    if not condition:
        raise InvalidArtifact(fault, detail)
