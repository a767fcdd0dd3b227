"""Artifacts changed at random: each is refused with a reason, or runs as its verification promised.

    python -m benchmarks inference-mutations [COUNT]        # 100,000 unless told otherwise

The originals are the programs of the conformance probe, which between them use every kernel. A change is one
of bytes, or of a number, list or row in the decoded map, which is then encoded again: that gets past the
canonical form. What verifies is run on all-greatest, all-least and patterned inputs by both executors: the
outputs must be equal, and processor time and numpy's memory must stay below what was declared.
"""

import copy
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgpack
import numpy as np

from benchmarks.harness import console, show
from inference.executor import FastExecutor, run_reference
from inference.executor.lowering import KERNELS
from inference.executor.probe import PATTERNS
from inference.executor.probe_cases import CASES
from inference.ir.artifact import encode_program
from inference.ir.errors import InvalidArtifact
from inference.ir.limits import Limits
from inference.verifier import VerifiedProgram, verify_bytes

COUNT = 100_000
LIMITS = Limits(peak_memory=64 << 20, ref_time=10**12)
"""What a mutant may declare: enough for any of the originals many times over."""

_INTERESTING = (0, 1, -1, 2, 7, 8, 62, 63, 127, 128, 255, 256, 65_535, 1 << 24, 1 << 31, (1 << 63) - 1)

#: Bytes that the interpreter and numpy take to make any call at all.
_CALL_BYTES = 64 << 10

#: Calls to time: the least counts, since a call may fall together with whatever else the process does.
_TIMED = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one mutant ended: `what` is `ran` or the reason it was refused for; a fault
    names what went wrong.
    """

    what: str
    fault: str = ""


def run(count: int = COUNT) -> int:
    """Try `count` mutants and print how they ended; 1 if any ended badly."""
    outcomes, faults = Counter[str](), list[str]()
    for seed in range(count):
        outcome = attempt(seed)
        outcomes[outcome.what] += 1
        if outcome.fault:
            faults.append(f"seed {seed}: {outcome.fault}")
            console.print(faults[-1])
        if seed % 10_000 == 9_999:
            console.print(f"{seed + 1:,} mutants, {len(faults)} faults", style="dim")
    rows = [[what, f"{n:,}", f"{n / count:.1%}"] for what, n in outcomes.most_common()]
    show(f"{count:,} mutants, {len(faults)} faults", ["ended", "mutants", "share"], rows)
    return int(bool(faults))


def attempt(seed: int, timed: bool = True) -> Outcome:
    """Make the mutant of a seed, and see how it ends; not `timed`, its time may be whatever it is."""
    data = mutant(random.Random(seed))
    try:
        program = verify_bytes(data, LIMITS)[1]
    except InvalidArtifact as error:
        return Outcome(error.reason.value)
    except Exception as error:  # noqa: BLE001 - whatever else is raised is what this program looks for
        return Outcome("raised", f"{type(error).__name__}: {error}")
    try:
        return Outcome("ran", _broken_promise(program, timed))
    except Exception as error:  # noqa: BLE001 - as above
        return Outcome("ran", f"{type(error).__name__}: {error}")


def mutant(draw: random.Random) -> bytes:
    """One original with one to three changes."""
    data = draw.choice(originals())
    if draw.random() < 0.3:
        return _changed_bytes(draw, bytearray(data))
    top = copy.deepcopy(_unpacked(data))
    for _ in range(draw.randint(1, 3)):
        _change(draw, top)
    try:
        return bytes(msgpack.packb(top))
    except (OverflowError, ValueError):
        return _changed_bytes(draw, bytearray(data))


@cache
def originals() -> list[bytes]:
    """The probe's programs as artifacts."""
    return [encode_program(build()) for _, build in CASES.values()]


@cache
def _unpacked(data: bytes) -> Any:
    return msgpack.unpackb(data, strict_map_key=False)


def _changed_bytes(draw: random.Random, data: bytearray) -> bytes:
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data))
        match draw.randrange(4):
            case 0:
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                data[at] = draw.randrange(256)
            case 2:
                del data[at : at + draw.randint(1, 9)]
            case 3:
                data[at:at] = data[at : at + draw.randint(1, 9)]
    return bytes(data)


def _change(draw: random.Random, top: Any) -> None:
    """Change something at a random place in the nodes, inputs, constants or outputs."""
    place = top[draw.choice((2, 3, 4, 4, 4, 4, 5))]
    while place:
        at = draw.randrange(len(place))
        item = place[at]
        if isinstance(item, list) and item and draw.random() < 0.9:
            place = item
            continue
        match item:
            case bool():
                place[at] = not item
            case int():
                place[at] = _number(draw, item)
            case bytes() if item:
                changed = bytearray(item)
                changed[draw.randrange(len(item))] = draw.choice((0, 127, 128, 255))
                place[at] = bytes(changed)
            case _:
                place.insert(at, copy.deepcopy(place[draw.randrange(len(place))]))
        if draw.random() < 0.05:
            del place[draw.randrange(len(place))]
        return


def _number(draw: random.Random, value: int) -> int:
    match draw.randrange(4):
        case 0:
            return draw.choice(_INTERESTING)
        case 1:
            return value + draw.choice((-1, 1))
        case 2:
            return -value
        case _:
            return value * 2


def _broken_promise(program: VerifiedProgram, timed: bool) -> str:
    """What a verified program does that it must not, if anything."""
    calls = [[pattern(spec) for spec in program.inputs] for pattern in PATTERNS]
    wanted = [run_reference(program, call) for call in calls]
    native = [[x.astype(s.dtype.numpy) for x, s in zip(c, program.inputs, strict=True)] for c in calls]
    fast = FastExecutor(program)
    if fast.degraded:
        return fast.degraded
    for found, expected in zip([fast.run(c) for c in native], wanted, strict=True):
        if not all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True)):
            return "the executors differ"
    spent = min(_processor_time(fast, native[0]) for _ in range(_TIMED if timed else 1))
    if timed and spent > program.cost.ref_time / 1e12:
        return f"took {spent * 1e6:.0f} us, declared {program.cost.ref_time / 1e6:.0f}"
    used, peak = _memory(FastExecutor(program, disabled=KERNELS), native[0]), program.cost.peak_memory
    return f"took {used} bytes, declared {peak}" if used > peak + _CALL_BYTES else ""


def _processor_time(fast: FastExecutor, call: Sequence[np.ndarray[Any, Any]]) -> float:
    start = time.process_time()
    fast.run(call)
    return time.process_time() - start


def _memory(fast: FastExecutor, call: Sequence[np.ndarray[Any, Any]]) -> int:
    """Bytes that numpy takes at the peak of a call."""
    tracemalloc.start()
    try:
        fast.run(call)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main(arguments: Sequence[str]) -> int:
    """As many mutants as the first argument says."""
    return run(int(arguments[0]) if arguments else COUNT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
