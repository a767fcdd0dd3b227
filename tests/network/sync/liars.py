"""Every lie that a peer can tell in answering a request for blocks, one class each."""

from dataclasses import dataclass, replace

from network.messages import (
    BlockData,
    BlockPoint,
    BlocksRequest,
    BlocksResponse,
    Direction,
    PeerFault,
    Refusal,
    RefusalReason,
    ResponseBody,
    StateResponse,
)
from tests.network.sync.world import INVALID, Answer, MemoryChain, Peer, block_on, grow


class Lying(Peer):
    """Alters a correct answer; `fault` is what it must be reported for, None where nothing proves it."""

    fault: PeerFault | None = PeerFault.BAD_ANSWER

    def respond(self, request: BlocksRequest) -> list[Answer]:
        correct = self.correct(request)
        if not isinstance(correct, BlocksResponse):
            return [(self.delay, correct)]
        return [(self.delay, self.alter(request, correct.blocks))]

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        raise NotImplementedError


class Silent(Lying):
    """Never answers."""

    fault = PeerFault.TIMED_OUT

    def respond(self, request: BlocksRequest) -> list[Answer]:
        return []


class Refusing(Lying):
    """Says to have nothing of what it announced."""

    fault = PeerFault.LIED_ABOUT_HEAD

    def respond(self, request: BlocksRequest) -> list[Answer]:
        return [(self.delay, Refusal(RefusalReason.UNKNOWN))]


class Empty(Lying):
    """Answers with no block at all."""

    fault = PeerFault.LIED_ABOUT_HEAD

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        return BlocksResponse(())


class Busy(Lying):
    """Always says to be busy."""

    fault = None

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        return Refusal(RefusalReason.BUSY)


class TooMany(Lying):
    """One block more than asked for."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        return BlocksResponse((*blocks, block_on(blocks[-1].header)))


class WrongOrder(Lying):
    """The right blocks, the other way round."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        other = blocks if len(blocks) > 1 else (block_on(blocks[0].header),)
        return BlocksResponse(tuple(reversed(other)))


class OtherBlock(Lying):
    """Another block than the one asked for."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        header = replace(blocks[0].header, number=blocks[0].header.number + 1)
        return BlocksResponse((replace(blocks[0], header=header),))


class Unlinked(Lying):
    """A run with a gap."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        middle = len(blocks) // 2
        gap = blocks[:middle] + blocks[middle + 1 :]
        return BlocksResponse(gap if len(blocks) > 2 else (replace(blocks[0], extrinsics=(b"no",)),))


class WrongBody(Lying):
    """A body that its header does not commit to."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        return BlocksResponse((*blocks[:-1], replace(blocks[-1], extrinsics=(b"another",))))


class NoBodies(Lying):
    """Headers alone where bodies were asked for."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        with_body = blocks[0].extrinsics or (b"unasked",)
        bare = [replace(block, extrinsics=None if request.bodies else with_body) for block in blocks]
        return BlocksResponse(tuple(bare))


class WrongKind(Lying):
    """An answer to another kind of request."""

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        return StateResponse(())


class Drip(Lying):
    """One block at a time, just before time is up."""

    fault = None

    def respond(self, request: BlocksRequest) -> list[Answer]:
        correct = self.correct(request)
        assert isinstance(correct, BlocksResponse)
        return [(9_000, BlocksResponse(correct.blocks[:1]))]


class Repeating(Lying):
    """Answers everything twice."""

    fault = PeerFault.UNREQUESTED

    def respond(self, request: BlocksRequest) -> list[Answer]:
        correct = self.correct(request)
        return [(self.delay, correct), (self.delay + 1, correct)]


@dataclass
class Boasting(Lying):
    """Serves what there is, and says to be a million blocks ahead."""

    fault = PeerFault.LIED_ABOUT_HEAD

    @property
    def best(self) -> BlockPoint:
        return BlockPoint(b"b" * 32, 1_000_000)

    def respond(self, request: BlocksRequest) -> list[Answer]:
        return Peer.respond(self, request)


@dataclass
class BoastingSilently(Boasting):
    """The same, without an answer beyond the end."""

    fault = PeerFault.TIMED_OUT

    def respond(self, request: BlocksRequest) -> list[Answer]:
        answers = Peer.respond(self, request)
        return [one for one in answers if isinstance(one[1], BlocksResponse)]


class Inventing(Lying):
    """Each answer is a consistent run of invented blocks that build on nothing known."""

    fault = None

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        if not request.bodies or request.direction is Direction.DESCENDING:
            return BlocksResponse(blocks)
        first = blocks[0].header
        parent = replace(first, parent_hash=b"p" * 32, number=first.number - 1)
        return BlocksResponse(tuple(grow(parent, len(blocks), salt=b"invented", root=INVALID)))


class Forging(Lying):
    """Answers build on the real chain, and end in a block that no validator made."""

    fault = PeerFault.BAD_BLOCK

    def alter(self, request: BlocksRequest, blocks: tuple[BlockData, ...]) -> ResponseBody:
        if not request.bodies or request.direction is Direction.DESCENDING:
            return BlocksResponse(blocks)
        last = blocks[-1]
        return BlocksResponse((*blocks[:-1], replace(last, header=replace(last.header, state_root=INVALID))))


LIARS: tuple[type[Lying], ...] = (
    Silent,
    Refusing,
    Empty,
    Busy,
    TooMany,
    WrongOrder,
    OtherBlock,
    Unlinked,
    WrongBody,
    NoBodies,
    WrongKind,
    Drip,
    Repeating,
    Boasting,
    BoastingSilently,
    Inventing,
    Forging,
)


def liar(kind: type[Lying], chain: MemoryChain) -> Lying:
    """A liar that knows the real chain."""
    return kind(chain)
