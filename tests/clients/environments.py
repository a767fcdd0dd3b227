"""Third-party clients, each in an environment of its own under `.clients/`, which git ignores.

The two Python ones ship different modules of the same name, so they can never share one; none of them is
allowed to see Fixpoint's packages. What is installed is locked, with hashes, beside each client's script.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".clients"
INSTALL_SECONDS = 600


class Missing(Exception):
    """This machine lacks a tool; the text says which."""


class InstallationFailed(Exception):
    """The tools are here but the packages could not be installed; the text is what the installer said."""


@dataclass(frozen=True)
class Client:
    """A client: the folder of its script and lock file, and what it is called where it is published."""

    folder: str
    title: str
    speaks_new_rpc: bool = False
    """Whether it takes the new specification's groups where a node has them."""

    @property
    def is_javascript(self) -> bool:
        """Whether it needs Node.js; the others need Python."""
        return (HERE / self.folder / "package.json").exists()


POLKADOT_JS = Client("polkadot_js", "@polkadot/api")
CLIENTS = (
    POLKADOT_JS,
    Client("polkadot_api", "polkadot-api", speaks_new_rpc=True),
    Client("dedot", "dedot", speaks_new_rpc=True),
    Client("substrate_interface", "substrate-interface"),
    Client("async_substrate_interface", "async-substrate-interface"),
)


def command(client: Client) -> list[str]:
    """The command that runs the client's script; what it needs is installed first where it is not yet.

    Raises `Missing` and `InstallationFailed`.
    """
    home = CACHE / client.folder
    return _javascript(client, home) if client.is_javascript else _python(client, home)


def _javascript(client: Client, home: Path) -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Missing(f"{client.title} needs Node.js and npm, which are not on this machine")
    source = HERE / client.folder
    home.mkdir(parents=True, exist_ok=True)
    for each in ("package.json", "package-lock.json", "main.mjs"):
        shutil.copyfile(source / each, home / each)
    # Not `npm ci`: it refuses a lock that does not list the optional native packages of every platform.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _install_once(client, home, source / "package-lock.json", [[npm, "install", *options]])
    return [node, str(home / "main.mjs")]


def _python(client: Client, home: Path) -> list[str]:
    lock = HERE / client.folder / "requirements.lock"
    python = home / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    steps = [[sys.executable, "-m", "venv", "--clear", str(home)], [*pip, "-r", str(lock)]]
    _install_once(client, home, lock, steps)
    # Isolated: neither the checkout nor the caller's environment is on the path.
    return [str(python), "-I", str(HERE / client.folder / "main.py")]


def _install_once(client: Client, home: Path, lock: Path, steps: list[list[str]]) -> None:
    """Run the steps unless they ran before for this very lock file."""
    stamp = home / ".installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    home.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": INSTALL_SECONDS}
    for step in steps:
        done = subprocess.run(step, cwd=home, check=False, **options)
        if done.returncode:
            raise InstallationFailed(f"{client.title} can not be installed:\n{done.stderr[:2000]}")
    stamp.write_text(wanted)
