"""Replay: a chain that used everything gives the same in an empty node, and what was announced was paid."""

import io

import pytest

from chain import exchange
from chain.importing.importer import RECEIPTS_PREFIX
from chain.replay import ReplayFault, check_block, export_records, import_records
from runtime.pallets.balances.types import Transfer
from runtime.pallets.inference import Inference, Receipt
from runtime.pallets.inference.types import Completed
from runtime.pallets.sudo import Sudid
from runtime.pallets.system.types import ExtrinsicFailed
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.scale import codec
from runtime.primitives.state import StateReader
from tests.chain.chains import RUNTIME, World
from tests.chain.everything import (
    INFERENCES,
    LATER,
    MODEL,
    Authored,
    author,
    empty_node,
    events_of,
    fees_paid,
    receipt_ids,
    records,
)


@pytest.fixture(scope="module")
def authored() -> Authored:
    return author()


@pytest.fixture(scope="module")
def world(authored: Authored) -> World:
    return authored.world


def test_the_chain_used_everything_that_replay_is_to_show(world: World) -> None:
    kinds = {type(event) for number in range(1, 7) for event in events_of(world, number)}
    assert {Transfer, ExtrinsicFailed, Completed, Sudid, TransactionFeePaid} <= kinds
    assert sum(isinstance(event, Completed) for event in events_of(world, 3)) == INFERENCES
    assert len({event.output for event in events_of(world, 3) if isinstance(event, Completed)}) > 1


@pytest.mark.parametrize("binary", [False, True], ids=["JSON", "binary"])
def test_an_empty_node_reaches_the_same_hashes_roots_and_receipts(world: World, binary: bool) -> None:
    file = io.BytesIO()
    exchange.write(file, world.store.genesis_hash, records(world), binary=binary)
    file.seek(0)
    genesis, blocks = exchange.read(file)
    assert genesis == world.store.genesis_hash
    node = empty_node()
    summary = import_records(node, blocks, lambda: LATER)
    assert (summary.blocks, summary.inferences, summary.justifications) == (6, INFERENCES, 3)
    assert node.store.best() == world.store.best()
    assert node.store.finalized() == world.store.finalized()
    for number in range(7):
        block_hash = world.store.block_hash(number)
        assert block_hash is not None
        assert node.store.block_hash(number) == block_hash
        assert node.store.state_root(block_hash) == world.store.state_root(block_hash)
        states = [store.state_at(block_hash) for store in (node.store, world.store)]
        assert content(states[0]) == content(states[1])
    for receipt_id in receipt_ids(world):
        assert node.store.receipt(receipt_id) == world.store.receipt(receipt_id)


def content(state: StateReader) -> dict[bytes, bytes | None]:
    return {key: state.get(key) for key in state.keys(b"")}


def test_the_receipt_in_the_state_is_the_stored_one_and_holds_the_output(world: World) -> None:
    state = world.store.state_at(world.store.best().hash)
    completed = [event for event in events_of(world, 3) if isinstance(event, Completed)]
    for event in completed:
        stored = world.store.receipt(event.receipt)
        assert stored is not None
        assert stored.data == state.get(RECEIPTS_PREFIX + event.receipt)
        assert codec(Receipt).decode(stored.data).output == event.output


def test_every_block_can_be_executed_again(world: World) -> None:
    for number in range(1, 7):
        block_hash = world.store.block_hash(number)
        assert block_hash is not None
        checked = check_block(world.chain, block_hash, LATER)
        assert (checked.number, checked.hash) == (number, block_hash)
        assert checked.inferences == (INFERENCES if number == 3 else 0)
        assert checked.justified is (True if number % 2 else None)


def test_the_genesis_block_and_unknown_blocks_are_not_checked(world: World) -> None:
    with pytest.raises(ReplayFault, match="spec check"):
        check_block(world.chain, world.store.genesis_hash, LATER)
    with pytest.raises(ReplayFault, match="not in the database"):
        check_block(world.chain, bytes(32), LATER)
    with pytest.raises(ReplayFault, match="blocks 1 to 7 are not all on the chain: it has blocks 1 to 6"):
        list(export_records(world.store, 1, 7))


def test_the_fee_announced_before_is_the_fee_paid_to_the_unit(authored: Authored) -> None:
    """For transfers, one that fails, inferences and a batch."""
    for number, transactions in ((1, 2), (3, INFERENCES), (4, 1)):
        announced = authored.announced[number]
        assert fees_paid(authored.world, number) == announced
        assert len(announced) == transactions


def test_what_was_not_used_of_the_announced_weight_is_paid_back(authored: Authored) -> None:
    """Calls as root are free; a model's inspection and the rest of a stopped batch cost what they took."""
    as_root, transfer_all = fees_paid(authored.world, 5)
    assert as_root == 0
    assert transfer_all == authored.announced[5][1]
    for number in (2, 6):
        (paid,), (announced,) = fees_paid(authored.world, number), authored.announced[number]
        assert 0 < paid < announced


def test_the_inference_estimate_is_a_part_of_the_fee_and_bounds_it(world: World) -> None:
    """`max_fee` at the estimate is enough, one planck less is not."""
    node = empty_node()
    import_records(node, records(world)[:2], lambda: LATER)
    state = node.store.state_at(node.store.best().hash)
    estimate = RUNTIME.view(state).pallet(Inference).estimate(MODEL)
    assert estimate is not None
    for max_fee, error in ((estimate.inference_fee, None), (estimate.inference_fee - 1, "FeeTooLow")):
        call = RUNTIME.call("Inference", "infer", model=MODEL, inputs=(bytes(4),), max_fee=max_fee)
        outcome = RUNTIME.dry_run(world.sign(call, nonce=3).encoded, state, node.store.best().hash).outcome
        assert outcome.fee > estimate.inference_fee
        assert (outcome.error is None) == (error is None)
