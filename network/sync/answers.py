"""Checking answers: whether a peer sent what it was asked for. What is inside a block, its import tells."""

from itertools import pairwise

from network.messages import BlockData, BlocksRequest, Direction
from runtime.primitives.trie import extrinsics_root


class WrongAnswer(Exception):
    """Blocks that are not those asked for; the text says what is wrong."""


def check_blocks(request: BlocksRequest, blocks: tuple[BlockData, ...]) -> None:
    """Whether `blocks` begin where they should, are linked, and hold the bodies of their headers.

    An empty answer is one: the peer has nothing there. Raises `WrongAnswer`.
    """
    if len(blocks) > request.count:
        raise WrongAnswer(f"{len(blocks)} blocks, {request.count} were asked for")
    if not blocks:
        return
    first = blocks[0].header
    start = first.hash() if isinstance(request.start, bytes) else first.number
    if start != request.start:
        raise WrongAnswer(f"begins with block {first.number}, which was not asked for")
    for before, after in pairwise(blocks):
        child, parent = (before, after) if request.direction is Direction.DESCENDING else (after, before)
        if child.header.parent_hash != parent.header.hash():
            raise WrongAnswer(f"block {child.header.number} does not build on the one beside it")
        if child.header.number != parent.header.number + 1:
            raise WrongAnswer(f"block {child.header.number} has a wrong number")
    for block in blocks:
        _check_body(request, block)


def _check_body(request: BlocksRequest, block: BlockData) -> None:
    if block.justification is not None and not request.justifications:
        raise WrongAnswer(f"block {block.header.number} came with a justification")
    if not request.bodies:
        if block.extrinsics is not None:
            raise WrongAnswer(f"block {block.header.number} came with a body")
        return
    if block.extrinsics is None:
        raise WrongAnswer(f"block {block.header.number} came without its body")
    if extrinsics_root(list(block.extrinsics)) != block.header.extrinsics_root:
        raise WrongAnswer(f"the body of block {block.header.number} is another one")


def size_of(block: BlockData) -> int:
    """Bytes that a block holds in memory, about."""
    return 500 + sum(map(len, block.extrinsics or ())) + len(block.justification or b"")
