"""Transactions between peers and the pool: what is new here goes to everybody who did not send it."""

import asyncio
from typing import Protocol

from chain.logs import Log
from chain.pool import PoolError, PoolTransaction
from chain.transactions import Transactions
from network.messages import Message, PeerFault, PeerId
from network.messages import Transactions as TransactionsMessage
from runtime.frame.errors import InvalidTransaction, TransactionKind
from runtime.primitives.extrinsic import InvalidExtrinsic
from runtime.primitives.scale import InvalidScale

BATCH_SECONDS = 0.02
"""New transactions are collected for so long: a burst over RPC then costs each peer one message."""

MAX_BATCH_BYTES = 1 << 20
MAX_BATCH = 512
"""Of one message; the wire takes more."""

_HARMLESS = (TransactionKind.STALE, TransactionKind.FUTURE, TransactionKind.PAYMENT)
"""What a transaction may have become while it travelled: its sender is not to blame."""

log = Log("gossip")


class Peers(Protocol):
    """The part of the network service that gossip needs."""

    def send(self, peer: PeerId, message: Message) -> bool:
        """Queue a message for a peer."""
        ...

    def send_to_all(self, message: Message, known_to: PeerId | None = None) -> None:
        """Queue a message for all peers but one."""
        ...

    def report(self, peer: PeerId, fault: PeerFault, detail: str = "") -> None:
        """Score a peer."""
        ...


class Gossip:
    """Lives on the event loop's thread."""

    def __init__(self, transactions: Transactions, has_peers: bool) -> None:
        self._transactions = transactions
        self._peers: Peers | None = None
        self._new = list[tuple[PoolTransaction, PeerId | None]]()
        self._source: PeerId | None = None
        if has_peers:
            transactions.when_added(self._added)

    def attach(self, peers: Peers) -> None:
        """Whom to tell."""
        self._peers = peers

    def hear(self, peer: PeerId, extrinsics: tuple[bytes, ...]) -> None:
        """Try a peer's transactions on the pool."""
        self._source = peer
        try:
            for extrinsic in extrinsics:
                self._try(peer, extrinsic)
        finally:
            self._source = None

    def submit_own(self, extrinsic: bytes, what: str) -> None:
        """Put an extrinsic of the node's own into the pool."""
        try:
            self._transactions.submit_now(extrinsic)
        except (InvalidTransaction, PoolError) as refused:
            log.warn("Own report not taken", what=what, why=refused)
        else:
            log.info("Reported", what=what)

    def greet(self, peer: PeerId) -> None:
        """Tell a new peer what waits here."""
        if self._peers is not None:
            for batch in _batches([one for one in self._transactions.pending() if one.propagate]):
                self._peers.send(peer, batch)

    def _try(self, peer: PeerId, extrinsic: bytes) -> None:
        assert self._peers is not None, "only peers are heard"
        try:
            self._transactions.submit_now(extrinsic, local=False)
        except PoolError as refused:
            log.debug("Transaction of a peer not taken", why=refused)
        except (InvalidTransaction, InvalidExtrinsic, InvalidScale) as error:
            if not (isinstance(error, InvalidTransaction) and error.kind in _HARMLESS):
                self._peers.report(peer, PeerFault.BAD_TRANSACTION, str(error))

    def _added(self, transaction: PoolTransaction) -> None:
        if not transaction.propagate:
            return
        if not self._new:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self._flush)
        self._new.append((transaction, self._source))

    def _flush(self) -> None:
        assert self._peers is not None, "additions are heard of only with peers"
        new, self._new = self._new, []
        for source in dict.fromkeys(source for _, source in new):
            for batch in _batches([one for one, origin in new if origin == source]):
                self._peers.send_to_all(batch, source)


def _batches(transactions: list[PoolTransaction]) -> list[TransactionsMessage]:
    batches, current, size = list[TransactionsMessage](), list[bytes](), 0
    for one in transactions:
        if current and (len(current) >= MAX_BATCH or size + len(one.encoded) > MAX_BATCH_BYTES):
            batches.append(TransactionsMessage(tuple(current)))
            current, size = [], 0
        current.append(one.encoded)
        size += len(one.encoded)
    return [*batches, TransactionsMessage(tuple(current))] if current else batches
