"""The address book: where peers were said to listen, who was reached there, and when to try again."""

from collections.abc import Iterable
from dataclasses import dataclass

from network.address import Address
from network.messages import PeerId

MAX_ADDRESSES = 4_096
"""Some 600 kB; a node needs a few dozen, and nobody can push the proved ones out."""

MAX_LEARNED_FROM_ONE = 64
"""Unproved addresses that one peer may have in the book, so that no peer fills it alone."""

FIRST_RETRY_MS = 2_000
LAST_RETRY_MS = 10 * 60 * 1_000
"""The wait doubles with each failure: a peer that restarts is back in seconds, a dead one costs little."""


@dataclass(slots=True)
class Entry:
    """One peer's address. `source` told it (None: configured); `is_proved`: it was reached there."""

    address: Address
    source: PeerId | None
    is_proved: bool = False
    failures: int = 0
    retry_at: int = 0


class AddressBook:
    """One address for each peer; configured ones stay. Times are ms."""

    def __init__(self, configured: Iterable[Address], remembered: Iterable[Address] = ()) -> None:
        """`remembered` are addresses that were proved before a restart; both must name their peers."""
        self._entries = dict[PeerId, Entry]()
        for address in configured:
            assert address.peer is not None, "a configured address names its peer"
            self._entries[address.peer] = Entry(address, None)
        for address in remembered:
            if address.peer is not None and len(self._entries) < MAX_ADDRESSES:
                self._entries.setdefault(address.peer, Entry(address, address.peer, is_proved=True))

    def __len__(self) -> int:
        return len(self._entries)

    def learn(self, addresses: Iterable[Address], source: PeerId) -> int:
        """Note what a peer told; how many were new. A peer's own word on itself replaces others' hearsay."""
        told = sum(entry.source == source and not entry.is_proved for entry in self._entries.values())
        new = 0
        for address in addresses:
            peer = address.peer
            known = self._entries.get(peer) if peer is not None else None
            if peer is None or told >= MAX_LEARNED_FROM_ONE:
                continue
            if known is not None and (known.source is None or known.is_proved or peer != source):
                continue
            if known is None and len(self._entries) >= MAX_ADDRESSES and not self._forget_one():
                break
            self._entries[peer] = Entry(address, source)
            told, new = told + 1, new + (known is None)
        return new

    def reached(self, address: Address) -> None:
        """The peer was met at this address."""
        assert address.peer is not None, "who was reached has a name"
        entry = self._entries.setdefault(address.peer, Entry(address, address.peer))
        entry.address, entry.is_proved, entry.failures = address, True, 0

    def failed(self, peer: PeerId, now: int) -> None:
        """The peer was not there, or the connection ended: wait before the next try."""
        entry = self._entries.get(peer)
        if entry is None:
            return
        wait = min(FIRST_RETRY_MS << min(entry.failures, 16), LAST_RETRY_MS)
        entry.failures += 1
        entry.retry_at = now + wait

    def due(self, now: int) -> list[Entry]:
        """Entries that may be tried now: configured first, then proved ones, then those that failed least."""
        ready = [entry for entry in self._entries.values() if entry.retry_at <= now]
        return sorted(ready, key=lambda one: (one.source is not None, not one.is_proved, one.failures))

    def proved(self) -> list[Address]:
        """Addresses at which peers were met, for others and for the next start."""
        return [entry.address for entry in self._entries.values() if entry.is_proved]

    def shareable(self) -> list[Address]:
        """What others may be told: proved addresses, and what peers said of themselves."""
        return [
            entry.address for peer, entry in self._entries.items() if entry.is_proved or entry.source == peer
        ]

    def _forget_one(self) -> bool:
        """Make room: the hearsay that failed most often goes; whether there was any."""
        hearsay = [
            (entry.failures, peer)
            for peer, entry in self._entries.items()
            if entry.source is not None and not entry.is_proved
        ]
        if not hearsay:
            return False
        del self._entries[max(hearsay)[1]]
        return True
