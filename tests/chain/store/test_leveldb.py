"""What LevelDB's files and the system can do to the node: locks, damage, a full disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import plyvel
import pytest

from chain.store import (
    DatabaseCorrupt,
    DatabaseLocked,
    DatabaseUnavailable,
    DatabaseWriteFailed,
    EnvironmentFault,
    LevelDB,
    Pruning,
    Store,
    audit,
    purge,
)
from tests.chain.store.support import genesis, grow, state_of

ROOT = Path(__file__).resolve().parents[3]


def a_chain(folder: Path, blocks: int = 4) -> list[bytes]:
    """A closed database with `blocks` blocks, half of them final; returns the hashes by height."""
    store = Store.open(LevelDB.open(folder), genesis(), Pruning.keep(3))
    chain = [store.best().hash]
    while store.best().number < blocks:
        number = store.best().number + 1
        chain.append(grow(store, chain[-1], {b"alice": b"%d" % number, b"erin/1": bytes([number]) * 40}))
        if number % 2 == 0:
            store.finalize(chain[-1], b"proof")
    store.close()
    return chain


def in_another_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLDER = """
import sys
from chain.store import LevelDB
database = LevelDB.open(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_second_process_is_told_who_holds_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    a_chain(folder)
    holder = in_another_process(HOLDER, folder)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DatabaseLocked, match=f"another process holds the database {folder}"):
            LevelDB.open(folder)
        with pytest.raises(DatabaseLocked):
            purge(folder)
    finally:
        holder.communicate("\n")
    LevelDB.open(folder).close()


def test_a_second_opening_in_one_process_is_refused_too(tmp_path: Path) -> None:
    first = LevelDB.open(tmp_path / "db")
    with pytest.raises(DatabaseLocked):
        LevelDB.open(tmp_path / "db")
    first.close()
    first.close()


def test_a_database_whose_creation_was_cut_short_is_created_anew(tmp_path: Path) -> None:
    """What a kill leaves before LevelDB has named its first manifest."""
    folder = tmp_path / "db"
    folder.mkdir()
    for name in ("LOCK", "LOG", "MANIFEST-000001", "000001.dbtmp"):
        (folder / name).write_bytes(b"half")
    with pytest.raises(DatabaseUnavailable, match="no database in this folder"):
        purge(folder)
    a_chain(folder)
    LevelDB.open(folder).close()


def test_a_path_that_can_not_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable):
        LevelDB.open(tmp_path / "file")
    with pytest.raises(DatabaseUnavailable):
        LevelDB.open(tmp_path / "absent", create=False)


def test_purge_removes_a_chain_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    a_chain(folder)
    purge(folder)
    assert not folder.exists()
    with pytest.raises(DatabaseUnavailable, match="no database in this folder"):
        purge(folder)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "keep me").write_text("")
    with pytest.raises(DatabaseUnavailable, match="no database in this folder"):
        purge(tmp_path / "letters")
    foreign = plyvel.DB(str(tmp_path / "other"), create_if_missing=True)
    foreign.put(b"someone", b"else's")
    foreign.close()
    with pytest.raises(DatabaseUnavailable, match="nothing was deleted"):
        purge(tmp_path / "other")
    LevelDB.open(tmp_path / "other").close()


def test_purge_removes_a_corrupt_chain(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    a_chain(folder)
    (folder / "CURRENT").write_text("garbage")
    with pytest.raises(DatabaseCorrupt):
        LevelDB.open(folder)
    purge(folder)
    assert not folder.exists()


def survives(folder: Path, chain: list[bytes]) -> bool:
    """Whether the damaged database opens; then it must hold a whole beginning of the chain."""
    fault = damage_of(folder, chain)
    assert fault is None or "\n" not in str(fault)
    return fault is None


def damage_of(folder: Path, chain: list[bytes]) -> EnvironmentFault | None:
    try:
        kv = LevelDB.open(folder)
    except EnvironmentFault as fault:
        return fault
    try:
        store = Store.open(kv, genesis(), Pruning.keep(3))
        assert store.best().hash == chain[store.best().number]
        assert audit(kv).is_sound
        assert state_of(store, store.best().hash)
    except EnvironmentFault as fault:
        return fault
    finally:
        kv.close()
    return None


def test_a_log_that_ends_anywhere_leaves_the_blocks_before_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    chain = a_chain(folder, 2)
    log = next(path for path in folder.glob("*.log") if path.stat().st_size)
    whole = log.read_bytes()
    copy = tmp_path / "copy"
    for length in range(len(whole) - 1, len(whole) // 2, -max(1, len(whole) // 120)):
        shutil.copytree(folder, copy)
        (copy / log.name).write_bytes(whole[:length])
        assert survives(copy, chain), f"the log cut at {length} of {len(whole)}"
        shutil.rmtree(copy)


@pytest.mark.parametrize("compacted", [False, True], ids=["log", "tables"])
def test_a_flipped_bit_anywhere_is_noticed_or_harmless(tmp_path: Path, compacted: bool) -> None:
    folder = tmp_path / "db"
    chain = a_chain(folder)
    if compacted:
        LevelDB.open(folder).close()
    copy = tmp_path / "copy"
    refused = 0
    names = sorted(path.name for path in folder.iterdir() if path.stat().st_size and "LOG" not in path.name)
    for name in names:
        size = (folder / name).stat().st_size
        for position in range(0, size, max(1, size // 25)):
            shutil.copytree(folder, copy)
            data = bytearray((copy / name).read_bytes())
            data[position] ^= 0x10
            (copy / name).write_bytes(data)
            refused += not survives(copy, chain)
            shutil.rmtree(copy)
    assert refused, "no flip was noticed at all"


@pytest.mark.parametrize("pattern", ["CURRENT", "MANIFEST-*", "*.ldb"])
def test_a_missing_file_is_corruption(tmp_path: Path, pattern: str) -> None:
    folder = tmp_path / "db"
    a_chain(folder)
    LevelDB.open(folder).close()
    for path in folder.glob(pattern):
        path.unlink()
    with pytest.raises(DatabaseCorrupt, match="restore a copy"):
        Store.open(LevelDB.open(folder), genesis())
    purge(folder)
    assert not folder.exists()


FULL_DISK = """
import resource, sys
from chain.store import DatabaseWriteFailed, LevelDB, Pruning, Store
from tests.chain.store.support import genesis, grow
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
store = Store.open(LevelDB.open(sys.argv[1]), genesis(), Pruning.keep(3))
try:
    while True:
        block = grow(store, store.best().hash, {b"alice": b"%d" % store.best().number, b"bob": bytes(3000)})
        store.finalize(block, b"proof")
except DatabaseWriteFailed as failure:
    print(failure)
print(store.best().number, store.finalized().number)
try:
    store.write_aux({b"more": b""})
except DatabaseWriteFailed as failure:
    print(failure)
"""


def test_a_full_disk_stops_writing_with_one_line_and_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    output, _ = in_another_process(FULL_DISK, folder).communicate(timeout=60)
    failure, numbers, again = output.splitlines()
    assert failure.startswith(f"could not write to the database {folder} (IO error")
    assert "free disk space" in failure
    assert "an earlier write failed" in again
    best, final = map(int, numbers.split())
    kv = LevelDB.open(folder)
    store = Store.open(kv, genesis(), Pruning.keep(3))
    assert store.best().number >= best > 1
    assert store.finalized().number >= final
    assert audit(kv).is_sound
    grow(store, store.best().hash, {b"alice": b"alive"})
    store.close()


def test_a_refused_write_is_not_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kv = LevelDB.open(tmp_path / "db")
    kv.write({b"a": b"1"}, sync=True)
    monkeypatch.setattr(kv, "_failure", "No space left on device")
    with pytest.raises(DatabaseWriteFailed, match="an earlier write failed: No space left"):
        kv.write({b"a": b"2"}, sync=True)
    assert kv.get(b"a") == b"1"
    assert kv.fsyncs == 1
    kv.close()
