"""Why Balances holds funds."""

from dataclasses import dataclass

from runtime.primitives.integers import U8
from runtime.primitives.scale import scale_path


@scale_path("fixpoint_runtime::RuntimeHoldReason")
@dataclass(frozen=True, slots=True)
class RuntimeHoldReason:
    """A pallet (its index) and one of its reasons; encoded as an enum of enums would be."""

    pallet: U8
    reason: U8
