"""How much a peer may send: token buckets by kind of message, in whole milliseconds."""

from network.messages import (
    BlockAnnounce,
    Finality,
    Message,
    Request,
    Response,
    Status,
    Transactions,
)

MEBIBYTE = 1 << 20


class TokenBucket:
    """`rate` tokens a second, up to `burst` saved; a full bucket at first."""

    def __init__(self, rate: int, burst: int) -> None:
        self._rate = rate
        self._capacity = burst * 1_000
        self._tokens = self._capacity
        self._at: int | None = None

    def take(self, amount: int, now: int) -> bool:
        """Take `amount` tokens at time `now` (ms), where there are so many."""
        elapsed = max(now - self._at, 0) if self._at is not None else 0
        self._at = now
        self._tokens = min(self._tokens + elapsed * self._rate, self._capacity)
        if amount * 1_000 > self._tokens:
            return False
        self._tokens -= amount * 1_000
        return True


MESSAGES: dict[type, tuple[int, int]] = {
    Status: (1, 2),
    BlockAnnounce: (20, 200),
    Transactions: (50, 500),
    Finality: (500, 4_000),
    Request: (100, 400),
    Response: (200, 800),
}
"""Messages a second, and at once. A correct peer's sync asks some 40 requests a second; 1,000 voters make
2,000 votes a round, which gossip relays in batches; a block a second makes a few announces.
"""

BYTES: dict[type, tuple[int, int]] = {
    Transactions: (4 * MEBIBYTE, 16 * MEBIBYTE),
    Finality: (2 * MEBIBYTE, 8 * MEBIBYTE),
}
"""Bytes a second, and at once, of what nobody asked for. The size of a response is the asker's choice."""


class RateLimits:
    """What one peer has left."""

    def __init__(self) -> None:
        self._messages = {kind: TokenBucket(*limit) for kind, limit in MESSAGES.items()}
        self._bytes = {kind: TokenBucket(*limit) for kind, limit in BYTES.items()}

    def allow(self, message: Message, size: int, now: int) -> bool:
        """Whether a message of `size` bytes is within the peer's limits; what is not should be dropped."""
        kind = type(message)
        if not self._messages[kind].take(1, now):
            return False
        return kind not in self._bytes or self._bytes[kind].take(size, now)
