"""Headers, digests and blocks."""

import json
from pathlib import Path

import pytest

from runtime.primitives.block import Block
from runtime.primitives.digest import Consensus, Digest, Other, PreRuntime, RuntimeEnvironmentUpdated, Seal
from runtime.primitives.extrinsic import BareExtrinsic
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale, ScaleReason

GENESIS = json.loads((Path(__file__).parents[2] / "vectors" / "genesis_header_hashes.json").read_text())
SEAL = Seal(b"BABE", bytes(64))
PRE = PreRuntime(b"BABE", b"\x02" + bytes(12))
HEADER = Header(b"\1" * 32, 70_000, b"\2" * 32, b"\3" * 32, Digest((PRE, Consensus(b"FRNK", b"x"), SEAL)))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.mark.parametrize("entry", GENESIS, ids=lambda e: e["chain"])
def test_the_genesis_hash_of_a_public_chain_is_that_of_its_header(entry: dict[str, str]) -> None:
    header = Header(bytes(32), 0, unhex(entry["stateRoot"]), unhex(entry["extrinsicsRoot"]))
    assert header.hash() == unhex(entry["genesisHash"])


def test_a_header_is_its_five_fields_in_order() -> None:
    raw = HEADER.encode()
    assert raw.startswith(b"\1" * 32 + bytes.fromhex("c2450400") + b"\2" * 32 + b"\3" * 32 + b"\x0c\x06BABE")
    assert Header.decode(raw) == HEADER


def test_the_author_signs_the_header_without_its_seal() -> None:
    unsealed = HEADER.without_seal()
    assert unsealed.digest.logs == HEADER.digest.logs[:-1]
    assert unsealed.without_seal() == unsealed
    assert unsealed.digest.pushed(SEAL) == HEADER.digest
    assert HEADER.digest.seal == SEAL
    assert unsealed.digest.seal is None
    assert Digest().seal is None


def test_every_kind_of_digest_item_keeps_its_index() -> None:
    logs = (Other(b"o"), Consensus(b"FRNK", b""), SEAL, PRE, RuntimeEnvironmentUpdated())
    for item, index in zip(logs, (0, 4, 5, 6, 8), strict=True):
        header = Header(bytes(32), 0, bytes(32), bytes(32), Digest((item,)))
        assert header.encode()[98] == index
        assert Header.decode(header.encode()) == header


def test_a_digest_item_of_unknown_kind_is_refused() -> None:
    raw = bytearray(Header(bytes(32), 0, bytes(32), bytes(32), Digest((Other(b""),))).encode())
    raw[98] = 7
    with pytest.raises(InvalidScale) as refused:
        Header.decode(bytes(raw))
    assert refused.value.reason is ScaleReason.UNKNOWN_VARIANT
    assert refused.value.offset == 98


def test_a_block_carries_its_extrinsics_as_they_are() -> None:
    extrinsics = [BareExtrinsic(b"\1\0\0").encode(), BareExtrinsic(bytes(100)).encode()]
    block = Block(HEADER, extrinsics)
    assert block.encode() == HEADER.encode() + b"\x08" + b"".join(extrinsics)
    assert Block.decode(block.encode()) == block
    assert block.hash() == HEADER.hash()


def test_a_cut_block_is_refused() -> None:
    raw = Block(HEADER, [BareExtrinsic(b"\1\0\0").encode()]).encode()
    for end in range(len(raw)):
        with pytest.raises(InvalidScale):
            Block.decode(raw[:end])
