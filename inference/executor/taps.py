"""Windows without a windowing kernel: for each place in the kernel, the part of the input that it meets."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from inference.executor import onnx_encoding as onnx
from inference.executor.graph import Graph, centred
from inference.ir import ops

#: Places of a kernel that are written out one by one; larger ones exist, but few.
MAX_TAPS = 128


#: Halves of the result's length that the runs may have: more would cost more than short rows do.
MAX_SURPLUS = 3


class Taps:
    """The views of one input in binary64, all of one shape.

    With steps of 1 a view is one run of the padded input, its rows end to end. It takes in what lies between
    the end of one row of the result and the start of the next, which `finish` cuts away. That copies long
    runs instead of short rows.
    """

    def __init__(
        self,
        graph: Graph,
        op: ops.Conv | ops.AveragePool,
        x: int,
        kernel: Sequence[int],
        sizes: Sequence[int],
    ) -> None:
        """Pad the input, and find the views for a result of `sizes`."""
        self._graph, self._op, self._kernel, self._result = graph, op, tuple(kernel), tuple(sizes)
        n = len(kernel)
        self._spatial = [size + op.pads[i] + op.pads[n + i] for i, size in enumerate(graph.shape(x)[2:])]
        name = centred(graph, x, op.x_zero, onnx.DOUBLE)
        self._whole = prod(kernel) == 1 and set(op.strides) == {1} and not any(op.pads)
        inner = prod(self._spatial[1:]), prod(self._result[1:])
        self._run = set(op.strides) == {1} and not self._whole and 2 * inner[0] <= MAX_SURPLUS * inner[1]
        ends = list(op.pads[n:])
        if self._run:
            # The last run reaches beyond the last row by less than a row (or plane).
            ends[0] += 1
            self._spatial[0] += 1
        if any(op.pads[:n]) or any(ends):
            widths = graph.integers([0, 0, *op.pads[:n], 0, 0, *ends])
            name = graph.emit("Pad", [name, widths, graph.scalar(0, onnx.DOUBLE)], {"mode": "constant"})
        if self._run:
            name = graph.emit("Reshape", [name, graph.integers([0, graph.shape(x)[1], -1])])
        self._name = name

    @property
    def sizes(self) -> tuple[int, ...]:
        """Spatial sizes of a view."""
        if self._run:
            return (self._result[0] * prod(self._spatial[1:]),)
        return self._result

    @property
    def axes(self) -> int:
        """Spatial axes of a view."""
        return len(self.sizes)

    def views(self) -> Iterator[tuple[tuple[int, ...], str]]:
        """Each place in the kernel, and its view."""
        graph, op = self._graph, self._op
        for tap in product(*(range(k) for k in self._kernel)):
            if self._whole:
                yield tap, self._name
                continue
            starts = [t * d for t, d in zip(tap, op.dilations, strict=True)]
            steps = list(op.strides)
            if self._run:
                offset = 0
                for start, size in zip(starts, self._spatial, strict=True):
                    offset = offset * size + start
                starts, steps = [offset], [1]
            ends = [b + (size - 1) * s + 1 for b, size, s in zip(starts, self.sizes, steps, strict=True)]
            axes = range(2, 2 + len(starts))
            lists = [graph.integers(v) for v in (starts, ends, axes, steps)]
            yield tap, graph.emit("Slice", [self._name, *lists])

    def finish(self, name: str, channels: int) -> str:
        """A sum of views in the result's own shape."""
        if not self._run:
            return name
        graph, inner = self._graph, self._spatial[1:]
        name = graph.emit("Reshape", [name, graph.integers([0, channels, self._result[0], *inner])])
        axes = [i + 3 for i, n in enumerate(inner) if n != self._result[i + 1]]
        if axes:
            lists = [[0] * len(axes), [self._result[i - 2] for i in axes], axes]
            name = graph.emit("Slice", [name, *(graph.integers(v) for v in lists)])
        return name
