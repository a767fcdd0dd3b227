"""Finality votes: what is signed, and by whom.

The signed bytes are GRANDPA's payload: stage byte ++ target hash ++ u32 number ++ u64 round ++ u64 set id,
little-endian (53 bytes). The set id and round inside make a vote worthless anywhere else, and the target hash
ties it to one chain.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from consensus.authorities import VoterSet
from consensus.finality import bls
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import codec
from runtime.primitives.types import H256, Bytes96


class Stage(IntEnum):
    """The two votes of a round, and the block that the round's primary proposes to build on."""

    PREVOTE = 0
    PRECOMMIT = 1
    PROPOSAL = 2


@dataclass(frozen=True, slots=True)
class Vote:
    """One voter's statement in a round; its SCALE encoding is the signed payload and the journal's record."""

    stage: Stage
    target_hash: H256
    target_number: U32
    round: U64
    set_id: U64

    def payload(self) -> bytes:
        """The 53 bytes to sign."""
        return VOTE.encode(self)


VOTE = codec(Vote)


@dataclass(frozen=True, slots=True)
class SignedVote:
    """A vote with its voter's index in the set and its BLS signature (96 bytes)."""

    vote: Vote
    voter: U32
    signature: Bytes96


def verify_vote(signed: SignedVote, voters: VoterSet) -> bool:
    """Whether `signed` comes from a member of `voters` for their set id; costs one pairing check (2 ms)."""
    if not is_of_set(signed, voters):
        return False
    try:
        return bls.verify(voters.keys[signed.voter], signed.vote.payload(), signed.signature)
    except bls.InvalidBls:
        return False


def is_of_set(signed: SignedVote, voters: VoterSet) -> bool:
    """Whether a vote claims to come from a member of `voters` for their set id."""
    return signed.vote.set_id == voters.set_id and signed.voter < len(voters)


def pack_signers(indices: Iterable[int], size: int) -> bytes:
    """The bitfield of voter `indices` in a set of `size`: voter i is bit i % 8, least significant first, of
    byte i // 8.
    """
    field = bytearray((size + 7) // 8)
    for index in indices:
        field[index // 8] |= 1 << index % 8
    return bytes(field)


def unpack_signers(field: bytes, size: int) -> tuple[int, ...] | None:
    """The voter indices of a bitfield, ascending; None where its length or its unused bits do not fit a set
    of `size`.
    """
    bits = int.from_bytes(field, "little")
    if len(field) != (size + 7) // 8 or bits >> size:
        return None
    return tuple(index for index in range(size) if bits >> index & 1)
