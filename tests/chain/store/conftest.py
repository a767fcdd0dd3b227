"""Both databases under every test of the store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.store import KeyValue, LevelDB, MemoryKeyValue, Pruning, Store
from tests.chain.store.support import genesis


@pytest.fixture(params=["memory", "leveldb"])
def kv(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValue]:
    opened = MemoryKeyValue() if request.param == "memory" else LevelDB.open(tmp_path / "db")
    yield opened
    opened.close()


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[[KeyValue], KeyValue]:
    """Close a database and open what it left."""

    def again(kv: KeyValue) -> KeyValue:
        kv.close()
        return kv if isinstance(kv, MemoryKeyValue) else LevelDB.open(tmp_path / "db")

    return again


@pytest.fixture
def store(kv: KeyValue) -> Store:
    return Store.open(kv, genesis(), Pruning.keep(2))
