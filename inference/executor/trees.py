"""Tree ensembles (E29): all trees of all rows step down together."""

from collections.abc import Sequence

import numpy as np

from inference.ir.types import Integers


def leaf_sums(x: Integers, parts: Sequence[Integers]) -> Integers:
    """For rows x [N, F], the sum over trees of the leaf that the row reaches, [N, C]."""
    roots, feature, threshold, below, above, leaves = parts
    place = np.broadcast_to(roots, (len(x), len(roots))).astype(np.int64)
    rows = np.arange(len(x))[:, None]
    inside = place >= 0
    while inside.any():
        node = np.maximum(place, 0)
        low = x[rows, feature[node]] <= threshold[node]
        place = np.where(inside, np.where(low, below[node], above[node]), place)
        inside = place >= 0
    total: Integers = leaves[-1 - place].sum(axis=1, dtype=np.int64)
    return total
