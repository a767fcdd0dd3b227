"""What this client knows of the chain's rules: calls, events and errors, from the runtime's own
declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.configuration import PALLETS
from runtime.frame.call import CallCodec, RuntimeCall
from runtime.frame.errors import Arithmetic, Module, ModuleError, Token, Transactional
from runtime.frame.events import EventCodec, EventRecord
from runtime.frame.pallet import Pallet


class Schema:
    """Encodes calls and decodes events of the pallets it is made of."""

    def __init__(self, pallets: Sequence[type[Pallet]] = PALLETS) -> None:
        self._calls = CallCodec(pallets)
        self._events = EventCodec(pallets)
        self._pallets = {pallet.index: pallet for pallet in pallets}

    def call(self, pallet: str, name: str, **arguments: Any) -> RuntimeCall:
        """A call by names, `call("Balances", "transfer_keep_alive", dest=Id(account), value=10**12)`.

        Raises LookupError for a call that does not exist, TypeError for wrong arguments.
        """
        return self._calls.make(pallet, name, **arguments)

    def encode(self, call: RuntimeCall) -> bytes:
        """The call's bytes. Raises `InvalidScale` where an argument does not fit."""
        return self._calls.encode(call)

    def events(self, data: bytes) -> tuple[EventRecord, ...]:
        """The records of a `System.Events` value."""
        return self._events.decode(data)

    def error_name(self, error: Any) -> tuple[str, str]:
        """A dispatch error as "Pallet.Error", and what it means."""
        match error:
            case Module(ModuleError(index, code)):
                pallet = self._pallets.get(index)
                if pallet is None or pallet.errors is None:
                    return f"pallet {index} error {code[0]}", ""
                for member in pallet.errors:
                    if member.value == code[0]:
                        return f"{pallet.name}.{member.camel_name}", member.doc
                return f"{pallet.name} error {code[0]}", ""
            case Token(inner) | Arithmetic(inner) | Transactional(inner):
                return f"{type(error).__name__}.{inner.name}", ""
            case _:
                return type(error).__name__, ""
