"""Artifact bytes: canonical, strict, and never more than a specific refusal for hostile input."""

import random
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import msgpack
import numpy as np
import pytest

from inference.ir import ArtifactFault, DType, InvalidArtifact, Quantization, Requantize, ops
from inference.ir.artifact import artifact_id, decode_program, encode_program
from inference.ir.builder import ProgramBuilder
from inference.ir.limits import Limits
from inference.ir.program import Program
from inference.verifier import verify, verify_bytes
from tests.inference.programs import random_program


def small() -> Program:
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 4), Quantization(1, 255, 0))
    w = b.constant(np.arange(12).reshape(4, 3), DType.I8)
    b.output(b.emit(ops.MatMul(0, 0, Requantize.to(DType.U8, 3)), x, w), "y")
    return b.build({"labels": "a,b,c"})


def altered(change: Any) -> bytes:
    """The small program's bytes after `change(top)` on the unpacked container."""
    top = msgpack.unpackb(encode_program(small()), strict_map_key=False)
    change(top)
    data: bytes = msgpack.packb(top)
    return data


def refusal(data: bytes) -> ArtifactFault:
    with pytest.raises(InvalidArtifact) as caught:
        verify_bytes(data)
    return caught.value.reason


def test_an_artifact_decodes_to_the_program_it_encodes_and_its_id_is_blake2b() -> None:
    data = encode_program(small())
    assert decode_program(data) == small()
    assert artifact_id(data) == blake2b(data, digest_size=32).digest()
    assert verify_bytes(data)[0] == artifact_id(data)


def test_every_truncation_is_refused() -> None:
    data = encode_program(small())
    for end in range(len(data)):
        assert refusal(data[:end]) in (ArtifactFault.MALFORMED, ArtifactFault.BAD_FIELD)


def test_trailing_bytes_are_refused() -> None:
    assert refusal(encode_program(small()) + b"\x00") is ArtifactFault.MALFORMED


def test_a_longer_integer_than_needed_is_not_canonical() -> None:
    data = encode_program(small())
    assert data[:3] == b"\x87\x00\x01"
    assert refusal(b"\x87\x00\xcc\x01" + data[3:]) is ArtifactFault.NOT_CANONICAL


def test_an_artifact_above_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidArtifact) as caught:
        decode_program(bytes(11), Limits(artifact_bytes=10))
    assert caught.value.reason is ArtifactFault.TOO_LARGE


def test_deeply_nested_and_over_long_lists_are_refused() -> None:
    assert refusal(b"\x91" * 5_000) is ArtifactFault.MALFORMED
    assert refusal(b"\xdd\xff\xff\xff\xff" * 3) is ArtifactFault.MALFORMED
    assert refusal(b"\xc7\x01\x01\x01") is ArtifactFault.MALFORMED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop(6), ArtifactFault.MALFORMED),
        (lambda t: t.update({0: 9}), ArtifactFault.UNKNOWN_FORMAT),
        (lambda t: t.update({1: 2}), ArtifactFault.UNKNOWN_FORMAT),
        (lambda t: t.update({2: 5}), ArtifactFault.BAD_FIELD),
        (lambda t: t[2][0].pop(), ArtifactFault.BAD_FIELD),
        (lambda t: t[2][0].__setitem__(0, 7), ArtifactFault.BAD_FIELD),
        (lambda t: t[2][0].__setitem__(1, 77), ArtifactFault.BAD_FIELD),
        (lambda t: t[2][0].__setitem__(3, 1.5), ArtifactFault.BAD_FIELD),
        (lambda t: t[2][0].__setitem__(3, 1 << 63), ArtifactFault.BAD_FIELD),
        (lambda t: t[3][0].__setitem__(2, "text"), ArtifactFault.BAD_FIELD),
        (lambda t: t[3][0].__setitem__(2, b"short"), ArtifactFault.BAD_CONSTANT),
        (lambda t: t[4][0].__setitem__(0, 200), ArtifactFault.UNKNOWN_OP),
        (lambda t: t[4].__setitem__(0, [1]), ArtifactFault.BAD_FIELD),
        (lambda t: t[4][0].__setitem__(2, True), ArtifactFault.BAD_FIELD),
        (lambda t: t[4][0].__setitem__(1, [0, 9]), ArtifactFault.BAD_REFERENCE),
        (lambda t: t[4][0].__setitem__(1, [0]), ArtifactFault.BAD_ARITY),
        (lambda t: t[4][0].append(1), ArtifactFault.BAD_FIELD),
        (lambda t: t[4][0][4].__setitem__(1, []), ArtifactFault.BAD_FIELD),
        (lambda t: t[5][0].__setitem__(0, 99), ArtifactFault.BAD_REFERENCE),
        (lambda t: t[6].append(["labels", "again"]), ArtifactFault.NOT_CANONICAL),
    ],
)
def test_each_broken_field_is_refused_with_its_reason(change: Any, reason: ArtifactFault) -> None:
    assert refusal(altered(change)) is reason


def test_a_boolean_attribute_must_be_a_boolean() -> None:
    b = ProgramBuilder()
    b.output(b.emit(ops.ReduceExtreme(ops.Extreme.MAX, (1,), True), b.input("x", DType.U8, (1, 4))), "y")
    data = encode_program(b.build())
    top = msgpack.unpackb(data, strict_map_key=False)
    top[4][0][4] = 1
    assert refusal(msgpack.packb(top)) is ArtifactFault.BAD_FIELD
    top[4][0][4] = True
    assert msgpack.packb(top) == data


def test_mutated_artifacts_are_refused_with_a_reason_or_verify() -> None:
    rng = random.Random(5)
    for seed in range(60):
        data = bytearray(encode_program(random_program(seed, 4)))
        for _ in range(25):
            mutant = bytearray(data)
            for _ in range(rng.randint(1, 3)):
                mutant[rng.randrange(len(mutant))] = rng.randrange(256)
            with suppress(InvalidArtifact):
                program = verify_bytes(bytes(mutant))[1]
                assert encode_program(program.program) == mutant
                assert verify(program.program).cost == program.cost
