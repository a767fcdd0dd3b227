"""Log lines as an operator and a log collector see them."""

import io
import json

import pytest

from chain import logs


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def test_a_text_line_names_level_target_message_and_fields(out: io.StringIO) -> None:
    logs.configure(out=out)
    logs.Log("import").info("Imported", number=5, hash=b"\x01" * 32, why="no reason")
    line = out.getvalue()
    assert ' INFO import: Imported  number=5 hash=0x01010101…01010101 why="no reason"' in line


def test_a_json_line_is_one_object_with_whole_hashes(out: io.StringIO) -> None:
    logs.configure(out=out, as_json=True)
    logs.Log("import").warn("Odd", hash=b"\xab" * 32, ok=True)
    entry = json.loads(out.getvalue())
    assert entry["level"] == "warn"
    assert entry["target"] == "import"
    assert entry["hash"] == "0x" + "ab" * 32
    assert entry["ok"] is True
    assert entry["time"].endswith("+00:00")


def test_a_filter_by_target_leaves_the_others_alone(out: io.StringIO) -> None:
    logs.configure(["warn,import=debug"], out=out)
    logs.Log("import").debug("seen")
    logs.Log("rpc").info("unseen")
    logs.Log("rpc").error("seen too")
    assert out.getvalue().count("\n") == 2
    assert "unseen" not in out.getvalue()


def test_configuring_again_forgets_earlier_filters(out: io.StringIO) -> None:
    logs.configure(["rpc=debug"], out=out)
    logs.configure([], out=out)
    logs.Log("rpc").debug("unseen")
    assert out.getvalue() == ""


@pytest.mark.parametrize("bad", ["loud", "rpc=loud", "=debug"])
def test_a_filter_that_cannot_be_read_is_named_with_the_levels_there_are(bad: str) -> None:
    with pytest.raises(logs.InvalidFilter, match="one of trace, debug, info, warn, error, off"):
        logs.configure([bad])


@pytest.mark.parametrize("as_json", [True, False])
def test_a_bug_is_logged_with_its_trace(out: io.StringIO, as_json: bool) -> None:
    logs.configure(out=out, as_json=as_json)
    try:
        raise ValueError("the bug")
    except ValueError as error:
        logs.Log("node").exception("Unexpected", error)
    assert "ValueError: the bug" in out.getvalue()
    assert "Traceback" in out.getvalue()


def test_colour_marks_warnings_and_errors_only(out: io.StringIO) -> None:
    logs.configure(out=out, colour=True)
    logs.Log("node").info("calm")
    logs.Log("node").error("red")
    calm, red = out.getvalue().splitlines()
    assert "\033" not in calm
    assert red.startswith("\033[31m")
