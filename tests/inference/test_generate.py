"""Tokens are chosen by integers alone: greedy, and drawn by a seed; both executors write the same text."""

from collections import Counter

import numpy as np
import pytest

import inference
from inference.generate import Sampling, choose, generate, window
from inference.ir import DType, InvalidInput, Quantization, ops
from inference.ir.artifact import encode_program
from inference.ir.builder import ProgramBuilder
from inference.ir.errors import InputFault
from inference.model import Model

LENGTH, VOCABULARY, SCALE = 4, 7, Quantization(1, 1 << 10, 0)


def writer(per_place: bool = True) -> Model:
    """Scores are a row of a table: the next token is most likely, the one after it nearly as likely."""
    table = np.full((VOCABULARY, VOCABULARY), -8 << 10)
    for token in range(VOCABULARY):
        table[token, (token + 1) % VOCABULARY] = 1 << 10
        table[token, (token + 2) % VOCABULARY] = (1 << 10) - 512
    b = ProgramBuilder()
    x = b.input("tokens", DType.I32, (1, LENGTH), Quantization(1, 1, 0))
    rows = b.emit(ops.Gather(0), b.constant(table, DType.I32), x)
    if not per_place:
        last = b.emit(ops.Slice((0, LENGTH - 1, 0), (1, 1, VOCABULARY), (1, 1, 1)), rows)
        rows = b.emit(ops.Reshape((1, VOCABULARY)), last)
    b.output(rows, "scores", SCALE)
    return inference.load(encode_program(b.build({})))


def test_greedy_text_follows_the_greatest_score_past_the_window() -> None:
    assert list(generate(writer(), [2], 12)) == [(3 + at) % VOCABULARY for at in range(12)]


def test_scores_after_the_last_place_alone_are_taken_too() -> None:
    assert list(generate(writer(per_place=False), [0, 1, 2, 3], 1)) == [4]


def test_equal_scores_give_the_lowest_token() -> None:
    assert choose([3, 9, 9, 1], writer(), None, 0) == 1
    assert choose([9, 9, 9, 9], writer(), Sampling(b"", top_k=1), 0) == 0


@pytest.mark.parametrize("sampling", [None, Sampling(b"seed"), Sampling(b"seed", (1, 2), 3)])
def test_both_executors_write_the_same_tokens(sampling: Sampling | None) -> None:
    fast = list(generate(writer(), [1, 5], 20, sampling))
    assert fast == list(generate(writer(), [1, 5], 20, sampling, "reference"))


def test_a_seed_decides_the_text_and_is_pinned() -> None:
    texts = [list(generate(writer(), [0], 10, Sampling(seed, (2, 1)))) for seed in (b"a", b"a", b"b")]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0] == PINNED


PINNED = [1, 2, 3, 5, 0, 2, 3, 4, 5, 0]


def test_drawn_tokens_have_the_frequencies_of_their_scores() -> None:
    """Scores 0 and -0.5 and far less: e^0 against e^-0.5 is 62.2 to 37.8 of a hundred."""
    scores = [0, -512, -(40 << 10)]
    drawn = Counter(choose(scores, writer(), Sampling(b"x"), step) for step in range(4000))
    assert abs(drawn[0] - 2490) < 120
    assert drawn[2] == 0


def test_a_low_temperature_is_greedy_and_a_high_one_is_even() -> None:
    scores = [0, -512, -1024]
    cold = Counter(choose(scores, writer(), Sampling(b"x", (1, 100)), step) for step in range(200))
    hot = Counter(choose(scores, writer(), Sampling(b"x", (1000, 1)), step) for step in range(3000))
    assert cold == {0: 200}
    assert all(abs(hot[token] - 1000) < 120 for token in range(3))


def test_only_the_best_k_are_drawn() -> None:
    scores = [-100, 0, -50, 0]
    drawn = Counter(choose(scores, writer(), Sampling(b"x", (9, 1), 2), step) for step in range(300))
    assert set(drawn) == {1, 3}


def test_bad_requests_are_refused_with_their_reason() -> None:
    model = writer()
    with pytest.raises(InvalidInput) as empty:
        generate(model, [], 1)
    assert empty.value.reason is InputFault.WRONG_SHAPE
    with pytest.raises(InvalidInput, match="token 7 in a vocabulary of 7") as unknown:
        generate(model, [1, 7], 1)
    assert unknown.value.reason is InputFault.OUT_OF_RANGE
    with pytest.raises(ValueError, match="temperature"):
        Sampling(b"", (0, 1))
    with pytest.raises(ValueError, match="top_k"):
        Sampling(b"", top_k=0)


def test_a_model_of_another_form_is_refused() -> None:
    b = ProgramBuilder()
    x = b.input("x", DType.I32, (1, 2, 3), SCALE)
    b.output(b.emit(ops.Reshape((1, 6)), x), "y", SCALE)
    with pytest.raises(InvalidInput, match="text model"):
        window(inference.load(encode_program(b.build({}))))
