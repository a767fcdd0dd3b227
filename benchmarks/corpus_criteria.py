"""What the rows of the corpus must show, criterion by criterion."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Row:
    """One model's line. Shares lie between 0 and 1.

    `relative` is the root mean square error over the spread of the float values, `of_range` the greatest
    error over the range of the output, `of_target` over that of the target that a regressor was trained for.
    """

    model: str
    kind: str
    outcome: str = "ok"
    source: str = ""
    tiers: str = ""
    samples: int = 0
    agreement: float | None = None
    drop: float | None = None
    relative: float = 0.0
    of_range: float = 0.0
    of_target: float | None = None
    unequal: int = 0
    near_threshold: int = 0
    pairs: int = 0
    pairs_kept: int = 0
    size: int = 0
    ref_time_ms: float = 0.0
    compile_s: float = 0.0
    listed: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Verdict:
    """One criterion: what is asked, what was found, and whether it holds."""

    criterion: str
    found: str
    holds: bool


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """All criteria that the rows say something about."""
    good = [row for row in rows if row.outcome == "ok"]
    found = [
        Verdict(
            "every model compiles, verifies and runs", f"{len(good)} of {len(rows)}", len(good) == len(rows)
        )
    ]
    measured = [row for row in good if row.source != "random"]
    classifiers = [row for row in measured if row.kind == "classifier"]
    found += _agreement(classifiers) + _drop(classifiers)
    digits = [row for row in measured if "MNIST" in row.source]
    if digits:
        worst = max(digits, key=lambda row: row.drop or 0.0)
        text = f"{100 * (worst.drop or 0.0):+.2f} points ({worst.model}), {worst.samples} images"
        found.append(
            Verdict("MNIST nets: accuracy drop 0.3 points at worst", text, (worst.drop or 0.0) <= 0.003)
        )
    found += _trees([row for row in good if row.kind == "trees"])
    errors = [(row.of_target, row.model) for row in measured if row.of_target is not None]
    if errors:
        greatest, name = max(errors)
        text = f"{greatest:.1e} at worst ({name}), of {len(errors)}"
        found.append(Verdict("regressors: 1e-3 of the target's range", text, greatest <= 1e-3))
    paired = [row for row in good if row.pairs]
    if paired:
        kept, all_pairs = sum(row.pairs_kept for row in paired), sum(row.pairs for row in paired)
        found.append(
            Verdict("official pairs keep their arg-max", f"{kept} of {all_pairs}", kept == all_pairs)
        )
    return found


def _agreement(rows: Sequence[Row]) -> list[Verdict]:
    shares = [(row.agreement, row.model) for row in rows if row.agreement is not None]
    if not shares:
        return []
    middle, (least, name) = median(share for share, _ in shares), min(shares)
    return [
        Verdict("classifiers: label agreement 99 % median", f"{middle:.2%} of {len(shares)}", middle >= 0.99),
        Verdict("classifiers: none under 97 %", f"{least:.2%} ({name})", least >= 0.97),
    ]


def _drop(rows: Sequence[Row]) -> list[Verdict]:
    drops = [(row.drop, row.model) for row in rows if row.drop is not None]
    if not drops:
        return []
    middle, (worst, name) = median(drop for drop, _ in drops), max(drops)
    return [
        Verdict(
            "classifiers: accuracy drop 0.3 points median", f"{100 * middle:+.2f} points", middle <= 0.003
        ),
        Verdict("classifiers: accuracy drop 1 point at worst", f"{100 * worst:+.2f} ({name})", worst <= 0.01),
    ]


def _trees(rows: Sequence[Row]) -> list[Verdict]:
    if not rows:
        return []
    unequal, near = sum(row.unequal for row in rows), sum(row.near_threshold for row in rows)
    total = sum(row.samples for row in rows)
    text = (
        f"{unequal} of {total} differ, {near} of them within one quantum of a threshold, {len(rows)} models"
    )
    return [Verdict("trees: equal but within one quantum of a threshold", text, unequal == near)]
