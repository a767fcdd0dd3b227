"""Peer exchange: asking peers for addresses, and telling them some."""

from collections.abc import Callable

from network.address import Address, InvalidAddress, parse_address
from network.messages import (
    Message,
    PeerFault,
    PeerId,
    PeersRequest,
    PeersResponse,
    Request,
    Response,
    Status,
)
from network.peers.manager import PeerManager

OWN_REQUESTS = 1 << 63
"""Ids of these requests begin here; those of the node stay below."""


class AddressExchange:
    """Handles the messages that the node need not see. `own` are addresses of this node itself."""

    def __init__(
        self,
        manager: PeerManager,
        own: Callable[[], list[Address]],
        send: Callable[[PeerId, Message], object],
        report: Callable[[PeerId, PeerFault, str], None],
    ) -> None:
        self._manager = manager
        self._own = own
        self._send = send
        self._report = report
        self._asked = dict[PeerId, int]()
        self._next = OWN_REQUESTS

    def ask(self, peer: PeerId) -> None:
        """Ask a peer for addresses; an older question to it is no longer waited for."""
        self._next += 1
        self._asked[peer] = self._next
        self._send(peer, Request(self._next, PeersRequest()))

    def forget(self, peer: PeerId) -> None:
        """The peer is gone."""
        self._asked.pop(peer, None)

    def handle(self, peer: PeerId, message: Message) -> bool:
        """React to what concerns addresses, or comes at a wrong time; whether it was that."""
        match message:
            case Request(number, PeersRequest()):
                told = [str(one) for one in (*self._own(), *self._manager.share()) if one.peer is not None]
                self._send(peer, Response(number, PeersResponse(tuple(told))))
            case Response(number, body) if number >= OWN_REQUESTS:
                if self._asked.pop(peer, None) != number:
                    self._report(peer, PeerFault.UNREQUESTED, "addresses")
                elif isinstance(body, PeersResponse):
                    self._learn(peer, body.addresses)
            case Status():
                self._report(peer, PeerFault.UNREQUESTED, "a second status")
            case _:
                return False
        return True

    def _learn(self, source: PeerId, texts: tuple[str, ...]) -> None:
        addresses = list[Address]()
        for text in texts:
            try:
                addresses.append(parse_address(text, with_peer=True))
            except InvalidAddress as error:
                self._report(source, PeerFault.BAD_ANSWER, str(error))
                return
        self._manager.learn(addresses, source)
