"""Starting processes, killing them at random moments, and checking what they left behind."""

import multiprocessing
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.crash.verification import (
    Contents,
    Promises,
    check_database,
    contents,
    read_database,
    replay,
    require,
    require_equal,
)
from benchmarks.crash.worker import Kind, Moment, Report, Role, work
from benchmarks.crash.workload import prepare_blocks

EARLY_SHARE = 0.4
"""Of the processes, so many are killed while they open the database, or soon after."""
EARLY_SECONDS = 0.012
"""About as long as an opening takes."""
LATE_SECONDS = 0.8
START_SECONDS = 60
"""A process that says nothing for so long hangs."""
FINISH_SECONDS = 900
"""What the last import may take: many times what it needs, so that a busy machine is no violation."""
KILLED = -9


def delays(seed: int) -> Iterator[float]:
    """Seconds from the beginning of the opening to the kill, one for each process; `seed` repeats them."""
    chance = random.Random(seed)
    while True:
        longest = EARLY_SECONDS if chance.random() < EARLY_SHARE else LATE_SECONDS
        yield chance.random() * longest


@dataclass(slots=True)
class Tally:
    """What one role went through. `kills` counts by the moment in which they landed."""

    kills: Counter[Moment] = field(default_factory=Counter)
    opened: int = 0
    checks: int = 0
    rounds: int = 0
    blocks: int = 0
    final: int = 0
    replayed: int = 0

    @property
    def early(self) -> int:
        """Kills while the database was being opened: in recovery."""
        return sum(count for moment, count in self.kills.items() if moment & Moment.OPENING)


class Supervisor:
    """Runs campaigns below a folder. `note` hears after each kill."""

    def __init__(self, folder: Path, seed: int, note: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        self._seed = seed
        self._note = note
        # A server forks processes that have all imports done: a restart costs milliseconds, not seconds.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["benchmarks.crash.worker"])

    def authoring(self, kills: int) -> Tally:
        """Kill a node that authors; at last replay its whole chain elsewhere. Raises `Violation`."""
        tally, promises = Tally(), Promises()
        base = self._folder / "authored"
        for delay, next_is_early in islice(_pairs(delays(self._seed)), kills):
            self._live(Role.AUTHORING, base, None, delay, promises, tally)
            # An early death must meet a database that nobody has opened since the last one.
            if not next_is_early:
                self._check(base, promises, tally)
        self._check(base, promises, tally)
        fresh = self._folder / "replayed"
        replay(base, fresh, self._folder / "authored.blocks")
        authored, replayed = read_database(_database(base)), read_database(_database(fresh))
        require_equal(authored, replayed)
        tally.rounds = 1
        tally.replayed = len(replayed.blocks)
        tally.blocks, tally.final = len(authored.blocks), promises.height
        return tally

    def importing(self, kills: int, blocks: int) -> Tally:
        """Kill a node that imports a file, and begin with an empty folder when it is through.

        Raises `Violation`.
        """
        tally = Tally()
        source, chain = prepare_blocks(self._folder / "prepared.blocks", blocks)
        expected = contents(chain)
        promises = Promises()
        base = self._folder / "imported"
        killed = 0
        for delay, next_is_early in _pairs(delays(self._seed + 1)):
            done = self._live(Role.IMPORTING, base, source.path, delay, promises, tally)
            killed += not done
            if done or not next_is_early or killed == kills:
                self._check(base, promises, tally)
            if done:
                self._finish(base, expected, promises, tally)
                promises = Promises()
            if killed == kills:
                break
        # What the last process left must still be good for the rest of the chain.
        ended = self._live(Role.IMPORTING, base, source.path, float(FINISH_SECONDS), promises, tally)
        require(ended, f"an import that nobody disturbed did not end in {FINISH_SECONDS} seconds")
        self._finish(base, expected, promises, tally)
        return tally

    def _finish(self, base: Path, expected: Contents, promises: Promises, tally: Tally) -> None:
        imported = read_database(_database(base))
        require_equal(expected, imported)
        tally.rounds += 1
        tally.replayed += len(imported.blocks)
        tally.blocks += len(imported.blocks)
        tally.final += promises.height
        shutil.rmtree(base)

    def _check(self, base: Path, promises: Promises, tally: Tally) -> None:
        if tally.opened or _database(base).exists():
            check_database(_database(base), promises)
            tally.checks += 1

    def _live(
        self, role: Role, base: Path, blocks: Path | None, delay: float, promises: Promises, tally: Tally
    ) -> bool:
        """One process from its start to its death; whether it was done before."""
        _database(base).mkdir(parents=True, exist_ok=True)
        receiver, sender = self._context.Pipe(duplex=False)
        moment: Any = self._context.RawValue("B", Moment.STARTING)
        process = self._context.Process(target=work, args=(role, _database(base), blocks, sender, moment))
        process.start()
        sender.close()
        try:
            require(receiver.poll(START_SECONDS), "a process did not start")
            reports = list(_received(receiver, delay))
            process.kill()
            reports += _rest(receiver)
        finally:
            process.kill()
            process.join()
            receiver.close()
        kinds = {report.kind for report in reports}
        done = Kind.DONE in kinds
        if not done:
            code = process.exitcode
            require(code == KILLED, f"a process ended by itself with exit code {code}: see its trace above")
            tally.kills[Moment(moment.value)] += 1
            self._note()
        tally.opened += Kind.OPENED in kinds
        _take(reports, promises)
        return done


def _take(reports: list[Report], promises: Promises) -> None:
    for report in reports:
        match report.kind:
            case Kind.OPENED:
                lost = (
                    f"a restart found block {report.number} final, but block {promises.height} was promised"
                )
                require(report.number >= promises.height, lost)
                promises.finalised(report.number, report.hash)
            case Kind.STORED:
                promises.stored[report.hash] = report.number
            case Kind.FINAL:
                promises.finalised(report.number, report.hash)
            case Kind.OPENING | Kind.DONE:
                continue


def _received(receiver: Connection, delay: float) -> Iterator[Report]:
    """Reports until `delay` after the first one, or until the process is through."""
    try:
        yield receiver.recv()
        deadline = time.monotonic() + delay
        while (left := deadline - time.monotonic()) > 0:
            if receiver.poll(left):
                yield receiver.recv()
    except EOFError:
        return


def _rest(receiver: Connection) -> Iterator[Report]:
    """What a dead process had still sent."""
    try:
        while True:
            yield receiver.recv()
    except EOFError:
        return


def _pairs(given: Iterator[float]) -> Iterator[tuple[float, bool]]:
    """Each delay, and whether the next one is early."""
    delay = next(given)
    for following in given:
        yield delay, following < EARLY_SECONDS
        delay = following


def _database(base: Path) -> Path:
    return base / "chains" / "dev" / "db"
