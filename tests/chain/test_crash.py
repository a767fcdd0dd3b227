"""kill -9 while a node authors, imports and recovers: the campaign of `benchmarks`, in small.

The whole of it, with hundreds of kills, is `python -m benchmarks.crash_campaign`.
"""

from itertools import islice
from pathlib import Path

import pytest

from benchmarks.crash.supervisor import EARLY_SECONDS, Supervisor, delays
from benchmarks.crash.verification import (
    Promises,
    Violation,
    check_database,
    command,
    contents,
    require_equal,
)
from benchmarks.crash.workload import Builder, open_on, prepare_blocks
from chain.store import DatabaseCorrupt, LevelDB
from chain.store.schema import FLAT, NODE

KILLS = 6
SEED = 4
"""Its first delays have both kinds, early and late."""


def test_a_node_that_is_killed_while_it_authors_loses_no_finalised_block(tmp_path: Path) -> None:
    """The supervisor checks the database after the kills and replays the chain in another process."""
    tally = Supervisor(tmp_path, SEED).authoring(KILLS)
    assert tally.kills.total() == KILLS
    assert tally.final > 0, "no process lived long enough to finalise a block"
    assert tally.replayed == tally.blocks >= tally.final


def test_a_node_that_is_killed_while_it_imports_reaches_the_same_chain(tmp_path: Path) -> None:
    tally = Supervisor(tmp_path, SEED).importing(KILLS, blocks=60)
    assert tally.kills.total() == KILLS
    assert tally.rounds >= 1
    assert tally.replayed == 60 * tally.rounds


def test_a_seed_repeats_its_delays_and_draws_both_kinds() -> None:
    first = list(islice(delays(SEED), KILLS))
    assert first == list(islice(delays(SEED), KILLS))
    assert 0 < sum(delay < EARLY_SECONDS for delay in first) < KILLS


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Seven blocks, of which six are final."""
    folder = tmp_path / "db"
    kv = LevelDB.open(folder)
    builder = Builder(open_on(kv), [])
    for number in range(1, 8):
        builder.build()
        if number == 6:
            builder.finalise_best()
    kv.close()
    return folder


def test_the_check_finds_a_block_that_is_missing_or_replaced(database: Path) -> None:
    """A supervisor that can find nothing would prove nothing."""
    assert check_database(database, Promises({}, {b"\1" * 32: 6})) == (7, 6)
    with pytest.raises(Violation, match="the stored block 7 0x0101"):
        check_database(database, Promises({}, {b"\1" * 32: 7}))
    with pytest.raises(Violation, match="block 7 was final, now 6 is"):
        check_database(database, Promises({7: bytes(32)}))
    with pytest.raises(Violation, match="the final block 5 was replaced"):
        check_database(database, Promises({5: bytes(32)}))
    promises = Promises({5: b"\1" * 32})
    with pytest.raises(Violation, match="block 5 was final as 0x01"):
        promises.finalised(5, b"\2" * 32)


@pytest.mark.parametrize(
    ("record", "named"),
    [(NODE + b"\7" * 32, "the audit finds"), (FLAT + b"key", "not what its header commits to")],
    ids=["a node that no state reaches", "a value that no block wrote"],
)
def test_the_check_finds_a_record_that_should_not_be_there(database: Path, record: bytes, named: str) -> None:
    kv = LevelDB.open(database)
    kv.write({record: b"something"}, sync=True)
    kv.close()
    with pytest.raises(Violation, match=named):
        check_database(database, Promises())


def test_the_check_lets_a_corrupt_database_be_seen(database: Path) -> None:
    (database / "CURRENT").write_text("garbage")
    with pytest.raises(DatabaseCorrupt):
        check_database(database, Promises())


def test_two_chains_that_differ_are_told_apart_by_the_first_difference(tmp_path: Path) -> None:
    _, short = prepare_blocks(tmp_path / "short", 20)
    _, long = prepare_blocks(tmp_path / "long", 21)
    require_equal(contents(short), contents(short))
    with pytest.raises(Violation, match="blocks"):
        require_equal(contents(short), contents(long))


def test_a_command_that_fails_is_a_violation_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Violation, match="export-blocks ended with 1: error: there is no database"):
        command("export-blocks", "--chain", "dev", "--base-path", str(tmp_path))
