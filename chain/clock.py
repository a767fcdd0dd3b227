"""The node's only clocks. Cores get time as data; whoever calls them reads it here."""

import time


def unix_ms() -> int:
    """Milliseconds since the Unix epoch: slots and timestamps."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Milliseconds that never go back: bans and deadlines."""
    return time.monotonic_ns() // 1_000_000
