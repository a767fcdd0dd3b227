"""What the strategies of one synchronisation share: chain, peers, open requests, blocks on their way."""

from dataclasses import dataclass

from network.messages import BlockData, BlocksRequest, PeerId
from network.sync.answers import size_of
from network.sync.events import ChainProbe, ImportBlocks, SendRequest
from network.sync.peers import SyncPeers
from network.sync.ranges import Load
from network.sync.requests import OpenRequests


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    number: int
    size: int


class Desk:
    """Shared by reference; `chain` shows what is stored."""

    def __init__(self, chain: ChainProbe) -> None:
        self.chain = chain
        self.peers = SyncPeers()
        self.requests = OpenRequests()
        self._importing = dict[bytes, _OnItsWay]()
        self._bytes = 0
        self._highest = 0
        self._is_doomed = False

    # -- requests -----------------------------------------------------------------------------------------

    def ask(self, peer: PeerId, body: BlocksRequest, purpose: object, now: int) -> SendRequest:
        """Note and send a request; whether the peer has room for it, the caller looks first."""
        return SendRequest(peer, self.requests.ask(peer, body, purpose, now), body)

    # -- blocks handed on ---------------------------------------------------------------------------------

    @property
    def importing(self) -> Load:
        """What was handed on and is not stored yet."""
        return Load(len(self._importing), self._bytes)

    @property
    def is_draining(self) -> bool:
        """Whether a block failed that those still on their way may build on."""
        return self._is_doomed and bool(self._importing)

    @property
    def height(self) -> int:
        """Of the best block, or of the highest on its way."""
        return max(self.chain.best.number, self._highest if self._importing else 0)

    @property
    def is_behind(self) -> bool:
        """Whether a peer says to have what is neither stored nor on its way."""
        height = self.height
        return any(peer.best.number > height and not peer.is_elsewhere for peer in self.peers.all())

    def is_known(self, block: bytes) -> bool:
        """Whether the block is stored or on its way."""
        return block in self._importing or self.chain.contains(block)

    def hand_over(self, peer: PeerId, blocks: tuple[BlockData, ...]) -> ImportBlocks:
        """Have blocks imported."""
        if not self._importing:
            self._is_doomed, self._highest = False, 0
        for block in blocks:
            one = _OnItsWay(block.header.number, size_of(block))
            self._importing[block.header.hash()] = one
            self._bytes += one.size
            self._highest = max(self._highest, one.number)
        return ImportBlocks(peer, blocks)

    def arrived(self, block: bytes) -> None:
        """A block is stored, or was refused."""
        one = self._importing.pop(block, None)
        if one is not None:
            self._bytes -= one.size

    def doom(self) -> None:
        """A block was refused: let those behind it come to their end before more is fetched on top."""
        self._is_doomed = True

    def clear(self) -> None:
        """Nothing is on its way any more."""
        self._importing.clear()
        self._bytes = 0
