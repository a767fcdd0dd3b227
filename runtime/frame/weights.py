"""What a call costs: weight, dispatch class, who pays, and the limits of a block.

Names, layouts and defaults follow `sp_weights` and `frame_system::limits`. `ref_time` is picoseconds on the
reference machine, `proof_size` bytes of a storage proof.
"""

from dataclasses import dataclass
from enum import IntEnum

from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import CompactU64, scale_path, variant

MICROSECOND = 1_000_000
MILLISECOND = 1_000 * MICROSECOND
SECOND = 1_000 * MILLISECOND
MAXIMUM = (1 << 64) - 1


@scale_path("sp_weights::weight_v2::Weight")
@dataclass(frozen=True, slots=True)
class Weight:
    """Two-dimensional cost; sums saturate at 2**64 - 1 and differences at zero."""

    ref_time: CompactU64 = 0
    proof_size: CompactU64 = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            min(self.ref_time + other.ref_time, MAXIMUM), min(self.proof_size + other.proof_size, MAXIMUM)
        )

    def __sub__(self, other: "Weight") -> "Weight":
        return Weight(max(self.ref_time - other.ref_time, 0), max(self.proof_size - other.proof_size, 0))

    def __mul__(self, factor: int) -> "Weight":
        return Weight(min(self.ref_time * factor, MAXIMUM), min(self.proof_size * factor, MAXIMUM))

    def min(self, other: "Weight") -> "Weight":
        """The smaller of each dimension."""
        return Weight(min(self.ref_time, other.ref_time), min(self.proof_size, other.proof_size))

    def fits(self, limit: "Weight") -> bool:
        """Whether neither dimension exceeds `limit`."""
        return self.ref_time <= limit.ref_time and self.proof_size <= limit.proof_size


ZERO_WEIGHT = Weight()


@scale_path("frame_support::dispatch::DispatchClass")
class DispatchClass(IntEnum):
    """Which share of a block a call may use."""

    Normal = 0
    Operational = 1
    Mandatory = 2


@scale_path("frame_support::dispatch::Pays")
class Pays(IntEnum):
    """Whether the sender pays for the call."""

    Yes = 0
    No = 1


@scale_path("frame_support::dispatch::PerDispatchClass")
@dataclass(frozen=True, slots=True)
class WeightPerClass:
    """Weight that a block has consumed, by class."""

    normal: Weight = ZERO_WEIGHT
    operational: Weight = ZERO_WEIGHT
    mandatory: Weight = ZERO_WEIGHT

    @property
    def total(self) -> Weight:
        """The sum over all classes."""
        return self.normal + self.operational + self.mandatory

    def of(self, dispatch_class: DispatchClass) -> Weight:
        """The share of one class."""
        match dispatch_class:
            case DispatchClass.Normal:
                return self.normal
            case DispatchClass.Operational:
                return self.operational
            case _:
                return self.mandatory

    def with_class(self, dispatch_class: DispatchClass, weight: Weight) -> "WeightPerClass":
        """The same with another share of one class."""
        match dispatch_class:
            case DispatchClass.Normal:
                return WeightPerClass(weight, self.operational, self.mandatory)
            case DispatchClass.Operational:
                return WeightPerClass(self.normal, weight, self.mandatory)
            case _:
                return WeightPerClass(self.normal, self.operational, weight)


@dataclass(frozen=True, slots=True)
class DispatchInfo:
    """What is known of a call before it runs."""

    weight: Weight
    dispatch_class: DispatchClass = DispatchClass.Normal
    pays_fee: Pays = Pays.Yes


@dataclass(frozen=True, slots=True)
class PostDispatchInfo:
    """What a call reports after it ran; `actual_weight` None means: as announced."""

    actual_weight: Weight | None = None
    pays_fee: Pays = Pays.Yes

    def weight_or(self, info: DispatchInfo) -> Weight:
        """The weight to charge: the actual one where it is smaller than the announced one."""
        return info.weight if self.actual_weight is None else self.actual_weight.min(info.weight)

    def pays(self, info: DispatchInfo) -> bool:
        """Whether the sender pays: both the announcement and the outcome may waive the fee."""
        return info.pays_fee is Pays.Yes and self.pays_fee is Pays.Yes


AS_ANNOUNCED = PostDispatchInfo()


@scale_path("frame_system::limits::WeightsPerClass")
@dataclass(frozen=True, slots=True)
class ClassLimits:
    """Limits of one class; None means: only the block's limit holds."""

    base_extrinsic: Weight
    max_extrinsic: Weight | None
    max_total: Weight | None
    reserved: Weight | None


@scale_path("frame_support::dispatch::PerDispatchClass")
@dataclass(frozen=True, slots=True)
class LimitsPerClass:
    """The limits of each class."""

    normal: ClassLimits
    operational: ClassLimits
    mandatory: ClassLimits


@scale_path("frame_system::limits::BlockWeights")
@dataclass(frozen=True, slots=True)
class BlockWeights:
    """The weight limits of a block."""

    base_block: Weight
    max_block: Weight
    per_class: LimitsPerClass

    def of(self, dispatch_class: DispatchClass) -> ClassLimits:
        """The limits of one class."""
        match dispatch_class:
            case DispatchClass.Normal:
                return self.per_class.normal
            case DispatchClass.Operational:
                return self.per_class.operational
            case _:
                return self.per_class.mandatory

    @staticmethod
    def with_ratio(
        *, base_block: Weight, base_extrinsic: Weight, max_block: Weight, normal_percent: int
    ) -> "BlockWeights":
        """Substrate's sensible defaults: normal calls use at most `normal_percent` of a block.

        The rest is reserved for operational calls; no single call may be larger than its class's share less
        the average cost of `on_initialize`, here the base block.
        """

        def percent(share: int) -> Weight:
            return Weight(max_block.ref_time * share // 100, max_block.proof_size * share // 100)

        normal = percent(normal_percent)
        room = base_block + base_extrinsic
        return BlockWeights(
            base_block,
            max_block,
            LimitsPerClass(
                ClassLimits(base_extrinsic, normal - room, normal, Weight()),
                ClassLimits(base_extrinsic, max_block - room, max_block, max_block - normal),
                ClassLimits(base_extrinsic, None, None, None),
            ),
        )


@scale_path("frame_support::dispatch::PerDispatchClass")
@dataclass(frozen=True, slots=True)
class LengthPerClass:
    """Bytes per class."""

    normal: U32
    operational: U32
    mandatory: U32

    def of(self, dispatch_class: DispatchClass) -> int:
        """The limit of one class."""
        return (self.normal, self.operational, self.mandatory)[dispatch_class]


@scale_path("frame_system::limits::BlockLength")
@dataclass(frozen=True, slots=True)
class BlockLength:
    """The length limits of a block: bytes of all extrinsics, those of a class and all others included."""

    max: LengthPerClass

    @staticmethod
    def with_ratio(maximum: int, normal_percent: int) -> "BlockLength":
        """`maximum` bytes, of which normal extrinsics use at most `normal_percent`."""
        return BlockLength(LengthPerClass(maximum * normal_percent // 100, maximum, maximum))


@scale_path("sp_weights::RuntimeDbWeight")
@dataclass(frozen=True, slots=True)
class DbWeight:
    """Reference time of one storage access that misses every cache."""

    read: U64 = 25 * MICROSECOND
    write: U64 = 100 * MICROSECOND

    def reads_writes(self, reads: int, writes: int) -> Weight:
        """The reference time of so many accesses."""
        return Weight(self.read * reads + self.write * writes)


@variant(0, unnamed=True)
@dataclass(frozen=True, slots=True)
class ApplyExtrinsic:
    """While the extrinsic of this index runs."""

    index: U32


@variant(1)
@dataclass(frozen=True, slots=True)
class Finalization:
    """While the block is finalised."""


@variant(2)
@dataclass(frozen=True, slots=True)
class Initialization:
    """While the block is initialised."""
