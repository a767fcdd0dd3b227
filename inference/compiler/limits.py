"""Bounds on what the compiler reads, so that a hostile file costs bounded time and memory."""

MAX_MODEL_BYTES = 256 * 1024 * 1024
"""Protobuf text of a model; ten times the largest artifact a chain would carry, far under protobuf's 2 GiB.
"""

MAX_NODES = 20_000
"""Nodes of a graph; the largest exported real model measured has about 3,000."""

MAX_RANK = 8
"""Dimensions of a tensor; real models use at most 6."""

MAX_ELEMENTS = 1 << 26
"""Elements of one tensor (256 MiB of float32): a declared shape above it is refused before anything is
allocated.
"""

MAX_TOTAL_ELEMENTS = 1 << 28
"""Elements of all tensors of one run together: calibration keeps every intermediate of a sample."""

MAX_HELD_OUT_SAMPLES = 10_000
"""Samples that an accuracy figure in a report rests on."""

MAX_CALIBRATION_SAMPLES = 512
"""Samples whose intermediates are observed; more than that moves no range that 512 did not."""
