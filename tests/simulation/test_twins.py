"""Twins scenarios: the generator, and a slice of the campaign (`campaign twins --replay N` replays one)."""

import pytest

from tests.simulation import twins
from tests.simulation.campaign import main


def test_cuts_and_rounds_are_all_there_are() -> None:
    # Stirling numbers of the second kind: five nodes in one, two or three parts.
    assert len(list(twins.cuts())) == 1 + 15 + 25
    assert len(twins.CHOICES) == 4 * 41


def test_scenarios_that_differ_in_names_alone_are_one() -> None:
    first = (twins.TwinsRound(0, (0, 1, 1, 0, 1)), twins.TwinsRound(3, (0, 0, 1, 1, 0)))
    renamed = (twins.TwinsRound(2, (0, 0, 1, 0, 1)), twins.TwinsRound(3, (0, 1, 1, 1, 0)))
    assert twins.canonical(first) == twins.canonical(renamed)
    other = (twins.TwinsRound(1, (0, 1, 1, 0, 1)), first[1])
    assert twins.canonical(first) != twins.canonical(other)
    assert twins.canonical(twins.canonical(first)) == twins.canonical(first)


def test_indices_give_distinct_scenarios() -> None:
    assert len({twins.sample(index) for index in range(300)}) == 300


@pytest.mark.parametrize("index", [*range(24), 383, 442])
def test_twins_break_no_promise(index: int) -> None:
    twins.play(twins.sample(index))


def test_a_campaign_goes_on_where_it_was_interrupted(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    progress = str(tmp_path / "progress.json")
    assert main(["twins", "--count", "2", "--progress", progress]) == 0
    assert main(["twins", "--count", "4", "--progress", progress]) == 0
    assert "up to 3: 4 distinct, 0 failed" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="campaign of twins"):
        main(["mixed", "--progress", progress])
