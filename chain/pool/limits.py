"""How much the pool may hold: Substrate's `--pool-limit` and `--pool-kbytes`, and what follows from them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds on the pool's memory and on what one sender's mistakes can cost.

    The ready queue's defaults are Substrate's. The future queue gets a tenth: a transaction there pays for
    nothing yet, so it must not crowd out those that can be included.
    """

    ready_count: int = 8192
    ready_bytes: int = 20 * 1024 * 1024
    future_count: int = 819
    future_bytes: int = 2 * 1024 * 1024
    ban_ms: int = 1_800_000
    """How long an invalid or dropped transaction is refused: Substrate's `--tx-ban-seconds`, half an hour."""
    banned_count: int = 16_384
    """Bans remembered; the oldest is forgotten first, since a ban only saves the work of a second verdict."""
