"""A full check of a database at rest: every kept state readable, nothing leaked, flat state and trie equal.

Linear in the size of all kept states: for tests, for crash campaigns, and for an operator who doubts a disk.
"""

from collections import Counter
from dataclasses import dataclass, field

from chain.store.kv import KeyValue, Reader
from chain.store.nodes import node_source
from chain.store.schema import (
    FLAT,
    HEADER,
    HEIGHT,
    JOURNAL,
    META_HEADS,
    NODE,
    NODE_EXTRA,
    Heads,
    Journal,
)
from runtime.primitives.header import Header
from runtime.primitives.trie import InvalidNode, MissingNode, iterate


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found wrong; all empty in a sound database.

    `unreadable`: blocks whose state can not be walked. `leaked`: nodes that no kept state reaches.
    `miscounted`: nodes whose reference count is not what states and journals say. `flat`: storage keys on
    which the flat state and the best block's trie differ. `states` and `nodes` say how many were seen.
    Where a state is unreadable, what it reaches is unknown, so nothing is called leaked or miscounted.
    """

    unreadable: tuple[bytes, ...]
    leaked: tuple[bytes, ...]
    miscounted: tuple[bytes, ...]
    flat: tuple[bytes, ...]
    states: int
    nodes: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not (self.unreadable or self.leaked or self.miscounted or self.flat)


@dataclass(slots=True)
class _Walk:
    """What the walk over all kept states gathers."""

    states: int = 0
    unreadable: list[bytes] = field(default_factory=list)
    reached: Counter[bytes] = field(default_factory=Counter)
    expected: Counter[bytes] = field(default_factory=Counter)
    best: dict[bytes, bytes] = field(default_factory=dict)


def audit(kv: KeyValue) -> Audit:
    """Walk all kept states of an opened and checked database."""
    view = kv.snapshot()
    try:
        heads = Heads.decode(view.get(META_HEADS) or b"", kv.path)
        walk = _Walk()
        for key, _ in view.iterate(HEIGHT):
            number, block = int.from_bytes(key[1:5], "big"), key[5:]
            if number >= heads.oldest_state:
                _walk_state(view, walk, block, heads)
        flat = {key[1:]: value for key, value in view.iterate(FLAT)}
        actual = Counter({key[1:]: 1 for key, _ in view.iterate(NODE)})
        nodes = len(actual)
        leaked = sorted(actual.keys() - walk.reached.keys())
        for key, value in view.iterate(NODE_EXTRA):
            actual[key[1:]] += int.from_bytes(value, "little")
    finally:
        view.close()
    expected, best = walk.expected, walk.best
    miscounted = sorted(node for node in actual.keys() | expected.keys() if actual[node] != expected[node])
    readable = not walk.unreadable
    return Audit(
        unreadable=tuple(walk.unreadable),
        leaked=tuple(leaked) if readable else (),
        miscounted=tuple(miscounted) if readable else (),
        flat=tuple(sorted(key for key in flat.keys() | best.keys() if flat.get(key) != best.get(key))),
        states=walk.states,
        nodes=nodes,
    )


def _walk_state(view: Reader, walk: _Walk, block: bytes, heads: Heads) -> None:
    header = Header.decode(view.get(HEADER + block) or b"")
    source = node_source(view, NODE)
    references: Counter[bytes] = Counter()

    def recorded(node_hash: bytes) -> bytes | None:
        references[node_hash] += 1
        return source(node_hash)

    walk.states += 1
    try:
        state = dict(iterate(header.state_root, recorded))
    except (MissingNode, InvalidNode):
        walk.unreadable.append(block)
        return
    walk.reached.update(references)
    if header.number == heads.oldest_state:
        walk.expected.update(references)
    else:
        walk.expected.update(Journal.decode(view.get(JOURNAL + block) or b"", "journal").inserted)
    if block == heads.best.hash:
        walk.best = state
