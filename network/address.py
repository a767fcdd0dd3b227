"""Where a peer listens, as a multiaddress: `/ip4/1.2.3.4/tcp/30333/ws/p2p/12D3KooW…`."""

import ipaddress
import re
from dataclasses import dataclass

from network.identity import InvalidPeerName, parse_peer_name, peer_name
from network.messages import PeerId

MAX_ADDRESS_LENGTH = 400
"""A DNS name has up to 253 characters, the rest about 80."""

MAX_PORT = 65_535

_DNS_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?")
_HOSTS = ("ip4", "ip6", "dns", "dns4", "dns6")


class InvalidAddress(ValueError):
    """A text that is no address of this network; it names the part that is wrong."""


@dataclass(frozen=True, slots=True)
class Address:
    """`kind` is ip4, ip6 or dns; `peer` None: whoever listens there."""

    kind: str
    host: str
    port: int
    peer: PeerId | None = None

    def __str__(self) -> str:
        text = f"/{self.kind}/{self.host}/tcp/{self.port}/ws"
        return text if self.peer is None else f"{text}/p2p/{peer_name(self.peer)}"

    @property
    def url(self) -> str:
        """The WebSocket's URL."""
        host = f"[{self.host}]" if self.kind == "ip6" else self.host
        return f"ws://{host}:{self.port}/"

    @property
    def is_global(self) -> bool:
        """Whether it can be reached from everywhere; a DNS name is taken for one that can."""
        return self.kind == "dns" or ipaddress.ip_address(self.host).is_global

    @property
    def subnet(self) -> str:
        """What addresses of one owner tend to share: the /16 of IPv4, the /32 of IPv6, or the DNS name."""
        if self.kind == "ip4":
            return ".".join(self.host.split(".")[:2])
        if self.kind == "ip6":
            return ipaddress.ip_address(self.host).exploded[:9]
        return self.host.lower()


def parse_address(text: str, *, with_peer: bool | None = None) -> Address:
    """The address of a text; `with_peer`: whether it must, or must not, name a peer.

    Raises `InvalidAddress`.
    """
    if len(text) > MAX_ADDRESS_LENGTH:
        raise InvalidAddress(f"an address of {len(text)} characters: at most {MAX_ADDRESS_LENGTH}")
    parts = text.split("/")
    if parts[0] or len(parts) < 5 or parts[1] not in _HOSTS or parts[3] != "tcp":
        raise InvalidAddress(f"{text!r}: expected /ip4/HOST/tcp/PORT/ws, with ip6 or dns instead of ip4")
    kind = "dns" if parts[1].startswith("dns") else parts[1]
    host, port, rest = _host(kind, parts[2], text), _port(parts[4], text), parts[5:]
    if rest[:1] == ["ws"]:
        rest = rest[1:]
    peer = None
    if len(rest) == 2 and rest[0] == "p2p":
        try:
            peer = parse_peer_name(rest[1])
        except InvalidPeerName as error:
            raise InvalidAddress(f"{text!r}: {error}") from error
    elif rest:
        raise InvalidAddress(f"{text!r}: '/{'/'.join(rest)}' is not understood; /ws and /p2p/PEER may follow")
    if with_peer and peer is None:
        raise InvalidAddress(f"{text!r}: the peer is missing, add /p2p/12D3KooW…")
    if with_peer is False and peer is not None:
        raise InvalidAddress(f"{text!r}: an address to listen at names no peer, leave /p2p/… out")
    return Address(kind, host, port, peer)


def _host(kind: str, host: str, text: str) -> str:
    if kind == "dns":
        if len(host) > 253 or not _DNS_NAME.fullmatch(host):
            raise InvalidAddress(f"{text!r}: {host!r} is no DNS name")
        return host
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        found = None
    if found is None or found.version != int(kind[-1]):
        raise InvalidAddress(f"{text!r}: {host!r} is no IPv{kind[-1]} address")
    return str(found)


def _port(port: str, text: str) -> int:
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= MAX_PORT):
        raise InvalidAddress(f"{text!r}: {port!r} is no port")
    return int(port)


def ip_address(host: str, port: int, peer: PeerId | None = None) -> Address:
    """The address of a numeric host. Raises `InvalidAddress`."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError as error:
        raise InvalidAddress(f"{host!r} is no IP address") from error
    return Address(f"ip{found.version}", str(found), port, peer)
