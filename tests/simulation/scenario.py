"""A run of mixed faults drawn from one seed: chaos, then healing, then the wait for finality."""

from random import Random

from consensus.authorities import supermajority
from consensus.finality.changes import ScheduledChange, finality_item
from tests.simulation.byzantine import Divider, Equivocator, Forgetful, Liar, Silent
from tests.simulation.network import Network
from tests.simulation.node import SimNode
from tests.simulation.signing import voter
from tests.simulation.world import World

CHAOS_MS = 20_000
PATIENCE_MS = 20_000
"""After healing, finality must have caught up within this long."""

BYZANTINE: tuple[type[SimNode], ...] = (Silent, Equivocator, Divider, Liar, Forgetful)


def mixed_faults(seed: int, *, real_bls: bool = False) -> World:
    """The world of a seed, its faults scheduled; run it with `run`."""
    random = Random(seed)
    size = random.choice((1, 3, 4, 4, 4, 5, 7))
    weights = [random.choice((1, 1, 1, 2)) for _ in range(size)]
    spare = sum(weights) - supermajority(sum(weights))
    kinds: list[type[SimNode]] = []
    for weight in weights:
        if weight <= spare and random.randrange(2):
            spare -= weight
            kinds.append(random.choice(BYZANTINE))
        else:
            kinds.append(SimNode)
    network = Network(
        delay_ms=random.choice((5, 50, 150)),
        jitter_ms=random.choice((0, 30, 400)),
        loss=random.choice((0, 5, 30)),
        duplication=random.choice((0, 20)),
    )
    world = World(seed, kinds, weights, network=network, real_bls=real_bls)
    world.fork_percent = random.choice((0, 30, 60))
    # Every node telling every vote to every other is dear in a large cluster, and tests nothing more there.
    world.relays = size <= 4 and random.randrange(2) == 0
    world.skews = [random.randrange(-500, 500) for _ in kinds]
    if random.randrange(3) == 0:
        _schedule_handovers(world, random)
    _schedule_faults(world, random)
    return world


def run(world: World) -> None:
    """Chaos, healing, and the promise of liveness."""
    world.run_until(CHAOS_MS)
    world.network.groups = None
    world.network.loss = min(world.network.loss, 5)
    world.network.jitter_ms = min(world.network.jitter_ms, 50)
    world.fork_percent = 0
    for node in world.nodes:
        node.crash_after = None
        if not node.up:
            node.start()
    healed = max(node.tree.best.number for node in world.nodes)
    world.run_until(CHAOS_MS + PATIENCE_MS)
    lowest = world.lowest_final()
    assert lowest >= healed, f"finality stands at {lowest}; the head was {healed} when all was healed"
    world.check_bounds()


def _schedule_faults(world: World, random: Random) -> None:
    for _ in range(random.randrange(4)):
        start = random.randrange(CHAOS_MS)
        groups = {node.number: random.randrange(2) for node in world.nodes}
        world.at(start, None, "partition", lambda groups=groups: _partition(world, groups))
        world.at(start + random.randrange(8_000), None, "heal", lambda: _partition(world, None))
    for _ in range(random.randrange(8)):
        node, steps = random.choice(world.nodes), random.randrange(-3, 8)
        start, down = random.randrange(CHAOS_MS), random.randrange(6_000)
        world.at(start, None, "crash", lambda node=node, steps=steps: _crash(node, steps))
        world.at(start + down, None, "restart", lambda node=node: _restart(node))
    if random.randrange(4) == 0:
        start = random.randrange(CHAOS_MS)
        for node in world.nodes:
            world.at(start, None, "blackout", node.crash)
            world.at(start + random.randrange(100, 2_000), None, "restart", lambda node=node: _restart(node))


def _schedule_handovers(world: World, random: Random) -> None:
    """At some heights a block announces the same members in another order, and so other weights."""
    size, order = len(world.nodes), random.randrange(1, 5)
    byzantine = any(not node.correct for node in world.nodes)

    def logs(number: int):  # type: ignore[no-untyped-def]
        if number % 7 != order:
            return ()
        weights = [member.weight for member in world.members]
        members = [voter(index, weights[index]) for index in range(size)]
        turn = number % size
        members = members[turn:] + members[:turn]
        if not byzantine and size > 3 and number % 2:
            members = members[1:]
        return (finality_item(ScheduledChange(tuple(members), number % 3)),)

    world.digest_of_block = logs


def _partition(world: World, groups: dict[int, int] | None) -> None:
    world.network.groups = groups


def _crash(node: SimNode, steps: int) -> None:
    """Lose power at once, or between two of the next effects."""
    if steps < 0:
        node.crash()
    elif node.up:
        node.crash_after = steps


def _restart(node: SimNode) -> None:
    if not node.up:
        node.start()
