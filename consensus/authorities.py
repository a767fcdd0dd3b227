"""Who may build blocks and who may finalise them: weighted, ordered, bounded sets.

An authority's index in its set is what digests and bitfields carry, so the order is part of consensus.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from enum import Enum

from consensus.finality.bls import InvalidBls, PublicKey
from runtime.primitives.babe import MAX_AUTHORITIES, Authority
from runtime.primitives.errors import InvalidData
from runtime.primitives.grandpa import Voter

__all__ = [
    "MAX_AUTHORITIES",
    "MAX_TOTAL_WEIGHT",
    "Authority",
    "AuthorityFault",
    "AuthoritySet",
    "InvalidAuthorities",
    "Voter",
    "VoterSet",
    "supermajority",
]

MAX_TOTAL_WEIGHT = 2**64 - 1
"""The sum of weights is a u64, so that no tally overflows anywhere."""


class AuthorityFault(Enum):
    """Why a set of authorities or voters was refused."""

    EMPTY = "no member"
    TOO_MANY = "too many members"
    KEY = "not a valid key"
    DUPLICATE = "the same key twice"
    WEIGHT = "weight out of range"


class InvalidAuthorities(InvalidData):
    """A set that cannot run consensus."""

    reason: AuthorityFault


@dataclass(frozen=True, slots=True)
class AuthoritySet:
    """The block authors of an epoch; raises `InvalidAuthorities` when a rule is broken."""

    members: tuple[Authority, ...]
    total_weight: int = field(init=False)

    def __post_init__(self) -> None:
        entries = [(member.key, member.weight) for member in self.members]
        object.__setattr__(self, "total_weight", _checked_total(entries, 32))

    def __len__(self) -> int:
        return len(self.members)

    def index_of(self, key: bytes) -> int | None:
        """The index of the authority with `key`, or None."""
        return next((index for index, member in enumerate(self.members) if member.key == key), None)


@dataclass(frozen=True, slots=True)
class VoterSet:
    """The finality voters of one set id, keys parsed once; raises `InvalidAuthorities`.

    `known` holds keys that are parsed already, by their bytes.
    """

    set_id: int
    members: tuple[Voter, ...]
    known: InitVar[Mapping[bytes, PublicKey] | None] = None
    keys: tuple[PublicKey, ...] = field(init=False, repr=False, compare=False)
    total_weight: int = field(init=False)
    threshold: int = field(init=False)

    def __post_init__(self, known: Mapping[bytes, PublicKey] | None) -> None:
        entries = [(member.key, member.weight) for member in self.members]
        total = _checked_total(entries, 48)
        object.__setattr__(self, "total_weight", total)
        object.__setattr__(self, "threshold", supermajority(total))
        keys = known or {}
        parsed = (keys.get(key) or _parsed(index, key) for index, (key, _) in enumerate(entries))
        object.__setattr__(self, "keys", tuple(parsed))

    def succeeded_by(self, members: tuple[Voter, ...]) -> "VoterSet":
        """The next set; only keys of voters that are new in it are parsed. Raises `InvalidAuthorities`."""
        return VoterSet(self.set_id + 1, members, {key.encoded: key for key in self.keys})

    def __len__(self) -> int:
        return len(self.members)

    def index_of(self, key: bytes) -> int | None:
        """The index of the voter with `key`, or None."""
        return next((index for index, member in enumerate(self.members) if member.key == key), None)


def supermajority(total_weight: int) -> int:
    """The least weight that outvotes any tolerable fault: n - f with f = floor((n - 1) / 3) (GRANDPA, section
    2).
    """
    return total_weight - (total_weight - 1) // 3


def _checked_total(entries: list[tuple[bytes, int]], key_length: int) -> int:
    if not entries:
        raise InvalidAuthorities(AuthorityFault.EMPTY, "a chain needs at least one")
    if len(entries) > MAX_AUTHORITIES:
        raise InvalidAuthorities(AuthorityFault.TOO_MANY, f"{len(entries)}, allowed are {MAX_AUTHORITIES}")
    total, seen = 0, dict[bytes, int]()
    for index, (key, weight) in enumerate(entries):
        if len(key) != key_length:
            raise InvalidAuthorities(
                AuthorityFault.KEY, f"member {index}: {len(key)} bytes instead of {key_length}"
            )
        if key in seen:
            raise InvalidAuthorities(
                AuthorityFault.DUPLICATE, f"members {seen[key]} and {index}: {key.hex()}"
            )
        if weight < 1:
            raise InvalidAuthorities(AuthorityFault.WEIGHT, f"member {index}: {weight}, at least 1 is needed")
        seen[key] = index
        total += weight
    if total > MAX_TOTAL_WEIGHT:
        raise InvalidAuthorities(AuthorityFault.WEIGHT, f"the sum {total} exceeds {MAX_TOTAL_WEIGHT}")
    return total


def _parsed(index: int, key: bytes) -> PublicKey:
    try:
        return PublicKey.from_bytes(key)
    except InvalidBls as error:
        raise InvalidAuthorities(AuthorityFault.KEY, f"voter {index}: {error}") from error
