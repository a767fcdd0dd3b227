"""System: remarks, raw storage, upgrades."""

import pytest

from runtime.executive import Runtimes
from runtime.frame.errors import BadOrigin, BlockReason, InvalidBlock
from runtime.frame.origin import NOBODY, ROOT
from runtime.frame.weights import Weight
from runtime.pallets.balances import Balances, Preservation
from runtime.pallets.system import CODE_KEY, System
from runtime.pallets.system.account import NO_ACCOUNT
from runtime.pallets.system.types import (
    CodeUpdated,
    Remarked,
    ScheduledUpgrade,
    SystemErrors,
    UpgradeCancelled,
    UpgradeScheduled,
)
from runtime.primitives.digest import RuntimeEnvironmentUpdated
from runtime.primitives.hashing import blake2_256
from runtime.primitives.state import MemoryState
from tests.runtime.helpers import ALICE, BOB, World, signed


@pytest.fixture
def world() -> World:
    return World()


def test_a_remark_leaves_nothing_and_one_with_event_its_hash(world: World) -> None:
    world.dispatch(signed(ALICE), world.make("System.remark", remark=b"hi"))
    world.dispatch(ROOT, world.make("System.remark", remark=b"hi"))
    world.assert_noop(NOBODY, world.make("System.remark", remark=b"hi"), BadOrigin())
    assert world.reported() == []
    world.dispatch(signed(ALICE), world.make("System.remark_with_event", remark=b"hi"))
    assert world.reported() == [Remarked(ALICE, blake2_256(b"hi"))]
    world.assert_noop(ROOT, world.make("System.remark_with_event", remark=b"hi"), BadOrigin())


def test_root_writes_and_kills_raw_storage(world: World) -> None:
    items = [(b"ab", b"1"), (b"ac", b"2"), (b"b", b"3")]
    write = world.make("System.set_storage", items=items)
    world.assert_noop(signed(ALICE), write, BadOrigin())
    world.dispatch(ROOT, write)
    assert world.env.overlay.changes() == dict(items)
    kill_prefix = world.make("System.kill_prefix", prefix=b"a", subkeys=1)
    world.assert_noop(signed(ALICE), kill_prefix, BadOrigin())
    world.dispatch(ROOT, kill_prefix)
    assert world.env.overlay.changes() == {b"ac": b"2", b"b": b"3"}
    world.dispatch(ROOT, world.make("System.kill_prefix", prefix=b"a", subkeys=9))
    kill = world.make("System.kill_storage", keys=[b"b", b"never"])
    world.assert_noop(signed(ALICE), kill, BadOrigin())
    world.dispatch(ROOT, kill)
    assert world.env.overlay.changes() == {}


def test_raw_weights_grow_with_what_is_written(world: World) -> None:
    def weight(name: str, **arguments: object) -> Weight:
        return world.env.call_weight(world.make(name, **arguments))

    assert weight("System.kill_storage", keys=[b"a", b"b"]) == weight("System.kill_storage", keys=[b"a"]) * 2
    assert (
        weight("System.remark", remark=bytes(1_000)).ref_time > weight("System.remark", remark=b"").ref_time
    )
    assert weight("System.kill_prefix", prefix=b"", subkeys=4) == weight(
        "System.kill_storage", keys=[b""] * 5
    )


def test_garbage_under_an_account_reads_as_no_account_and_can_be_repaired(world: World) -> None:
    key = System.account.key(BOB)
    world.dispatch(ROOT, world.make("System.set_storage", items=[(key, b"garbage")]))
    assert world.env.pallet(System).account.get(BOB) == NO_ACCOUNT
    world.env.pallet(Balances).transfer(ALICE, BOB, 10**12, Preservation.EXPENDABLE)
    assert world.free(BOB) == 10**12


def test_an_upgrade_is_scheduled_by_root_for_a_later_block_and_a_higher_version(world: World) -> None:
    call = world.make("System.schedule_upgrade", spec_version=2, at=3)
    world.assert_noop(signed(ALICE), call, BadOrigin())
    same = world.make("System.schedule_upgrade", spec_version=1, at=3)
    world.assert_noop(ROOT, same, SystemErrors.SPEC_VERSION_NEEDS_TO_INCREASE)
    past = world.make("System.schedule_upgrade", spec_version=2, at=0)
    world.assert_noop(ROOT, past, SystemErrors.UPGRADE_NOT_IN_FUTURE)
    cancel = world.make("System.cancel_upgrade")
    world.assert_noop(ROOT, cancel, SystemErrors.NOTHING_SCHEDULED)
    world.dispatch(ROOT, call)
    world.assert_noop(signed(ALICE), cancel, BadOrigin())
    world.dispatch(ROOT, cancel)
    assert world.reported() == [UpgradeScheduled(2, 3), UpgradeCancelled(2)]
    assert world.env.pallet(System).scheduled_upgrade.get() is None


def _upgraded(version: int) -> "World":
    """A world whose runtime has another version."""
    from dataclasses import replace

    from runtime.configuration import CONSTANTS, PALLETS, VERSION, extensions
    from runtime.executive import Runtime
    from runtime.frame.compose import compose
    from runtime.frame.engine import NoEngine

    world = World()
    newer = replace(VERSION, spec_version=version)
    constants = {**CONSTANTS, System: {**CONSTANTS[System], "version": newer}}
    world.runtime = Runtime(compose(newer, PALLETS, constants, NoEngine()), extensions())
    return world


def test_a_block_that_needs_an_unknown_version_is_refused_by_name() -> None:
    world = World()
    schedule = world.make("System.schedule_upgrade", spec_version=2, at=2)
    world.advance(world.sign(ALICE, world.make("Sudo.sudo", call=schedule)))
    with pytest.raises(InvalidBlock, match="block 2 is executed by spec version 2") as caught:
        world.build()
    assert caught.value.reason is BlockReason.UNKNOWN_SPEC_VERSION
    with pytest.raises(InvalidBlock, match="this node has 1") as caught:
        Runtimes([world.runtime]).for_block(2, world.state)
    assert caught.value.reason is BlockReason.UNKNOWN_SPEC_VERSION


def test_the_new_version_takes_over_at_its_block() -> None:
    world, newer = World(), _upgraded(2)
    both = Runtimes([world.runtime, newer.runtime])
    assert both.for_block(1, world.state) is world.runtime
    schedule = world.make("System.schedule_upgrade", spec_version=2, at=2)
    world.advance(world.sign(ALICE, world.make("Sudo.sudo", call=schedule)))
    assert both.of_state(world.state) is world.runtime
    assert both.for_block(2, world.state) is newer.runtime
    newer.state, newer.head = world.state, world.head
    execution = newer.advance()
    assert execution.changes[CODE_KEY] == b"fixpoint-runtime/2"
    assert execution.digest.logs[-1] == RuntimeEnvironmentUpdated()
    assert execution.events[0].event == CodeUpdated()
    assert both.of_state(newer.state) is newer.runtime
    assert newer.runtime.view(newer.state).pallet(System).scheduled_upgrade.get() is None
    newer.advance()
    assert both.for_block(3, newer.state) is newer.runtime


def test_a_state_without_a_version_is_no_one_elses() -> None:
    with pytest.raises(InvalidBlock, match="spec version 0"):
        Runtimes([World().runtime]).of_state(MemoryState())


def test_an_old_upgrade_record_does_not_outlive_its_block() -> None:
    world = World()
    world.env.pallet(System).scheduled_upgrade.put(ScheduledUpgrade(2, 9))
    assert world.env.pallet(System).scheduled_upgrade.take() == ScheduledUpgrade(2, 9)
    assert not world.env.pallet(System).scheduled_upgrade.exists()
