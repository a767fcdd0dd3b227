"""A process that stores and finalises blocks until it is killed; the crash tests run it.

Every seventh block first gets a sibling that loses, so that kills also meet forks.
"""

import sys

from chain.store import LevelDB, Pruning, Store
from tests.chain.store.support import Changes, genesis, grow


def changes_of(number: int) -> Changes:
    """What the block at this height changes."""
    text = b"%d" % number
    return {
        b"alice": text,
        b"counter/" + bytes([number % 50]): text * 20,
        b"counter/" + bytes([(number + 25) % 50]): None,
    }


def say(line: str) -> None:
    """Tell the test at once: a buffered promise would die with the process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(folder: str) -> None:
    say("opening")
    store = Store.open(LevelDB.open(folder), genesis(), Pruning.keep(3))
    while True:
        parent = store.best()
        number = parent.number + 1
        if number % 7 == 0:
            sibling = store.children(parent.hash)
            if not sibling:
                grow(store, parent.hash, {b"alice": b"lost"}, salt=b"lost", is_best=False)
        block = grow(store, parent.hash, changes_of(number))
        say(f"stored {number}")
        if number % 2 == 0:
            store.finalize(block, b"proof")
            say(f"final {number}")


if __name__ == "__main__":
    main(sys.argv[1])
