"""How many calls a connection may make: Substrate's `--rpc-rate-limit`, as a pure token bucket."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

MINUTE = 60.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class TokenBucket:
    """Calls that may still be made: a minute's worth at once, then as fast as they come back."""

    per_minute: int
    seconds: float
    """When `tokens` was true, on any monotonic clock."""
    tokens: float = -1.0

    def __post_init__(self) -> None:
        self.tokens = float(self.per_minute)

    def take(self, seconds: float) -> bool:
        """Use one up, where there is one; whether there was."""
        gained = (seconds - self.seconds) * self.per_minute / MINUTE
        self.tokens = min(float(self.per_minute), self.tokens + gained)
        self.seconds = seconds
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """Who is limited to how many calls a minute: everyone who is not on the list of `exempt` networks.

    With `trust_proxy` the address is what a proxy in front of the node says it is, which only such a proxy
    can be trusted to do.
    """

    per_minute: int
    exempt: tuple[Network, ...] = ()
    trust_proxy: bool = False

    def bucket(self, remote: str, headers: Mapping[str, str], seconds: float) -> TokenBucket | None:
        """The calls of a new connection; None for one that is not limited."""
        address = _told_by_proxy(headers) if self.trust_proxy else None
        try:
            found = ipaddress.ip_address(address or remote)
        except ValueError:
            return TokenBucket(self.per_minute, seconds)
        if any(found in network for network in self.exempt):
            return None
        return TokenBucket(self.per_minute, seconds)


def _told_by_proxy(headers: Mapping[str, str]) -> str | None:
    """The client's address, from `X-Real-IP` or the first of `X-Forwarded-For`."""
    real = headers.get("X-Real-IP")
    forwarded = headers.get("X-Forwarded-For", "").split(",")[0].strip()
    return (real or forwarded).strip() or None
