"""The printed form, read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.ir import ArtifactFault, DType, InvalidArtifact, Quantization, Requantize, ops
from inference.ir.artifact import encode_program
from inference.ir.builder import ProgramBuilder
from inference.ir.text import print_program
from inference.ir.text_reader import read_program
from tests.inference.programs import random_program


def small() -> str:
    b = ProgramBuilder()
    x = b.input('a "name"\nof two lines, é\u2028', DType.U8, (1, 9), Quantization(3, 7, 128))
    one = b.constant(5, DType.I32)
    y = b.emit(ops.Add(0, 0, 1, 1, Requantize.to(DType.I32)), x, one)
    b.output(b.emit(ops.ReduceExtreme(ops.Extreme.MIN, (1,), False), y), "least")
    return print_program(b.build({"labels": '["a", "b"]'}))


@given(st.integers(0, 10**6))
@settings(max_examples=120, deadline=None)
def test_what_is_printed_in_full_reads_back_to_the_same_bytes(seed: int) -> None:
    program = random_program(seed)
    assert encode_program(read_program(print_program(program, full=True))) == encode_program(program)


def test_names_and_metadata_of_any_text_survive() -> None:
    program = read_program(small())
    assert program.inputs[0].name == 'a "name"\nof two lines, é\u2028'
    assert program.metadata == (("labels", '["a", "b"]'),)
    assert print_program(program) == small()


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("op set 1", "op set one", "line 1: the first line names no op set"),
        ("%2:", "%7:", "line 4: value %7 where %2 is due"),
        ("Add(", "Plus(", "line 4: Plus is not in the op set"),
        ("kind=min ", "", "line 5: ReduceExtreme takes kind, axes, keepdims"),
        ("kind=min", "kind=least", "line 5: 'LEAST'"),
        ("keepdims=false", "keepdims=no", "line 5: 'no'"),
        ("axes=[1]", "axes=[1 * 99999999]", "line 5: a list of 99999999 numbers"),
        ("constant [5]", "constant", "line 3: the constant's data is not shown"),
        ("constant [5]", "constant [99999999999]", "line 3: "),
        ("constant [5]", "constant base85 '''", "line 3: "),
        ("u8[1,9]", "f4[1,9]", "line 2: 'f4'"),
        ("scale 3/7", "scale 3", "line 2: no input"),
        ("i32(shift", "i32(offset", "line 4: no epilogue"),
        ("(%0, %1)", "(0, 1)", "line 4: no operation"),
        ("metadata", "remark", "line 7: not understood"),
        ("%0: u8", "%0 u8", "line 2: no value of the form"),
        ("output", "output of", "line 6: no output"),
    ],
)
def test_a_line_that_is_wrong_is_named(old: str, new: str, detail: str) -> None:
    text = small()
    assert old in text
    with pytest.raises(InvalidArtifact) as caught:
        read_program(text.replace(old, new, 1))
    assert caught.value.reason is ArtifactFault.MALFORMED
    assert caught.value.detail.startswith(detail)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("%3: i32[1]", "%3: i32[2]", ArtifactFault.BAD_TYPE),
        ("(%0, %1)", "(%0, %9)", ArtifactFault.BAD_REFERENCE),
        ("op set 1", "op set 99", ArtifactFault.UNKNOWN_FORMAT),
        ("axes=[1]", f"axes=[{1 << 70}]", ArtifactFault.BAD_FIELD),
    ],
)
def test_what_the_lines_say_is_checked_as_in_an_artifact(old: str, new: str, reason: ArtifactFault) -> None:
    with pytest.raises(InvalidArtifact) as caught:
        read_program(small().replace(old, new, 1))
    assert caught.value.reason is reason
