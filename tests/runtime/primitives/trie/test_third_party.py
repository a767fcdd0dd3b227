"""Proofs and states of real networks. The data belong to others and are read in place, where present."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.primitives.trie import (
    CHILD_PREFIX,
    InvalidProof,
    ProofFault,
    ProofReader,
    apply,
    build,
    extrinsics_root,
    iterate,
    root_of,
    verify_prefix_proof,
    verify_proof,
)

FOLDER = Path(__file__).parents[5] / "shared" / "vectors" / "third_party"


def read(name: str) -> bytes:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(
            f"third-party vector {name} is not in ../shared/vectors/third_party beside the repository"
        )
    return path.read_bytes()


def read_json(name: str) -> Any:
    return json.loads(read(name))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def storage_proof(data: bytes) -> list[bytes]:
    """The entries of a SCALE `StorageProof`, Vec<Vec<u8>>."""

    def length(at: int) -> tuple[int, int]:
        width = (1, 2, 4)[data[at] & 3]
        return int.from_bytes(data[at : at + width], "little") >> 2, at + width

    def entries() -> Iterator[bytes]:
        count, at = length(0)
        for _ in range(count):
            size, at = length(at)
            yield data[at : at + size]
            at += size
        assert at == len(data)

    return list(entries())


def test_a_polkadot_genesis_proof_shows_a_value_and_an_absence() -> None:
    vectors = read_json("smoldot_trie_proofs.json")
    proof = storage_proof(unhex(vectors["proofs"]["EXAMPLE_PROOF"]))
    expected = {name: unhex(text) for name, text in vectors["example_expect"].items()}
    root, key, absent = expected["root"], expected["key"], expected["absent_key"]
    assert verify_proof(root, proof, [key, absent]) == {key: expected["value"], absent: None}
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(root, proof, [expected["incomplete_key"]])
    assert refusal.value.reason is ProofFault.INCOMPLETE
    with pytest.raises(InvalidProof) as refusal:
        verify_proof(bytes(32), proof, [b""])
    assert refusal.value.reason is ProofFault.ROOT_ABSENT


def test_all_922_validators_are_below_the_prefix() -> None:
    vectors = read_json("smoldot_prefix_proof_staking_validators.json")
    rounds = [storage_proof(unhex(proof)) for proof in vectors["proofs"]]
    proof = sorted({entry for entries in rounds for entry in entries})
    found = verify_prefix_proof(unhex(vectors["trie_root_hash"]), proof, unhex(vectors["prefix"]))
    assert sorted(found) == sorted(unhex(key) for key in vectors["expected_entries"])
    assert len(found) == 922


QUEUE = "63f78c98723ddc9073523ef3beefda0ca95dac46c07a40d91506e7637ec4ba57"
FIRST = QUEUE + "071ceff5b0f64d362e080000"
SECOND = QUEUE + "0f474ee85a3cd622f8070000"


@pytest.mark.parametrize(
    ("name", "root", "after", "following"),
    [
        (
            "issue_2035_proof.bin",
            "f72fa98efbf23c21d162a6690a2412d0b2e3d2e769cab46a7eb6004138ebeda7",
            QUEUE,
            FIRST,
        ),
        (
            "issue_2035_bis_proof.bin",
            "f119f9b4d26ca952df2698c929da6b8877a53e9f649f2c3fd3dcc391771dfb62",
            FIRST,
            SECOND,
        ),
        (
            "issue_2035_ter_proof.bin",
            "293aa6e077dbe7090ca71154dba71af3d43f61736b1a6e900cd771ac08c18e3c",
            QUEUE,
            FIRST,
        ),
    ],
)
def test_the_next_key_is_found_in_the_proof_of_a_runtime_call(
    name: str, root: str, after: str, following: str
) -> None:
    reader = ProofReader(unhex(root), storage_proof(read(name)))
    key, _ = next(iterate(unhex(root), reader.source, start_after=unhex(after)))
    assert key.hex() == following
    with pytest.raises(InvalidProof) as refusal:
        reader.finish()
    assert refusal.value.reason is ProofFault.UNUSED


def test_kusamas_genesis_root_is_reproduced_by_all_builders() -> None:
    spec = json.loads(gzip.decompress(read("kusama_chain-spec-raw.json.gz")))
    raw = spec["genesis"]["raw"]["top"] if "top" in spec["genesis"]["raw"] else spec["genesis"]["raw"][0]
    entries = {unhex(key): unhex(value) for key, value in raw.items()}
    expected = unhex("b0006203c3a6e6bd2c6a17b1d4ae8ca49a31da0f4579da950b127774b44aef6b")
    assert len(entries) == 3419
    assert root_of(entries, version=0) == expected
    assert build(sorted(entries.items()), version=0) == expected
    records: list[tuple[bytes, bytes]] = []
    half = dict(list(entries.items())[::2])
    first = build(sorted(half.items()), 0, records.append)
    assert apply(first, entries, dict(records).get, version=0).root == expected


def test_child_trie_roots_of_a_real_runtime_are_reproduced() -> None:
    for case in read_json("child_tries_and_extrinsics_roots.json")["child_tries"]:
        entries = {unhex(key): unhex(value) for key, value in case["entries"]}
        assert unhex(case["main_trie_key"]) == CHILD_PREFIX + unhex(case["child_key"])
        assert root_of(entries) == unhex(case["root"])


def test_extrinsics_roots_of_real_blocks_are_reproduced() -> None:
    for case in read_json("child_tries_and_extrinsics_roots.json")["extrinsics_roots"]:
        assert extrinsics_root([unhex(extrinsic) for extrinsic in case["body"]]) == unhex(
            case["extrinsicsRoot"]
        )
