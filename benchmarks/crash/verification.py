"""What must hold after a kill, and the comparison of two whole chains."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.crash.workload import open_on
from chain.importing.importer import EVENTS_KEY
from chain.opening import Chain
from chain.store import LevelDB, Store, audit
from chain.store.schema import HASH_SIZE, RECEIPT
from runtime.primitives.trie import root_of

COMMAND_SECONDS = 1_800
"""Longer than any replay of a campaign: a command that hangs is a violation as well."""


class Violation(Exception):
    """A promise that a kill broke; the text says which."""


def require(holds: bool, text: str) -> None:
    """Raise `Violation` unless a promise holds."""
    if not holds:
        raise Violation(text)


@dataclass(slots=True)
class Promises:
    """What processes reported before they died: final hashes by height, and the heights of stored blocks."""

    final: dict[int, bytes] = field(default_factory=dict)
    stored: dict[bytes, int] = field(default_factory=dict)

    def finalised(self, number: int, block_hash: bytes) -> None:
        """A process says that a block is final."""
        known = self.final.setdefault(number, block_hash)
        require(known == block_hash, f"block {number} was final as 0x{known.hex()}, now 0x{block_hash.hex()}")

    @property
    def height(self) -> int:
        """The newest block promised to be final."""
        return max(self.final, default=0)


def check_database(database: Path, promises: Promises) -> tuple[int, int]:
    """Open a database that a killed process left, and check all that was promised; its best and final block.

    Raises `Violation`, and whatever an opening that fails raises.
    """
    kv = LevelDB.open(database)
    try:
        chain = open_on(kv)
        store = chain.store
        best, final = store.best(), store.finalized()
        require(final.number >= promises.height, f"block {promises.height} was final, now {final.number} is")
        for block_hash, number in promises.stored.items():
            # Up to the finalised height, forks are rightly gone; above, also a block that lost must be there.
            held = number <= final.number or store.contains(block_hash)
            require(held, f"the stored block {number} 0x{block_hash.hex()} is lost")
        for number, block_hash in promises.final.items():
            require(store.block_hash(number) == block_hash, f"the final block {number} was replaced")
            require(store.header(block_hash) is not None, f"the final block {number} has no header")
            require(store.body(block_hash) is not None, f"the final block {number} has no body")
        header = store.header(best.hash)
        require(header is not None, "the best block has no header")
        if header is not None:
            root = root_of(state_of(store))
            require(
                root == header.state_root, "the state of the best block is not what its header commits to"
            )
        found = audit(kv)
        require(found.is_sound, f"the audit finds {found}")
    finally:
        kv.close()
    return best.number, final.number


def state_of(store: Store) -> dict[bytes, bytes]:
    """The whole state of the best block."""
    state = store.state_at(store.best().hash)
    return {key: state.get(key) or b"" for key in state.keys(b"")}


@dataclass(frozen=True, slots=True)
class Contents:
    """All that two nodes with the same chain have in common, up to and with the best block.

    `blocks`: hash, state root, body and events by height; `receipts` by their key in the database.
    """

    blocks: tuple[tuple[bytes, bytes, tuple[bytes, ...] | None, bytes | None], ...]
    receipts: Mapping[bytes, bytes]
    state: Mapping[bytes, bytes]


def contents(chain: Chain) -> Contents:
    """Read a chain."""
    store = chain.store
    blocks = []
    for number in range(1, store.best().number + 1):
        block_hash = store.block_hash(number) or b""
        header = store.header(block_hash)
        require(header is not None, f"block {number} is missing")
        root = header.state_root if header is not None else b""
        blocks.append((block_hash, root, store.body(block_hash), store.outcome(block_hash)))
    # The key of a receipt ends with its block; blocks of forks that may still win have theirs as well.
    receipts = {key: data for key, data in store.kv.iterate(RECEIPT) if store.is_canonical(key[-HASH_SIZE:])}
    return Contents(tuple(blocks), receipts, state_of(store))


def read_database(database: Path) -> Contents:
    """The contents of a database at rest."""
    kv = LevelDB.open(database)
    try:
        return contents(open_on(kv, pruning=None))
    finally:
        kv.close()


def require_equal(left: Contents, right: Contents) -> None:
    """Raise `Violation` where two chains differ, naming the first difference."""
    require(len(left.blocks) == len(right.blocks), f"{len(left.blocks)} and {len(right.blocks)} blocks")
    for number, (one, other) in enumerate(zip(left.blocks, right.blocks, strict=True), 1):
        for name, a, b in zip(("hash", "state root", "body", "events"), one, other, strict=True):
            require(a == b, f"block {number}: another {name} in the replay")
    require(left.receipts == right.receipts, "the replay gives other receipts")
    require(left.state == right.state, "the replay gives another state")
    require(EVENTS_KEY in left.state, "the state has no events: nothing was compared")


def replay(base: Path, fresh: Path, blocks: Path) -> None:
    """Export the chain below `base` and import it below `fresh`, with the node's own commands.

    The replaying node keeps every state, so that each block's state can be asked for.
    """
    command("export-blocks", "--chain", "dev", "--base-path", str(base), "--binary", str(blocks))
    command(
        "import-blocks",
        "--chain",
        "dev",
        "--base-path",
        str(fresh),
        "--state-pruning",
        "archive",
        str(blocks),
    )


def command(*arguments: str) -> None:
    """Run a command of the node in a process of its own, from the sources beside this file."""
    done = subprocess.run(
        [sys.executable, "-m", "chain", *arguments],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    require(done.returncode == 0, f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
