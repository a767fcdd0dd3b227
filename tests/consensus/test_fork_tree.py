import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.fork_tree import BlockRef, ForkFault, ForkTree, InvalidFork
from runtime.primitives.hashing import blake2_256

ROOT = BlockRef(blake2_256(b"root"), 100, bytes(32), False)


def block(parent: BlockRef, name: str, *, primary: bool = False) -> BlockRef:
    return BlockRef(blake2_256(name.encode()), parent.number + 1, parent.hash, primary)


def grown(tree: ForkTree, parent: BlockRef, names: str, *, primary: bool = False) -> list[BlockRef]:
    blocks = list[BlockRef]()
    for name in names.split():
        parent = block(parent, name, primary=primary)
        tree.insert(parent)
        blocks.append(parent)
    return blocks


def refused(action: object, *arguments: object) -> ForkFault:
    with pytest.raises(InvalidFork) as caught:
        action(*arguments)  # type: ignore[operator]
    return caught.value.reason


def test_an_empty_tree_has_its_root_for_everything() -> None:
    tree = ForkTree(ROOT)
    assert (tree.best, tree.root, tree.leaves, len(tree)) == (ROOT, ROOT, (ROOT,), 0)
    assert tree.get(ROOT.hash) == ROOT


def test_the_longer_chain_wins_and_the_route_to_it_is_told() -> None:
    tree = ForkTree(ROOT)
    a1, a2 = grown(tree, ROOT, "a1 a2")
    b1, b2 = grown(tree, ROOT, "b1 b2")
    assert tree.best == a2
    b3 = block(b2, "b3")
    placement = tree.insert(b3)
    assert placement.is_new_best
    assert placement.route is not None
    assert placement.route.common == ROOT
    assert placement.route.retracted == (a2, a1)
    assert placement.route.enacted == (b1, b2, b3)
    assert tree.leaves == (a2, b3)


def test_primary_slots_outweigh_length() -> None:
    tree = ForkTree(ROOT)
    grown(tree, ROOT, "a1 a2 a3 a4")
    (strong,) = grown(tree, ROOT, "p1", primary=True)
    assert tree.best == strong


def test_on_a_tie_the_first_seen_stays() -> None:
    tree = ForkTree(ROOT)
    a1, b1 = block(ROOT, "a1"), block(ROOT, "b1")
    assert tree.insert(a1).is_new_best
    assert not tree.insert(b1).is_new_best
    assert tree.best == a1


def test_a_block_that_cannot_be_placed_is_refused_and_changes_nothing() -> None:
    tree = ForkTree(ROOT, capacity=2)
    a1, a2 = grown(tree, ROOT, "a1 a2")
    assert refused(tree.insert, a1) is ForkFault.DUPLICATE
    assert refused(tree.insert, ROOT) is ForkFault.DUPLICATE
    assert refused(tree.insert, BlockRef(bytes(32), 105, bytes([1]) * 32, True)) is ForkFault.UNKNOWN_PARENT
    assert refused(tree.insert, BlockRef(bytes(32), 104, a2.hash, True)) is ForkFault.NUMBER
    assert refused(tree.insert, block(a2, "a3")) is ForkFault.FULL
    assert refused(tree.get, bytes(32)) is ForkFault.UNKNOWN_BLOCK
    assert (len(tree), tree.best, tree.leaves) == (2, a2, (a2,))


def test_finality_prunes_what_does_not_descend_and_moves_the_root() -> None:
    tree = ForkTree(ROOT)
    a1, a2, a3 = grown(tree, ROOT, "a1 a2 a3")
    b2, b3 = grown(tree, a1, "b2 b3")
    (c1,) = grown(tree, ROOT, "c1")
    step = tree.finalise(a2.hash)
    assert step.finalised == (a1, a2)
    assert step.pruned == (b2, b3, c1)
    assert step.reorganisation is None
    assert (tree.root, tree.best, tree.leaves, len(tree)) == (a2, a3, (a3,), 1)
    assert b3.hash not in tree
    assert refused(tree.finalise, b2.hash) is ForkFault.UNKNOWN_BLOCK
    assert refused(tree.finalise, a1.hash) is ForkFault.UNKNOWN_BLOCK
    assert refused(tree.insert, block(b3, "b4")) is ForkFault.UNKNOWN_PARENT


def test_finality_on_a_lighter_branch_moves_the_head_there() -> None:
    tree = ForkTree(ROOT)
    a1, a2, a3 = grown(tree, ROOT, "a1 a2 a3")
    b1, b2 = grown(tree, ROOT, "b1 b2")
    (c2,) = grown(tree, b1, "c2")
    step = tree.finalise(b1.hash)
    assert tree.best == b2
    assert step.reorganisation is not None
    assert step.reorganisation.retracted == (a3, a2, a1)
    assert step.reorganisation.enacted == (b1, b2)
    assert tree.leaves == (b2, c2)


def test_finalising_the_root_again_changes_nothing() -> None:
    tree = ForkTree(ROOT)
    (a1,) = grown(tree, ROOT, "a1")
    step = tree.finalise(ROOT.hash)
    assert (step.finalised, step.pruned, step.reorganisation, tree.best) == ((), (), None, a1)


def test_ancestry_is_known_along_and_across_branches() -> None:
    tree = ForkTree(ROOT)
    a1, a2 = grown(tree, ROOT, "a1 a2")
    (b1,) = grown(tree, ROOT, "b1")
    assert tree.is_ancestor(ROOT.hash, a2.hash)
    assert tree.is_ancestor(a2.hash, a2.hash)
    assert not tree.is_ancestor(b1.hash, a2.hash)
    assert not tree.is_ancestor(a2.hash, a1.hash)


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=30), st.integers(0, 30))
def test_the_best_block_is_always_the_first_of_the_heaviest(
    growth: list[tuple[int, bool]], final_choice: int
) -> None:
    tree, blocks, weights = ForkTree(ROOT), [ROOT], {ROOT.hash: (0, 0)}
    for index, (choice, primary) in enumerate(growth):
        parent = blocks[choice % len(blocks)]
        blocks.append(block(parent, str(index), primary=primary))
        primaries, length = weights[parent.hash]
        weights[blocks[-1].hash] = (primaries + primary, length + 1)
        tree.insert(blocks[-1])
        assert tree.best == max(blocks, key=lambda each: weights[each.hash])
    final = blocks[final_choice % len(blocks)]
    old_best = tree.best
    step = tree.finalise(final.hash)
    kept = [each for each in blocks if each.hash in tree]
    assert all(tree.is_ancestor(final.hash, each.hash) for each in kept)
    assert len(kept) + len(step.pruned) + max(0, len(step.finalised)) == len(blocks)
    assert tree.best == max(kept, key=lambda each: weights[each.hash])
    assert (step.reorganisation is None) is (old_best == tree.best)
