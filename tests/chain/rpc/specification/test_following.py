"""The core of `chainHead_v1_follow`: order, pins and ends, on trees that are drawn and on small ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.rpc.specification.following import (
    MAX_PINNED,
    MAX_PINNED_DEPTH,
    Began,
    BestBlockChanged,
    BestChosen,
    Block,
    Finalised,
    FinalizedBlocks,
    FollowCore,
    FollowEvent,
    Imported,
    Initialized,
    NewBlock,
    NotPinned,
    Stopped,
)
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header


def block(parent: Block | None, name: int = 0) -> Block:
    number = 0 if parent is None else parent.header.number + 1
    header = Header(
        bytes(32) if parent is None else parent.hash, number, name.to_bytes(32, "big"), bytes(32), Digest(())
    )
    return Block(header.hash(), header)


ROOT = block(None)


def begun(*descendants: Block, best: Block = ROOT) -> FollowCore:
    core = FollowCore()
    core.handle(Began((ROOT,), descendants, best.hash))
    return core


def test_it_begins_with_final_blocks_then_what_builds_on_them_then_the_best() -> None:
    one = block(ROOT)
    two, other = block(one), block(one, 1)
    told = FollowCore().handle(Began((ROOT, one), (two, other), other.hash))
    assert told == [
        Initialized((ROOT.hash, one.hash)),
        NewBlock(two.hash, one.hash),
        NewBlock(other.hash, one.hash),
        BestBlockChanged(other.hash),
    ]


def test_a_block_is_told_once_and_one_without_a_known_parent_never() -> None:
    core, one = begun(), block(ROOT)
    assert core.handle(Imported(one)) == [NewBlock(one.hash, ROOT.hash)]
    assert core.handle(Imported(one)) == []
    assert core.handle(Imported(block(block(ROOT, 9)))) == []


def test_what_is_not_told_is_never_best() -> None:
    core, one = begun(), block(ROOT)
    assert core.handle(BestChosen(one.hash)) == []
    core.handle(Imported(one))
    assert core.handle(BestChosen(one.hash)) == [BestBlockChanged(one.hash)]
    assert core.handle(BestChosen(one.hash)) == []


def test_finality_names_the_forks_that_lost_and_moves_the_best_block_first() -> None:
    one, fork = block(ROOT), block(ROOT, 1)
    high, two = block(fork), block(one)
    core = begun(one, fork, high, two, best=high)
    assert core.handle(Finalised((one,))) == [
        BestBlockChanged(one.hash),
        FinalizedBlocks((one.hash,), (fork.hash, high.hash)),
    ]
    assert {fork.hash, high.hash, ROOT.hash} <= core.pinned.keys()
    assert core.handle(Imported(block(high))) == []
    assert core.handle(BestChosen(high.hash)) == []
    assert core.handle(Finalised((two,))) == [
        BestBlockChanged(two.hash),
        FinalizedBlocks((two.hash,), ()),
    ]


def test_a_final_block_that_was_not_heard_of_is_new_first() -> None:
    core, one = begun(), block(ROOT)
    told = core.handle(Finalised((one,)))
    assert [type(each) for each in told] == [NewBlock, BestBlockChanged, FinalizedBlocks]


def test_finality_heard_again_is_not_told_again() -> None:
    one = block(ROOT)
    core = begun(one)
    core.handle(Finalised((one,)))
    assert core.handle(Finalised((one,))) == []


def test_a_gap_in_finality_ends_it() -> None:
    core = begun()
    assert core.handle(Finalised((block(block(ROOT)),))) == [Stopped()]


def test_it_ends_where_more_would_be_pinned_than_may_be() -> None:
    core, last = begun(), ROOT
    for _ in range(MAX_PINNED - 1):
        last = block(last)
        assert core.handle(Imported(last)) == [NewBlock(last.hash, last.header.parent_hash)]
    after = block(last)
    assert core.handle(Imported(after)) == [Stopped()]
    assert core.handle(BestChosen(last.hash)) == []


def test_unpinning_makes_room() -> None:
    core, last = begun(), ROOT
    for _ in range(2 * MAX_PINNED):
        core.unpin([last.hash])
        last = block(last)
        assert Stopped() not in core.handle(Finalised((last,)))


def test_it_ends_where_a_block_stays_pinned_far_below_finality() -> None:
    core, last, told = begun(), ROOT, list[FollowEvent]()
    for _ in range(MAX_PINNED_DEPTH + 1):
        assert Stopped() not in told
        last = block(last)
        told = core.handle(Finalised((last,)))
    assert told[-1] == Stopped()


def test_unpinning_a_block_that_is_not_held_lets_go_of_none() -> None:
    core = begun()
    with pytest.raises(NotPinned):
        core.unpin([ROOT.hash, bytes(32)])
    assert ROOT.hash in core.pinned


@given(st.lists(st.tuples(st.sampled_from("ibf"), st.integers(0, 2**16)), max_size=60))
def test_whatever_happens_the_events_are_in_order(steps: list[tuple[str, int]]) -> None:
    tree, core = [ROOT], FollowCore()
    told = core.handle(Began((ROOT,), (), ROOT.hash))
    final = ROOT
    for kind, draw in steps:
        chosen = tree[draw % len(tree)]
        if kind == "i":
            new = block(chosen, len(tree))
            tree.append(new)
            told += core.handle(Imported(new))
        elif kind == "b":
            told += core.handle(BestChosen(chosen.hash))
        elif (path := way(tree, final, chosen)) is not None and path:
            told += core.handle(Finalised(tuple(path)))
            final = chosen
    check(told)


def way(tree: list[Block], start: Block, end: Block) -> list[Block] | None:
    known, path = {each.hash: each for each in tree}, list[Block]()
    while end.header.number > start.header.number:
        path.insert(0, end)
        end = known[end.header.parent_hash]
    return path if end == start else None


def check(told: list[FollowEvent]) -> None:
    """The specification's invariants over all events of one follower."""
    parents: dict[bytes, bytes] = {}
    pruned: set[bytes] = set()
    final = best = ROOT.hash
    for event in told[1:]:
        match event:
            case NewBlock(new, parent):
                assert new not in parents
                assert parent in parents or parent == ROOT.hash
                assert parent not in pruned
                parents[new] = parent
            case BestBlockChanged(new):
                assert new in parents or new == ROOT.hash
                assert new not in pruned
                best = new
            case FinalizedBlocks(blocks, lost):
                for each in blocks:
                    assert parents[each] == final
                    final = each
                assert not pruned & {*blocks, *lost}
                pruned.update(lost)
                at = best
                while at != final:
                    at = parents[at]
            case _:
                raise AssertionError(event)
