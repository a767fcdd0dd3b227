"""Death at any write, with any part of what was not synced: the next start finds a whole chain."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chain.store import LevelDB, Pruning, Store, audit
from tests.chain.store.support import Crash, FragileKeyValue, genesis, grow, state_of

ROOT = Path(__file__).resolve().parents[3]
AUTHOR = Path(__file__).with_name("endless_author.py")
KILLS = 10


class Life:
    """A scripted life of a node: two forks, reorganisations, finality, a revert; notes what was final."""

    def __init__(self, kv: FragileKeyValue) -> None:
        self.store = Store.open(kv, genesis(), Pruning.keep(2))
        self.final = self.store.finalized().number

    def grow(self, parent: bytes, name: bytes, *, is_best: bool = True) -> bytes:
        changes = {b"alice": name, b"erin/" + name[-1:]: name * 40, b"bob": None}
        return grow(self.store, parent, changes, salt=name, is_best=is_best)

    def finalize(self, block: bytes) -> None:
        self.store.finalize(block, b"proof")
        self.final = self.store.finalized().number

    def live(self) -> None:
        trunk = self.grow(self.store.genesis_hash, b"a1")
        fork = self.grow(trunk, b"b2", is_best=False)
        trunk_2 = self.grow(trunk, b"a2")
        self.finalize(trunk)
        fork_3 = self.grow(fork, b"b3")
        self.store.set_best(trunk_2)
        self.grow(fork_3, b"b4", is_best=False)
        self.finalize(fork)
        self.store.revert(0)
        self.finalize(self.grow(self.store.best().hash, b"b5"))
        self.store.revert(1)
        self.grow(self.store.best().hash, b"b6")


def final_before_death(kv: FragileKeyValue) -> int:
    """Live until the database dies; the height that was final by then."""
    life = None
    try:
        life = Life(kv)
        life.live()
    except Crash:
        return life.final if life else 0
    raise AssertionError("the database was to die")


def writes_of_a_life() -> int:
    kv = FragileKeyValue()
    Life(kv).live()
    return kv.writes


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_death_at_any_write_leaves_a_whole_chain_and_keeps_what_was_promised(after: bool) -> None:
    for dies_at in range(1, writes_of_a_life() + 1):
        for surviving in (0, 1, 99):
            kv = FragileKeyValue()
            kv.dies_at, kv.after = dies_at, after
            final = final_before_death(kv)
            reborn = kv.reborn(surviving)
            store = Store.open(reborn, genesis(), Pruning.keep(2))
            assert audit(reborn).is_sound, (dies_at, surviving)
            assert store.finalized().number >= final
            assert state_of(store, store.best().hash)
            Life(reborn)
            grow(store, store.best().hash, {b"alive": b"1"})


def test_death_during_recovery_is_survived_at_every_write() -> None:
    kv = FragileKeyValue()
    life = Life(kv)
    life.live()
    kv.write({b"mflat": b""}, sync=True)
    image = dict(kv.durable)
    expected = state_of(life.store, life.store.best().hash)
    writes = FragileKeyValue(image)
    Store.open(writes, genesis())
    for dies_at in range(1, writes.writes + 1):
        for surviving in range(writes.writes):
            dying = FragileKeyValue(image)
            dying.dies_at = dies_at
            with pytest.raises(Crash):
                Store.open(dying, genesis())
            reborn = dying.reborn(surviving)
            store = Store.open(reborn, genesis())
            assert state_of(store, store.best().hash) == expected
            assert audit(reborn).is_sound


def _author(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(AUTHOR), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_kill_9_at_random_moments_loses_no_stored_and_no_finalised_block(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    chance = random.Random(7)
    best = final = 0
    for _ in range(KILLS):
        process = _author(folder)
        assert process.stdout is not None
        try:
            # "opening" comes before the database is touched: the kill may hit creation and recovery, too.
            assert process.stdout.readline() == "opening\n"
            time.sleep(chance.random() * chance.choice((0.05, 0.5)))
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:
                word, _, number = line.partition(" ")
                if word == "stored" and number.endswith("\n"):
                    best = int(number)
                elif word == "final" and number.endswith("\n"):
                    final = int(number)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    kv = LevelDB.open(folder)
    store = Store.open(kv, genesis(), Pruning.keep(3))
    assert store.best().number >= best
    assert store.finalized().number >= final
    assert best > 0, "no process lived long enough to store a block"
    number = store.best().number
    assert state_of(store, store.best().hash) == replayed(number)
    assert audit(kv).is_sound
    kv.close()


def replayed(number: int) -> dict[bytes, bytes]:
    """The state a clean run reaches at this height."""
    from tests.chain.store.endless_author import changes_of
    from tests.chain.store.support import GENESIS_STATE, applied

    state = dict(GENESIS_STATE)
    for height in range(1, number + 1):
        state = applied(state, changes_of(height))
    return state
