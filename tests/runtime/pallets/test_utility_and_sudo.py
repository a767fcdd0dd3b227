"""Utility and Sudo: batches keep or undo what their kind says; root is one account."""

import pytest

from runtime.configuration import UNIT
from runtime.frame.call import MAX_CALL_DEPTH, MAX_CALLS, RuntimeCall
from runtime.frame.errors import BadOrigin, CallFailed, Module, ModuleError, TokenError
from runtime.frame.origin import NOBODY, ROOT
from runtime.frame.weights import DispatchClass, Pays, PostDispatchInfo, Weight
from runtime.pallets.balances.types import Transfer
from runtime.pallets.sudo import KeyChanged, KeyRemoved, Sudid, Sudo, SudoAsDone, SudoError
from runtime.pallets.system.types import Remarked
from runtime.pallets.utility import (
    BatchCompleted,
    BatchCompletedWithErrors,
    BatchInterrupted,
    ItemCompleted,
    ItemFailed,
    UtilityError,
)
from runtime.primitives.hashing import blake2_256
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import Err, InvalidScale, Ok, ScaleReason
from tests.runtime.helpers import ALICE, BOB, World, signed, token

RICH = 1_000 * UNIT
POOR = token(TokenError.FundsUnavailable)


@pytest.fixture
def world() -> World:
    return World()


def pay(world: World, value: int) -> RuntimeCall:
    return world.make("Balances.transfer_allow_death", dest=Id(BOB), value=value)


def post(world: World, call: RuntimeCall) -> PostDispatchInfo:
    return world.env.dispatch(call, signed(ALICE))


def test_batch_stops_at_the_first_failure_and_keeps_what_was_done(world: World) -> None:
    call = world.make("Utility.batch", calls=[pay(world, 1), pay(world, 2 * RICH), pay(world, 3)])
    result = post(world, call)
    assert world.free(BOB) == RICH + 1
    assert world.reported() == [Transfer(ALICE, BOB, 1), ItemCompleted(), BatchInterrupted(1, POOR)]
    announced = world.env.call_weight(call)
    assert result.actual_weight is not None
    assert result.actual_weight == announced - world.env.call_weight(pay(world, 3))


def test_batch_completes_when_nothing_fails_even_when_empty(world: World) -> None:
    post(world, world.make("Utility.batch", calls=[pay(world, 1)]))
    assert world.reported() == [Transfer(ALICE, BOB, 1), ItemCompleted(), BatchCompleted()]
    post(world, world.make("Utility.batch", calls=[]))
    assert world.reported() == [BatchCompleted()]


def test_batch_all_undoes_everything_when_one_call_fails(world: World) -> None:
    call = world.make("Utility.batch_all", calls=[pay(world, 1), pay(world, 2 * RICH)])
    world.assert_noop(signed(ALICE), call, POOR)
    with pytest.raises(CallFailed) as caught:
        world.dispatch(signed(ALICE), call)
    assert caught.value.actual_weight == world.env.call_weight(call)
    post(world, world.make("Utility.batch_all", calls=[pay(world, 1), pay(world, 2)]))
    assert world.free(BOB) == RICH + 3
    assert world.reported()[-1] == BatchCompleted()


def test_force_batch_goes_on_behind_failures(world: World) -> None:
    post(world, world.make("Utility.force_batch", calls=[pay(world, 2 * RICH), pay(world, 2)]))
    assert world.reported() == [
        ItemFailed(POOR),
        Transfer(ALICE, BOB, 2),
        ItemCompleted(),
        BatchCompletedWithErrors(),
    ]
    post(world, world.make("Utility.force_batch", calls=[pay(world, 2)]))
    assert world.reported()[-1] == BatchCompleted()


@pytest.mark.parametrize("name", ["batch", "batch_all", "force_batch"])
def test_batches_refuse_nobody_and_too_many_calls(world: World, name: str) -> None:
    remark = world.make("System.remark", remark=b"")
    world.assert_noop(NOBODY, world.make(f"Utility.{name}", calls=[]), BadOrigin())
    too_many = world.make(f"Utility.{name}", calls=[remark] * 1_001)
    world.assert_noop(signed(ALICE), too_many, UtilityError.TOO_MANY_CALLS)
    world.dispatch(ROOT, world.make(f"Utility.{name}", calls=[remark] * 1_000))


def test_a_failed_inner_batch_undoes_only_itself(world: World) -> None:
    inner = world.make("Utility.batch_all", calls=[pay(world, 5), pay(world, 2 * RICH)])
    post(world, world.make("Utility.force_batch", calls=[inner, pay(world, 2)]))
    assert world.free(BOB) == RICH + 2


def test_a_batch_is_operational_only_if_all_its_calls_are(world: World) -> None:
    operational = world.make("System.kill_storage", keys=[])
    normal = world.make("System.remark", remark=b"")
    for calls, expected in (
        ([operational, operational], DispatchClass.Operational),
        ([operational, normal], DispatchClass.Normal),
        ([world.make("Utility.batch", calls=[operational])], DispatchClass.Operational),
    ):
        assert world.env.call_class(world.make("Utility.batch", calls=calls)) is expected


def test_deep_calls_are_weighed_in_time_proportional_to_their_size(world: World) -> None:
    call = world.make("System.remark", remark=b"")
    for level in range(MAX_CALL_DEPTH - 1):
        call = world.make("Utility.batch", calls=[call]) if level % 2 else world.make("Sudo.sudo", call=call)
    encoded = world.runtime.encode_call(call)
    assert world.runtime.decode_call(encoded) == call
    assert world.env.dispatch_info(call).weight.ref_time > 0
    deeper = world.runtime.encode_call(world.make("Utility.batch", calls=[call]))
    with pytest.raises(InvalidScale) as caught:
        world.runtime.decode_call(deeper)
    assert caught.value.reason is ScaleReason.TOO_DEEP


def test_a_transaction_holds_a_bounded_number_of_calls(world: World) -> None:
    remark = world.make("System.remark", remark=b"")
    fits = world.make("Utility.batch", calls=[remark] * (MAX_CALLS - 1))
    assert world.runtime.decode_call(world.runtime.encode_call(fits)) == fits
    long = world.make("Utility.batch", calls=[remark] * MAX_CALLS)
    with pytest.raises(InvalidScale) as caught:
        world.runtime.decode_call(world.runtime.encode_call(long))
    assert caught.value.reason is ScaleReason.TOO_LONG


def test_sudo_makes_a_call_as_root_for_free(world: World) -> None:
    call = world.make("Balances.force_transfer", source=Id(BOB), dest=Id(ALICE), value=1)
    result = post(world, world.make("Sudo.sudo", call=call))
    assert result.pays_fee is Pays.No
    assert world.reported() == [Transfer(BOB, ALICE, 1), Sudid(Ok(()))]
    world.assert_noop(signed(BOB), world.make("Sudo.sudo", call=call), SudoError.REQUIRE_SUDO)
    world.assert_noop(NOBODY, world.make("Sudo.sudo", call=call), BadOrigin())


def test_a_call_that_fails_under_sudo_is_undone_and_named(world: World) -> None:
    broken = world.make("Balances.force_transfer", source=Id(BOB), dest=Id(ALICE), value=2 * RICH)
    post(world, world.make("Sudo.sudo", call=broken))
    assert world.reported() == [Sudid(Err(POOR))]
    upgrade = world.make("System.schedule_upgrade", spec_version=0, at=1)
    post(world, world.make("Sudo.sudo", call=upgrade))
    assert world.reported() == [Sudid(Err(Module(ModuleError(0, b"\1\0\0\0"))))]


def test_sudo_unchecked_weight_takes_the_weight_that_is_given(world: World) -> None:
    inner = world.make("System.set_storage", items=[(b"k", b"v")])
    call = world.make("Sudo.sudo_unchecked_weight", call=inner, weight=Weight(5, 7))
    info = world.env.dispatch_info(call)
    assert info.weight.proof_size == 7 + world.env.call_weight(world.make("Sudo.remove_key")).proof_size
    assert info.dispatch_class is DispatchClass.Operational
    post(world, call)
    assert world.env.overlay.changes()[b"k"] == b"v"
    world.assert_noop(signed(BOB), call, SudoError.REQUIRE_SUDO)


def test_sudo_as_acts_for_another_account(world: World) -> None:
    call = world.make("Sudo.sudo_as", who=Id(BOB), call=world.make("System.remark_with_event", remark=b"x"))
    assert world.env.dispatch_info(call).dispatch_class is DispatchClass.Normal
    post(world, call)
    assert world.reported() == [Remarked(BOB, blake2_256(b"x")), SudoAsDone(Ok(()))]
    world.assert_noop(signed(BOB), call, SudoError.REQUIRE_SUDO)


def test_the_sudo_key_moves_and_can_be_removed_for_ever(world: World) -> None:
    move = world.make("Sudo.set_key", new=Id(BOB))
    world.dispatch(signed(ALICE), move)
    world.assert_noop(signed(ALICE), move, SudoError.REQUIRE_SUDO)
    remove = world.make("Sudo.remove_key")
    world.assert_noop(signed(ALICE), remove, SudoError.REQUIRE_SUDO)
    world.dispatch(signed(BOB), remove)
    assert world.env.pallet(Sudo).key.get() is None
    world.assert_noop(signed(BOB), move, SudoError.REQUIRE_SUDO)
    assert world.reported() == [KeyChanged(ALICE, BOB), KeyRemoved()]
