"""Session keys and blocks on request, through the dispatcher."""

from pathlib import Path

import pytest

from chain.keystore import KeyType, public_key
from genesis.authority import block_key, finality_key
from runtime.primitives.hashing import blake2_256
from tests.chain.chains import ALICE
from tests.chain.rpc.support import Rpc, hexed

BLOCK = block_key("//Dave").public
FINALITY = finality_key("//Dave").public


async def test_a_key_is_inserted_and_found(rpc: Rpc) -> None:
    assert await rpc.call("author_hasKey", BLOCK, "babe") is False
    assert await rpc.call("author_insertKey", "babe", "//Dave", BLOCK) is None
    assert await rpc.call("author_hasKey", BLOCK, "babe") is True
    assert await rpc.call("author_hasKey", BLOCK, "gran") is False
    assert await rpc.call("author_hasSessionKeys", BLOCK + FINALITY) is False
    await rpc.call("author_insertKey", "gran", "//Dave", FINALITY)
    assert await rpc.call("author_hasSessionKeys", BLOCK + FINALITY) is True


@pytest.mark.parametrize(
    ("params", "code", "told"),
    [
        (("aura", "//Dave", BLOCK), 1017, "babe or gran"),
        (("babe", "//Dave", FINALITY), -32602, hexed(BLOCK)),
        (("babe", "no such phrase", BLOCK), -32602, "gives no babe key"),
        (("babe", "//Dave/soft", BLOCK), -32602, "gives no babe key"),
    ],
)
async def test_a_key_that_cannot_be_is_refused_and_its_secret_not_repeated(
    rpc: Rpc, params: tuple[str, str, bytes], code: int, told: str
) -> None:
    error = await rpc.refusal("author_insertKey", *params)
    assert error["code"] == code
    assert told in error["data"]
    assert params[1] not in str(error)
    assert rpc.keystore.entries() == ()


async def test_session_keys_of_another_length_are_refused(rpc: Rpc) -> None:
    error = await rpc.refusal("author_hasSessionKeys", BLOCK)
    assert error["code"] == -32602
    assert "32 (babe) + 48 (gran)" in error["data"]


async def test_rotated_keys_are_new_stored_and_usable(rpc: Rpc) -> None:
    keys = await rpc.call("author_rotateKeys")
    assert keys != await rpc.call("author_rotateKeys")
    assert await rpc.call("author_hasSessionKeys", keys) is True
    public = bytes.fromhex(keys[2:])
    assert rpc.keystore.block_key(public[:32]).public == public[:32]
    assert rpc.keystore.finality_key(public[32:]).public == public[32:]


async def test_a_keystore_that_cannot_be_written_is_named(rpc: Rpc, tmp_path: Path) -> None:
    (tmp_path / "keystore").write_text("a file where the folder should be")
    error = await rpc.refusal("author_rotateKeys")
    assert (error["code"], error["message"]) == (1000, "The key store is unavailable")
    assert str(tmp_path) in error["data"]


def test_the_development_keys_are_those_of_the_preset() -> None:
    assert public_key(KeyType.BLOCK, "//Dave") == BLOCK


async def test_a_block_is_made_on_request_with_what_waits(rpc: Rpc) -> None:
    one = rpc.world.transfer()
    await rpc.call("author_submitExtrinsic", one.encoded)
    created = await rpc.call("engine_createBlock", False, False)
    assert created["hash"] == hexed(rpc.store.best().hash)
    assert created["aux"]["is_new_best"] is True
    body = rpc.store.body(rpc.store.best().hash)
    assert one.hash in [blake2_256(each) for each in body]
    assert rpc.store.finalized().number == 0
    assert await rpc.call("engine_finalizeBlock", created["hash"]) is True
    assert rpc.store.finalized().number == 1
    assert await rpc.call("system_accountNextIndex", ALICE.address()) == 1


async def test_a_block_on_request_is_empty_and_final_by_default(rpc: Rpc) -> None:
    await rpc.call("engine_createBlock")
    assert rpc.store.finalized() == rpc.store.best()
    assert rpc.store.best().number == 1


async def test_what_cannot_be_sealed_is_refused_with_the_reason(rpc: Rpc) -> None:
    empty = await rpc.refusal("engine_createBlock", False, True)
    assert empty["code"] == 14_000
    assert "no transaction is ready" in empty["message"]
    assert (await rpc.refusal("engine_finalizeBlock", bytes(32)))["code"] == 14_000
    assert rpc.store.best().number == 0
