"""Tokens per second of a decoder-only transformer, greedy and drawn by a seed.

    python -m benchmarks inference-generation MODEL.onnx DATA.npz [--vocabulary FILE] [--tokens 200]

`DATA.npz` holds `tokens`, a long text as numbers: its first half calibrates, the prompt is what follows it.
`FILE` is JSON with `vocabulary`, the text of every token. Both executors must write the same tokens.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import inference
from benchmarks.harness import console, show
from inference.compiler import compile_model
from inference.generate import Sampling, generate, window

CHECKED = 8
"""Tokens that the reference executor writes again: it is slow."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints tokens per second and the text; 1 if the executors differ."""
    parser = argparse.ArgumentParser(
        prog="inference-generation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--vocabulary", type=Path)
    parser.add_argument("--tokens", type=int, default=200)
    options = parser.parse_args(arguments)
    tokens = np.load(options.data)["tokens"]
    length = _length(options.model)
    half = len(tokens) // 2
    rows = tokens[: half // length * length].reshape(-1, 1, length)
    prompt = [int(token) for token in tokens[half : half + length // 2]]
    words = json.loads(options.vocabulary.read_text())["vocabulary"] if options.vocabulary else None
    results, same = [], True
    for precision in ("auto", "int8"):
        artifact = compile_model(options.model, rows, precision)
        model = inference.load(artifact.to_bytes())
        tiers = " + ".join(f"{count} {tier}" for tier, count in artifact.report.tiers.items())
        for title, sampling in (("greedy", None), ("drawn", Sampling(b"fixpoint", (4, 5), 10))):
            list(generate(model, prompt, 1, sampling))
            start = time.perf_counter()
            written = list(generate(model, prompt, options.tokens, sampling))
            seconds = time.perf_counter() - start
            slow = list(generate(model, prompt, CHECKED, sampling, "reference"))
            same &= slow == written[:CHECKED]
            results.append((f"{precision} ({tiers})", title, f"{options.tokens / seconds:,.0f}"))
            if words is not None:
                text = "".join(words[token] or "?" for token in [*prompt, *written])
                console.print(f"{precision}, {title}: {text!r}", markup=False)
    show(f"{options.model.name}, window {length}", ("precision", "sampling", "tokens/s"), results)
    console.print(f"the reference executor writes the same tokens: {'yes' if same else 'NO'}")
    return int(not same)


def _length(path: Path) -> int:
    compiled = compile_model(path, None, "int8")
    return window(inference.load(compiled.to_bytes()))[0]
