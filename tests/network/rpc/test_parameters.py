"""Decoding of parameters from the annotations of handlers."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.rpc.parameters import (
    U8,
    U128,
    Account,
    BlockHash,
    Hex,
    InvalidParameter,
    NumberOrHex,
    decoder_of,
)

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_HEX = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Hex, "0x", b""),
        (Hex, "", b""),
        (Hex, "0xAbcd", b"\xab\xcd"),
        (Hex, "abCD", b"\xab\xcd"),
        (Hex, "0X00", b"\x00"),
        (BlockHash, "0x" + "11" * 32, b"\x11" * 32),
        (BlockHash | None, None, None),
        (U8, 255, 255),
        (U128, 2**128 - 1, 2**128 - 1),
        (NumberOrHex, 7, 7),
        (NumberOrHex, "0x1f", 31),
        (NumberOrHex | list[NumberOrHex] | None, ["0x1", 2], [1, 2]),
        (Account, ALICE, bytes.fromhex(ALICE_HEX)),
        (Account, "0x" + ALICE_HEX, bytes.fromhex(ALICE_HEX)),
        (str, "text", "text"),
        (bool, True, True),
        (int, -5, -5),
        (list[Hex], ["00", "0x01"], [b"\x00", b"\x01"]),
        (tuple[U8, str], [1, "a"], (1, "a")),
        (dict[str, U8], {"a": 1}, {"a": 1}),
        (Any, {"anything": [1]}, {"anything": [1]}),
    ],
)
def test_a_value_that_fits_is_decoded(annotation: Any, value: Any, expected: Any) -> None:
    assert decoder_of(annotation).decode(value) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "complaint"),
    [
        (Hex, 5, "expected a hex string, got 5"),
        (Hex, "0x1", "even number of hex digits"),
        (Hex, "0xzz", "expected hex digits, got '0xzz'"),
        (Hex, "00 11 ", "hex digits"),
        (Hex, "٠٠", "hex digits"),
        (Hex, "\ud800\ud800", "hex digits"),
        (BlockHash, "0x11", "expected 32 bytes of hex, got 1 bytes"),
        (BlockHash | None, 3, "expected a hex string, got 3"),
        (U8, 256, r"expected an integer in 0\.\.2\^8-1, got 256"),
        (U8, -1, r"expected an integer in 0"),
        (U8, True, "expected an integer, got true"),
        (U8, 1.0, "expected an integer"),
        (U8, "1", "expected an integer"),
        (U8, 10**100, "more than 256 bits"),
        (NumberOrHex, "12", "0x hex number"),
        (NumberOrHex, "0x", "0x hex number"),
        (NumberOrHex, "0x1_0", "0x hex number"),
        (NumberOrHex, "0x" + "f" * 9, "2\\^32-1"),
        (Account, "5Grwva", "expected an SS58 address"),
        (Account, [], "expected an SS58 address, got an array of 0"),
        (str, None, "expected a string, got null"),
        (bool, 1, "expected true or false"),
        (int, True, "expected an integer, got true"),
        (list[Hex], {}, "expected an array, got an object"),
        (list[Hex], ["00", "x" * 200], "element 1: .*…"),
        (tuple[U8, str], [1], "expected an array of 2"),
        (dict[str, U8], {"a": "b"}, "member 'a': expected an integer"),
        (dict[str, U8], [], "expected an object"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(annotation: Any, value: Any, complaint: str) -> None:
    with pytest.raises(InvalidParameter, match=complaint):
        decoder_of(annotation).decode(value)


@pytest.mark.parametrize("annotation", [bytes, set[int], tuple[int, ...], dict[int, str], float])
def test_an_annotation_that_no_parameter_may_have_is_a_programming_error(annotation: Any) -> None:
    with pytest.raises(TypeError, match="no JSON parameter"):
        decoder_of(annotation)


@pytest.mark.parametrize(
    "annotation",
    [Hex, BlockHash | None, U8, NumberOrHex, Account, str, list[Hex], tuple[U8, str], dict[str, int], Any],
)
def test_every_decoder_describes_itself_as_json_schema(annotation: Any) -> None:
    assert isinstance(decoder_of(annotation).schema(), dict)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING)
def test_no_json_value_makes_a_decoder_fail_otherwise(value: Any) -> None:
    for annotation in (Hex, BlockHash | None, U8, NumberOrHex | list[NumberOrHex], Account, dict[str, Hex]):
        with suppress(InvalidParameter):
            decoder_of(annotation).decode(value)


@given(st.binary(max_size=64))
def test_hex_is_read_with_and_without_prefix_in_either_case(data: bytes) -> None:
    decoder = decoder_of(Hex)
    for text in (data.hex(), "0x" + data.hex(), "0x" + data.hex().upper()):
        assert decoder.decode(text) == data
