"""Composition: pallets, constants and engine become one runtime; mistakes are found here."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.frame.call import CallCodec
from runtime.frame.engine import InferenceEngine
from runtime.frame.environment import Composition
from runtime.frame.events import EventCodec
from runtime.frame.pallet import Pallet
from runtime.frame.session_crypto import NO_CRYPTO, SessionCrypto
from runtime.frame.version import RuntimeVersion


def compose(
    version: RuntimeVersion,
    pallets: Sequence[type[Pallet]],
    constants: Mapping[type[Pallet], Mapping[str, Any]],
    engine: InferenceEngine,
    crypto: SessionCrypto = NO_CRYPTO,
    code: bytes = b"",
) -> Composition:
    """What all executions of the runtime share. Hooks run in the order of `pallets`.

    `constants` gives a value to every constant that the pallets declare, by attribute name; `code` is the
    value of `:code` where it is not the version's own. Raises `TypeError` for two pallets with one index or
    name, and for constants that are missing or unknown.
    """
    for unique in ("index", "name", "config_name"):
        values = [getattr(pallet, unique) for pallet in pallets]
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            raise TypeError(f"pallets share the {unique} {', '.join(twice)}")
    for pallet in pallets:
        declared = {each.attribute for each in pallet.constants.values()}
        given = set(constants.get(pallet, {}))
        if declared != given:
            raise TypeError(
                f"{pallet.name}: constants without value {sorted(declared - given)}, "
                f"unknown constants {sorted(given - declared)}"
            )
    return Composition(
        version=version,
        pallets=tuple(pallets),
        constants=constants,
        calls=CallCodec(pallets),
        events=EventCodec(pallets),
        engine=engine,
        crypto=crypto,
        code=code or version.code,
    )
