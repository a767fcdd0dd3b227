"""Sudo: one account that may act as root, until governance replaces it."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.call import Call, RuntimeCall, call
from runtime.frame.errors import CallFailed, DispatchError, ErrorEnum, ensure
from runtime.frame.genesis import GenesisReader
from runtime.frame.origin import ROOT, Origin, Signed, ensure_signed
from runtime.frame.pallet import Pallet, Uses
from runtime.frame.storage import StorageValue
from runtime.frame.weights import MICROSECOND, DispatchClass, Pays, PostDispatchInfo, Weight
from runtime.pallets.system import System
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import Err, Ok, Result, ScalePath, variant
from runtime.primitives.types import AccountId

OVERHEAD = Weight(40 * MICROSECOND, 1_517)
FREE = PostDispatchInfo(pays_fee=Pays.No)

DispatchResult: TypeAlias = Result[tuple[()], DispatchError]


@variant(0)
@dataclass(frozen=True, slots=True)
class Sudid:
    """A sudo call just took place."""

    sudo_result: DispatchResult


@variant(1)
@dataclass(frozen=True, slots=True)
class KeyChanged:
    """The sudo key has been updated."""

    old: AccountId | None
    new: AccountId


@variant(2)
@dataclass(frozen=True, slots=True)
class KeyRemoved:
    """The key was permanently removed."""


@variant(3)
@dataclass(frozen=True, slots=True)
class SudoAsDone:
    """A `sudo_as` call just took place."""

    sudo_result: DispatchResult


SudoEvent: TypeAlias = Annotated[
    Sudid | KeyChanged | KeyRemoved | SudoAsDone, ScalePath("pallet_sudo::pallet::Event")
]


class SudoError(ErrorEnum):
    """Errors of Sudo."""

    REQUIRE_SUDO = 0, "Sender must be the Sudo account."


def _inner_weight(sudo: "Sudo", call: RuntimeCall) -> Weight:
    return sudo.env.call_weight(call) + OVERHEAD


def _inner_class(sudo: "Sudo", call: RuntimeCall) -> DispatchClass:
    return sudo.env.call_class(call)


def _given_weight(sudo: "Sudo", call: RuntimeCall, weight: Weight) -> Weight:
    return weight + OVERHEAD


def _given_class(sudo: "Sudo", call: RuntimeCall, weight: Weight) -> DispatchClass:
    return sudo.env.call_class(call)


def _as_weight(sudo: "Sudo", who: object, call: RuntimeCall) -> Weight:
    return sudo.env.call_weight(call) + OVERHEAD


def _as_class(sudo: "Sudo", who: object, call: RuntimeCall) -> DispatchClass:
    return sudo.env.call_class(call)


class Sudo(Pallet, index=30, events=SudoEvent, errors=SudoError):
    """One account may make any call as root. A successful sudo costs no fee."""

    key: StorageValue[AccountId | None] = StorageValue(doc="The `AccountId` of the sudo key.")

    system = Uses(System)

    @call(0, weight=_inner_weight, dispatch_class=_inner_class)
    def sudo(self, origin: Origin, call: Call) -> PostDispatchInfo:
        """Authenticates the sudo key and dispatches a function call with `Root` origin."""
        self._ensure_sudo(origin)
        self.deposit_event(Sudid(self._run(call, ROOT)))
        return FREE

    @call(1, weight=_given_weight, dispatch_class=_given_class)
    def sudo_unchecked_weight(self, origin: Origin, call: Call, weight: Weight) -> PostDispatchInfo:
        """As `sudo`, with the weight that the sudo user gives instead of the call's own."""
        self._ensure_sudo(origin)
        self.deposit_event(Sudid(self._run(call, ROOT)))
        return FREE

    @call(2, weight=OVERHEAD)
    def set_key(self, origin: Origin, new: MultiAddress) -> PostDispatchInfo:
        """Authenticates the current sudo key and sets the given account as the new sudo key."""
        self._ensure_sudo(origin)
        account = self.system.lookup(new)
        self.deposit_event(KeyChanged(self.key.get(), account))
        self.key.put(account)
        return FREE

    @call(3, weight=_as_weight, dispatch_class=_as_class)
    def sudo_as(self, origin: Origin, who: MultiAddress, call: Call) -> PostDispatchInfo:
        """Authenticates the sudo key and dispatches a call with `Signed` origin from a given account."""
        self._ensure_sudo(origin)
        self.deposit_event(SudoAsDone(self._run(call, Signed(self.system.lookup(who)))))
        return FREE

    @call(4, weight=OVERHEAD)
    def remove_key(self, origin: Origin) -> PostDispatchInfo:
        """Permanently removes the sudo key. This cannot be un-done."""
        self._ensure_sudo(origin)
        self.key.kill()
        self.deposit_event(KeyRemoved())
        return FREE

    def genesis(self, config: GenesisReader) -> None:
        """`{"key": address or null}`."""
        key = config.fields("key").get("key")
        if key is not None:
            self.key.put(key.account())

    def _ensure_sudo(self, origin: Origin) -> None:
        key = self.key.get()
        ensure(key is not None and ensure_signed(origin) == key, SudoError.REQUIRE_SUDO)

    def _run(self, call: RuntimeCall, origin: Origin) -> Ok[tuple[()]] | Err[DispatchError]:
        try:
            self.env.dispatch(call, origin)
        except CallFailed as failure:
            return Err(self.env.composition.error(failure))
        return Ok(())
