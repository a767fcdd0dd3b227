"""Events, errors and records of System."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.errors import DispatchError, ErrorEnum
from runtime.frame.weights import DispatchClass, Pays, Weight
from runtime.primitives.integers import U32
from runtime.primitives.scale import CompactU32, ScalePath, scale_path, variant
from runtime.primitives.types import AccountId, BlockNumber, Hash


@scale_path("frame_system::DispatchEventInfo")
@dataclass(frozen=True, slots=True)
class DispatchEventInfo:
    """What an extrinsic cost: the weight it was charged, its class, and whether it paid."""

    weight: Weight
    class_: DispatchClass
    pays_fee: Pays


@variant(0)
@dataclass(frozen=True, slots=True)
class ExtrinsicSuccess:
    """An extrinsic completed successfully."""

    dispatch_info: DispatchEventInfo


@variant(1)
@dataclass(frozen=True, slots=True)
class ExtrinsicFailed:
    """An extrinsic failed: of its call nothing but the fee remains."""

    dispatch_error: DispatchError
    dispatch_info: DispatchEventInfo


@variant(2)
@dataclass(frozen=True, slots=True)
class CodeUpdated:
    """The runtime changed its version: clients fetch metadata anew."""


@variant(3)
@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account was created."""

    account: AccountId


@variant(4)
@dataclass(frozen=True, slots=True)
class KilledAccount:
    """An account was reaped."""

    account: AccountId


@variant(5)
@dataclass(frozen=True, slots=True)
class Remarked:
    """On-chain remark happened: Blake2b-256 of the remark."""

    sender: AccountId
    hash: Hash


@variant(20)
@dataclass(frozen=True, slots=True)
class UpgradeScheduled:
    """From block `at` on, blocks are executed by runtime `spec_version`."""

    spec_version: U32
    at: BlockNumber


@variant(21)
@dataclass(frozen=True, slots=True)
class UpgradeCancelled:
    """The scheduled upgrade does not take place."""

    spec_version: U32


SystemEvent: TypeAlias = Annotated[
    ExtrinsicSuccess
    | ExtrinsicFailed
    | CodeUpdated
    | NewAccount
    | KilledAccount
    | Remarked
    | UpgradeScheduled
    | UpgradeCancelled,
    ScalePath("frame_system::pallet::Event"),
]


class SystemErrors(ErrorEnum):
    """Errors of System."""

    INVALID_SPEC_NAME = 0, "The name of specification does not match between the current and the new runtime."
    SPEC_VERSION_NEEDS_TO_INCREASE = 1, "The specification version is not allowed to decrease or to stay."
    NON_ZERO_REF_COUNT = 4, "There is a non-zero reference count preventing the account from being purged."
    CALL_FILTERED = 5, "The origin filter prevents the call from being dispatched."
    NOTHING_SCHEDULED = 20, "No upgrade is scheduled."
    UPGRADE_NOT_IN_FUTURE = 21, "An upgrade must be scheduled for a block that is still to come."


@scale_path("frame_system::LastRuntimeUpgradeInfo")
@dataclass(frozen=True, slots=True)
class LastRuntimeUpgradeInfo:
    """The version that executed the last block."""

    spec_version: CompactU32
    spec_name: str


@scale_path("fixpoint_system::ScheduledUpgrade")
@dataclass(frozen=True, slots=True)
class ScheduledUpgrade:
    """Block `at` and its descendants are executed by `spec_version`."""

    spec_version: U32
    at: BlockNumber
