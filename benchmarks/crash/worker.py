"""The processes that are killed: one authors without end, one imports a file of blocks.

What they report on the pipe is a promise: it is written after the database said that it is durable. Where
they are at any moment stands in shared memory, which outlives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntFlag
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from benchmarks.crash.workload import FINALISE_EVERY, Builder, open_on
from chain import exchange
from chain.clock import unix_ms
from chain.finalising import BlockFinalised
from chain.opening import Chain
from chain.replay import Progress, import_records
from chain.store import LevelDB
from runtime.primitives.header import Header


class Role(Enum):
    """What a process does until it is killed."""

    AUTHORING = "authoring"
    IMPORTING = "importing"


class Moment(IntFlag):
    """Where a process is; `WRITING` is added while a batch goes to the disk."""

    STARTING = 0
    OPENING = 1
    WORKING = 2
    WRITING = 4


class Kind(Enum):
    """What a report says."""

    OPENING = "the database is opened from here on"
    OPENED = "the database is open; its finalised block"
    STORED = "a block is stored"
    FINAL = "a block is final"
    DONE = "nothing is left to import"


@dataclass(frozen=True, slots=True)
class Report:
    """A line on the pipe; small enough that it arrives whole or not at all."""

    kind: Kind
    number: int = 0
    hash: bytes = b""


class Shared(Protocol):
    """A byte of shared memory."""

    value: int


class WatchedLevelDB(LevelDB):
    """A database that shows when it is writing."""

    moment: Shared

    def write(self, batch: Mapping[bytes, bytes | None], *, sync: bool) -> None:
        """As `LevelDB.write`."""
        self.moment.value |= Moment.WRITING
        super().write(batch, sync=sync)
        self.moment.value &= ~Moment.WRITING


def work(role: Role, database: Path, blocks: Path | None, reports: Connection, moment: Shared) -> None:
    """The life of a process: open the database, then author or import until killed."""
    moment.value = Moment.OPENING
    reports.send(Report(Kind.OPENING))
    chain = open_on(_open(database, moment))
    moment.value = Moment.WORKING
    finalized = chain.store.finalized()
    reports.send(Report(Kind.OPENED, finalized.number, finalized.hash))
    if role is Role.AUTHORING:
        _author(chain, reports)
    else:
        assert blocks is not None
        _import(chain, blocks, reports)
        chain.store.close()


def _open(database: Path, moment: Shared) -> LevelDB:
    kv = WatchedLevelDB.open(database)
    assert isinstance(kv, WatchedLevelDB)
    kv.moment = moment
    return kv


def _author(chain: Chain, reports: Connection) -> None:
    finalised: list[BlockFinalised] = []
    builder = Builder(chain, finalised)
    while True:
        authored = builder.build()
        reports.send(Report(Kind.STORED, authored.stored.number, authored.stored.hash))
        if authored.stored.number % FINALISE_EVERY == 0:
            builder.finalise_best()
            for event in finalised:
                target = event.justification
                reports.send(Report(Kind.FINAL, target.target_number, target.target_hash))
            finalised.clear()


def _import(chain: Chain, blocks: Path, reports: Connection) -> None:
    start = final = chain.store.finalized()

    def note(progress: Progress) -> None:
        nonlocal final
        reports.send(Report(Kind.STORED, progress.number, progress.hash))
        if chain.store.finalized() != final:
            final = chain.store.finalized()
            reports.send(Report(Kind.FINAL, final.number, final.hash))

    with blocks.open("rb") as source:
        _, records = exchange.read(source)
        above = (one for one in records if Header.decode(one.header).number > start.number)
        import_records(chain, above, unix_ms, note)
    reports.send(Report(Kind.DONE))
