"""`system_*` through the dispatcher."""

from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.core import SyncStatus
from chain.peering import Peering
from chain.rpc import build_table
from chain.rpc.table import program_version
from chain.store import MemoryKeyValue, Pruning
from genesis.presets import dev
from network.address import parse_address
from network.identity import Identity, peer_name
from network.messages import BlockPoint, PeerId, Role, Status
from network.service import PeerInfo
from runtime.executive import TransactionSource
from runtime.frame.errors import DispatchError, InvalidTransaction, Token, TokenError
from runtime.primitives.scale import codec
from tests.chain.chains import ALICE, BOB, RUNTIME, World
from tests.chain.rpc.support import Rpc, hexed


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("system_name", "Fixpoint Node"),
        ("system_version", "1.2.3"),
        ("system_chain", "Development"),
        ("system_chainType", "Development"),
        ("system_properties", {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "FIX"}),
        ("system_health", {"peers": 0, "isSyncing": False, "shouldHavePeers": False}),
        ("system_nodeRoles", ["Authority"]),
        ("system_peers", []),
        ("system_localPeerId", "12D3KooWTest"),
        ("system_localListenAddresses", []),
    ],
)
async def test_the_node_says_who_it_is(rpc: Rpc, name: str, result: object) -> None:
    assert await rpc.call(name) == result


async def test_every_method_that_clients_look_for_is_listed(rpc: Rpc) -> None:
    listed = set((await rpc.call("rpc_methods"))["methods"])
    wanted = """
        system_name system_version system_chain system_chainType system_properties system_health
        system_nodeRoles system_peers system_syncState system_localPeerId system_localListenAddresses
        system_addReservedPeer system_removeReservedPeer system_reservedPeers
        system_accountNextIndex account_nextIndex system_dryRun
        chain_getHeader chain_getBlock chain_getBlockHash chain_getHead chain_getFinalizedHead
        chain_getFinalisedHead chain_getRuntimeVersion chain_subscribeRuntimeVersion
        chain_subscribeNewHeads chain_unsubscribeNewHeads chain_subscribeNewHead chain_unsubscribeNewHead
        subscribe_newHead unsubscribe_newHead chain_subscribeAllHeads chain_unsubscribeAllHeads
        chain_subscribeFinalizedHeads chain_unsubscribeFinalizedHeads chain_subscribeFinalisedHeads
        state_getRuntimeVersion state_getStorage state_getStorageAt state_getStorageHash
        state_getStorageHashAt state_getStorageSize state_getStorageSizeAt state_getKeys state_getKeysPaged
        state_getKeysPagedAt state_getPairs state_queryStorage state_queryStorageAt state_getReadProof
        state_call state_callAt state_subscribeStorage state_unsubscribeStorage
        state_subscribeRuntimeVersion state_unsubscribeRuntimeVersion
        author_submitExtrinsic author_submitAndWatchExtrinsic author_unwatchExtrinsic
        author_pendingExtrinsics author_removeExtrinsic author_insertKey author_hasKey
        author_hasSessionKeys author_rotateKeys payment_queryInfo payment_queryFeeDetails
        models_list models_get models_artifact inference_estimate inference_dryRun inference_receipt
        engine_createBlock engine_finalizeBlock rpc_methods
    """
    assert set(wanted.split()) <= listed
    # A client takes a group of the new specification whole as soon as one of its methods is listed.
    groups = """
        chainHead_v1_follow chainHead_v1_unfollow chainHead_v1_header chainHead_v1_body chainHead_v1_call
        chainHead_v1_storage chainHead_v1_unpin chainHead_v1_continue chainHead_v1_stopOperation
        chainSpec_v1_chainName chainSpec_v1_genesisHash chainSpec_v1_properties
        transaction_v1_broadcast transaction_v1_stop
        transactionWatch_v1_submitAndWatch transactionWatch_v1_unwatch
        archive_v1_body archive_v1_call archive_v1_finalizedHeight archive_v1_genesisHash
        archive_v1_hashByHeight archive_v1_header archive_v1_storage archive_v1_stopStorage
        archive_v1_storageDiff archive_v1_stopStorageDiff archive_v1_storageDiff_stopStorageDiff
    """
    assert {name for name in listed if "_v1_" in name} == set(groups.split())


@pytest.mark.parametrize(
    "name",
    [
        "system_peers",
        "system_addReservedPeer",
        "system_removeReservedPeer",
        "system_dryRun",
        "state_getPairs",
        "state_queryStorage",
        "author_removeExtrinsic",
        "author_insertKey",
        "author_hasKey",
        "author_hasSessionKeys",
        "author_rotateKeys",
        "engine_createBlock",
        "engine_finalizeBlock",
    ],
)
async def test_unsafe_methods_are_denied_to_strangers(rpc: Rpc, name: str) -> None:
    error = await rpc.refusal(name, unsafe=False)
    assert error == {"code": -32601, "message": "RPC call is unsafe to be called externally"}


async def test_the_synchronisation_state_follows_the_best_block(rpc: Rpc) -> None:
    rpc.build()
    state = await rpc.call("system_syncState")
    assert state == {"startingBlock": 0, "currentBlock": 1, "highestBlock": 1}


@pytest.mark.parametrize("name", ["system_accountNextIndex", "account_nextIndex"])
async def test_the_next_nonce_counts_what_waits_in_the_pool(rpc: Rpc, name: str) -> None:
    assert await rpc.call(name, ALICE.address()) == 0
    await rpc.call("author_submitExtrinsic", rpc.world.transfer().encoded)
    assert await rpc.call(name, ALICE.address()) == 1
    assert await rpc.call(name, ALICE.public) == 1
    assert await rpc.call(name, BOB.address()) == 0


async def test_an_address_with_a_wrong_checksum_is_refused(rpc: Rpc) -> None:
    error = await rpc.refusal("system_accountNextIndex", ALICE.address()[:-1] + "1")
    assert error["code"] == -32602
    assert "SS58" in error["data"]


async def test_a_dry_run_of_a_good_transaction_answers_two_zeros_and_changes_nothing(rpc: Rpc) -> None:
    before = rpc.store.best()
    assert await rpc.call("system_dryRun", rpc.world.transfer().encoded) == "0x0000"
    assert rpc.store.best() == before
    assert rpc.transactions.pending() == []


async def test_a_dry_run_of_a_failing_call_answers_its_error(rpc: Rpc) -> None:
    answer = await rpc.call("system_dryRun", rpc.world.transfer(amount=10**30).encoded)
    error = Token(TokenError.FundsUnavailable)
    assert answer == hexed(b"\0\1" + codec(DispatchError).encode(error))


async def test_a_dry_run_of_an_invalid_transaction_answers_why(rpc: Rpc) -> None:
    spent = rpc.world.transfer()
    built = rpc.build(spent)
    with pytest.raises(InvalidTransaction) as stale:
        RUNTIME.validate_transaction(
            spent.encoded, rpc.store.state_at(built.stored.hash), built.stored.hash, TransactionSource.Local
        )
    assert await rpc.call("system_dryRun", spent.encoded) == hexed(b"\1" + stale.value.encode())
    assert await rpc.call("system_dryRun", spent.encoded, rpc.store.genesis_hash) == "0x0000"


async def test_a_dry_run_of_other_bytes_is_a_decoding_error(rpc: Rpc) -> None:
    error = await rpc.refusal("system_dryRun", "0x1234")
    assert (error["code"], error["message"]) == (2, "Unable to dry run extrinsic.")


def test_the_program_has_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert program_version()

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert program_version() == "unknown"


@pytest.mark.parametrize("pruning", [Pruning.ARCHIVE, Pruning.keep(256)])
@pytest.mark.parametrize("legacy_only", [False, True])
def test_a_node_serves_all_sections_it_may(tmp_path: Path, pruning: Pruning, legacy_only: bool) -> None:
    rpc = Rpc(tmp_path, World(MemoryKeyValue(), pruning))
    node: Any = SimpleNamespace(
        store=rpc.store,
        runtime=RUNTIME,
        transactions=rpc.transactions,
        notifications=rpc.notifications,
        keystore=rpc.keystore,
        spec=dev(),
        identity=Identity.from_seed(bytes(32)),
        config=SimpleNamespace(validator=False, rpc_legacy_only=legacy_only),
        peering=rpc.peering,
    )
    absent = "_v1_" if legacy_only else "archive_v1_" if pruning.kept_states else "nothing"
    expected = [name for name in rpc.table.names()["methods"] if absent not in name]
    assert build_table(node).names() == {"methods": expected}
    rpc.dispatcher.close()


class Peers(Peering):
    """A network of one peer, far ahead."""

    def __init__(self) -> None:
        super().__init__(None, lambda: SyncStatus(77, True, 1))
        self.wanted = dict[PeerId, str]()

    def peers(self) -> list[PeerInfo]:
        status = Status(bytes(32), Role.AUTHORITY, BlockPoint(b"b" * 32, 77), BlockPoint(bytes(32), 70), "t")
        return [PeerInfo(PEER, status, "10.0.0.1", False, 0)]

    def reserve(self, address: str) -> None:
        parsed = parse_address(address, with_peer=True)
        assert parsed.peer is not None
        self.wanted[parsed.peer] = address

    def release(self, peer: PeerId) -> None:
        self.wanted.pop(peer, None)

    def reserved(self) -> list[PeerId]:
        return list(self.wanted)


PEER = Identity.from_seed(bytes(32)).peer


@pytest.fixture
def connected(tmp_path: Path) -> Rpc:
    return Rpc(tmp_path / "keys", peering=Peers())


async def test_a_node_that_is_behind_tells_of_its_peers_and_of_the_highest_block(connected: Rpc) -> None:
    assert await connected.call("system_health") == {"peers": 1, "isSyncing": True, "shouldHavePeers": False}
    assert await connected.call("system_peers") == [
        {
            "peerId": peer_name(PEER),
            "roles": "AUTHORITY",
            "bestHash": "0x" + (b"b" * 32).hex(),
            "bestNumber": 77,
        }
    ]
    state = await connected.call("system_syncState")
    assert state == {"startingBlock": 0, "currentBlock": 0, "highestBlock": 77}


async def test_reserved_peers_are_added_by_address_and_removed_by_name(connected: Rpc) -> None:
    address = f"/ip4/10.0.0.1/tcp/1/ws/p2p/{peer_name(PEER)}"
    assert await connected.call("system_addReservedPeer", address) is None
    assert await connected.call("system_reservedPeers") == [peer_name(PEER)]
    assert await connected.call("system_removeReservedPeer", peer_name(PEER)) is None
    assert await connected.call("system_reservedPeers") == []
    refusal = await connected.refusal("system_addReservedPeer", "/ip4/1.2.3.4/tcp/1")
    assert "the peer is missing" in refusal["message"]
    assert (await connected.refusal("system_removeReservedPeer", "nobody"))["code"] == 2000
