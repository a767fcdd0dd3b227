"""Export, import and check: a chain goes through a file whole, and an altered one is found out."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.store import LevelDB
from consensus.seal import seal_header
from runtime.pallets.inference.types import Completed
from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.header import Header
from tests.chain.chains import ALICE_BLOCK_KEY, RUNTIME
from tests.chain.cli.support import Cli, one_line

EVENTS = RUNTIME.composition.events


@pytest.fixture
def exported(cli: Cli, grown: Path, tmp_path: Path) -> Path:
    """The five blocks as JSON lines."""
    path = tmp_path / "blocks.jsonl"
    assert cli("export-blocks", "--chain", "dev", "-d", grown, path).code == 0
    return path


def imported(cli: Cli, base: Path, path: Path) -> dict[str, Any]:
    outcome = cli("import-blocks", "--chain", "dev", "-d", base, path, "--json")
    assert outcome.code == 0, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


@pytest.mark.parametrize("form", [[], ["--binary"]])
def test_a_chain_goes_through_a_file_into_an_empty_node(
    cli: Cli, grown: Path, tmp_path: Path, form: list[str]
) -> None:
    path = tmp_path / "blocks"
    outcome = cli("export-blocks", "--chain", "dev", "-d", grown, *form, path)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"exported 5 blocks to {path}\n")
    summary = imported(cli, tmp_path / "fresh", path)
    assert {name: summary[name] for name in ("blocks", "known", "transactions", "inferences")} == {
        "blocks": 5,
        "known": 0,
        "transactions": 5,
        "inferences": 1,
    }
    assert summary["justifications"] == summary["finalized"]["number"] == 4
    again = tmp_path / "again"
    assert cli("export-blocks", "--chain", "dev", "-d", tmp_path / "fresh", *form, again).code == 0
    assert again.read_bytes() == path.read_bytes()


def test_importing_again_changes_nothing(cli: Cli, exported: Path, tmp_path: Path) -> None:
    first = imported(cli, tmp_path / "fresh", exported)
    second = imported(cli, tmp_path / "fresh", exported)
    assert (second["blocks"], second["known"]) == (0, 5)
    assert second["best"] == first["best"]
    assert second["stateRoot"] == first["stateRoot"]


def test_blocks_go_through_pipes_as_well(
    cli: Cli, grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, write_through=True))
    assert cli("export-blocks", "--chain", "dev", "-d", grown, "--binary", "--from", 1, "--to", 2).code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written.getvalue())))
    assert cli("import-blocks", "--chain", "dev", "-d", tmp_path / "fresh").code == 0


def altered(path: Path, number: int, change: Callable[[dict[str, Any]], None]) -> Path:
    """The file with the record of block `number` changed."""
    lines = path.read_text().splitlines()
    record = json.loads(lines[number])
    change(record)
    lines[number] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n")
    return path


def rejected(cli: Cli, base: Path, path: Path) -> str:
    """The one line with which the file is rejected; the blocks before the bad one are kept."""
    outcome = cli("import-blocks", "--chain", "dev", "-d", base, path)
    assert outcome.code == 1
    assert outcome.out == ""
    return one_line(outcome.err)


def change_event(kind: type[Any], **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Replace fields of the first event of this kind in a record's outcome."""

    def change(record: dict[str, Any]) -> None:
        events = list(EVENTS.decode(bytes.fromhex(record["outcome"][2:])))
        index = next(i for i, one in enumerate(events) if isinstance(one.event, kind))
        events[index] = replace(events[index], event=replace(events[index].event, **changes))
        record["outcome"] = "0x" + EVENTS.encode(events).hex()

    return change


def test_an_altered_output_byte_is_named(cli: Cli, exported: Path, tmp_path: Path) -> None:
    output = (b"".join(v.to_bytes(4, "little") for v in (2, 4, 6, 9)),)
    line = rejected(cli, tmp_path / "f", altered(exported, 3, change_event(Completed, output=output)))
    assert "block #3" in line
    assert "Inference.Completed.output[0]: byte 12 is 0x09 in the claim and 0x08 in execution" in line


def test_an_altered_fee_is_named(cli: Cli, exported: Path, tmp_path: Path) -> None:
    line = rejected(cli, tmp_path / "f", altered(exported, 1, change_event(TransactionFeePaid, actual_fee=1)))
    assert "TransactionPayment.TransactionFeePaid.actual_fee: 1 in the claim and" in line


def test_a_missing_event_is_named(cli: Cli, exported: Path, tmp_path: Path) -> None:
    def drop_last(record: dict[str, Any]) -> None:
        events = EVENTS.decode(bytes.fromhex(record["outcome"][2:]))
        record["outcome"] = "0x" + EVENTS.encode(events[:-1]).hex()

    line = rejected(cli, tmp_path / "f", altered(exported, 1, drop_last))
    assert "the outcome that came with it differs from execution" in line


def reheaded(seal: bool, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change a header, and seal it again where its author is the liar."""

    def change(record: dict[str, Any]) -> None:
        header = replace(Header.decode(bytes.fromhex(record["header"][2:])), **changes)
        header = seal_header(header.without_seal(), ALICE_BLOCK_KEY) if seal else header
        record["header"] = "0x" + header.encode().hex()
        record["justification"] = None

    return change


def test_a_state_root_that_the_author_lied_about_is_named(cli: Cli, exported: Path, tmp_path: Path) -> None:
    line = rejected(cli, tmp_path / "f", altered(exported, 1, reheaded(seal=True, state_root=b"\x11" * 32)))
    assert f"its state root differs from execution: 0x{'11' * 32} in the header" in line


def test_a_root_changed_on_the_way_breaks_the_seal(cli: Cli, exported: Path, tmp_path: Path) -> None:
    line = rejected(
        cli, tmp_path / "f", altered(exported, 1, reheaded(seal=False, extrinsics_root=b"\x11" * 32))
    )
    assert "its header is invalid" in line


def test_an_altered_extrinsic_is_rejected_and_the_blocks_before_stay(
    cli: Cli, exported: Path, tmp_path: Path
) -> None:
    def flip(record: dict[str, Any]) -> None:
        signed = bytearray.fromhex(record["extrinsics"][-1][2:])
        signed[60] ^= 1  # a byte of the signature
        record["extrinsics"][-1] = "0x" + signed.hex()

    line = rejected(cli, tmp_path / "f", altered(exported, 3, flip))
    assert "block #3" in line
    assert "extrinsics root" in line
    assert cli("check-block", "2", "--chain", "dev", "-d", tmp_path / "f").code == 0


def test_an_altered_justification_is_rejected(cli: Cli, exported: Path, tmp_path: Path) -> None:
    def spoil(record: dict[str, Any]) -> None:
        record["justification"] = record["justification"][:-2] + "ff"

    line = rejected(cli, tmp_path / "f", altered(exported, 2, spoil))
    assert "its justification is invalid" in line


def test_a_justification_of_another_block_is_rejected(cli: Cli, exported: Path, tmp_path: Path) -> None:
    other = json.loads(exported.read_text().splitlines()[1])["justification"]
    line = rejected(
        cli, tmp_path / "f", altered(exported, 2, lambda record: record.update(justification=other))
    )
    assert "its justification is invalid: it is for 0x" in line


def test_a_header_that_is_no_header_is_named_by_record(cli: Cli, exported: Path, tmp_path: Path) -> None:
    line = rejected(cli, tmp_path / "f", altered(exported, 2, lambda record: record.update(header="0x00")))
    assert "record 2: malformed record: header" in line


def test_a_gap_in_the_file_is_an_unknown_parent(cli: Cli, exported: Path, tmp_path: Path) -> None:
    lines = exported.read_text().splitlines()
    exported.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert "its parent is unknown" in rejected(cli, tmp_path / "f", exported)


def test_blocks_of_another_chain_leave_no_database_behind(cli: Cli, exported: Path, tmp_path: Path) -> None:
    outcome = cli("import-blocks", "--chain", "local", "-d", tmp_path / "fresh", exported)
    assert outcome.code == 1
    assert "choose the right --chain" in one_line(outcome.err)
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a Fixpoint block file"),
        (b"{}\n", "not a Fixpoint block file"),
        (b"\0\0\0\2", "ends in the middle"),
    ],
)
def test_a_file_that_holds_no_blocks_is_refused(
    cli: Cli, tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "noise"
    path.write_bytes(content)
    outcome = cli("import-blocks", "--chain", "dev", "-d", tmp_path / "fresh", path)
    assert outcome.code == 1
    assert complaint in one_line(outcome.err)


def test_a_file_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("import-blocks", "--chain", "dev", "-d", tmp_path, tmp_path / "nope")
    assert (outcome.code, one_line(outcome.err)) == (
        1,
        f"error: {tmp_path / 'nope'} cannot be read: No such file or directory",
    )


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--from", "3", "--to", "2"], "blocks 3 to 2 are not all on the chain: it has blocks 1 to 5"),
        (["--to", "6"], "blocks 1 to 6 are not all on the chain"),
        (["--from", "6"], "blocks 6 to 5 are not all on the chain"),
    ],
)
def test_a_range_beyond_the_chain_is_refused_and_no_file_appears(
    cli: Cli, grown: Path, tmp_path: Path, flags: list[str], complaint: str
) -> None:
    outcome = cli("export-blocks", "--chain", "dev", "-d", grown, *flags, tmp_path / "out")
    assert outcome.code == 1
    assert complaint in one_line(outcome.err)
    assert not list(tmp_path.glob("out*"))


def test_a_place_that_cannot_be_written_is_named(cli: Cli, grown: Path, tmp_path: Path) -> None:
    outcome = cli("export-blocks", "--chain", "dev", "-d", grown, tmp_path / "no" / "folder")
    assert outcome.code == 1
    assert "cannot be written: No such file or directory" in one_line(outcome.err)


@pytest.mark.parametrize("number", ["0x", "-1", "zero", "1.5"])
def test_a_number_that_is_none_is_wrong_usage(cli: Cli, grown: Path, number: str) -> None:
    outcome = cli("export-blocks", "--chain", "dev", "-d", grown, f"--from={number}")
    assert outcome.code == 2
    assert "is not a whole number" in outcome.err


@pytest.mark.parametrize("number", range(1, 6))
def test_every_block_executes_again_to_the_same(cli: Cli, grown: Path, number: int) -> None:
    outcome = cli("check-block", number, "--chain", "dev", "-d", grown, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["number"] == number
    assert found["inferences"] == (1 if number == 3 else 0)
    assert found["justified"] is (True if number < 5 else None)
    by_hash = cli("check-block", found["hash"], "--chain", "dev", "-d", grown)
    assert "every root, event and receipt is the same" in by_hash.out


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("6", "there is no block 6: the best block is 5"),
        ("0", "the genesis block has no parent to execute on"),
        ("0x" + "00" * 32, "is not in the database"),
        ("0x1234", "neither a block number nor a hash"),
        ("five", "neither a block number nor a hash"),
    ],
)
def test_a_block_that_cannot_be_checked_is_named(cli: Cli, grown: Path, block: str, complaint: str) -> None:
    outcome = cli("check-block", block, "--chain", "dev", "-d", grown)
    assert outcome.code == 1
    assert complaint in one_line(outcome.err)


@pytest.mark.parametrize("command", [["export-blocks"], ["check-block", "1"], ["revert"], ["purge", "-y"]])
def test_a_base_path_without_a_database_is_named(cli: Cli, tmp_path: Path, command: list[str]) -> None:
    outcome = cli(*command, "--chain", "dev", "-d", tmp_path)
    assert outcome.code == 1
    assert "there is no database of the chain dev in" in one_line(outcome.err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["export-blocks"], ["check-block", "1"], ["revert"], ["purge", "-y"]])
def test_a_database_that_a_node_holds_is_left_alone(cli: Cli, grown: Path, command: list[str]) -> None:
    database = LevelDB.open(grown / "chains" / "dev" / "db")
    try:
        outcome = cli(*command, "--chain", "dev", "-d", grown)
    finally:
        database.close()
    assert outcome.code == 1
    assert "another process holds the database" in one_line(outcome.err)


def test_a_database_of_another_genesis_is_refused(cli: Cli, grown: Path, tmp_path: Path) -> None:
    spec = json.loads(cli("spec", "build", "dev").out)
    spec["genesis"]["runtimeGenesis"]["config"]["sudo"] = {}
    path = tmp_path / "other.json"
    path.write_text(json.dumps(spec))
    outcome = cli("check-block", "1", "--chain", path, "-d", grown)
    assert outcome.code == 1
    assert "belongs to the chain with genesis" in one_line(outcome.err)
