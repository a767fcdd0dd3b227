"""A chain behind the RPC handlers, for every test of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.rpc.support import Rpc


@pytest.fixture
def rpc(tmp_path: Path) -> Iterator[Rpc]:
    made = Rpc(tmp_path / "keystore")
    yield made
    made.dispatcher.close()
