"""What a person needs to know of a compilation: accuracy, size, cost, tiers, and what to watch."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from inference.compiler.accuracy import OutputAccuracy

_SHOWN_LAYERS = 12


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer: its operator, tier, and relative error of its output in the integer program (None: not
    observed).
    """

    name: str
    operator: str
    tier: str
    error: float | None


@dataclass(frozen=True, slots=True)
class CompileReport:
    """The outcome of one compilation. Times are picoseconds, sizes bytes.

    `outputs` are the element types that the ONNX model gives its outputs: `float32`, `int64`, `bool`.
    """

    precision: str
    opset: int
    outputs: dict[str, str]
    operators: dict[str, int]
    samples: int
    sample_source: str
    calibration: tuple[OutputAccuracy, ...]
    held_out: tuple[OutputAccuracy, ...]
    layers: tuple[LayerReport, ...]
    size: int
    float_size: int
    ref_time: int
    peak_memory: int
    op_counts: dict[str, int]
    warnings: tuple[str, ...]

    @property
    def agreement(self) -> float | None:
        """Share of equal labels or arg-maxes on held-out data, else on the calibration data; None without
        classes.
        """
        shares = [
            entry.agreement for entry in (self.held_out or self.calibration) if entry.agreement is not None
        ]
        return min(shares, default=None)

    @property
    def tiers(self) -> dict[str, int]:
        """Number of layers per tier."""
        return dict(sorted(Counter(layer.tier for layer in self.layers).items()))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "agreement": self.agreement, "tiers": self.tiers}

    def to_json(self) -> str:
        """All of it as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        """A page for a terminal."""
        tiers = ", ".join(f"{count} x {tier}" for tier, count in self.tiers.items()) or "no weighted layer"
        lines = [
            f"precision   {self.precision} ({tiers})",
            f"size        {self.size:,} bytes (the ONNX file has {self.float_size:,})",
            f"cost        {self.ref_time / 1e9:.3f} ms reference time, {self.peak_memory:,} bytes at peak",
            f"operations  {', '.join(f'{count} {name}' for name, count in sorted(self.op_counts.items()))}",
            f"samples     {self.samples} ({self.sample_source})",
        ]
        for title, entries in (("calibration", self.calibration), ("held-out", self.held_out)):
            lines.extend(_line(title, entry) for entry in entries)
        observed = sorted(
            (layer for layer in self.layers if layer.error is not None), key=lambda one: -(one.error or 0)
        )
        if observed:
            lines.append("layers by error")
            lines.extend(
                f"  {layer.name[:48]:<48} {layer.operator:<14} {layer.tier:<6} {layer.error or 0:.4%}"
                for layer in observed[:_SHOWN_LAYERS]
            )
        lines.extend(f"note        {text}" for text in self.warnings)
        return "\n".join(lines)


def _line(title: str, entry: OutputAccuracy) -> str:
    same = f"agreement {entry.agreement:.2%}, " if entry.agreement is not None else ""
    return (
        f"{title:<11} {entry.name}: {same}relative error {entry.relative:.4%}, worst {entry.worst:.4g} "
        f"of a range of {entry.extent:.4g}, {entry.samples} samples"
    )
