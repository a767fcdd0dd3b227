"""What a validator makes sure of before it signs anything: its clock, its keys, its machine.

What would break a promise stops the node; what would only make it a poor validator is said in the log.
"""

import ctypes
from dataclasses import dataclass

from chain.clock import unix_ms
from chain.config import NodeConfig
from chain.hardware import measure
from chain.keystore import Keystore, KeyType
from chain.logs import Log
from chain.store import Store
from consensus.digest import slot_of_header
from consensus.slots import slot_start

CLOCK_TOLERANCE_MS = 10_000
"""How far the best block may lie in the future by this machine's clock; nobody accepts one further ahead."""

_TIMEX_BYTES = 512
"""Room for the kernel's `struct timex` (208 bytes on 64-bit Linux); all zero it asks and sets nothing."""
_UNSYNCHRONISED = 5
"""`TIME_ERROR`: the kernel knows of no source that keeps its clock right."""

log = Log("preflight")


class PreflightFault(Exception):
    """This node must not validate; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found; empty warnings mean that nothing speaks against validating."""

    warnings: tuple[str, ...]


def check_validator(config: NodeConfig, store: Store, keystore: Keystore, slot_ms: int) -> Preflight:
    """All checks of a node that is to validate. Raises `PreflightFault`, `KeystoreFault`."""
    _check_clock(store, slot_ms)
    warnings = [*_clock_warnings(), *_key_warnings(keystore)]
    if config.measures_machine:
        warnings += _machine_warnings(config)
    for warning in warnings:
        log.warn(warning)
    return Preflight(tuple(warnings))


def _check_clock(store: Store, slot_ms: int) -> None:
    best = store.header(store.best().hash)
    slot = slot_of_header(best) if best is not None else None
    if slot is None:
        return
    ahead = slot_start(slot, slot_ms) - unix_ms()
    if ahead > CLOCK_TOLERANCE_MS:
        raise PreflightFault(
            f"the best block is {ahead // 1000} s ahead of this machine's clock: "
            "set the clock (NTP), then start"
        )


def _clock_warnings() -> list[str]:
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return []
    if adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) == _UNSYNCHRONISED:
        return ["The clock is not synchronised by NTP: a validator that drifts by a slot authors nothing"]
    return []


def _key_warnings(keystore: Keystore) -> list[str]:
    """Opens every key now, so that a wrong password or a damaged file is found before the first slot."""
    warnings, found = list[str](), set[KeyType]()
    for entry in keystore.entries():
        opened = keystore.block_key if entry.key_type is KeyType.BLOCK else keystore.finality_key
        opened(entry.public)
        found.add(entry.key_type)
        if entry.exposed:
            warnings.append(f"Other users can read the secret key {entry.path}: run chmod 600")
    missing = [kind.value for kind in KeyType if kind not in found]
    if missing:
        advice = "make keys with author_rotateKeys or `fixpoint key insert`, then register them"
        warnings.append(f"The keystore holds no key of type {' and '.join(missing)}: {advice}")
    return warnings


def _machine_warnings(config: NodeConfig) -> list[str]:
    warnings = list[str]()
    for score in measure(config.folder.root):
        need = score.requirement
        log.info("Measured", what=need.name, value=f"{score.measured:,.0f} {need.unit}")
        if not score.passes:
            warnings.append(
                f"{need.name}: {score.measured:,.0f} {need.unit}, a validator needs {need.reference:,.0f} "
                f"({need.why}); see `fixpoint benchmark machine`"
            )
    return warnings
