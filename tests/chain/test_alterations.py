"""One byte altered: an output, a fee, an event, a root, a transaction, a receipt. Each is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chain.exchange import BlockRecord
from chain.importing import RejectedBlock, RejectionReason
from chain.opening import Chain, assemble
from chain.replay import BlockDiffers, check_block, import_records
from chain.store import MemoryKeyValue
from chain.store.schema import BODY, HEADER, OUTCOME, pack, receipt_prefix
from consensus.seal import seal_header
from runtime.pallets.balances.types import Transfer
from runtime.pallets.inference import Receipt
from runtime.pallets.inference.types import Completed
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.header import Header
from runtime.primitives.scale import codec
from runtime.primitives.trie import extrinsics_root
from tests.chain.chains import ALICE_BLOCK_KEY, GENESIS, RUNTIME, World
from tests.chain.everything import EVENTS, LATER, author, empty_node, receipt_ids, records


@pytest.fixture(scope="module")
def world() -> World:
    return author().world


Change = Callable[[BlockRecord], BlockRecord]


def changed_event(kind: type[Any], change: Callable[[Any], Any]) -> Change:
    """The first event of this kind, as another node would have to claim it."""

    def apply(record: BlockRecord) -> BlockRecord:
        events = list(EVENTS.decode(record.outcome))
        index = next(i for i, one in enumerate(events) if isinstance(one.event, kind))
        events[index] = replace(events[index], event=change(events[index].event))
        return replace(record, outcome=EVENTS.encode(events))

    return apply


def another_output(event: Completed) -> Completed:
    first = event.output[0]
    return replace(event, output=(first[:2] + bytes([first[2] ^ 1]) + first[3:], *event.output[1:]))


def resealed(**changes: Any) -> Change:
    """What the authority itself could do: another header under a valid seal."""

    def apply(record: BlockRecord) -> BlockRecord:
        header = replace(Header.decode(record.header), **changes)
        return replace(record, header=seal_header(header.without_seal(), ALICE_BLOCK_KEY).encode())

    return apply


def flipped(extrinsic: bytes, index: int) -> bytes:
    return extrinsic[:index] + bytes([extrinsic[index] ^ 1]) + extrinsic[index + 1 :]


def changed_extrinsic(record: BlockRecord) -> BlockRecord:
    """The last byte of the last transaction: of an argument of its call."""
    *before, last = record.extrinsics
    return replace(record, extrinsics=(*before, flipped(last, len(last) - 1)))


def changed_extrinsic_and_root(record: BlockRecord) -> BlockRecord:
    changed = changed_extrinsic(record)
    return resealed(extrinsics_root=extrinsics_root(list(changed.extrinsics)))(changed)


def without_outcome(change: Change) -> Change:
    return lambda record: replace(change(record), outcome=b"")


def missing_event(record: BlockRecord) -> BlockRecord:
    return replace(record, outcome=EVENTS.encode(list(EVENTS.decode(record.outcome))[:-1]))


ALTERATIONS: dict[str, tuple[int, Change, RejectionReason, str]] = {
    "one byte of an output": (
        3,
        changed_event(Completed, another_output),
        RejectionReason.OUTCOME,
        r"\(extrinsic 1\) Inference.Completed.output\[0\]: byte 2 is 0x.. in the claim and 0x.. in execution",
    ),
    "a receipt's id": (
        3,
        changed_event(Completed, lambda event: replace(event, receipt=bytes(32))),
        RejectionReason.OUTCOME,
        r"\(extrinsic 1\) Inference.Completed.receipt",
    ),
    "the fee of an inference": (
        3,
        changed_event(TransactionFeePaid, lambda event: replace(event, actual_fee=event.actual_fee + 1)),
        RejectionReason.OUTCOME,
        r"\(extrinsic 1\) TransactionPayment.TransactionFeePaid.actual_fee: \d+ in the claim and \d+ in",
    ),
    "the fee of a transfer": (
        1,
        changed_event(TransactionFeePaid, lambda event: replace(event, actual_fee=event.actual_fee - 1)),
        RejectionReason.OUTCOME,
        r"\(extrinsic 1\) TransactionPayment.TransactionFeePaid.actual_fee: \d+ in the claim and \d+ in",
    ),
    "the amount in an event": (
        1,
        changed_event(Transfer, lambda event: replace(event, amount=event.amount + 1)),
        RejectionReason.OUTCOME,
        r"\(extrinsic 1\) Balances.Transfer.amount: 1000000000001 in the claim and 1000000000000 in",
    ),
    "an event left out": (1, missing_event, RejectionReason.OUTCOME, r"\d+ events claimed, execution gives"),
    "the state root": (
        3,
        resealed(state_root=b"\7" * 32),
        RejectionReason.STATE_ROOT,
        "0x" + "07" * 32 + " in the header, 0x[0-9a-f]{64} from execution",
    ),
    "the state root of a block without events beside it": (
        3,
        without_outcome(resealed(state_root=b"\7" * 32)),
        RejectionReason.STATE_ROOT,
        "0x" + "07" * 32 + " in the header, 0x[0-9a-f]{64} from execution",
    ),
    "the extrinsics root": (
        1,
        resealed(extrinsics_root=b"\7" * 32),
        RejectionReason.EXECUTION,
        "extrinsics root",
    ),
    "one byte of an extrinsic": (1, changed_extrinsic, RejectionReason.EXECUTION, "extrinsics root"),
    "one byte of an extrinsic under a right root": (
        1,
        changed_extrinsic_and_root,
        RejectionReason.EXECUTION,
        "extrinsic 2: .* did not sign",
    ),
    "the header under its old seal": (
        1,
        lambda record: replace(record, header=record.header[:40] + flipped(record.header[40:], 0)),
        RejectionReason.HEADER,
        "seal",
    ),
    "a justification": (
        1,
        lambda record: replace(record, justification=flipped(record.justification or b"", 9)),
        RejectionReason.JUSTIFICATION,
        "",
    ),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_a_block_with_one_thing_altered_is_rejected_and_the_thing_is_named(world: World, what: str) -> None:
    number, change, reason, named = ALTERATIONS[what]
    blocks = records(world)
    blocks[number - 1] = change(blocks[number - 1])
    node = empty_node()
    with pytest.raises(RejectedBlock, match=f"#{number} .*{named}") as rejection:
        import_records(node, blocks, lambda: LATER)
    assert rejection.value.reason is reason
    justification_only = reason is RejectionReason.JUSTIFICATION
    assert node.store.best().number == number - (not justification_only)
    assert node.store.finalized().number <= number - 1


@pytest.fixture
def copy(world: World) -> Chain:
    """The chain in a database that a test may damage."""
    assert isinstance(world.kv, MemoryKeyValue)
    kv = MemoryKeyValue()
    kv.write(dict(world.kv.iterate(b"")), sync=True)
    return assemble(kv, GENESIS, RUNTIME, None)


def differs(chain: Chain, number: int, changes: dict[bytes, bytes]) -> str:
    """Damage the database below a running node, and check a block again."""
    block_hash = chain.store.block_hash(number)
    assert block_hash is not None
    chain.store.kv.write(changes, sync=True)
    with pytest.raises(BlockDiffers) as found:
        check_block(chain, block_hash, LATER)
    assert (found.value.number, found.value.block_hash) == (number, block_hash)
    return found.value.detail


def test_a_receipt_altered_in_the_database_is_found_and_named(copy: Chain, world: World) -> None:
    receipt_id = receipt_ids(world)[1]
    stored = copy.store.receipt(receipt_id)
    assert stored is not None
    receipt = codec(Receipt).decode(stored.data)
    forged = replace(receipt, output=(flipped(receipt.output[0], 0),))
    key = receipt_prefix(receipt_id) + stored.block
    detail = differs(copy, 3, {key: codec(Receipt).encode(forged)})
    assert detail == f"the stored receipt 0x{receipt_id.hex()} is not the one that execution gives"


def test_events_altered_in_the_database_are_found_and_named(copy: Chain, world: World) -> None:
    record = changed_event(Completed, another_output)(records(world)[2])
    detail = differs(copy, 3, {OUTCOME + (copy.store.block_hash(3) or b""): record.outcome})
    assert "Inference.Completed.output[0]: byte 2 is" in detail


def test_a_body_altered_in_the_database_is_found_and_named(copy: Chain, world: World) -> None:
    record = changed_extrinsic(records(world)[0])
    body = pack(list(record.extrinsics))
    assert "extrinsics root" in differs(copy, 1, {BODY + (copy.store.block_hash(1) or b""): body})


def test_a_false_root_under_a_valid_seal_is_found_by_the_check(copy: Chain, world: World) -> None:
    """As a database that a dishonest authority hands out: every hash fits, the execution does not."""
    record = without_outcome(resealed(state_root=b"\7" * 32))(records(world)[0])
    block_hash = copy.store.block_hash(1)
    assert block_hash is not None
    copy.store.kv.write({HEADER + block_hash: record.header, OUTCOME + block_hash: b""}, sync=True)
    with pytest.raises(BlockDiffers, match=r"state root 0x07.* in the header, 0x.* from execution"):
        check_block(copy, block_hash, LATER)
