"""`system_*`: which node and chain this is, and how it is doing."""

from dataclasses import dataclass

from chain.rpc.access import block_or_best
from chain.rpc.failures import DECODE_ERROR, reported
from chain.store import Store
from chain.transactions import Transactions
from genesis.spec import ChainSpec
from network.rpc import Json, RpcError, method
from network.rpc.parameters import Account, BlockHash, Hex
from runtime.executive import Runtime
from runtime.frame.errors import BlockReason, DispatchError, InvalidTransaction
from runtime.primitives.scale import codec

_DISPATCH_ERROR = codec(DispatchError)


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What a node says of itself. `version` is the program's, `peer_id` its name among peers."""

    version: str
    peer_id: str
    is_authority: bool
    name: str = "Fixpoint Node"


class SystemMethods:
    """The section `system`. A node without peers never synchronises, so its health is constant."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        transactions: Transactions,
        spec: ChainSpec,
        identity: NodeIdentity,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._transactions = transactions
        self._spec = spec
        self._identity = identity
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
        return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}

    @method("system_nodeRoles")
    def node_roles(self) -> list[str]:
        """Authority, for a node that authors blocks, or Full."""
        return ["Authority" if self._identity.is_authority else "Full"]

    @method("system_peers", unsafe=True)
    def peers(self) -> list[Json]:
        """The peers that this node is connected to."""
        return []

    @method("system_syncState")
    def sync_state(self) -> Json:
        """The best block when the node started, the best one now, and the highest one that is known of."""
        best = self._store.best().number
        return {"startingBlock": self._first_block, "currentBlock": best, "highestBlock": best}

    @method("system_localPeerId")
    def local_peer_id(self) -> str:
        """This node's name among peers, in base 58."""
        return self._identity.peer_id

    @method("system_localListenAddresses")
    def local_listen_addresses(self) -> list[str]:
        """The addresses at which peers reach this node."""
        return []

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
