"""The same sources give the same bytes, and other rules have another spec version."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.configuration import VERSION
from runtime.metadata import MAGIC, VERSIONS, encode
from runtime.metadata.form import Metadata
from runtime.primitives.hashing import blake2_256

RECORDED = Path(__file__).with_name("digests.json")
BUILD = """
from runtime.configuration import build_runtime
from runtime.executive import RuntimeApi
from runtime.frame.engine import NoEngine
from runtime.metadata import VERSIONS
api = RuntimeApi(build_runtime(NoEngine()))
print(*[api.metadata(version).hex() for version in VERSIONS])
"""


def test_two_builds_under_different_hash_seeds_give_the_same_bytes() -> None:
    built = [
        subprocess.run(
            [sys.executable, "-c", BUILD],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=Path(__file__).resolve().parents[3],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    ]
    assert built[0] == built[1]
    blobs = [bytes.fromhex(each) for each in built[0].decode().split()]
    assert [blob[:5] for blob in blobs] == [MAGIC + bytes([version]) for version in VERSIONS]


def without_docs(part: Any) -> Any:
    """Decoded metadata without what is only said to people, and bytes as hex."""
    match part:
        case dict():
            return {str(key): without_docs(each) for key, each in part.items() if key != "docs"}
        case list() | tuple():
            return [without_docs(each) for each in part]
        case bytes():
            return part.hex()
        case _:
            return part


def test_a_change_of_any_pallet_has_a_new_spec_version(newest: dict[str, Any]) -> None:
    digest = blake2_256(json.dumps(without_docs(newest), sort_keys=True).encode()).hex()
    recorded = json.loads(RECORDED.read_text())
    known = recorded.get(str(VERSION.spec_version))
    assert digest == known, (
        f"The metadata of spec version {VERSION.spec_version} has the digest {digest}, recorded is {known}. "
        "Storage, calls, events, errors, constants or interfaces differ. If nodes of this spec version run "
        "anywhere, raise `spec_version` in runtime/configuration.py (and `transaction_version` where calls "
        "changed) and keep the old rules for old blocks. Then record the digest in "
        f'{RECORDED.name}: "{VERSION.spec_version}": "{digest}".'
    )


def test_a_version_that_is_not_served_is_not_encoded() -> None:
    empty = Metadata((), (), None, 0, 0, 0, 0, ())  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        encode(empty, 13)
