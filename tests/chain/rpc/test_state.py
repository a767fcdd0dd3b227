"""`state_*` calls through the dispatcher."""

from pathlib import Path
from typing import Any

import pytest

from chain.rpc import access, state
from chain.store import Pruning
from runtime.executive import UnknownApi
from runtime.pallets.system import System
from runtime.pallets.system.pallet import CODE_KEY
from runtime.primitives.hashing import blake2_64, blake2_256
from runtime.primitives.scale import codec
from runtime.primitives.trie import verify_proof
from tests.chain.chains import ALICE, BOB, GENESIS, RUNTIME, World
from tests.chain.rpc.support import Rpc, hexed

NUMBER = System.number.key()
ALICE_KEY = System.account.key(ALICE.public)
NOBODY = System.account.key(bytes(32))
UNKNOWN = b"\7" * 32


async def test_the_runtime_version_is_told_with_both_names_of_the_state_version(rpc: Rpc) -> None:
    version = await rpc.call("state_getRuntimeVersion")
    assert version == await rpc.call("chain_getRuntimeVersion", GENESIS.header.hash())
    known = RUNTIME.version
    assert version["specName"] == known.spec_name
    assert version["implName"] == known.impl_name
    assert (version["specVersion"], version["transactionVersion"]) == (
        known.spec_version,
        known.transaction_version,
    )
    assert version["systemVersion"] == version["stateVersion"] == 1
    assert ["0x" + blake2_64(b"Core").hex(), 5] in version["apis"]
    assert {"authoringVersion", "implVersion"} <= set(version)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("state_getRuntimeVersion", []),
        ("state_getStorage", [NUMBER]),
        ("state_getStorageHash", [NUMBER]),
        ("state_getStorageSize", [NUMBER]),
        ("state_getKeys", [b""]),
        ("state_getKeysPaged", [b"", 1, None]),
        ("state_getPairs", [b""]),
        ("state_queryStorageAt", [[NUMBER.hex()]]),
        ("state_getReadProof", [[NUMBER.hex()]]),
        ("state_call", ["Core_version", b""]),
        ("payment_queryInfo", [b""]),
        ("models_list", [None, 1]),
        ("inference_receipt", [UNKNOWN]),
    ],
)
async def test_an_unknown_block_is_named_in_substrates_words(rpc: Rpc, name: str, params: list[Any]) -> None:
    error = await rpc.refusal(name, *params, UNKNOWN)
    text = f"Client error: UnknownBlock: Header was not found in the database: {hexed(UNKNOWN)}"
    assert error == {"code": 4003, "message": text}


async def test_a_discarded_state_is_an_error_and_not_an_absent_value(tmp_path: Path) -> None:
    rpc = Rpc(tmp_path, World(pruning=Pruning.keep(1)))
    for _ in range(3):
        rpc.finalise(rpc.build())
    genesis = GENESIS.header.hash()
    text = f"Client error: Api called for an unknown Block: State already discarded for {hexed(genesis)}"
    for name in ("state_getStorage", "state_getStorageAt"):
        assert await rpc.refusal(name, NUMBER, genesis) == {"code": 4003, "message": text}
    assert (await rpc.refusal("state_getReadProof", [NUMBER.hex()], genesis))["message"] == text
    rpc.dispatcher.close()


async def test_a_proof_of_a_state_that_is_pruned_meanwhile_says_so(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc.store, "node_source", lambda: lambda _: None)
    response = await rpc.answer("state_getReadProof", [NUMBER.hex()])
    assert response["error"]["code"] == -32603, "a missing node of a kept state is a fault of the database"
    monkeypatch.setattr(rpc.store, "has_state", lambda _: False)
    error = await rpc.refusal("state_getReadProof", [NUMBER.hex()])
    assert "State already discarded for" in error["message"]


async def test_storage_is_read_at_any_block_with_hash_and_size(rpc: Rpc) -> None:
    rpc.build(rpc.world.transfer())
    value = rpc.store.state_at(rpc.store.best().hash).get(ALICE_KEY)
    old = rpc.store.state_at(GENESIS.header.hash()).get(ALICE_KEY)
    assert value != old
    for name in ("state_getStorage", "state_getStorageAt"):
        assert await rpc.call(name, ALICE_KEY) == hexed(value)
        assert await rpc.call(name, ALICE_KEY, GENESIS.header.hash()) == hexed(old)
        assert await rpc.call(name, NOBODY) is None
    assert await rpc.call("state_getStorageHash", ALICE_KEY) == hexed(blake2_256(value))
    assert await rpc.call("state_getStorageSizeAt", ALICE_KEY) == len(value)
    assert await rpc.call("state_getStorageHashAt", NOBODY) is None
    assert await rpc.call("state_getStorageSize", NOBODY) is None
    assert await rpc.call("state_getStorage", CODE_KEY), "clients need :code"


async def test_metadata_is_answered_bare_in_version_14(rpc: Rpc) -> None:
    blob = await rpc.call("state_getMetadata")
    assert blob.startswith("0x6d6574610e")
    assert await rpc.call("state_getMetadata", GENESIS.header.hash()) == blob
    wrapped = bytes.fromhex((await rpc.call("state_call", "Metadata_metadata", "0x"))[2:])
    assert codec(bytes).decode(wrapped).hex() == blob[2:]
    assert (await rpc.refusal("state_getMetadata", UNKNOWN))["code"] == 4003


async def test_keys_come_in_pages_that_follow_each_other(rpc: Rpc) -> None:
    prefix = System.account.prefix
    everything = await rpc.call("state_getKeys", prefix)
    assert everything == sorted(key for key in everything if key.startswith(hexed(prefix)))
    paged: list[str] = []
    start = None
    while page := await rpc.call("state_getKeysPaged", prefix, 5, start):
        assert len(page) <= 5
        paged += page
        start = page[-1]
    assert paged == everything
    assert len(paged) > 5
    assert await rpc.call("state_getKeysPagedAt", None, 1, None, GENESIS.header.hash())
    assert await rpc.call("state_getKeysPaged", prefix, 0) == []


async def test_a_page_of_more_than_a_thousand_keys_is_refused(rpc: Rpc) -> None:
    error = await rpc.refusal("state_getKeysPaged", "0x", 1001)
    assert error == {"code": 4002, "message": "count exceeds maximum value. value: 1001, max: 1000"}


async def test_listings_without_pages_are_bounded(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = await rpc.call("state_getPairs", System.account.prefix)
    view = rpc.store.state_at(rpc.store.best().hash)
    assert pairs
    assert all(hexed(view.get(bytes.fromhex(key[2:]))) == value for key, value in pairs)
    monkeypatch.setattr(state, "MAX_UNPAGED_KEYS", 3)
    for name in ("state_getKeys", "state_getPairs"):
        error = await rpc.refusal(name, System.account.prefix)
        assert error["code"] == 4004
        assert "use state_getKeysPaged" in error["message"]


async def test_values_that_could_not_be_sent_are_not_gathered(
    rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MAX_VALUE_BYTES", 1000)
    keys = [hexed(ALICE_KEY)]
    assert await rpc.call("state_queryStorageAt", keys)
    for name, params in (("state_queryStorageAt", [keys * 9]), ("state_getPairs", [System.account.prefix])):
        assert (await rpc.refusal(name, *params))["code"] == -32008


async def test_several_values_are_read_at_once(rpc: Rpc) -> None:
    built = rpc.build()
    [answer] = await rpc.call("state_queryStorageAt", [hexed(NUMBER), NOBODY.hex()])
    assert answer["block"] == hexed(built.stored.hash)
    assert answer["changes"] == [[hexed(NUMBER), "0x01000000"], [hexed(NOBODY), None]]


async def test_too_many_keys_in_one_call_are_refused(rpc: Rpc) -> None:
    for name, limit in (("state_queryStorageAt", access.MAX_KEYS), ("state_getReadProof", 1000)):
        error = await rpc.refusal(name, ["0x00"] * (limit + 1))
        assert error["code"] == -32602
        assert f"at most {limit}" in error["data"]


async def test_a_range_tells_the_values_and_then_their_changes(rpc: Rpc) -> None:
    genesis = GENESIS.header.hash()
    first, second, third = rpc.build(), rpc.build(rpc.world.transfer()), rpc.build()
    keys = [hexed(ALICE_KEY), hexed(NOBODY)]
    start, changed = await rpc.call("state_queryStorage", keys, genesis)
    assert start["block"] == hexed(genesis)
    assert [key for key, _ in start["changes"]] == keys
    assert changed["block"] == hexed(second.stored.hash)
    assert [key for key, _ in changed["changes"]] == [hexed(ALICE_KEY)]
    assert await rpc.call("state_queryStorage", keys, genesis, first.stored.hash) == [start]
    assert len(await rpc.call("state_queryStorage", [hexed(NUMBER)], genesis, third.stored.hash)) == 4


async def test_a_range_that_is_none_is_refused_with_the_reason(
    rpc: Rpc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genesis = GENESIS.header.hash()
    built = [rpc.build() for _ in range(3)]
    head = built[-1].stored.hash
    other = World()
    fork = other.build(other.remark(b"fork"))
    rpc.world.importer.import_block(other.received(fork.stored.hash), 10**15)

    async def refused(start: bytes, end: bytes) -> str:
        error = await rpc.refusal("state_queryStorage", [hexed(NUMBER)], start, end)
        assert error["code"] == 4001
        assert error["message"].startswith(f"Cannot resolve a block range ['{hexed(start)}'")
        return str(error["message"])

    assert "unknown" in await refused(UNKNOWN, head)
    assert "ends before it begins" in await refused(head, genesis)
    assert "different branches" in await refused(fork.stored.hash, head)
    monkeypatch.setattr(state, "MAX_RANGE", 3)
    assert "too many" in await refused(genesis, head)


async def test_a_read_proof_shows_values_and_absence_to_who_knows_the_root(rpc: Rpc) -> None:
    built = rpc.build(rpc.world.transfer())
    answer = await rpc.call("state_getReadProof", [hexed(ALICE_KEY), hexed(NOBODY)])
    assert answer["at"] == hexed(built.stored.hash)
    assert answer["proof"] == sorted(answer["proof"])
    proof = [bytes.fromhex(node[2:]) for node in answer["proof"]]
    root = rpc.store.header(built.stored.hash).state_root
    proved = verify_proof(root, proof, [ALICE_KEY, NOBODY])
    assert proved == {ALICE_KEY: rpc.store.state_at(built.stored.hash).get(ALICE_KEY), NOBODY: None}


async def test_runtime_interfaces_answer_over_the_state_of_the_block(rpc: Rpc) -> None:
    assert await rpc.call("state_call", "Core_version", "") == hexed(RUNTIME.version.encode())
    rpc.build(rpc.world.transfer())
    nonce = ("AccountNonceApi_account_nonce", ALICE.public.hex())
    assert await rpc.call("state_call", *nonce) == "0x01000000"
    assert await rpc.call("state_callAt", *nonce, GENESIS.header.hash()) == "0x00000000"


async def test_validity_is_told_at_the_block_that_was_asked_for(rpc: Rpc) -> None:
    transaction = rpc.world.transfer(signer=BOB)
    built = rpc.build(transaction)
    name = "TaggedTransactionQueue_validate_transaction"
    question = b"\2" + transaction.encoded + GENESIS.header.hash()
    assert (await rpc.call("state_call", name, question, GENESIS.header.hash()))[:4] == "0x00"
    question = b"\2" + transaction.encoded + built.stored.hash
    assert await rpc.call("state_call", name, question) == "0x010003", "Invalid, Stale"


async def test_an_unknown_interface_is_named_in_the_text_that_clients_compare(rpc: Rpc) -> None:
    error = await rpc.refusal("state_call", "Metadata_nothing", "0x")
    text = "Client error: Execution failed: Other: Exported method Metadata_nothing is not found"
    assert error == {"code": 4003, "message": text}
    assert str(UnknownApi("Metadata_nothing")) in text


async def test_parameters_that_an_interface_cannot_read_are_refused(rpc: Rpc) -> None:
    error = await rpc.refusal("state_call", "AccountNonceApi_account_nonce", "0x1234")
    assert error["code"] == 4003
    assert "Bad input data provided to AccountNonceApi_account_nonce" in error["message"]
