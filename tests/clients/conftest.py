"""Each client's session runs once, whichever worker asks for it first; the tests read its report.

Every client talks to a node as it is by default; those that speak the new RPC also to one that serves the
legacy methods alone. `FIXPOINT_CLIENTS=all` (`make clients`) tries every pair, and fails where a client
cannot be installed, which otherwise skips its tests.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import CACHE, CLIENTS, Client, InstallationFailed, Missing
from tests.clients.session import run_session

EVERYTHING = os.environ.get("FIXPOINT_CLIENTS") == "all"
LEGACY_TOO = tuple(client for client in CLIENTS if EVERYTHING or client.speaks_new_rpc)
TRIED = (*((client, False) for client in CLIENTS), *((client, True) for client in LEGACY_TOO))


@pytest.fixture(
    scope="session", params=TRIED, ids=lambda each: f"{each[0].title}-{'legacy' if each[1] else 'new'}"
)
def session(request: pytest.FixtureRequest) -> tuple[Client, bool]:
    """A third-party client, and whether its node serves the legacy methods alone."""
    chosen: tuple[Client, bool] = request.param
    return chosen


@pytest.fixture(scope="session")
def report(session: tuple[Client, bool], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client's session gave; the files are shared by all workers of one run."""
    client, legacy_only = session
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    CACHE.mkdir(exist_ok=True)
    # One at a time on the machine: installing twice into one folder would spoil it.
    with (CACHE / f"{client.folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        name = f"client-{client.folder}-{'legacy' if legacy_only else 'new'}"
        return _once(client, shared / name, legacy_only)


def _once(client: Client, folder: Path, legacy_only: bool) -> dict[str, Any]:
    kept = folder / "report.json"
    if not kept.exists():
        folder.mkdir(exist_ok=True)
        try:
            kept.write_text(json.dumps(run_session(client, folder, legacy_only)))
        except Missing as fault:
            pytest.skip(str(fault))
        except InstallationFailed as fault:
            (pytest.fail if EVERYTHING else pytest.skip)(str(fault))
    found: dict[str, Any] = json.loads(kept.read_text())
    return found
