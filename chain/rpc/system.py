"""`system_*`: which node and chain this is, and how it is doing."""

from dataclasses import dataclass
from typing import Protocol

from chain.rpc.access import block_or_best
from chain.rpc.failures import DECODE_ERROR, reported
from chain.store import Store
from chain.transactions import Transactions
from genesis.spec import ChainSpec
from network.address import InvalidAddress
from network.identity import InvalidPeerName, parse_peer_name, peer_name
from network.messages import PeerId, Role
from network.rpc import Json, RpcError, method
from network.rpc.parameters import Account, BlockHash, Hex
from network.service import PeerInfo
from runtime.executive import Runtime
from runtime.frame.errors import BlockReason, DispatchError, InvalidTransaction
from runtime.primitives.scale import codec

_DISPATCH_ERROR = codec(DispatchError)

PEER_ERROR = 2_000
"""Substrate's code for `system_addReservedPeer` and its like."""


class Network(Protocol):
    """What a node knows of its peers."""

    @property
    def should_have_peers(self) -> bool:
        """Whether the node belongs to a network at all."""
        ...

    @property
    def is_syncing(self) -> bool:
        """Whether it is far behind its peers."""
        ...

    @property
    def highest_block(self) -> int:
        """The highest block that it has heard of."""
        ...

    def peers(self) -> list[PeerInfo]:
        """The connected peers."""
        ...

    def listen_addresses(self) -> list[str]:
        """Where peers reach it."""
        ...

    def reserve(self, address: str) -> None:
        """Keep a connection to a peer. Raises `InvalidAddress`."""
        ...

    def release(self, peer: PeerId) -> None:
        """Treat a reserved peer like others."""
        ...

    def reserved(self) -> list[PeerId]:
        """The peers that are always wanted."""
        ...


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What a node says of itself. `version` is the program's, `peer_id` its name among peers."""

    version: str
    peer_id: str
    is_authority: bool
    name: str = "Fixpoint Node"


class SystemMethods:
    """The section `system`."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        transactions: Transactions,
        spec: ChainSpec,
        identity: NodeIdentity,
        network: Network,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._transactions = transactions
        self._spec = spec
        self._identity = identity
        self._network = network
        self._first_block = store.best().number

    @method("system_name")
    def name(self) -> str:
        """The name of this node's implementation."""
        return self._identity.name

    @method("system_version")
    def version(self) -> str:
        """The version of this node's implementation."""
        return self._identity.version

    @method("system_chain")
    def chain(self) -> str:
        """The name of the chain."""
        return self._spec.name

    @method("system_chainType")
    def chain_type(self) -> str:
        """Development, Local or Live."""
        return self._spec.chain_type

    @method("system_properties")
    def properties(self) -> Json:
        """How clients show the chain's amounts and addresses: ss58Format, tokenDecimals, tokenSymbol."""
        return dict(self._spec.properties)

    @method("system_health")
    def health(self) -> Json:
        """How many peers there are, whether the node is synchronising, and whether it should have peers."""
        return {
            "peers": len(self._network.peers()),
            "isSyncing": self._network.is_syncing,
            "shouldHavePeers": self._network.should_have_peers,
        }

    @method("system_nodeRoles")
    def node_roles(self) -> list[str]:
        """Authority, for a node that authors blocks, or Full."""
        return ["Authority" if self._identity.is_authority else "Full"]

    @method("system_peers", unsafe=True)
    def peers(self) -> list[Json]:
        """The peers that this node is connected to, as they were when they connected."""
        return [
            {
                "peerId": peer_name(one.peer),
                "roles": "AUTHORITY" if one.status.role is Role.AUTHORITY else "FULL",
                "bestHash": one.status.best.hash,
                "bestNumber": one.status.best.number,
            }
            for one in self._network.peers()
        ]

    @method("system_syncState")
    def sync_state(self) -> Json:
        """The best block when the node started, the best one now, and the highest one that is known of."""
        best = self._store.best().number
        highest = max(best, self._network.highest_block)
        return {"startingBlock": self._first_block, "currentBlock": best, "highestBlock": highest}

    @method("system_localPeerId")
    def local_peer_id(self) -> str:
        """This node's name among peers, in base 58."""
        return self._identity.peer_id

    @method("system_localListenAddresses")
    def local_listen_addresses(self) -> list[str]:
        """The addresses at which peers reach this node."""
        return self._network.listen_addresses()

    @method("system_addReservedPeer", unsafe=True)
    def add_reserved_peer(self, peer: str) -> Json:
        """Keep a connection to the peer at this address, which names it: /ip4/…/tcp/…/ws/p2p/12D3KooW…"""
        try:
            self._network.reserve(peer)
        except InvalidAddress as error:
            raise RpcError(PEER_ERROR, str(error)) from error
        return None

    @method("system_removeReservedPeer", unsafe=True)
    def remove_reserved_peer(self, peer_id: str) -> Json:
        """Treat a reserved peer like others; the connection stays."""
        try:
            self._network.release(parse_peer_name(peer_id))
        except InvalidPeerName as error:
            raise RpcError(PEER_ERROR, str(error)) from error
        return None

    @method("system_reservedPeers")
    def reserved_peers(self) -> list[str]:
        """The names of the peers that are always wanted."""
        return [peer_name(peer) for peer in self._network.reserved()]

    @method("system_accountNextIndex", aliases=("account_nextIndex",))
    @reported()
    def account_next_index(self, account: Account) -> int:
        """The nonce for an account's next transaction, counting those that wait in the pool."""
        return self._transactions.next_nonce(account)

    @method("system_dryRun", aliases=("system_dryRunAt",), unsafe=True, worker=True)
    @reported()
    def dry_run(self, extrinsic: Hex, at: BlockHash | None = None) -> bytes:
        """What a transaction would do behind a block: SCALE of `ApplyExtrinsicResult`. Nothing is changed."""
        block = block_or_best(self._store, at)
        try:
            outcome = self._runtime.dry_run(extrinsic, self._store.state_at(block), block).outcome
        except InvalidTransaction as fault:
            if fault.rule is BlockReason.MALFORMED_EXTRINSIC:
                raise RpcError(DECODE_ERROR, "Unable to dry run extrinsic.", str(fault)) from fault
            return b"\1" + fault.encode()
        return b"\0\0" if outcome.error is None else b"\0\1" + _DISPATCH_ERROR.encode(outcome.error)
