"""The fast executor: a resident plan of onnxruntime sessions and numpy steps, with the reference's bits."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inference.executor.batching import batched_values, widened
from inference.executor.graph import ROUNDED_LIMIT, may_enter_as_real, port_name
from inference.executor.lowering import ENTRY, KERNELS
from inference.executor.numpy_kernels import evaluate_fast
from inference.executor.plan import NumpyStep, SessionStep, Step, make_plan
from inference.verifier import VerifiedProgram

Array = NDArray[np.integer]
SessionLoader = Callable[[bytes, int], onnxruntime.InferenceSession]

#: Most calls in one batch: the gain flattens out long before, and memory grows with it.
MAX_BATCH = 64

#: Bytes that one batch may take by the program's declared peak: small beside a node's memory.
MAX_BATCH_MEMORY = 256 << 20

#: Declared picoseconds below which one thread is faster: handing work over costs more than it saves.
PARALLEL_TIME = 8 * 10**9


#: Fusions that end the process on some valid graphs: chains of matrix products and transposes along each axis
#: crash onnxruntime 1.32 once it has fused them and then changes the memory layout.
_CRASHING_FUSIONS = ["MatmulTransposeFusion"]


def load_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """An onnxruntime session on the CPU. Its graph optimisations reorder exact integer work only."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # A node has other work for its cores than to spin between two calls.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Planned blocks come on top of what the first call took; without them the peak is the tensors alive.
    options.enable_mem_pattern = False
    # Its fusions of quantised graphs take rounding for something that may be left out.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_CRASHING_FUSIONS
    )


_SINGLE_INFINITY = np.float32(np.inf)

#: What a session reads: the name of its input, the value, and how it is rounded.
Feed = list[tuple[str, int, int]]

#: Names and values of a session's reals, the outputs asked for, their order, and the session.
_Entered = tuple[list[tuple[str, int]], list[str], list[int], onnxruntime.InferenceSession]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A plan with its sessions, in order; never changed, so that calls in other threads may go on with it.

    `direct` is how to answer with a single session run, where one session does it all; `degraded` says why
    there are no sessions.
    """

    steps: tuple[Step, ...]
    sessions: tuple[onnxruntime.InferenceSession, ...]
    direct: tuple[Feed, list[str], list[int]] | None
    degraded: str | None = None


class FastExecutor:
    """Runs one verified program, for any number of threads; its sessions stay resident while it lives."""

    def __init__(
        self,
        program: VerifiedProgram,
        threads: int = 1,
        disabled: Collection[str] = (),
        loader: SessionLoader = load_session,
    ) -> None:
        """Plan the program and load its sessions with `loader`.

        `threads` is what a kernel may use; `disabled` names kernels that failed their probe.
        """
        self.program = program
        self._batched = batched_values(program)
        source = program.program
        self._constants = {source.first_constant + i: c.array() for i, c in enumerate(source.constants)}
        self._dtypes = [t.dtype.numpy for t in program.types]
        self._load, self._threads, self._disabled = loader, threads, disabled
        small = threads > 1 and program.cost.ref_time < PARALLEL_TIME
        steps = make_plan(program, self._batched, disabled)
        self._loaded = self._open(steps, 1 if small else threads, keep=small)
        self._shared = None if small else self._loaded

    @property
    def steps(self) -> tuple[Step, ...]:
        """The plan in use."""
        return self._loaded.steps

    @property
    def degraded(self) -> str | None:
        """Why the program runs without onnxruntime, if it has to."""
        return self._loaded.degraded

    @property
    def batches(self) -> bool:
        """Whether many calls can run side by side."""
        return bool(self._batched)

    def run(self, inputs: Sequence[Array], calls: int = 1) -> tuple[Array, ...]:
        """Outputs for inputs of their declared dtypes, `calls` calls side by side along the first axis.

        Should onnxruntime refuse, the call and all later ones run in numpy, and `degraded` says why.
        """
        loaded = self._loaded
        if loaded.degraded is None and calls * self.program.cost.ref_time >= PARALLEL_TIME:
            # A batch is worth several threads where one call is not.
            if self._shared is None:
                self._shared = self._open(loaded.steps, self._threads)
            loaded = self._shared
        try:
            return self._run(loaded, inputs, calls)
        except Exception as error:
            if loaded.degraded is not None:
                raise
            # Calls that are under way elsewhere finish with the sessions that they began with.
            self._loaded = self._without_sessions(error)
            return self._run(self._loaded, inputs, calls)

    def run_reals(self, inputs: Sequence[NDArray[np.float32]]) -> list[Array] | None:
        """Outputs for one call's binary32 reals of their declared shapes, all inside their ranges.

        None if the program has no session that takes reals.
        """
        entered = self._entered
        if entered is None:
            return None
        names, wanted, order, session = entered
        try:
            found = session.run(wanted, {name: inputs[v] for name, v in names})
        except Exception:  # noqa: BLE001 - as for the session itself
            self.__dict__["_entered"] = None
            return None
        return [found[i] for i in order]

    @cached_property
    def _entered(self) -> _Entered | None:
        """The session that takes reals, loaded when first asked for: what runs in a block needs none."""
        specs = self.program.inputs
        if ENTRY in self._disabled or self._loaded.direct is None or not all(map(may_enter_as_real, specs)):
            return None
        steps = make_plan(self.program, self._batched, self._disabled, frozenset(range(len(specs))))
        direct = _direct(self.program, steps)
        if direct is None or not isinstance(steps[0], SessionStep):
            return None
        feed, names, order = direct
        small = self.program.cost.ref_time < PARALLEL_TIME
        try:
            session = self._load(steps[0].model, 1 if small else self._threads)
        except Exception:  # noqa: BLE001 - onnxruntime raises many kinds; the session for integers remains
            return None
        return [(name, v) for name, v, _ in feed], names, order, session

    def _open(self, steps: tuple[Step, ...], threads: int, keep: bool = False) -> _Loaded:
        """The plan with sessions of so many threads; the models' bytes go unless they are to be kept."""
        try:
            sessions = tuple(self._load(s.model, threads) for s in steps if isinstance(s, SessionStep))
        except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds; none may stop a validator
            return self._without_sessions(error)
        if not keep:
            steps = tuple(replace(s, model=b"") if isinstance(s, SessionStep) else s for s in steps)
        return _Loaded(steps, sessions, _direct(self.program, steps))

    def _without_sessions(self, error: Exception) -> _Loaded:
        """Do without onnxruntime: a published program that it can not run must not stop a validator."""
        steps = make_plan(self.program, self._batched, KERNELS)
        return _Loaded(steps, (), None, f"{type(error).__name__}: {error}")

    def _run(self, loaded: _Loaded, inputs: Sequence[Array], calls: int) -> tuple[Array, ...]:
        if loaded.direct is not None:
            feed, names, order = loaded.direct
            found = loaded.sessions[0].run(names, {name: _entering(inputs[v], d) for name, v, d in feed})
            return tuple([found[i] for i in order])
        values: dict[int, Array] = dict(enumerate(inputs))
        sessions = iter(loaded.sessions)
        for step in loaded.steps:
            match step:
                case SessionStep(_, reads, gives, given, dead):
                    feeds = {port_name(v, d): _entering(self._value(values, v), d) for v, d in reads}
                    values.update(zip(gives, next(sessions).run(given, feeds), strict=True))
                case NumpyStep(value, node, bound, dead):
                    op = node.op if calls == 1 or value not in self._batched else widened(node.op, calls)
                    result = evaluate_fast(op, [self._value(values, o) for o in node.operands], bound)
                    values[value] = np.asarray(result, self._dtypes[value], order="C")
            _forget(values, dead)
        return tuple(self._value(values, o.value) for o in self.program.program.outputs)

    def _value(self, values: dict[int, Array], value: int) -> Array:
        found = values.get(value)
        return self._constants[value] if found is None else found

    def run_many(self, calls: Sequence[Sequence[Array]]) -> list[tuple[Array, ...]]:
        """Outputs of many calls, batched where the program allows it; the same bits as one by one."""
        size = min(MAX_BATCH, MAX_BATCH_MEMORY // max(self.program.cost.peak_memory, 1))
        if not self._batched or size < 2 or len(calls) < 2:
            return [self.run(call) for call in calls]
        results: list[tuple[Array, ...]] = []
        for start in range(0, len(calls), size):
            group = calls[start : start + size]
            stacked = [np.concatenate(parts) for parts in zip(*group, strict=True)]
            found = self.run(stacked, len(group))
            results.extend(zip(*(np.split(y, len(group)) for y in found), strict=True))
        return results


def _entering(value: Array, direction: int) -> NDArray[np.generic]:
    """A value as a session reads it: rounded to binary32, up (1) or down (-1), or as it is (0)."""
    if not direction:
        return value
    inside = np.minimum(np.maximum(value, -ROUNDED_LIMIT, dtype=np.int64), ROUNDED_LIMIT)
    near = inside.astype(np.float32)
    back = near.astype(np.int64)
    beside = np.nextafter(near, _SINGLE_INFINITY * np.float32(direction))
    return np.where(back < inside if direction > 0 else back > inside, beside, near)


def _forget(values: dict[int, Array], dead: Iterable[int]) -> None:
    """Let go of what no later step reads, as the declared peak has it."""
    for value in dead:
        values.pop(value, None)


def _direct(program: VerifiedProgram, steps: tuple[Step, ...]) -> tuple[Feed, list[str], list[int]] | None:
    """What a single session reads and gives, if it reads inputs only and gives all outputs."""
    if len(steps) != 1 or not isinstance(steps[0], SessionStep):
        return None
    step = steps[0]
    wanted = [o.value for o in program.program.outputs]
    if not set(wanted) <= set(step.gives) or any(v >= len(program.inputs) for v, _ in step.reads):
        return None
    return (
        [(port_name(v, d), v, d) for v, d in step.reads],
        list(step.names),
        [step.gives.index(v) for v in wanted],
    )
