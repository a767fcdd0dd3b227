"""What commands print: columns for people, JSON for programs, progress on terminals only."""

import io
import sys

import pytest

from chain.cli.output import activity, facts, plain, progress, table


class Terminal(io.StringIO):
    """A standard error with a person before it."""

    def isatty(self) -> bool:
        return True


def test_facts_are_aligned_and_empty_ones_left_out() -> None:
    assert facts({"Name": "x", "Number": 12345, "Hash": b"\1", "A long missing one": None, "None": ""}) == (
        "Name:   x\nNumber: 12,345\nHash:   0x01"
    )
    assert facts({}) == ""


def test_tables_are_aligned_under_their_heads() -> None:
    assert table(("A", "Long head"), [("value", 1000), ("v", True)]) == (
        "A      Long head\nvalue  1,000\nv      True"
    )


def test_json_has_hex_for_bytes_and_lists_for_tuples() -> None:
    assert plain({"a": (b"\xff", [1]), 2: {"b": None}}) == {"a": ["0xff", [1]], "2": {"b": None}}


@pytest.mark.parametrize("total", [3, None])
def test_progress_is_drawn_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, total: int | None) -> None:
    for stream, drawn in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("Counting", total) as advance:
            advance(2)
        with activity("Thinking") as tell:
            tell("about [brackets]")
        assert ("Counting" in stream.getvalue()) == drawn
        assert ("Thinking" in stream.getvalue()) == drawn
