"""Twins (Bano et al., arXiv 2004.10617): two nodes share one of four keys, and the network is cut anew in
each round, with an author of the scenario's choice.

A scenario is canonical where no renaming of the correct nodes, nor of the twins, gives a lesser one:
scenarios that differ in names alone count once. (The primary of a finality round does depend on the index;
its proposal binds nobody, so renaming keeps what matters.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from random import Random

from tests.simulation.byzantine import Twin
from tests.simulation.node import SimNode
from tests.simulation.world import World

NODES = 5
TWINS = (3, 4)
MAX_GROUPS = 3
ROUNDS = range(4, 8)
SLOT_MS = 1_000
PATIENCE_MS = 8_000
"""After the last round all is healed, and finality must have caught up within this long."""


@dataclass(frozen=True, slots=True, order=True)
class TwinsRound:
    """Who builds a block (a correct node, or 3: both twins), and each node's side of the cut."""

    author: int
    sides: tuple[int, ...]


Scenario = tuple[TwinsRound, ...]


def _renumbered(sides: tuple[int, ...]) -> tuple[int, ...]:
    """The same cut with its parts numbered in the order of their first members."""
    numbers = dict[int, int]()
    return tuple(numbers.setdefault(side, len(numbers)) for side in sides)


def cuts() -> Iterator[tuple[int, ...]]:
    """All ways to cut the nodes into at most three parts, as restricted growth strings."""
    for sides in product(range(MAX_GROUPS), repeat=NODES):
        if _renumbered(sides) == sides:
            yield sides


CHOICES = tuple(TwinsRound(author, sides) for author in range(4) for sides in cuts())
RENAMINGS = tuple((*correct, *twins) for correct in permutations(range(3)) for twins in permutations(TWINS))


def canonical(scenario: Scenario) -> Scenario:
    """The least scenario that differs from this one in names alone."""
    return min(tuple(_renamed(one, names) for one in scenario) for names in RENAMINGS)


def sample(index: int) -> Scenario:
    """The canonical scenario of an index: 4 to 7 rounds, drawn evenly. Two indices may rarely give the same
    one; the campaign counts the distinct.
    """
    random = Random(index)
    rounds = random.choice(ROUNDS)
    return canonical(tuple(random.choice(CHOICES) for _ in range(rounds)))


def world_of(scenario: Scenario) -> World:
    """The cluster that plays the scenario, one round a slot, and is healed after."""
    kinds = [SimNode, SimNode, SimNode, Twin, Twin]
    world = World(len(scenario), kinds, [1] * 4, keys=[0, 1, 2, 3, 3], slot_ms=SLOT_MS)
    for slot, one in enumerate(scenario, 1):
        groups = dict(enumerate(one.sides))
        world.authors[slot] = TWINS if one.author in TWINS else (one.author,)
        world.at(slot * SLOT_MS - 1, None, "cut", lambda groups=groups: _cut(world, groups))
    world.at((len(scenario) + 1) * SLOT_MS - 1, None, "heal", lambda: _cut(world, None))
    return world


def play(scenario: Scenario) -> World:
    """Play a scenario to its end; raises `AssertionError` where a promise is broken."""
    world = world_of(scenario)
    healed_at = (len(scenario) + 1) * SLOT_MS - 1
    world.run_until(healed_at)
    healed = max(node.tree.best.number for node in world.correct)
    world.run_until(healed_at + PATIENCE_MS)
    assert world.lowest_final() >= healed, f"finality stands at {world.lowest_final()}, the head was {healed}"
    return world


def _renamed(one: TwinsRound, names: tuple[int, ...]) -> TwinsRound:
    """The round with node n called names[n]; the twins' key keeps its name."""
    sides = [0] * NODES
    for node, side in enumerate(one.sides):
        sides[names[node]] = side
    author = one.author if one.author in TWINS else names[one.author]
    return TwinsRound(author, _renumbered(tuple(sides)))


def _cut(world: World, groups: dict[int, int] | None) -> None:
    world.network.groups = groups
