"""SCALE as polkadot.js writes it.

Its `toHex` shows bare values: integers big-endian, options without their tag, bytes without their length; the
table below undoes that and nothing else.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.primitives.era import Era, Immortal, Mortal
from runtime.primitives.integers import I8, I32, U8, U16, U32, U128
from runtime.primitives.scale import (
    CompactU32,
    CompactU128,
    Ok,
    Result,
    codec,
    decode_compact,
    encode_compact,
)
from runtime.primitives.types import H256, Bytes4

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "polkadotjs_crypto_scale.json").read_text())

# type name: (annotation, shown value -> Python value, encoding -> what toHex shows)
TYPES: dict[str, tuple[Any, Any, Any]] = {
    "Option<bool>": (bool | None, lambda v: v, lambda raw: b"" if raw == b"\0" else raw),
    "Option<u8>": (U8 | None, int, lambda raw: raw[1:]),
    "Vec<u16>": (list[U16], list, bytes),
    "(Compact<u32>,bool)": (tuple[CompactU32, bool], tuple, bytes),
    "Text": (str, str, lambda raw: raw[1:]),
    "Bytes": (bytes, lambda v: bytes.fromhex(v[2:]), lambda raw: raw[1:]),
    "i8": (I8, int, bytes),
    "i32": (I32, int, lambda raw: raw[::-1]),
    "u128": (U128, int, lambda raw: raw[::-1]),
    "Result<u8,bool>": (Result[U8, bool], lambda v: Ok(v["Ok"]), bytes),
    "BTreeMap<u32,u8>": (dict[U32, U8], dict, bytes),
    "BTreeSet<u32>": (frozenset[U32], frozenset, bytes),
    "[u8;4]": (Bytes4, lambda v: bytes.fromhex(v[2:]), bytes),
    "H256": (H256, lambda v: bytes.fromhex(v[2:]), bytes),
    "Vec<Option<u8>>": (list[U8 | None], list, bytes),
}


@pytest.mark.parametrize("entry", VECTORS["scale"], ids=lambda e: f"{e['type']} {e['value']}")
def test_a_value_is_encoded_as_polkadot_js_encodes_it(entry: dict[str, Any]) -> None:
    if entry["type"] == "Compact<Perbill>":
        # Shown as the bare u32, big-endian; the compact form itself is that of any integer.
        assert codec(U32).encode(entry["value"])[::-1].hex() == entry["hex"][2:]
        assert codec(CompactU32).decode(encode_compact(entry["value"])) == entry["value"]
        return
    annotation, to_python, shown = TYPES[entry["type"]]
    value = to_python(entry["value"]) if entry["value"] is not None else None
    raw = codec(annotation).encode(value)
    assert "0x" + shown(raw).hex() == entry["hex"]
    assert codec(annotation).decode(raw) == value


@pytest.mark.parametrize("entry", VECTORS["compact"], ids=lambda e: e["value"])
def test_a_compact_integer_is_encoded_in_its_shortest_form(entry: dict[str, str]) -> None:
    value, raw = int(entry["value"]), bytes.fromhex(entry["hex"][2:])
    assert encode_compact(value) == codec(CompactU128).encode(value) == raw
    assert decode_compact(raw, 0, 128) == (value, len(raw))
    assert codec(CompactU128).decode(raw) == value


@pytest.mark.parametrize("entry", VECTORS["era"], ids=lambda e: f"{e['current']} {e['period']}")
def test_a_mortal_era_is_encoded_as_polkadot_js_encodes_it(entry: dict[str, Any]) -> None:
    current, raw = entry["current"], bytes.fromhex(entry["hex"][2:])
    era = Mortal.at(current, entry["period"])
    assert codec(Era).encode(era) == raw
    assert codec(Era).decode(raw) == era
    # polkadot.js prints the phase it was given; the bytes hold it rounded down to a 4,096th of the period.
    lost = entry["phase"] % max(entry["period"] >> 12, 1)
    assert era.phase == entry["phase"] - lost
    assert era.birth(current) == entry["birth"] - lost
    assert era.death(current) == entry["death"] - lost


def test_the_immortal_era_is_one_zero_byte_and_lasts_from_genesis_for_ever() -> None:
    assert codec(Era).encode(Immortal()) == b"\0"
    assert codec(Era).decode(b"\0") == Immortal()
    assert Immortal().birth(10**6) == 0
    assert Immortal().death(10**6) == 2**64 - 1
