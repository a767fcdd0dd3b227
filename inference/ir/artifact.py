"""Artifact bytes: the canonical msgpack container of a program; equal programs have equal bytes and ids."""

import typing
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from hashlib import blake2b
from typing import Any

import msgpack

from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.limits import MAX_LIST, MAX_METADATA_BYTES, STRUCTURE_TIME, Limits
from inference.ir.ops import OP_BY_CODE, OPS, OPSET_VERSION, Op, Requantize
from inference.ir.program import Constant, Node, Output, Program
from inference.ir.types import DType, Quantization, TensorSpec, TensorType

#: Version of the container's layout, apart from the op set's version.
FORMAT_VERSION = 1

#: Keys of the top-level map, in their canonical order.
_FORMAT, _OPSET, _INPUTS, _CONSTANTS, _NODES, _OUTPUTS, _METADATA = range(7)


def artifact_id(data: bytes) -> bytes:
    """Blake2b-256 of artifact bytes: the model's id on chain."""
    return blake2b(data, digest_size=32).digest()


def encode_program(program: Program) -> bytes:
    """The canonical bytes of a program."""
    packed: bytes = msgpack.packb(
        {
            _FORMAT: FORMAT_VERSION,
            _OPSET: program.opset,
            _INPUTS: [
                [s.name, *_type_out(s.type), *_quantization_out(s.quantization)] for s in program.inputs
            ],
            _CONSTANTS: [[*_type_out(c.type), c.data] for c in program.constants],
            _NODES: [[n.op.code, list(n.operands), *_attributes_out(n.op)] for n in program.nodes],
            _OUTPUTS: [[o.value, o.name, *_quantization_out(o.quantization)] for o in program.outputs],
            _METADATA: [list(pair) for pair in program.metadata],
        }
    )
    return packed


def decode_program(data: bytes, limits: Limits | None = None) -> Program:
    """The program in artifact bytes; checks types of fields and canonical form, not yet the program's rules.

    Raises InvalidArtifact.
    """
    limits = limits or Limits()
    bound = limits.artifact_bytes
    if len(data) > bound:
        raise InvalidArtifact(ArtifactFault.TOO_LARGE, f"{len(data)} bytes of at most {bound}")
    try:
        # Lists are allocated from their declared length, so that length is bounded before anything is read.
        top = msgpack.unpackb(
            data,
            strict_map_key=False,
            max_array_len=MAX_LIST,
            max_map_len=_METADATA + 1,
            max_str_len=MAX_METADATA_BYTES,
            max_bin_len=bound,
            max_ext_len=0,
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidArtifact(ArtifactFault.MALFORMED, str(error) or type(error).__name__) from error
    structure = len(data) - _constant_bytes(top)
    if structure * STRUCTURE_TIME > limits.verification_time:
        raise InvalidArtifact(
            ArtifactFault.LIMIT, f"{structure} bytes beside the constants' data are too many"
        )
    program = program_in(top)
    if encode_program(program) != data:
        raise InvalidArtifact(ArtifactFault.NOT_CANONICAL, "re-encoding gives other bytes")
    return program


def _constant_bytes(top: Any) -> int:
    """Bytes of constants' data, where the fields are such."""
    rows = top.get(_CONSTANTS) if isinstance(top, dict) else None
    if not isinstance(rows, list):
        return 0
    return sum(len(row[2]) for row in rows if isinstance(row, list) and row[2:] and isinstance(row[2], bytes))


def program_in(top: Any) -> Program:
    """The program in the decoded map, its fields checked one by one; raises InvalidArtifact."""
    if not isinstance(top, dict) or list(top) != list(range(_METADATA + 1)):
        raise InvalidArtifact(ArtifactFault.MALFORMED, "the top level is not the map with keys 0 to 6")
    version = (top[_FORMAT], top[_OPSET])
    if version != (FORMAT_VERSION, OPSET_VERSION):
        raise InvalidArtifact(
            ArtifactFault.UNKNOWN_FORMAT,
            f"format {version[0]!r} with op set {version[1]!r}; this node knows 1 and 1",
        )
    return Program(
        inputs=tuple(_spec_in(f"input {i}", row) for i, row in enumerate(_list(top[_INPUTS], "inputs"))),
        constants=tuple(
            _constant_in(f"constant {i}", row) for i, row in enumerate(_list(top[_CONSTANTS], "constants"))
        ),
        nodes=tuple(_node_in(f"node {i}", row) for i, row in enumerate(_list(top[_NODES], "nodes"))),
        outputs=tuple(
            _output_in(f"output {i}", row) for i, row in enumerate(_list(top[_OUTPUTS], "outputs"))
        ),
        metadata=tuple(
            _pair_in(f"metadata {i}", row) for i, row in enumerate(_list(top[_METADATA], "metadata"))
        ),
    )


def _type_out(type_: TensorType) -> list[Any]:
    return [int(type_.dtype), list(type_.shape)]


def _quantization_out(q: Quantization) -> list[int]:
    return [q.numerator, q.denominator, q.zero_point]


def _spec_in(place: str, row: Any) -> TensorSpec:
    name, dtype, shape, *q = _row(row, 6, place)
    return TensorSpec(_text(name, place), _type_in(place, dtype, shape), _quantization_in(place, q))


def _constant_in(place: str, row: Any) -> Constant:
    dtype, shape, data = _row(row, 3, place)
    type_ = _type_in(place, dtype, shape)
    if not isinstance(data, bytes):
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place}: data is not bytes")
    return Constant(type_, data)


def _output_in(place: str, row: Any) -> Output:
    value, name, *q = _row(row, 5, place)
    return Output(_integer(value, place), _text(name, place), _quantization_in(place, q))


def _pair_in(place: str, row: Any) -> tuple[str, str]:
    key, value = _row(row, 2, place)
    return _text(key, place), _text(value, place)


def _type_in(place: str, dtype: Any, shape: Any) -> TensorType:
    return TensorType(_enum_reader(DType)(dtype, place), _integers(shape, place))


def _quantization_in(place: str, q: list[Any]) -> Quantization:
    return Quantization(*(_integer(v, place) for v in q))


def _node_in(place: str, row: Any) -> Node:
    items = _list(row, place)
    if len(items) < 2:
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place} has {len(items)} items")
    kind = OP_BY_CODE.get(_integer(items[0], place))
    if kind is None:
        raise InvalidArtifact(ArtifactFault.UNKNOWN_OP, f"{place} has code {items[0]}")
    readers = _READERS[kind]
    attributes = _row(items[2:], len(readers), f"{place} ({kind.__name__})")
    values = [reader(v, f"{place}.{name}") for (name, reader), v in zip(readers, attributes, strict=True)]
    return Node(kind(*values), _integers(items[1], place))


def _attributes_out(op: Op) -> list[Any]:
    return [_field_out(getattr(op, name)) for name, _ in _READERS[type(op)]]


def _field_out(value: Any) -> Any:
    match value:
        case Requantize():
            return [int(value.dtype), list(value.shift), value.zero, value.low, value.high]
        case tuple():
            return list(value)
        case bool():
            return value
        case _:
            return int(value)


Reader = Callable[[Any, str], Any]


def _attribute_readers(kind: type[Op]) -> tuple[tuple[str, Reader], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((f.name, _reader(hints[f.name])) for f in fields(kind))


def _reader(hint: Any) -> Reader:
    if hint is bool:
        return _boolean
    if hint is int:
        return _integer
    if hint is Requantize:
        return _requantize_in
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return _enum_reader(hint)
    return _integers


def _requantize_in(value: Any, place: str) -> Requantize:
    dtype, shift, *rest = _row(value, 5, place)
    zero, low, high = (_integer(v, place) for v in rest)
    return Requantize(_enum_reader(DType)(dtype, place), _integers(shift, place), zero, low, high)


E = typing.TypeVar("E", bound=IntEnum)


def _enum_reader(kind: type[E]) -> Callable[[Any, str], E]:
    def read(value: Any, place: str) -> E:
        number = _integer(value, place)
        if number not in kind._value2member_map_:
            raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place}: {number} is no {kind.__name__}")
        return kind(number)

    return read


def _integer(value: Any, place: str) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise InvalidArtifact(
            ArtifactFault.BAD_FIELD, f"{place}: {_shown(value)} is not a signed 64-bit integer"
        )
    return value


def _boolean(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place}: {_shown(value)} is not a boolean")
    return value


def _integers(value: Any, place: str) -> tuple[int, ...]:
    return tuple(_integer(v, place) for v in _list(value, place))


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place}: {_shown(value)} is not text")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place}: {_shown(value)} is not a list")
    return value


def _row(value: Any, length: int, place: str) -> list[Any]:
    row = _list(value, place)
    if len(row) != length:
        raise InvalidArtifact(ArtifactFault.BAD_FIELD, f"{place} has {len(row)} items, not {length}")
    return row


def _shown(value: Any) -> str:
    short = isinstance(value, int | str | bytes) and len(str(value)) < 40
    return repr(value) if short else type(value).__name__


#: For each operation, its attributes in order with what reads them.
_READERS: dict[type[Op], tuple[tuple[str, Reader], ...]] = {kind: _attribute_readers(kind) for kind in OPS}
