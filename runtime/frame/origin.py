"""Who makes a call."""

from dataclasses import dataclass
from typing import TypeAlias

from runtime.frame.errors import BadOrigin, CallFailed
from runtime.primitives.scale import variant
from runtime.primitives.types import AccountId


@variant(0)
@dataclass(frozen=True, slots=True)
class Root:
    """The system itself, such as sudo."""


@variant(1)
@dataclass(frozen=True, slots=True)
class Signed:
    """An account whose signature was checked."""

    account: AccountId


@variant(2, name="None")
@dataclass(frozen=True, slots=True)
class Nobody:
    """No one: an inherent of the block's author."""


Origin: TypeAlias = Root | Signed | Nobody

ROOT = Root()
NOBODY = Nobody()


def ensure_signed(origin: Origin) -> bytes:
    """The signing account (32 bytes); `BadOrigin` for any other origin."""
    if isinstance(origin, Signed):
        return origin.account
    raise CallFailed(BadOrigin())


def ensure_root(origin: Origin) -> None:
    """`BadOrigin` unless the origin is root."""
    if not isinstance(origin, Root):
        raise CallFailed(BadOrigin())


def ensure_none(origin: Origin) -> None:
    """`BadOrigin` unless the origin is nobody."""
    if not isinstance(origin, Nobody):
        raise CallFailed(BadOrigin())


def ensure_signed_or_root(origin: Origin) -> bytes | None:
    """The signing account, or None for root; `BadOrigin` otherwise."""
    return None if isinstance(origin, Root) else ensure_signed(origin)
