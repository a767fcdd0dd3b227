"""Reading Babe's part of a genesis configuration."""

from collections.abc import Mapping
from typing import Any

from runtime.frame.errors import GenesisReason
from runtime.frame.genesis import GenesisReader
from runtime.frame.timing import ChainTiming
from runtime.pallets.babe.types import DEFAULT_CONFIGURATION, EpochConfiguration
from runtime.primitives.babe import AllowedSlots
from runtime.primitives.integers import U32, U64

_FIELDS = ("authorities", "epochConfig", "randomness", "timing")


def timing_of_config(config: Mapping[str, Any]) -> ChainTiming:
    """The timing that a whole genesis configuration asks for, or the default. Raises `InvalidGenesis`."""
    part = config.get("babe")
    listed = GenesisReader({} if part is None else part, "babe").get("timing")
    default = ChainTiming()
    if listed is None:
        return default
    listed.fields("slotDuration", "epochDuration", "sessionsPerEra", "bondingDuration", "slashDeferDuration")

    def read(name: str, kind: object, otherwise: int, minimum: int = 1) -> int:
        found = listed.get(name)
        return otherwise if found is None else found.integer(kind, minimum=minimum)

    return ChainTiming(
        # Two, because blocks must be half a slot apart.
        read("slotDuration", U64, default.slot_ms, minimum=2),
        read("epochDuration", U64, default.epoch_slots),
        read("sessionsPerEra", U32, default.sessions_per_era),
        read("bondingDuration", U32, default.bonding_eras),
        read("slashDeferDuration", U32, default.slash_defer_eras, minimum=0),
    )


def timing_config(timing: ChainTiming) -> dict[str, int]:
    """The JSON form of a timing, which `timing_of_config` reads back."""
    return {
        "slotDuration": timing.slot_ms,
        "epochDuration": timing.epoch_slots,
        "sessionsPerEra": timing.sessions_per_era,
        "bondingDuration": timing.bonding_eras,
        "slashDeferDuration": timing.slash_defer_eras,
    }


def timing(config: GenesisReader, composed: ChainTiming) -> ChainTiming:
    """The timing to write; it must be the one for which the runtime was composed."""
    config.fields(*_FIELDS)
    listed = config.get("authorities")
    if listed is not None and list(listed.items()):
        raise listed.refuse(GenesisReason.UNKNOWN, "authorities come from session.keys: leave this empty")
    asked = config.get("timing")
    if asked is not None and timing_of_config({"babe": config.value}) != composed:
        raise asked.refuse(GenesisReason.OUT_OF_RANGE, f"the runtime was composed for {composed}")
    return composed


def configuration(config: GenesisReader) -> EpochConfiguration:
    """`{"c": [1, 4], "allowed_slots": "PrimaryAndSecondaryVRFSlots"}`, Substrate's spelling."""
    listed = config.get("epochConfig")
    if listed is None:
        return DEFAULT_CONFIGURATION
    listed.fields("c", "allowed_slots")
    numerator, denominator = (part.integer(U64, minimum=1) for part in listed.need("c").pair())
    if numerator > denominator:
        raise listed.need("c").refuse(GenesisReason.OUT_OF_RANGE, "a fraction of at most one")
    named = listed.need("allowed_slots")
    if named.text() not in AllowedSlots.__members__:
        raise named.refuse(
            GenesisReason.UNKNOWN, f"known are {', '.join(each.name for each in AllowedSlots)}"
        )
    return EpochConfiguration((numerator, denominator), AllowedSlots[named.text()])


def randomness(config: GenesisReader) -> bytes:
    """32 bytes from which the first two epochs draw; other chains should have others."""
    given = config.get("randomness")
    return bytes(32) if given is None else given.hexadecimal(32)
