"""What finality writes into headers and states: voters, announcements, votes, evidence.

Layouts are Substrate's `sp_consensus_grandpa` and `finality_grandpa`, with BLS12-381 keys (48 bytes) and
signatures (96 bytes) in place of ed25519's.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.primitives.babe import MAX_AUTHORITIES
from runtime.primitives.digest import Consensus
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import FixedBytes, MaxLen, ScalePath, Vector, codec, scale_path, variant
from runtime.primitives.types import H256, Bytes48

GRANDPA_ENGINE = b"FRNK"
"""Engine id of authority changes and finality justifications."""

GrandpaId = Annotated[bytes, FixedBytes(48), ScalePath("sp_consensus_grandpa::app::Public")]
GrandpaSignature = Annotated[bytes, FixedBytes(96), ScalePath("sp_consensus_grandpa::app::Signature")]


@dataclass(frozen=True, slots=True)
class Voter:
    """A finality voter: BLS public key (48 bytes, possession proved at registration) and voting weight."""

    key: Bytes48
    weight: U64


@variant(1)
@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """The voters that rule once the block `delay` above the announcing one is final."""

    next_voters: Annotated[Vector[Voter], MaxLen(MAX_AUTHORITIES)]
    delay: U32


@variant(2)
@dataclass(frozen=True, slots=True)
class ForcedChange:
    """The voters that rule from the block `delay` above the announcing one on, final or not.

    For chains whose finality stalled; `median_last_finalized` is the last block that governance saw final.
    """

    median_last_finalized: U32
    next_voters: Annotated[Vector[Voter], MaxLen(MAX_AUTHORITIES)]
    delay: U32


@variant(3)
@dataclass(frozen=True, slots=True)
class VoterDisabled:
    """The voter with this index is expected to stay silent; its weight still counts."""

    voter_index: U32


FinalityLog: TypeAlias = ScheduledChange | ForcedChange | VoterDisabled

FINALITY_LOG = codec(FinalityLog)


def finality_item(log: FinalityLog) -> Consensus:
    """The digest item that carries an announcement."""
    return Consensus(GRANDPA_ENGINE, FINALITY_LOG.encode(log))


PREVOTE, PRECOMMIT = 0, 1
"""Stages of a round, as the first byte of what a vote signs."""


@scale_path("finality_grandpa::Prevote")
@dataclass(frozen=True, slots=True)
class Prevote:
    """A vote of a round's first stage."""

    target_hash: H256
    target_number: U32


@scale_path("finality_grandpa::Precommit")
@dataclass(frozen=True, slots=True)
class Precommit:
    """A vote of a round's second stage."""

    target_hash: H256
    target_number: U32


@scale_path("finality_grandpa::Equivocation")
@dataclass(frozen=True, slots=True)
class PrevoteEquivocationBody:
    """Two prevotes of one voter in one round, with their signatures."""

    round_number: U64
    identity: GrandpaId
    first: tuple[Prevote, GrandpaSignature]
    second: tuple[Prevote, GrandpaSignature]


@scale_path("finality_grandpa::Equivocation")
@dataclass(frozen=True, slots=True)
class PrecommitEquivocationBody:
    """Two precommits of one voter in one round, with their signatures."""

    round_number: U64
    identity: GrandpaId
    first: tuple[Precommit, GrandpaSignature]
    second: tuple[Precommit, GrandpaSignature]


@variant(0, name="Prevote", unnamed=True)
@dataclass(frozen=True, slots=True)
class PrevoteEquivocation:
    """Evidence of a double prevote."""

    body: PrevoteEquivocationBody


@variant(1, name="Precommit", unnamed=True)
@dataclass(frozen=True, slots=True)
class PrecommitEquivocation:
    """Evidence of a double precommit."""

    body: PrecommitEquivocationBody


Equivocation: TypeAlias = Annotated[
    PrevoteEquivocation | PrecommitEquivocation, ScalePath("sp_consensus_grandpa::Equivocation")
]


@scale_path("sp_consensus_grandpa::EquivocationProof")
@dataclass(frozen=True, slots=True)
class VoteEquivocationProof:
    """Two different votes of one voter in one stage of one round of this set of voters."""

    set_id: U64
    equivocation: Equivocation


VOTE_EQUIVOCATION_PROOF = codec(VoteEquivocationProof)


@dataclass(frozen=True, slots=True)
class _Payload:
    """What a vote signs: 53 bytes."""

    target_hash: H256
    target_number: U32
    round: U64
    set_id: U64


_PAYLOAD = codec(_Payload)


def vote_payload(stage: int, vote: Prevote | Precommit, round_number: int, set_id: int) -> bytes:
    """The bytes that a voter signs: stage ++ hash ++ u32 number ++ u64 round ++ u64 set id, little-endian."""
    rest = _Payload(vote.target_hash, vote.target_number, round_number, set_id)
    return bytes((stage,)) + _PAYLOAD.encode(rest)
