"""A slice of what `benchmarks/inference_mutations.py` tries 100,000 times."""

from collections import Counter

import pytest

from benchmarks import inference_mutations
from inference.executor.reference import run_reference


def test_mutated_artifacts_are_refused_with_a_reason_or_keep_every_promise() -> None:
    ended = Counter[str]()
    for seed in range(1_200):
        outcome = inference_mutations.attempt(seed, timed=False)
        assert not outcome.fault, (seed, outcome)
        ended[outcome.what] += 1
    assert ended["ran"] > 100
    assert len(ended) > 8


def test_a_broken_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object) -> object:
        return tuple(y + 1 for y in run_reference(*arguments))  # type: ignore[arg-type]

    seed = next(s for s in range(99) if inference_mutations.attempt(s, timed=False).what == "ran")
    monkeypatch.setattr(inference_mutations, "run_reference", wrong)
    assert inference_mutations.attempt(seed, timed=False).fault == "the executors differ"
