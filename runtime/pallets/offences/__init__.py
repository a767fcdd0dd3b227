"""Offences: what was proved against validators, each counted once, and handed to Staking for punishment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.pallet import Pallet, Uses
from runtime.frame.storage import Hasher, StorageDoubleMap, StorageMap
from runtime.pallets.session import Offence as Misdeed
from runtime.pallets.session import OffenceHandler
from runtime.pallets.staking import Staking
from runtime.primitives.hashing import blake2_256
from runtime.primitives.scale import ScalePath, Vector, codec, scale_path, variant
from runtime.primitives.types import H256, AccountId, Bytes16

IdentificationTuple: TypeAlias = tuple[AccountId, tuple[()]]
"""An offender, and nothing: what stood behind it is kept by era, not by report."""

_REPORTED = codec(tuple[Bytes16, bytes, IdentificationTuple])


@scale_path("sp_staking::offence::OffenceDetails")
@dataclass(frozen=True, slots=True)
class OffenceDetails:
    """Who offended, and who reported it first."""

    offender: IdentificationTuple
    reporters: Vector[AccountId]


@variant(0)
@dataclass(frozen=True, slots=True)
class Offence:
    """There is an offence reported of the given `kind` happened at the `session_index` and (kind-specific)
    time slot. This event is not deposited for duplicate slashes."""

    kind: Bytes16
    timeslot: bytes


OffencesEvent: TypeAlias = Annotated[Offence, ScalePath("pallet_offences::pallet::Event")]


class Offences(Pallet, OffenceHandler, index=12, events=OffencesEvent):
    """Tracks reported offences.

    An offence is known by its kind, its time slot and its offender. All who offended in one way at one time
    are punished together: who follows raises the fraction for those before.
    """

    reports: StorageMap[H256, OffenceDetails | None] = StorageMap(
        hasher=Hasher.TWOX_64_CONCAT,
        doc="The primary structure that holds all offence records keyed by report identifiers.",
    )
    concurrent_reports_index: StorageDoubleMap[Bytes16, bytes, Vector[H256]] = StorageDoubleMap(
        (),
        hashers=(Hasher.TWOX_64_CONCAT, Hasher.TWOX_64_CONCAT),
        doc="A vector of reports of the same kind that happened at the same time slot.",
    )

    staking = Uses(Staking)

    def report_offence(self, reporters: Sequence[bytes], offence: Misdeed) -> bool:
        """Note an offence and punish it; False, and nothing changed, where all of it was known already."""
        known = self.concurrent_reports_index.get(offence.kind, offence.time_slot)
        fresh = []
        for offender in dict.fromkeys(offence.offenders):
            report = _report_id(offence.kind, offence.time_slot, offender)
            if not self.reports.contains(report):
                self.reports.insert(report, OffenceDetails((offender, ()), tuple(reporters)))
                fresh.append(report)
        if not fresh:
            return False
        self.concurrent_reports_index.insert(offence.kind, offence.time_slot, (*known, *fresh))
        details = [self.reports.get(report) for report in (*known, *fresh)]
        concurrent = [(each.offender[0], each.reporters) for each in details if each is not None]
        fraction = offence.slash_fraction(len(concurrent))
        self.staking.on_offence(concurrent, fraction, offence.session_index)
        self.deposit_event(Offence(offence.kind, offence.time_slot))
        return True

    def is_known_offence(self, kind: bytes, offenders: Sequence[bytes], time_slot: bytes) -> bool:
        """Whether all these offenders were reported for this kind and time slot before."""
        return all(self.reports.contains(_report_id(kind, time_slot, offender)) for offender in offenders)


def _report_id(kind: bytes, time_slot: bytes, offender: bytes) -> bytes:
    return blake2_256(_REPORTED.encode((kind, time_slot, (offender, ()))))
