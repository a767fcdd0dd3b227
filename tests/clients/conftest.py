"""Each client's session runs once, whichever worker asks for it first; the tests read its report.

`FIXPOINT_CLIENTS=all` (`make clients`) tries all clients; without it only the quickest one runs.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import CACHE, CLIENTS, POLKADOT_JS, Client, InstallationFailed, Missing
from tests.clients.session import run_session

EVERYTHING = os.environ.get("FIXPOINT_CLIENTS") == "all"
TRIED = CLIENTS if EVERYTHING else (POLKADOT_JS,)


@pytest.fixture(scope="session", params=TRIED, ids=lambda client: client.title)
def client(request: pytest.FixtureRequest) -> Client:
    """A third-party client."""
    chosen: Client = request.param
    return chosen


@pytest.fixture(scope="session")
def report(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client's session gave; the files are shared by all workers of one run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    CACHE.mkdir(exist_ok=True)
    # One at a time on the machine: installing twice into one folder would spoil it.
    with (CACHE / f"{client.folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _once(client, shared / f"client-{client.folder}")


def _once(client: Client, folder: Path) -> dict[str, Any]:
    kept = folder / "report.json"
    if not kept.exists():
        folder.mkdir(exist_ok=True)
        try:
            kept.write_text(json.dumps(run_session(client, folder)))
        except Missing as fault:
            pytest.skip(str(fault))
        except InstallationFailed as fault:
            (pytest.fail if EVERYTHING else pytest.skip)(str(fault))
    found: dict[str, Any] = json.loads(kept.read_text())
    return found
