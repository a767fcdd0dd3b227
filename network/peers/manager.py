"""The peer manager: whom to dial, whom to let in, whom to leave. Pure; times are ms."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from network.address import Address
from network.messages import PeerFault, PeerId
from network.peers.book import AddressBook
from network.peers.reputation import Reputation

MAX_DIALS = 8
"""Connections being made at once."""

MAX_PER_SUBNET = 2
"""Outgoing connections into one public network: who rents one /16 can not be all that a node sees."""

MAX_PER_HOST = 16
"""Connections from one public address: enough for nodes behind one router, too few to fill all slots."""

MAX_SHARED = 32
"""Addresses told to a peer that asks."""


class Refused(Enum):
    """Why a peer is not let in."""

    SELF = "it is this node itself"
    BANNED = "it is banned"
    DUPLICATE = "it is connected already"
    FULL = "all slots are taken"
    NOT_RESERVED = "only reserved peers are let in"
    HOST_FULL = "its host has too many connections"


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """`in_peers` and `out_peers` are slots of peers that are not reserved; Substrate's defaults."""

    in_peers: int = 32
    out_peers: int = 8
    reserved_only: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """The peer is in; `replaces`: an older connection of the same peer must be closed."""

    replaces: bool = False


@dataclass(slots=True)
class _Connected:
    inbound: bool
    host: str
    subnet: str


class PeerManager:
    """Slots, reserved peers, the address book and reputations of one node, whose own id is `own`."""

    def __init__(
        self, own: PeerId, limits: PeerLimits, book: AddressBook, reserved: Iterable[Address] = ()
    ) -> None:
        self._own = own
        self._limits = limits
        self._book = book
        self._reserved = dict[PeerId, Address]()
        self._reputation = Reputation()
        self._connected = dict[PeerId, _Connected]()
        self._dialling = dict[PeerId, Address]()
        self._retry = dict[PeerId, int]()
        for address in reserved:
            self.reserve(address)

    @property
    def connected(self) -> tuple[PeerId, ...]:
        """All peers that are in."""
        return tuple(self._connected)

    @property
    def reserved(self) -> tuple[PeerId, ...]:
        """Peers that are always wanted."""
        return tuple(self._reserved)

    def reserve(self, address: Address) -> None:
        """Always keep a connection to this peer, whose address names it."""
        assert address.peer is not None, "a reserved peer has a name"
        self._reserved[address.peer] = address

    def release(self, peer: PeerId) -> bool:
        """Treat a reserved peer like others; whether it was one."""
        return self._reserved.pop(peer, None) is not None

    # -- connections --------------------------------------------------------------------------------------

    def dials(self, now: int) -> list[Address]:
        """Addresses to connect to now; answer each with `dialled`."""
        chosen = list[Address]()
        for peer, address in self._reserved.items():
            if self._is_free(peer) and self._retry.get(peer, 0) <= now:
                chosen.append(address)
        if not self._limits.reserved_only:
            subnets = Counter(one.subnet for one in self._connected.values() if not one.inbound)
            room = self._limits.out_peers - self._slots(inbound=False) - len(self._dialling)
            for entry in self._book.due(now):
                known = entry.address.peer
                if known is None or room <= 0 or not self._is_free(known) or known in self._reserved:
                    continue
                if self._reputation.banned_until(known, now) is not None:
                    continue
                if entry.address.is_global and subnets[entry.address.subnet] >= MAX_PER_SUBNET:
                    continue
                subnets[entry.address.subnet] += 1
                room -= 1
                chosen.append(entry.address)
        chosen = chosen[: MAX_DIALS - len(self._dialling)]
        for address in chosen:
            assert address.peer is not None, "only named peers are dialled"
            self._dialling[address.peer] = address
        return chosen

    def dialled(self, address: Address, now: int, *, reached: bool) -> None:
        """The attempt is over: the peer proved its identity there, or not."""
        assert address.peer is not None, "only named peers are dialled"
        self._dialling.pop(address.peer, None)
        if reached:
            self._book.reached(address)
        else:
            self._wait(address.peer, now)

    def admit(
        self, peer: PeerId, host: str, subnet: str, now: int, *, inbound: bool, is_global: bool = False
    ) -> Admission | Refused:
        """Let a peer in that has proved its identity, or say why not.

        Of two connections between the same peers both sides keep the one that the smaller id opened.
        """
        if peer == self._own:
            return Refused.SELF
        if self._reputation.banned_until(peer, now) is not None and peer not in self._reserved:
            return Refused.BANNED
        known = self._connected.get(peer)
        if known is not None:
            keeps_new = known.inbound != inbound and (peer < self._own) == inbound
            if not keeps_new:
                return Refused.DUPLICATE
        elif peer not in self._reserved:
            refused = self._no_room(host, inbound=inbound, is_global=is_global)
            if refused is not None:
                return refused
        self._connected[peer] = _Connected(inbound, host, subnet)
        return Admission(replaces=known is not None)

    def disconnected(self, peer: PeerId, now: int) -> None:
        """The peer's last connection is gone."""
        self._connected.pop(peer, None)
        self._wait(peer, now)

    # -- conduct ------------------------------------------------------------------------------------------

    def report(self, peer: PeerId, fault: PeerFault, now: int) -> bool:
        """Count a fault; whether the peer must be disconnected. Reserved peers may come back at once."""
        return self._reputation.report(peer, fault, now)

    def score(self, peer: PeerId, now: int) -> int:
        """The peer's reputation: 0 is good."""
        return self._reputation.score(peer, now)

    # -- addresses ----------------------------------------------------------------------------------------

    def learn(self, addresses: Iterable[Address], source: PeerId) -> int:
        """Note addresses that a peer told; how many were new."""
        return self._book.learn((one for one in addresses if one.peer != self._own), source)

    def share(self) -> list[Address]:
        """Addresses for a peer that asks: those of connected peers first."""
        known = self._book.shareable()
        known.sort(key=lambda one: one.peer not in self._connected)
        return known[:MAX_SHARED]

    def proved(self) -> list[Address]:
        """Addresses worth keeping for the next start."""
        return self._book.proved()

    def _wait(self, peer: PeerId, now: int) -> None:
        self._book.failed(peer, now)
        if peer in self._reserved:
            self._retry[peer] = now + 2_000

    def _is_free(self, peer: PeerId) -> bool:
        return peer != self._own and peer not in self._connected and peer not in self._dialling

    def _slots(self, *, inbound: bool) -> int:
        return sum(
            one.inbound == inbound for peer, one in self._connected.items() if peer not in self._reserved
        )

    def _no_room(self, host: str, *, inbound: bool, is_global: bool) -> Refused | None:
        if self._limits.reserved_only:
            return Refused.NOT_RESERVED
        limit = self._limits.in_peers if inbound else self._limits.out_peers
        if self._slots(inbound=inbound) >= limit:
            return Refused.FULL
        if (
            inbound
            and is_global
            and sum(one.host == host for one in self._connected.values()) >= MAX_PER_HOST
        ):
            return Refused.HOST_FULL
        return None
