"""Reads the printed form of a program back: the same program, so the same artifact and id."""

import json
import re
import typing
from base64 import b85decode
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from typing import Any, NoReturn

import numpy as np

from inference.ir.artifact import FORMAT_VERSION, program_in
from inference.ir.errors import ArtifactFault, InvalidArtifact
from inference.ir.limits import MAX_LIST
from inference.ir.ops import OPS, Op, Requantize
from inference.ir.program import Program
from inference.ir.result_types import result_type
from inference.ir.types import DType, TensorType

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SCALE = r"scale (-?\d+)/(-?\d+) zero (-?\d+)"
_HEADER = re.compile(r"fixpoint program, op set (\d+)")
_VALUE = re.compile(r"%(\d+): (\w+)\[([\d,]*)\] = (.*)")
_INPUT = re.compile(rf"input ({_QUOTED}) {_SCALE}")
_DATA = re.compile(r"constant (?:base85 (\S*)|(\[[-\d, ]*\]))")
_NODE = re.compile(r"(\w+)\(((?:%\d+(?:, %\d+)*)?)\)(.*)")
_ATTRIBUTE = re.compile(r" (\w+)=(\w+\([^)]*\)|\[[^\]]*\]|\S+)")
_REQUANTIZE = re.compile(r"(\w+)\(shift=(\[[^\]]*\]) zero=(-?\d+) low=(-?\d+) high=(-?\d+)\)")
_OUTPUT = re.compile(rf"output ({_QUOTED}) %(\d+) {_SCALE}")
_METADATA = re.compile(rf"metadata ({_QUOTED}) ({_QUOTED})")

_BY_NAME: dict[str, type[Op]] = {op.__name__: op for op in OPS}
_DTYPES = {dtype.text: dtype for dtype in DType}


def read_program(text: str) -> Program:
    """The program that `print_program(program, full=True)` shows.

    Raises InvalidArtifact(MALFORMED) naming the line, or whatever its fields are refused for.
    """
    reader = _Reader()
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        try:
            reader.line(line)
        except (ValueError, KeyError, OverflowError) as error:
            detail = error.detail if isinstance(error, InvalidArtifact) else error
            raise InvalidArtifact(ArtifactFault.MALFORMED, f"line {number}: {detail}") from error
    program = program_in(reader.parts)
    _check_types(program, reader.stated)
    return program


class _Reader:
    """The fields of an artifact, in the order of its map, as lines fill them."""

    def __init__(self) -> None:
        self.parts: dict[int, Any] = {0: FORMAT_VERSION, 1: None, 2: [], 3: [], 4: [], 5: [], 6: []}
        self.stated: list[str] = []

    def line(self, line: str) -> None:
        """Take one line; raises ValueError or KeyError."""
        if self.parts[1] is None:
            self.parts[1] = int(_match(_HEADER, line, "the first line names no op set")[1])
        elif line.startswith("%"):
            self._value(_match(_VALUE, line, "no value of the form %0: u8[1,2] = ..."))
        elif line.startswith("output "):
            name, value, *scale = _match(_OUTPUT, line, "no output").groups()
            self.parts[5].append([int(value), json.loads(name), *map(int, scale)])
        else:
            self.parts[6].append(
                [json.loads(part) for part in _match(_METADATA, line, "not understood").groups()]
            )

    def _value(self, match: re.Match[str]) -> None:
        number, dtype, shape, rest = match.groups()
        if int(number) != len(self.stated):
            _refuse(f"value %{number} where %{len(self.stated)} is due")
        self.stated.append(f"{dtype}[{shape}]")
        kind = [int(_DTYPES[dtype]), [int(n) for n in shape.split(",") if n]]
        if rest.startswith("input "):
            name, *scale = _match(_INPUT, rest, "no input").groups()
            self.parts[2].append([json.loads(name), *kind, *map(int, scale)])
        elif rest.startswith("constant"):
            coded, listed = _match(_DATA, rest, "the constant's data is not shown").groups()
            values = None if listed is None else json.loads(listed)
            data = b85decode(coded) if values is None else np.array(values, _DTYPES[dtype].numpy).tobytes()
            self.parts[3].append([*kind, data])
        else:
            self.parts[4].append(_node(_match(_NODE, rest, "no operation")))


def _node(match: re.Match[str]) -> list[Any]:
    name, operands, attributes = match.groups()
    if name not in _BY_NAME:
        _refuse(f"{name} is not in the op set")
    kind = _BY_NAME[name]
    hints = typing.get_type_hints(kind)
    given = dict(_ATTRIBUTE.findall(attributes))
    if list(given) != [f.name for f in fields(kind)]:
        _refuse(f"{name} takes {', '.join(f.name for f in fields(kind)) or 'no attributes'}")
    values = [_reader(hints[field])(text) for field, text in given.items()]
    return [kind.code, [int(o) for o in re.findall(r"\d+", operands)], *values]


def _reader(hint: Any) -> Callable[[str], Any]:
    if hint is bool:
        return _boolean
    if hint is int:
        return int
    if hint is Requantize:
        return _requantize
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return lambda text: int(hint[text.upper()])
    return _integers


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _integers(text: str) -> list[int]:
    """`[1,2,3]`, or `[7 * 40]` for forty sevens."""
    inside = text.removeprefix("[").removesuffix("]")
    if "*" in inside:
        value, count = (int(part) for part in inside.split("*"))
        if not 0 <= count <= MAX_LIST:
            _refuse(f"a list of {count} numbers")
        return [value] * count
    return [int(part) for part in inside.split(",") if part]


def _requantize(text: str) -> list[Any]:
    dtype, shift, *rest = _match(_REQUANTIZE, text, "no epilogue").groups()
    return [int(_DTYPES[dtype]), _integers(shift), *map(int, rest)]


def _check_types(program: Program, stated: list[str]) -> None:
    """The types that the text states must be those that follow from the operands."""
    types: list[TensorType] = [spec.type for spec in program.inputs]
    types.extend(constant.type for constant in program.constants)
    for node in program.nodes:
        if any(not 0 <= o < len(types) for o in node.operands):
            raise InvalidArtifact(ArtifactFault.BAD_REFERENCE, f"%{len(types)} reads what is not there yet")
        types.append(result_type(node.op, [types[o] for o in node.operands]))
        if str(types[-1]) != stated[len(types) - 1]:
            raise InvalidArtifact(
                ArtifactFault.BAD_TYPE, f"%{len(types) - 1} is {types[-1]}, not {stated[len(types) - 1]}"
            )


def _match(pattern: re.Pattern[str], text: str, fault: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        _refuse(f"{fault}: {text[:60]!r}")
    return found


def _refuse(detail: str) -> NoReturn:
    raise InvalidArtifact(ArtifactFault.MALFORMED, detail)
