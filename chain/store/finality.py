"""Moving the finalised head and letting go of what it makes unreachable; moving the best head; going back."""

from collections.abc import Mapping

from chain.store.blocks import TreeRoute
from chain.store.commit import descends_from_finalized
from chain.store.errors import NotOnFinalizedChain, StateDiscarded
from chain.store.pruning import Pruning
from chain.store.records import Finalized, Reverted
from chain.store.schema import JUSTIFICATION, BlockRef, Heads
from chain.store.stage import Columns, Stage

MAX_STATES_PRUNED_AT_ONCE = 64
"""A batch stays within tens of megabytes even when finality jumps far; later calls catch up."""


def set_best(columns: Columns, heads: Heads, block: bytes, *, sync: bool) -> tuple[Heads, TreeRoute]:
    """Make a stored block the best one. Raises `UnknownBlock`, `NotOnFinalizedChain`."""
    ref = BlockRef(columns.blocks.require(block).number, block)
    if not descends_from_finalized(columns, heads, ref):
        raise NotOnFinalizedChain(block, heads.finalized.hash)
    route = columns.blocks.route(heads.best.hash, block)
    stage = Stage(columns)
    stage.move_best(route)
    heads = Heads(ref, heads.finalized, heads.oldest_state)
    stage.write(heads, sync=sync)
    return heads, route


def finalize(
    columns: Columns,
    heads: Heads,
    block: bytes,
    justification: bytes | None,
    pruning: Pruning,
    aux: Mapping[bytes, bytes | None],
    *,
    sync: bool,
) -> tuple[Heads, Finalized]:
    """Make `block` the finalised head in one batch; fork blocks that lost go, and so do old states.

    Raises `UnknownBlock`, `NotOnFinalizedChain`, `DatabaseWriteFailed`.
    """
    target = BlockRef(columns.blocks.require(block).number, block)
    if not descends_from_finalized(columns, heads, target):
        raise NotOnFinalizedChain(block, heads.finalized.hash)
    stage = Stage(columns)
    stage.put_aux(aux)
    if justification is not None:
        stage.batch[JUSTIFICATION + block] = justification
    route: TreeRoute | None = None
    enacted = _ancestry(columns, target, heads.finalized)
    best = heads.best
    if not columns.blocks.is_canonical(block):
        route, best = columns.blocks.route(best.hash, block), target
        stage.move_best(route)
    lost = _lost_forks(columns, heads.finalized, enacted)
    if pruning.keeps_forks:
        for fork_block in lost:
            number = columns.blocks.require(fork_block).number
            columns.blocks.stage_leaf(stage.batch, BlockRef(number, fork_block), leaf=False)
    else:
        stage.remove_blocks(lost)
    oldest = _prune_states(stage, heads.oldest_state, target, enacted, pruning)
    heads = Heads(best, target, oldest)
    stage.write(heads, sync=sync)
    return heads, Finalized(enacted, tuple(lost), route)


def _ancestry(columns: Columns, target: BlockRef, finalized: BlockRef) -> tuple[bytes, ...]:
    """Blocks after the finalised one up to `target`, oldest first."""
    chain: list[bytes] = []
    number, current = target.number, target.hash
    while number > finalized.number:
        chain.append(current)
        current = columns.blocks.require(current).parent_hash
        number -= 1
    return tuple(reversed(chain))


def _lost_forks(columns: Columns, finalized: BlockRef, enacted: tuple[bytes, ...]) -> list[bytes]:
    """All blocks above the old finalised head that are neither newly final nor built on the new head."""
    lost: list[bytes] = []
    parent = finalized.hash
    for final in enacted:
        for sibling in columns.blocks.children(parent):
            if sibling != final:
                lost += columns.blocks.descendants(sibling)
        parent = final
    return lost


def _prune_states(
    stage: Stage, oldest: int, target: BlockRef, enacted: tuple[bytes, ...], pruning: Pruning
) -> int:
    """Let states go that are older than the retention, as far as one batch should; the new oldest number."""
    if pruning.kept_states is None:
        return oldest
    keep_from = min(target.number - pruning.kept_states + 1, oldest + MAX_STATES_PRUNED_AT_ONCE)
    first_enacted = target.number - len(enacted) + 1

    def final_block(number: int) -> bytes:
        if number >= first_enacted:
            return enacted[number - first_enacted]
        block = stage.columns.blocks.canonical(number)
        assert block is not None, "the finalised chain has a block at every height"
        return block

    while oldest < keep_from:
        stage.remove_journal(final_block(oldest))
        oldest += 1
        stage.release_nodes(stage.columns.journal(final_block(oldest)).removed)
    return oldest


def revert(columns: Columns, heads: Heads, blocks_back: int, *, force: bool) -> tuple[Heads, Reverted]:
    """Go back from the best block, not below the finalised one unless `force`; higher blocks of all branches
    go.

    Raises `StateDiscarded` where the state to return to is pruned, `ValueError` for a negative count.
    """
    if blocks_back < 0:
        raise ValueError("the number of blocks to go back can not be negative")
    floor = 0 if force else heads.finalized.number
    number = max(heads.best.number - blocks_back, floor)
    target = columns.blocks.canonical(number)
    assert target is not None, "the best chain has a block at every height"
    if number < heads.oldest_state:
        raise StateDiscarded(target, number, heads.oldest_state)
    best = BlockRef(number, target)
    finalized = best if number < heads.finalized.number else heads.finalized
    stage = Stage(columns)
    stage.move_best(columns.blocks.route(heads.best.hash, target))
    survivors = columns.blocks.at_height(number)
    removed: list[bytes] = []
    for survivor in survivors:
        removed += columns.blocks.descendants(survivor)[1:]
    stage.remove_blocks(removed)
    for survivor in survivors:
        # An archive also holds blocks beside the finalised one, which stay out of the race.
        can_win = survivor == target or number > finalized.number
        columns.blocks.stage_leaf(stage.batch, BlockRef(number, survivor), leaf=can_win)
    heads = Heads(best, finalized, heads.oldest_state)
    stage.write(heads, sync=True)
    return heads, Reverted(best, finalized, tuple(removed))
