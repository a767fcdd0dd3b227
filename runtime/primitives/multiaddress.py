"""How an extrinsic names an account (`sp_runtime::MultiAddress`)."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.primitives.scale import CompactU32, ScalePath, variant
from runtime.primitives.types import AccountId, Bytes20, Bytes32


@variant(0, unnamed=True)
@dataclass(frozen=True, slots=True)
class Id:
    """The account's public key."""

    account: AccountId


@variant(1, unnamed=True)
@dataclass(frozen=True, slots=True)
class Index:
    """A short index; this chain keeps none, so a lookup of it fails."""

    index: CompactU32


@variant(2, unnamed=True)
@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of any length."""

    data: bytes


@variant(3, unnamed=True)
@dataclass(frozen=True, slots=True)
class Address32:
    """32 bytes that are no account id."""

    data: Bytes32


@variant(4, unnamed=True)
@dataclass(frozen=True, slots=True)
class Address20:
    """20 bytes, as Ethereum has them."""

    data: Bytes20


MultiAddress: TypeAlias = Annotated[
    Id | Index | Raw | Address32 | Address20,
    ScalePath(
        "sp_runtime::multiaddress::MultiAddress", (("AccountId", AccountId), ("AccountIndex", CompactU32))
    ),
]
