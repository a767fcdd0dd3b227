"""Inference: exact fees, outputs in events and receipts, and nothing but a fee where a call fails."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference import ModelCache
from runtime import configuration
from runtime.configuration import CONSTANTS, UNIT
from runtime.executive import Execution, RuntimeApi
from runtime.frame.call import RuntimeCall
from runtime.frame.engine import InputRefused
from runtime.frame.errors import BadOrigin, CallFailed, ErrorEnum, Module, ModuleError
from runtime.frame.origin import NOBODY, ROOT
from runtime.frame.weights import Initialization, Weight
from runtime.inference_engine import LocalEngine
from runtime.pallets.inference import Estimate, Inference, Receipt, Result, weights
from runtime.pallets.inference.types import Completed, InferenceError
from runtime.pallets.models import ModelRecord, Models
from runtime.pallets.system import System
from runtime.pallets.system.types import ExtrinsicFailed
from runtime.pallets.transaction_payment import TransactionPayment
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.fixed import FIXED_ONE
from runtime.primitives.hashing import blake2_256
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import codec
from tests.runtime.helpers import ALICE, BOB, CHARLIE, DAVE, World, signed
from tests.runtime.pallets.programs import (
    WIDTH,
    dense,
    next_block,
    publication,
    publish,
    scaler,
    wide,
    world,
)

SMALL = scaler()
ID = blake2_256(SMALL)
INPUT = bytes([0, 1, 2, 255])
OUTPUT = bytes([0, 0, 2, 0, 4, 0, 254, 1])
PLENTY = 10 * UNIT
RETENTION = CONSTANTS[Inference]["receipt_retention"]
INPUT_HASH = blake2_256(codec(list[bytes]).encode([INPUT]))


def infer(
    w: World, model: bytes = ID, inputs: tuple[bytes, ...] = (INPUT,), fee: int = PLENTY
) -> RuntimeCall:
    return w.make("Inference.infer", model=model, inputs=inputs, max_fee=fee)


@pytest.fixture
def ready() -> World:
    """Alice's model is published, and the next block has begun."""
    w = world()
    publish(w, ALICE, SMALL)
    next_block(w)
    w.reported()
    return w


@pytest.fixture
def chain() -> World:
    """Alice's model was published by block 1, which is the head."""
    w = World(engine=LocalEngine())
    made = w.advance(w.sign(ALICE, publication(w, SMALL)))
    assert made.outcomes[-1].error is None
    return w


def completed(execution: Execution) -> list[Completed]:
    return [record.event for record in execution.events if isinstance(record.event, Completed)]


# What a call does.


def test_an_inference_reports_its_output_and_leaves_a_receipt(ready: World) -> None:
    inference = ready.env.pallet(Inference)
    ready.dispatch(signed(BOB), infer(ready))
    (event,) = ready.reported()
    assert event == Completed(event.receipt, ID, BOB, (OUTPUT,))
    assert inference.receipts.get(event.receipt) == Receipt(ID, BOB, INPUT_HASH, (OUTPUT,), 2, 1, 1)
    assert inference.receipts_at.get(2) == (event.receipt,)


def test_each_call_has_its_own_receipt_even_with_equal_inputs_in_one_batch(chain: World) -> None:
    batch = chain.make("Utility.batch_all", calls=[infer(chain), infer(chain)])
    made = chain.advance(chain.sign(BOB, batch), chain.sign(BOB, infer(chain), nonce=1))
    events = completed(made)
    assert [event.output for event in events] == [(OUTPUT,)] * 3
    ids = [event.receipt for event in events]
    assert len(set(ids)) == 3
    inference = chain.env.pallet(Inference)
    assert inference.receipts_at.get(2) == tuple(ids)
    receipts = [inference.receipts.get(one) for one in ids]
    assert [receipt.extrinsic for receipt in receipts if receipt] == [1, 1, 2]
    assert Inference.count.key() not in chain.state.storage


def test_rival_blocks_give_different_receipts_for_different_calls(chain: World) -> None:
    """At the same place of two children of one block: an id must not lead to a stranger's receipt."""
    found = []
    for who, data in ((BOB, INPUT), (CHARLIE, INPUT), (BOB, bytes(WIDTH))):
        _, execution, _ = chain.build(chain.sign(who, infer(chain, inputs=(data,))))
        found.append(completed(execution)[0].receipt)
    assert len(set(found)) == 3


def test_a_failed_call_of_a_batch_uses_up_no_receipt(chain: World) -> None:
    calls = [infer(chain, fee=0), infer(chain), infer(chain, inputs=()), infer(chain)]
    made = chain.advance(chain.sign(BOB, chain.make("Utility.force_batch", calls=calls)))
    assert len({event.receipt for event in completed(made)}) == 2


def test_sudo_may_infer_as_an_account_but_root_itself_is_no_caller(ready: World) -> None:
    ready.assert_noop(ROOT, infer(ready), BadOrigin())
    ready.assert_noop(NOBODY, infer(ready), BadOrigin())
    ready.dispatch(signed(ALICE), ready.make("Sudo.sudo_as", who=Id(BOB), call=infer(ready)))
    assert [event.caller for event in ready.reported() if isinstance(event, Completed)] == [BOB]


def test_a_hook_can_make_no_inference(ready: World) -> None:
    ready.env.phase = Initialization()
    with pytest.raises(AssertionError, match="in an extrinsic"):
        ready.dispatch(signed(BOB), infer(ready))


# How a call fails.


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": bytes(32)}, InferenceError.UNKNOWN_MODEL),
        ({"fee": 0}, InferenceError.FEE_TOO_LOW),
        ({"inputs": ()}, InferenceError.WRONG_INPUT_COUNT),
        ({"inputs": (INPUT, INPUT)}, InferenceError.WRONG_INPUT_COUNT),
        ({"inputs": (INPUT[:-1],)}, InferenceError.WRONG_INPUT_SIZE),
        ({"inputs": (INPUT + b"\0",)}, InferenceError.WRONG_INPUT_SIZE),
    ],
)
def test_a_call_that_does_not_fit_fails_changes_nothing_and_pays_for_no_model(
    ready: World, change: dict[str, Any], error: ErrorEnum
) -> None:
    call = infer(ready, **change)
    ready.assert_noop(signed(BOB), call, error)
    with pytest.raises(CallFailed) as caught:
        ready.dispatch(signed(BOB), call)
    size = sum(len(one) for one in change.get("inputs", (INPUT,)))
    assert caught.value.actual_weight == weights.refusal(size)
    assert weights.refusal(size).fits(ready.env.call_weight(call))


def test_a_withdrawn_model_takes_no_calls(ready: World) -> None:
    ready.dispatch(signed(ALICE), ready.make("Models.withdraw", model=ID))
    ready.assert_noop(signed(BOB), infer(ready), InferenceError.WITHDRAWN)


def test_a_model_takes_no_call_in_the_block_that_publishes_it(chain: World) -> None:
    """Else a batch could announce no weight for calls of a model that it publishes itself."""
    other = scaler(3)
    call = infer(chain, blake2_256(other))
    batch = chain.make("Utility.batch", calls=[publication(chain, other), call])
    announced = chain.env.call_weight(batch)
    made = chain.advance(chain.sign(ALICE, batch), chain.sign(BOB, call))
    assert completed(made) == []
    early = Module(ModuleError(Inference.index, bytes([InferenceError.TOO_EARLY, 0, 0, 0])))
    assert made.outcomes[-1].error == early
    assert made.outcomes[-2].weight.ref_time < announced.ref_time
    assert len(completed(chain.advance(chain.sign(BOB, call)))) == 1


def test_a_republished_model_takes_no_call_in_that_block_either(ready: World) -> None:
    ready.dispatch(signed(ALICE), ready.make("Models.withdraw", model=ID))
    publish(ready, BOB, SMALL)
    ready.assert_noop(signed(BOB), infer(ready), InferenceError.TOO_EARLY)
    next_block(ready)
    ready.dispatch(signed(BOB), infer(ready))


class Choosy(LocalEngine):
    """The real engine, but with a fault of its own at running."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def run(
        self, artifact_id: bytes, artifact: Callable[[], bytes], inputs: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        raise self.fault


def test_a_value_that_the_model_does_not_take_fails_the_call() -> None:
    w = World(engine=Choosy(InputRefused("7 is out of range")))
    w.advance(w.sign(ALICE, publication(w, SMALL)))
    w.env.pallet(System).number.put(2)
    w.assert_noop(signed(BOB), infer(w), InferenceError.INVALID_INPUT)
    assert w.env.pallet(Inference).dry_run(ID, (INPUT,)) is None


def test_a_fault_of_the_machine_stops_the_block_and_never_becomes_a_result() -> None:
    w = World(engine=Choosy(MemoryError()))
    w.advance(w.sign(ALICE, publication(w, SMALL)))
    with pytest.raises(MemoryError):
        w.build(w.sign(BOB, infer(w)))


# What a call costs.


def paid(execution: Execution, who: bytes = BOB) -> int:
    (event,) = [
        record.event
        for record in execution.events
        if isinstance(record.event, TransactionFeePaid) and record.event.who == who
    ]
    return int(event.actual_fee)


def estimate(w: World, model: bytes = ID) -> Estimate | None:
    answer = RuntimeApi(w.runtime).call("InferenceApi_estimate", model, w.state)
    return codec(Estimate | None).decode(answer)  # type: ignore[arg-type, no-any-return]


@pytest.mark.parametrize("artifact", [SMALL, dense(32), wide(2_000, 300)])
@pytest.mark.parametrize("multiplier", [FIXED_ONE, 3 * FIXED_ONE // 7, 5 * FIXED_ONE])
def test_the_estimate_is_the_fee_that_is_paid_to_the_unit(artifact: bytes, multiplier: int) -> None:
    w = World(engine=LocalEngine())
    w.advance(w.sign(ALICE, publication(w, artifact)))
    storage = dict(w.state.storage)
    storage[TransactionPayment.next_fee_multiplier.key()] = multiplier.to_bytes(16, "little")
    w.state = replace(w.state, storage=storage)
    model = blake2_256(artifact)
    record = w.runtime.view(w.state).pallet(Models).record(model)
    inputs = tuple(bytes(each.size) for each in record.summary.inputs)
    found = estimate(w, model)
    assert found is not None
    call = infer(w, model, inputs, found.inference_fee)
    extrinsic = w.sign(BOB, call)
    known = w.runtime.query_fee(extrinsic, w.state)
    assert known.weight == found.weight
    assert known == w.runtime.call_fee(call, w.state, len(extrinsic))
    fee_details = w.runtime.fee_details(extrinsic, w.state)
    assert fee_details.inclusion_fee is not None
    assert fee_details.inclusion_fee.adjusted_weight_fee == found.inference_fee
    too_low = infer(w, model, inputs, found.inference_fee - 1)
    _, _, (refused,) = w.build(w.sign(BOB, too_low))
    assert refused.error == failure(InferenceError.FEE_TOO_LOW)
    made = w.advance(extrinsic)
    assert made.outcomes[-1].error is None
    assert paid(made) == known.partial_fee


def failure(error: InferenceError) -> Module:
    return Module(ModuleError(Inference.index, bytes([error, 0, 0, 0])))


def test_a_failed_call_pays_less_than_the_model_and_leaves_only_fee_nonce_and_event(chain: World) -> None:
    account = chain.env.pallet(System).account
    before = account.get(BOB)
    quiet = chain.build()[1].changes
    made = chain.advance(chain.sign(BOB, infer(chain, inputs=(b"x",))))
    failed = [one.event for one in made.events if isinstance(one.event, ExtrinsicFailed)]
    assert [event.dispatch_error for event in failed] == [failure(InferenceError.WRONG_INPUT_SIZE)]
    fee = paid(made)
    after = chain.env.pallet(System).account.get(BOB)
    assert (after.data.free, after.nonce) == (before.data.free - fee, before.nonce + 1)
    assert set(made.changes) - set(quiet) == {System.account.key(BOB), System.account.key(DAVE)}
    full = paid(chain.advance(chain.sign(BOB, infer(chain))))
    assert fee < full


def test_a_batch_is_charged_for_what_its_calls_used(chain: World) -> None:
    good, bad = infer(chain), infer(chain, fee=0)
    batch = chain.make("Utility.force_batch", calls=[good, bad])
    made = chain.advance(chain.sign(BOB, batch))
    spared = chain.env.call_weight(bad) - weights.refusal(len(INPUT))
    base = CONSTANTS[System]["block_weights"].per_class.normal.base_extrinsic
    assert made.outcomes[-1].weight == chain.env.call_weight(batch) - spared + base


def test_outputs_that_stay_in_the_state_cost_more_than_inputs_that_do_not() -> None:
    w = world()
    inputs, outputs = publish(w, ALICE, wide(5_000, 1)), publish(w, ALICE, wide(1, 5_000))
    records = [w.env.pallet(Models).record(model).summary for model in (inputs, outputs)]
    own = [weights.infer(one, 0).ref_time - one.ref_time for one in records]
    assert own[1] - own[0] == 4_999 * weights.PER_BYTE_KEPT


# How long a receipt stays.


def test_receipts_leave_the_state_exactly_after_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = {**CONSTANTS, Inference: {"receipt_retention": 3}}
    monkeypatch.setattr(configuration, "constants", lambda timing: shorter)
    w = World(engine=LocalEngine())
    w.advance(w.sign(ALICE, publication(w, SMALL)))
    made = w.advance(w.sign(BOB, infer(w)), w.sign(BOB, infer(w), nonce=1))
    ids = [event.receipt for event in completed(made)]
    quiet = w.build()[1].weight.mandatory
    for number in (3, 4):
        assert w.advance().weight.mandatory == quiet
        assert w.env.pallet(System).number.get() == number
        assert all(w.env.pallet(Inference).receipts.contains(one) for one in ids)
    assert w.advance().weight.mandatory == quiet + weights.RECEIPT_REMOVED * 2
    prefix = Inference.receipts.prefix[:16]
    assert not any(key.startswith(prefix) for key in w.state.storage)


def test_the_first_blocks_have_nothing_to_remove(ready: World) -> None:
    inference = ready.env.pallet(Inference)
    assert inference.on_initialize(RETENTION - 1) == Weight()
    assert inference.on_initialize(RETENTION) == Weight()


# Questions.


def ask(w: World, name: str, kind: Any, parameters: bytes) -> Any:
    return codec(kind).decode(RuntimeApi(w.runtime).call(f"InferenceApi_{name}", parameters, w.state))


def test_the_interface_answers_records_receipts_estimates_and_dry_runs(chain: World) -> None:
    made = chain.advance(chain.sign(BOB, infer(chain)))
    (event,) = completed(made)
    record = chain.env.pallet(Models).record(ID)
    assert ask(chain, "model", ModelRecord | None, ID) == record
    assert ask(chain, "model", ModelRecord | None, bytes(32)) is None
    assert ask(chain, "receipt", Receipt | None, event.receipt) == Receipt(
        ID, BOB, INPUT_HASH, (OUTPUT,), 2, 1, 1
    )
    assert ask(chain, "receipt", Receipt | None, bytes(32)) is None
    assert estimate(chain, bytes(32)) is None
    tensors = codec(list[bytes])
    dry = ask(chain, "dry_run", Result | None, ID + tensors.encode([INPUT]))
    assert dry == Result((OUTPUT,))
    for model, inputs in ((ID, []), (ID, [b""]), (bytes(32), [INPUT])):
        assert ask(chain, "dry_run", Result | None, model + tensors.encode(inputs)) is None


def test_a_withdrawn_model_has_a_record_but_no_estimate_and_no_dry_run(chain: World) -> None:
    chain.advance(chain.sign(ALICE, chain.make("Models.withdraw", model=ID)))
    assert estimate(chain) is None
    assert ask(chain, "dry_run", Result | None, ID + codec(list[bytes]).encode([INPUT])) is None
    assert ask(chain, "model", ModelRecord | None, ID).status == 1


def test_a_dry_run_of_the_transaction_tells_what_the_next_block_does(chain: World) -> None:
    extrinsic = chain.sign(BOB, infer(chain))
    dry = chain.runtime.dry_run(extrinsic, chain.state, chain.head.hash())
    assert dry.outcome.error is None
    made = chain.advance(extrinsic)
    assert dry.outcome.fee == made.outcomes[-1].fee


# Every engine gives the same block.


class ReferenceEngine(LocalEngine):
    """Runs every model by the definition of its operations."""

    def __init__(self) -> None:
        self.models = ModelCache()
        super().__init__(self.models)

    def run(
        self, artifact_id: bytes, artifact: Callable[[], bytes], inputs: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        return self.models.get(artifact_id, artifact).run_bytes(inputs, executor="reference")


def test_a_block_executes_alike_on_the_reference_and_on_the_fast_executor() -> None:
    fast, slow = World(engine=LocalEngine()), World(engine=ReferenceEngine())
    artifacts = [SMALL, dense(16), wide(8, 3)]
    for artifact in artifacts:
        assert fast.advance(fast.sign(ALICE, publication(fast, artifact))) == slow.advance(
            slow.sign(ALICE, publication(slow, artifact))
        )
    calls = [
        infer(fast, blake2_256(artifact), (bytes(range(7, 7 + size)),))
        for artifact, size in zip(artifacts, (WIDTH, 16, 8), strict=True)
    ]
    batch = fast.make("Utility.batch", calls=calls)
    block, built, outcomes = fast.build(fast.sign(BOB, batch))
    assert outcomes[0].error is None
    assert len(completed(built)) == 3
    assert slow.runtime.execute_block(block, slow.state) == built
    assert slow.runtime.execute_block(block, fast.state) == built


@cache
def published() -> World:
    """A chain that no test advances."""
    w = World(engine=LocalEngine())
    w.advance(w.sign(ALICE, publication(w, SMALL)))
    return w


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([BOB, CHARLIE]), st.binary(min_size=3, max_size=5)), max_size=6))
def test_a_block_has_one_receipt_for_each_call_that_fits(calls: list[tuple[bytes, bytes]]) -> None:
    w = published()
    nonces = {BOB: 0, CHARLIE: 0}
    extrinsics = []
    for who, data in calls:
        extrinsics.append(w.sign(who, infer(w, inputs=(data,)), nonce=nonces[who]))
        nonces[who] += 1
    _, execution, outcomes = w.build(*extrinsics)
    fitting = [(who, data) for who, data in calls if len(data) == WIDTH]
    events = completed(execution)
    assert [event.caller for event in events] == [who for who, _ in fitting]
    assert [event.output[0][::2] for event in events] == [
        bytes(2 * value % 256 for value in data) for _, data in fitting
    ]
    assert len({event.receipt for event in events}) == len(fitting)
    assert [outcome.error is None for outcome in outcomes] == [len(data) == WIDTH for _, data in calls]
