"""A disk that may lose or keep what was not synced, in order, as a write-ahead log does."""

from dataclasses import dataclass
from random import Random

from consensus.finality.changes import AuthorityRecord
from consensus.finality.journal import RoundRecord
from consensus.finality.justification import Justification
from runtime.primitives.header import Header


@dataclass(frozen=True, slots=True)
class Final:
    justification: Justification
    authorities: AuthorityRecord | None


Record = Header | RoundRecord | Final


class Disk:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self._durable = 0

    def write(self, record: Record, *, sync: bool) -> None:
        self.records.append(record)
        if sync:
            self._durable = len(self.records)

    def lose_power(self, random: Random) -> None:
        """Unsynced records go, but for some first ones that happened to reach the platter."""
        del self.records[random.randint(self._durable, len(self.records)) :]
        self._durable = len(self.records)

    def forget_votes(self) -> None:
        """A backup without the journal."""
        self.records = [one for one in self.records if not isinstance(one, RoundRecord)]
        self._durable = len(self.records)

    def holds_durably(self, record: Record) -> bool:
        return record in self.records[max(self._durable - 50, 0) : self._durable]

    @property
    def journal(self) -> RoundRecord | None:
        return next((one for one in reversed(self.records) if isinstance(one, RoundRecord)), None)

    @property
    def final(self) -> Final | None:
        return next((one for one in reversed(self.records) if isinstance(one, Final)), None)

    @property
    def authorities(self) -> AuthorityRecord | None:
        finals = (one.authorities for one in reversed(self.records) if isinstance(one, Final))
        return next((one for one in finals if one is not None), None)

    @property
    def handovers(self) -> list[Justification]:
        return [
            one.justification
            for one in self.records
            if isinstance(one, Final)
            and one.authorities is not None
            and one.authorities.set_id != one.justification.set_id
        ]

    @property
    def headers(self) -> list[Header]:
        return [one for one in self.records if isinstance(one, Header)]
