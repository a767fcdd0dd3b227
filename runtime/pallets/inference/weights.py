"""Weights of Inference: fixed by the model's record and the bytes that a call brings.

Measured on one core of a 2-core cloud server (Intel Xeon, CPython 3.11) with a resident model.
"""

from runtime.frame.engine import ModelSummary
from runtime.frame.weights import MICROSECOND, Weight

BASE = Weight(250 * MICROSECOND, 8_192)
"""One record, one receipt and their paths: read, run, written, and the receipt's removal later.

Importing a batch of calls of a tiny model into LevelDB took 70 to 90 us each, the removal 10 to 30 us.
"""
PER_TENSOR = 5 * MICROSECOND
"""An input or output of 4 bytes took 2 to 3 us, the model's own work included."""
PER_BYTE_BROUGHT = 20_000
"""Picoseconds for each byte of input: it arrives as a transaction's bytes do, which took 6 to 13 ns."""
PER_BYTE_KEPT = 400_000
"""Picoseconds for each byte of output, which lies in an event and for a day in the state.

Chosen so that the outputs of a full block have about 4 MiB, as its transactions have.
"""
RECEIPT_REMOVED = Weight(60 * MICROSECOND, 4_096)
"""What one expired receipt costs the block that removes it, 10 to 30 us; its call paid for it in `BASE`."""


def infer(summary: ModelSummary, input_bytes: int) -> Weight:
    """The whole weight of a call that brings so many bytes."""
    output_bytes = sum(one.size for one in summary.outputs)
    tensors = (len(summary.inputs) + len(summary.outputs)) * PER_TENSOR
    own = Weight(summary.ref_time + tensors + output_bytes * PER_BYTE_KEPT, summary.proof_size + output_bytes)
    return refusal(input_bytes) + own


def refusal(input_bytes: int) -> Weight:
    """The weight of a call of so many bytes that runs no model."""
    return BASE + Weight(input_bytes * PER_BYTE_BROUGHT)
