"""Text from a decoder-only transformer, defined in integers, so that every machine writes the same tokens.

The program takes a window of tokens [1, T] and gives scores for what follows each place, [1, T, V] (or after
the last place, [1, V]). Attention is causal, so places after the last token do not matter and hold zeros; of
more than T tokens the last T count. With q the integer scores after the last token and s = numerator /
denominator their step:

    G1  greedy: the least i with q[i] = max(q).
    G2  candidates: the k greatest q, the lower index first among equals; all without `top_k`.
    G3  v[i] = floor((q[i] - max(q)) * s * 2^24 / temperature), and w[i] = EXP(v[i]), the function of the op
        set with 24 bits in and 30 out: 2^30 for the greatest, 0 for what is 22 or more below it.
    G4  draw = the first 8 bytes, little-endian, of Blake2b-256(seed ++ step as u64, little-endian), and
        target = floor(draw * sum(w) / 2^64): the first candidate by index whose running sum exceeds it.

No cache of keys and values is kept between tokens: the program has no state, and a window is one call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from inference.executor.functions import apply_function
from inference.ir.errors import InputFault, InvalidInput
from inference.ir.ops import FunctionKind
from inference.model import Executor, Model

_SCORE_BITS = 24
_WEIGHT_BITS = 30

_LEAST_SCORE = -(32 << _SCORE_BITS)
"""Scores so far below the best have weight 0 whatever they are: e^-32 * 2^30 is far below one half."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn: a seed, a temperature as a fraction, and the number of candidates."""

    seed: bytes
    temperature: tuple[int, int] = (1, 1)
    top_k: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a temperature or a number of candidates that is not positive."""
        if min(self.temperature) < 1:
            raise ValueError(f"temperature {self.temperature}; give a positive numerator and denominator")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k {self.top_k}; give at least one candidate, or None for all")


def generate(
    model: Model,
    prompt: Sequence[int],
    count: int,
    sampling: Sampling | None = None,
    executor: Executor = "fast",
) -> Iterator[int]:
    """`count` tokens that follow a prompt of at least one, one by one; greedy without `sampling`.

    Raises InvalidInput(WRONG_SHAPE) for a model of another form and an empty prompt, and InvalidInput for a
    token outside the vocabulary.
    """
    length, vocabulary = window(model)
    if not prompt:
        raise InvalidInput(InputFault.WRONG_SHAPE, "an empty prompt; give at least one token")
    unknown = [token for token in prompt if not 0 <= token < vocabulary]
    if unknown:
        raise InvalidInput(InputFault.OUT_OF_RANGE, f"token {unknown[0]} in a vocabulary of {vocabulary}")
    return _tokens(model, list(prompt), count, sampling, executor, length)


def window(model: Model) -> tuple[int, int]:
    """Tokens of a call and size of the vocabulary; raises InvalidInput(WRONG_SHAPE) for other models."""
    inputs, outputs = model.inputs, model.outputs
    if len(inputs) == len(outputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[0] == 1:
        length, scores = inputs[0].shape[1], outputs[0].shape
        if len(scores) in (2, 3) and scores[:-1] in ((1,), (1, length)):
            return length, scores[-1]
    raise InvalidInput(
        InputFault.WRONG_SHAPE,
        f"inputs {[spec.shape for spec in inputs]} and outputs {[spec.shape for spec in outputs]}; "
        "a text model takes [1, T] tokens and gives [1, T, V] or [1, V] scores",
    )


def _tokens(
    model: Model, tokens: list[int], count: int, sampling: Sampling | None, executor: Executor, length: int
) -> Iterator[int]:
    source, scores = model.inputs[0], model.outputs[0]
    for step in range(count):
        held = tokens[-length:]
        places = np.zeros(source.shape, dtype=source.dtype.numpy)
        places[0, : len(held)] = held
        found = model.run_quantized({source.name: places}, executor)[scores.name]
        row = found[0, len(held) - 1] if found.ndim == 3 else found[0]
        token = choose([int(q) for q in row], model, sampling, step)
        tokens.append(token)
        yield token


def choose(scores: Sequence[int], model: Model, sampling: Sampling | None, step: int) -> int:
    """The next token by G1, or G2 to G4; `step` counts from 0."""
    best = max(scores)
    if sampling is None:
        return scores.index(best)
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    candidates = sorted(order[: sampling.top_k])
    quantization = model.outputs[0].quantization
    hot, cold = sampling.temperature
    factor = quantization.numerator * cold << _SCORE_BITS
    divisor = quantization.denominator * hot
    lower = [max((scores[index] - best) * factor // divisor, _LEAST_SCORE) for index in candidates]
    powers = apply_function(FunctionKind.EXP, np.array(lower, dtype=np.int64), _SCORE_BITS, _WEIGHT_BITS)
    weights = [int(weight) for weight in powers]
    digest = blake2b(sampling.seed + step.to_bytes(8, "little"), digest_size=32).digest()
    target = int.from_bytes(digest[:8], "little") * sum(weights) >> 64
    for index, weight in zip(candidates, weights, strict=True):
        target -= weight
        if target < 0:
            return index
    raise AssertionError("the target lies below the sum of the weights")
