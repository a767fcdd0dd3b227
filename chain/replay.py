"""Replay: blocks out of a database, blocks into a database with every rule checked, and a block once more.

What a newcomer runs to trust nothing: the blocks of another node are executed again from genesis, and their
hashes, state roots, events and proofs of finality must come out the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chain.exchange import BlockRecord, ExchangeFault, InvalidExchange
from chain.finalising import BlockFinalised
from chain.importing import Received
from chain.importing.difference import describe_difference
from chain.importing.importer import EVENTS_KEY, RECEIPTS_PREFIX
from chain.opening import Chain
from chain.store import BlockRef, Store
from consensus.faults import InvalidHeader
from consensus.finality.events import BlockStored
from consensus.finality.justification import InvalidJustification, Justification, verify_justification
from runtime.executive import Execution
from runtime.frame.errors import InvalidBlock
from runtime.primitives.block import Block
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale


class ReplayFault(Exception):
    """A block or a range that cannot be replayed; the text says why and what to do."""


class BlockDiffers(Exception):
    """A stored block whose execution does not give what was stored: the database or the software is wrong."""

    def __init__(self, number: int, block_hash: bytes, detail: str) -> None:
        super().__init__(f"block #{number} 0x{block_hash.hex()} differs: {detail}")
        self.number = number
        self.block_hash = block_hash
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What an import did, and where the chain then stands.

    `blocks` were executed and stored, `known` were stored before. `transactions` counts signed extrinsics,
    `inferences` receipts, `justifications` verified proofs of finality.
    """

    blocks: int
    known: int
    transactions: int
    inferences: int
    justifications: int
    best: BlockRef
    finalized: BlockRef
    state_root: bytes


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """A block whose execution gave what was stored: every root, event and receipt, and its proof of finality.

    `justified` None: the block carries no proof of its own.
    """

    number: int
    hash: bytes
    transactions: int
    inferences: int
    events: int
    state_root: bytes
    justified: bool | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The block that an import has just taken, or found already there."""

    number: int
    hash: bytes
    known: bool


def export_records(store: Store, first: int, last: int) -> Iterator[BlockRecord]:
    """The blocks of the best chain from `first` to `last`, both included. Raises `ReplayFault`."""
    best = store.best().number
    if not 1 <= first <= last <= best:
        raise ReplayFault(
            f"blocks {first} to {last} are not all on the chain: it has blocks 1 to {best}"
            if best
            else "the chain has no block after genesis yet"
        )
    for number in range(first, last + 1):
        block_hash = store.block_hash(number)
        header, body = (store.header(block_hash), store.body(block_hash)) if block_hash else (None, None)
        if block_hash is None or header is None or body is None:
            raise ReplayFault(
                f"block {number} is not here: it was reorganised away meanwhile (then export again), "
                "or this node came past it by warp synchronisation"
            )
        yield BlockRecord(
            header.encode(), body, store.justification(block_hash), store.outcome(block_hash) or b""
        )


def import_records(
    chain: Chain,
    records: Iterable[BlockRecord],
    now_ms: Callable[[], int],
    on_block: Callable[[Progress], None] = lambda progress: None,
) -> ReplaySummary:
    """Verify and store blocks in order, and make final what their justifications prove.

    Raises `RejectedBlock` at the first block that breaks a rule (those before it stay), `InvalidExchange` for
    a record that is no block.
    """
    store, importer = chain.store, chain.importer
    finaliser = chain.observer()
    finaliser.start(now_ms())
    blocks = known = transactions = inferences = justifications = 0
    for number, record in enumerate(records, 1):
        header = _header(number, record)
        block_hash = header.hash()
        is_known = store.contains(block_hash)
        if is_known:
            known += 1
        else:
            received = Received(header, record.extrinsics, record.justification, record.outcome or None)
            execution = importer.import_block(received, now_ms()).executed.execution
            finaliser.handle(BlockStored(header), now_ms())
            blocks += 1
            transactions += _transactions(record.extrinsics)
            inferences += len(_receipts(execution))
        if record.justification is not None and header.number > store.finalized().number:
            outcomes = finaliser.justify(record.justification, header.number, block_hash, now_ms())
            justifications += sum(isinstance(one, BlockFinalised) for one in outcomes)
        on_block(Progress(header.number, block_hash, is_known))
    best = store.best()
    return ReplaySummary(
        blocks=blocks,
        known=known,
        transactions=transactions,
        inferences=inferences,
        justifications=justifications,
        best=best,
        finalized=store.finalized(),
        state_root=store.state_root(best.hash),
    )


def check_block(chain: Chain, block_hash: bytes, now_ms: int) -> CheckedBlock:
    """Verify a stored block's header and execute it on its parent's state; nothing is written.

    Raises `BlockDiffers`, naming what differs; `ReplayFault` for a block that cannot be checked;
    `StateDiscarded` where the parent's state is pruned.
    """
    store = chain.store
    header, body = store.header(block_hash), store.body(block_hash)
    if header is None or body is None:
        raise ReplayFault(f"block 0x{block_hash.hex()} is not in the database")
    if header.number == 0:
        raise ReplayFault("the genesis block has no parent to execute on: `fixpoint spec check` checks it")
    execution = _execute(chain, header, body, now_ms)
    differs = _differs(header)
    claimed, events = store.outcome(block_hash), execution.changes.get(EVENTS_KEY) or b""
    if claimed and claimed != events:
        raise differs(describe_difference(chain.runtime, claimed, events))
    root = store.trie_update(header.parent_hash, execution.changes).root
    if root != header.state_root:
        raise differs(f"state root 0x{header.state_root.hex()} in the header, 0x{root.hex()} from execution")
    receipts = _receipts(execution)
    for receipt_id, data in receipts.items():
        kept = store.receipt(receipt_id)
        if store.is_canonical(block_hash) and (kept is None or kept.data != data):
            raise differs(f"the stored receipt 0x{receipt_id.hex()} is not the one that execution gives")
    return CheckedBlock(
        number=header.number,
        hash=block_hash,
        transactions=_transactions(body),
        inferences=len(receipts),
        events=len(execution.events),
        state_root=root,
        justified=_check_justification(chain, header, store.justification(block_hash)),
    )


def _execute(chain: Chain, header: Header, body: tuple[bytes, ...], now_ms: int) -> Execution:
    parent = chain.store.header(header.parent_hash)
    if parent is None:
        raise ReplayFault(f"the parent 0x{header.parent_hash.hex()} is not in the database")
    try:
        state = chain.store.state_at(header.parent_hash)
        chain.checker.check(header, parent, state, now_ms)
        return chain.runtime.execute_block(Block(header.without_seal(), list(body)), state)
    except (InvalidHeader, InvalidBlock) as error:
        raise _differs(header)(str(error)) from error


def _check_justification(chain: Chain, header: Header, encoded: bytes | None) -> bool | None:
    if encoded is None:
        return None
    try:
        justification = Justification.decode(encoded)
        verify_justification(justification, chain.voters_of(justification.set_id))
    except (InvalidScale, InvalidJustification) as error:
        raise _differs(header)(f"its justification is invalid: {error}") from error
    if justification.target_hash != header.hash():
        raise _differs(header)(f"its justification is for 0x{justification.target_hash.hex()}")
    return True


def _differs(header: Header) -> Callable[[str], BlockDiffers]:
    return lambda detail: BlockDiffers(header.number, header.hash(), detail)


def _header(number: int, record: BlockRecord) -> Header:
    try:
        return Header.decode(record.header)
    except InvalidScale as error:
        raise InvalidExchange(ExchangeFault.MALFORMED, number, f"header: {error}") from error


def _receipts(execution: Execution) -> dict[bytes, bytes]:
    """The receipts that a block wrote, by id."""
    return {
        key[len(RECEIPTS_PREFIX) :]: value
        for key, value in execution.changes.items()
        if value is not None and key.startswith(RECEIPTS_PREFIX)
    }


def _transactions(extrinsics: Iterable[bytes]) -> int:
    """How many extrinsics are signed: bit 7 of the byte behind the length prefix."""
    count = 0
    for extrinsic in extrinsics:
        prefix = (1, 2, 4, (extrinsic[0] >> 2) + 5)[extrinsic[0] & 3]
        count += extrinsic[prefix] >> 7
    return count
