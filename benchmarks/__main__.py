"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named.

`python -m benchmarks onnx-backend [OPTION ...]` runs the ONNX backend suite, and
`inference-corpus FOLDER [OPTION ...]` all models below a folder; they have options of their own.
"""

import sys
from collections.abc import Callable, Sequence

from benchmarks import (
    finality_latency,
    finality_proofs,
    inference_block,
    inference_corpus,
    inference_cost,
    inference_determinism,
    inference_generation,
    inference_speed,
    network_hostile,
    onnx_backend,
    sync,
    transfers,
    warp_sync,
)
from benchmarks.harness import console, machine

ALL: dict[str, Callable[[], None]] = {
    "transfers": transfers.run,
    "inference-block": inference_block.run,
    "finality-proofs": finality_proofs.run,
}

PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "onnx-backend": onnx_backend.main,
    "inference-corpus": inference_corpus.main,
    "inference-generation": inference_generation.main,
    "inference-speed": inference_speed.main,
    "inference-determinism": inference_determinism.main,
    "inference-cost": inference_cost.main,
    "network-hostile": network_hostile.main,
    "finality-latency": finality_latency.main,
    "sync": sync.main,
    "warp-sync": warp_sync.main,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 2 for a name that does not exist."""
    if names and names[0] in PROGRAMS:
        console.print(machine(), style="dim")
        return PROGRAMS[names[0]](names[1:])
    for name in names:
        if name not in ALL:
            console.print(f"no benchmark {name!r}: there are {', '.join((*ALL, *PROGRAMS))}")
            return 2
    console.print(machine(), style="dim")
    for name in names or ALL:
        ALL[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
