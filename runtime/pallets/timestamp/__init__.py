"""Timestamp: the chain's clock, set by the first extrinsic of every block."""

from runtime.frame.call import RuntimeCall, call
from runtime.frame.errors import BlockReason, InvalidBlock
from runtime.frame.inherents import InherentData
from runtime.frame.origin import Origin, ensure_none
from runtime.frame.pallet import Constant, Pallet
from runtime.frame.storage import StorageValue
from runtime.frame.weights import MICROSECOND, DispatchClass, Weight
from runtime.primitives.integers import U64
from runtime.primitives.scale import CompactU64

MAX_TIMESTAMP_DRIFT = 30_000
"""Milliseconds by which a block may be ahead of the importing node's clock (Substrate's value)."""

SET = Weight(60 * MICROSECOND, 1_493)
ON_FINALIZE = Weight(20 * MICROSECOND)


class Timestamp(Pallet, index=1):
    """The time of the block, in milliseconds since the Unix epoch."""

    now: StorageValue[U64] = StorageValue(default=0, doc="The current time for the current block.")
    did_update: StorageValue[bool] = StorageValue(
        default=False, doc="Whether the timestamp has been updated in this block."
    )

    minimum_period: Constant[U64] = Constant(doc="The minimum period between blocks, in milliseconds.")

    @call(0, weight=SET, dispatch_class=DispatchClass.Mandatory)
    def set(self, origin: Origin, now: CompactU64) -> None:
        """Set the current time. An inherent: the block's author puts it first, once."""
        ensure_none(origin)
        if self.did_update.get():
            raise InvalidBlock(BlockReason.INHERENT_INVALID, "the timestamp is set a second time", now)
        earliest = self._earliest()
        if now < earliest:
            raise InvalidBlock(
                BlockReason.TIMESTAMP, f"timestamp {now} lies before {earliest}, the earliest possible", now
            )
        self.now.put(now)
        self.did_update.put(True)

    def _earliest(self) -> int:
        previous = self.now.get()
        return previous + self.minimum_period if previous else 0

    def on_initialize(self, number: int) -> Weight:
        """Account for `on_finalize`."""
        return ON_FINALIZE

    def on_finalize(self, number: int) -> None:
        """Every block has a timestamp."""
        if not self.did_update.take():
            raise InvalidBlock(BlockReason.INHERENT_MISSING, "the block does not set the timestamp")

    def create_inherent(self, data: InherentData) -> RuntimeCall | None:
        """`timestamp.set`, never before the earliest possible time."""
        return self.env.composition.calls.make("Timestamp", "set", now=max(data.timestamp, self._earliest()))

    def check_inherent(self, call: RuntimeCall, data: InherentData) -> None:
        """Refuse a time that lies too far ahead of the importing node's clock."""
        (now,) = call.arguments
        if now > data.timestamp + MAX_TIMESTAMP_DRIFT:
            raise InvalidBlock(
                BlockReason.TIMESTAMP,
                f"timestamp {now} is {now - data.timestamp} ms ahead of this node's clock, "
                f"at most {MAX_TIMESTAMP_DRIFT} are tolerated",
                now,
            )
