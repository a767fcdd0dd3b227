"""The importer: takes a block through its stages. The node calls it from its one writer thread."""

from collections.abc import Callable, Mapping

from chain.importing.checker import HeaderChecker
from chain.importing.difference import describe_difference
from chain.importing.stages import Executed, Received, RejectedBlock, RejectionReason, Stored, Verified
from chain.store import BlockCommit, NotOnFinalizedChain, StateDiscarded, Store
from consensus.digest import PrimaryPreDigest, find_pre_digest
from consensus.faults import HeaderFault, InvalidHeader
from consensus.fork_tree import BlockRef, ForkTree, InvalidFork
from runtime.executive import Runtime, SignatureChecks
from runtime.frame.errors import InvalidBlock
from runtime.pallets.inference import Inference
from runtime.pallets.system import System
from runtime.primitives.block import Block

EVENTS_KEY = System.event_records.key()
RECEIPTS_PREFIX = Inference.receipts.prefix


class BlockImporter:
    """Verifies, executes and stores blocks, and keeps the tree of those that finality could still choose."""

    def __init__(
        self, store: Store, runtime: Runtime, checker: HeaderChecker, checks: SignatureChecks
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._checker = checker
        self._checks = checks
        self.tree = rebuild_tree(store)

    def import_block(
        self, received: Received, now_ms: int, aux: Mapping[bytes, bytes | None] | None = None
    ) -> Stored:
        """All stages at once; `aux` records become durable in the same batch. Raises `RejectedBlock`."""
        return self.store(self.execute(self.verify(received, now_ms)), aux)

    def verify(self, received: Received, now_ms: int) -> Verified:
        """Check the header against its parent and the authorities."""
        header = received.header
        block_hash = header.hash()
        reject = _rejection(header.number, block_hash)
        if self._store.contains(block_hash):
            raise reject(RejectionReason.KNOWN, "nothing to do")
        parent = self._store.header(header.parent_hash)
        if parent is None:
            raise reject(RejectionReason.UNKNOWN_PARENT, f"0x{header.parent_hash.hex()}")
        if header.parent_hash not in self.tree:
            detail = f"finalised is #{self.tree.root.number} 0x{self.tree.root.hash.hex()}"
            raise reject(RejectionReason.BEHIND_FINALITY, detail)
        try:
            state = self._store.state_at(header.parent_hash)
            checked = self._checker.check(header, parent, state, now_ms)
        except InvalidHeader as error:
            early = error.reason is HeaderFault.SLOT_IN_FUTURE
            raise RejectedBlock(
                RejectionReason.HEADER, header.number, block_hash, str(error), is_early=early
            ) from error
        except StateDiscarded as error:
            raise reject(RejectionReason.BEHIND_FINALITY, str(error)) from error
        return Verified(received, checked, parent)

    def execute(self, verified: Verified) -> Executed:
        """Re-execute the extrinsics on the parent's state and compare every root with the header."""
        received, header = verified.received, verified.received.header
        reject = _rejection(header.number, verified.checked.hash)
        block = Block(header.without_seal(), list(received.extrinsics))
        try:
            state = self._store.state_at(header.parent_hash)
            execution = self._runtime.execute_block(block, state, self._checks)
        except InvalidBlock as error:
            raise reject(RejectionReason.EXECUTION, str(error)) from error
        except StateDiscarded as error:
            raise reject(RejectionReason.BEHIND_FINALITY, str(error)) from error
        update = self._store.trie_update(header.parent_hash, execution.changes)
        events = execution.changes[EVENTS_KEY] or b""
        if received.events is not None and received.events != events:
            detail = describe_difference(self._runtime, received.events, events)
            raise reject(RejectionReason.OUTCOME, detail)
        if update.root != header.state_root:
            detail = f"0x{header.state_root.hex()} in the header, 0x{update.root.hex()} from execution"
            raise reject(RejectionReason.STATE_ROOT, detail)
        return Executed(verified, execution, update)

    def store(self, executed: Executed, aux: Mapping[bytes, bytes | None] | None = None) -> Stored:
        """Make the block durable, and the chain's head where fork choice says so."""
        verified, execution = executed.verified, executed.execution
        header, block_hash = verified.received.header, verified.checked.hash
        reject = _rejection(header.number, block_hash)
        try:
            placement = self.tree.insert(verified.checked.reference)
        except InvalidFork as error:
            raise reject(RejectionReason.BEHIND_FINALITY, str(error)) from error
        receipts = {
            key[len(RECEIPTS_PREFIX) :]: value
            for key, value in execution.changes.items()
            if value is not None and key.startswith(RECEIPTS_PREFIX)
        }
        commit = BlockCommit(
            header=header,
            body=verified.received.extrinsics,
            changes=execution.changes,
            trie=executed.trie,
            artifacts=execution.artifacts,
            outcome=execution.changes[EVENTS_KEY] or b"",
            receipts=receipts,
            is_best=placement.is_new_best,
            aux=aux or {},
        )
        try:
            committed = self._store.commit_block(commit)
        except NotOnFinalizedChain as error:
            raise reject(RejectionReason.BEHIND_FINALITY, str(error)) from error
        return Stored(header.number, block_hash, committed.route, executed)


def rebuild_tree(store: Store) -> ForkTree:
    """The fork tree of a database: the finalised head and all that builds on it, in order of height.

    Of equal chains the stored best one came first, before the restart as now.
    """
    finalized = store.finalized()
    tree = ForkTree(_reference(store, finalized.hash))
    height = [finalized.hash]
    while height:
        height = [child for block in height for child in store.children(block)]
        height.sort(key=lambda block: not store.is_canonical(block))
        for block_hash in height:
            tree.insert(_reference(store, block_hash))
    return tree


def _rejection(number: int, block_hash: bytes) -> Callable[[RejectionReason, str], RejectedBlock]:
    return lambda reason, detail: RejectedBlock(reason, number, block_hash, detail)


def _reference(store: Store, block_hash: bytes) -> BlockRef:
    header = store.header(block_hash)
    assert header is not None, "the store lists only blocks that it holds"
    primary = header.number > 0 and isinstance(find_pre_digest(header), PrimaryPreDigest)
    return BlockRef(block_hash, header.number, header.parent_hash, primary)
