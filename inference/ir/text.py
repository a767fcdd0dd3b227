"""The printable form of a program: one line per value, every attribute named, so that it can be read back.

`inference.ir.text_reader` reads what `print_program(program, full=True)` writes.
"""

import json
from base64 import b85encode
from dataclasses import fields
from enum import IntEnum
from typing import Any

from inference.ir.ops import Op, Requantize
from inference.ir.program import Program
from inference.ir.result_types import result_type
from inference.ir.types import Quantization, TensorType

#: Constants with more elements than this are shown by size only unless the full text is asked for.
_SHORT = 8


def print_program(program: Program, full: bool = False) -> str:
    """The program as text; with `full`, constants carry their raw bytes in base 85.

    Raises InvalidArtifact if an operation does not fit its operands.
    """
    lines = [f"fixpoint program, op set {program.opset}"]
    types: list[TensorType] = []
    for spec in program.inputs:
        lines.append(
            f"%{len(types)}: {spec.type} = input {_quoted(spec.name)} {_quantization(spec.quantization)}"
        )
        types.append(spec.type)
    for constant in program.constants:
        shown = f" {constant.array().ravel().tolist()}" if constant.type.elements <= _SHORT else ""
        if full:
            shown = f" base85 {b85encode(constant.data).decode()}"
        lines.append(f"%{len(types)}: {constant.type} = constant{shown}")
        types.append(constant.type)
    for node in program.nodes:
        type_ = result_type(node.op, [types[o] for o in node.operands])
        operands = ", ".join(f"%{o}" for o in node.operands)
        lines.append(f"%{len(types)}: {type_} = {type(node.op).__name__}({operands}){_attributes(node.op)}")
        types.append(type_)
    lines.extend(
        f"output {_quoted(o.name)} %{o.value} {_quantization(o.quantization)}" for o in program.outputs
    )
    lines.extend(f"metadata {_quoted(key)} {_quoted(value)}" for key, value in program.metadata)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _quantization(q: Quantization) -> str:
    return f"scale {q.numerator}/{q.denominator} zero {q.zero_point}"


def _attributes(op: Op) -> str:
    return "".join(f" {f.name}={_attribute(getattr(op, f.name))}" for f in fields(op))


def _attribute(value: Any) -> str:
    match value:
        case Requantize(dtype, shift, zero, low, high):
            return f"{dtype.text}(shift={_attribute(shift)} zero={zero} low={low} high={high})"
        case IntEnum():
            return value.name.lower()
        case tuple() if len(set(value)) == 1 and len(value) > _SHORT:
            return f"[{value[0]} * {len(value)}]"
        case tuple():
            return f"[{','.join(map(str, value))}]"
        case _:
            return str(value).lower()
