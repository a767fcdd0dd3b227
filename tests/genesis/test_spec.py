"""Chain specifications: what is written is read back, and each fault is named with its path."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.spec import (
    ChainSpec,
    InvalidSpec,
    PlainGenesis,
    RawGenesis,
    SpecFault,
    dumps,
    from_json,
    loads,
    to_json,
)
from runtime.primitives.hashing import blake2_256

PLAIN = ChainSpec("Test Chain", "test", "Local", PlainGenesis({"balances": {"balances": []}}))


def changed(path: str, value: Any) -> dict[str, Any]:
    """The plain spec as JSON with the field at the dotted `path` replaced, or removed (`...`)."""
    whole: dict[str, Any] = json.loads(dumps(PLAIN))
    *parents, last = path.split(".")
    target = whole
    for name in parents:
        target = target[name]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return whole


def test_a_plain_specification_is_read_back_as_written() -> None:
    assert loads(dumps(PLAIN)) == PLAIN


@given(st.dictionaries(st.binary(max_size=40), st.binary(max_size=60)), st.lists(st.binary(max_size=50)))
def test_a_raw_specification_is_read_back_as_written(top: dict[bytes, bytes], blobs: list[bytes]) -> None:
    raw = RawGenesis(top, {blake2_256(blob): blob for blob in blobs})
    assert loads(dumps(PLAIN.with_raw(raw))) == PLAIN.with_raw(raw)


def test_optional_fields_have_the_chains_defaults() -> None:
    minimal = {"name": "n", "id": "i", "genesis": {"runtimeGenesis": {"config": {}}}}
    spec = from_json(minimal)
    assert spec.chain_type == "Live"
    assert spec.properties == {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "FIX"}
    assert spec.boot_nodes == ()


def test_a_fork_id_is_kept() -> None:
    spec = from_json(changed("forkId", "second"))
    assert spec.fork_id == "second"
    assert to_json(spec)["forkId"] == "second"


@pytest.mark.parametrize(
    ("path", "value", "reason", "where"),
    [
        ("name", ..., SpecFault.MISSING, "$.name"),
        ("name", 5, SpecFault.WRONG_TYPE, "$.name"),
        ("id", "../up", SpecFault.BAD_VALUE, "$.id"),
        ("id", "", SpecFault.BAD_VALUE, "$.id"),
        ("id", ".hidden", SpecFault.BAD_VALUE, "$.id"),
        ("chainType", "Imaginary", SpecFault.BAD_VALUE, "$.chainType"),
        ("bootNodes", [7], SpecFault.WRONG_TYPE, "$.bootNodes[0]"),
        ("codeSubstitutes", {"1": "0x00"}, SpecFault.BAD_VALUE, "$.codeSubstitutes"),
        ("properties", {"tokenDecimals": "12"}, SpecFault.WRONG_TYPE, "$.properties.tokenDecimals"),
        ("colour", "blue", SpecFault.UNKNOWN_FIELD, "$.colour"),
        ("genesis", ..., SpecFault.MISSING, "$.genesis"),
        ("genesis", {}, SpecFault.MISSING, "$.genesis"),
        ("genesis.raw", {"top": {}}, SpecFault.MISSING, "$.genesis"),
        ("genesis.runtimeGenesis", [], SpecFault.WRONG_TYPE, "$.genesis.runtimeGenesis"),
        ("genesis", {"raw": {}}, SpecFault.MISSING, "$.genesis.raw.top"),
        ("genesis", {"raw": {"top": {"00": "0x"}}}, SpecFault.WRONG_TYPE, "$.genesis.raw.top (a key)"),
        ("genesis", {"raw": {"top": {"0x00": "0xq"}}}, SpecFault.BAD_VALUE, "$.genesis.raw.top['0x00']"),
        ("genesis", {"raw": {"top": {"0x00": 3}}}, SpecFault.WRONG_TYPE, "$.genesis.raw.top['0x00']"),
        (
            "genesis",
            {"raw": {"top": {}, "childrenDefault": {"0x00": {}}}},
            SpecFault.BAD_VALUE,
            "$.genesis.raw.childrenDefault",
        ),
        (
            "genesis",
            {"raw": {"top": {}, "artifacts": [1]}},
            SpecFault.WRONG_TYPE,
            "$.genesis.raw.artifacts[0]",
        ),
    ],
)
def test_a_fault_is_named_with_its_path(path: str, value: Any, reason: SpecFault, where: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        from_json(changed(path, value))
    assert refused.value.reason is reason
    assert refused.value.path == where
    assert where in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff\xfe{}"])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidSpec) as refused:
        loads(text)
    assert refused.value.reason is SpecFault.NOT_JSON


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidSpec) as refused:
        loads("[]")
    assert refused.value.reason is SpecFault.WRONG_TYPE


def test_a_huge_file_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesis.spec.MAX_SPEC_BYTES", 10)
    with pytest.raises(InvalidSpec) as refused:
        loads(" " * 11)
    assert refused.value.reason is SpecFault.TOO_LARGE
