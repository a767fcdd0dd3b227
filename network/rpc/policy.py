"""Who may talk to the RPC server: Host and Origin checks, and whether unsafe methods are permitted.

A page from anywhere can make a browser open a WebSocket to localhost (same-origin rules do not stop it), and
a name that resolves to 127.0.0.1 passes for localhost (DNS rebinding). So a browser's Origin must be on the
list, and the Host must be the node's own. Programs that are not browsers send no Origin and are not affected.
"""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

ALL_ORIGINS: Final = None
"""`--rpc-cors all`: any origin, and no Host check, as in Substrate."""

DEFAULT_ORIGINS: Final = (
    "http://localhost:*",
    "http://127.0.0.1:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://polkadot.js.org",
)
"""Substrate's default of `--rpc-cors`."""


class UnsafeMethods(enum.Enum):
    """`--rpc-methods`: which clients may call unsafe methods."""

    AUTO = "auto"
    """Those of a server that listens on a loopback address only."""
    SAFE = "safe"
    """None."""
    UNSAFE = "unsafe"
    """All."""

    def permitted(self, listen_address: str) -> bool:
        """Whether a server on this address serves unsafe methods."""
        return self is UnsafeMethods.UNSAFE or (self is UnsafeMethods.AUTO and is_loopback(listen_address))


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address. Names other than localhost count as reachable."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The Host values and the Origins that are served.

    `origins` entries are `scheme://host[:port]`; a port of `*` means any. None serves every origin and Host.
    """

    origins: tuple[str, ...] | None
    listen_address: str
    port: int

    def host_allowed(self, host: str | None) -> bool:
        """Whether a request with this Host header is meant for this node."""
        if self.origins is ALL_ORIGINS:
            return True
        names = ("localhost", "127.0.0.1", "[::1]", _bracketed(self.listen_address))
        return host is not None and host.lower() in {f"{name}:{self.port}" for name in names}

    def origin_allowed(self, origin: str | None) -> bool:
        """Whether a page of this origin may call; None is a client that is not a browser."""
        if origin is None or self.origins is ALL_ORIGINS:
            return True
        return any(_matches(origin.lower(), allowed.lower()) for allowed in self.origins)


def _matches(origin: str, allowed: str) -> bool:
    if not allowed.endswith(":*"):
        return origin == allowed
    base = allowed.removesuffix(":*")
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    bare = f"{parts.scheme}://{_bracketed(parts.hostname or '')}"
    return bare == base and origin == (bare if port is None else f"{bare}:{port}")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address
