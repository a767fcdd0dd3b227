"""What block production writes into headers and states: claims, announcements, randomness, evidence.

Layouts are Substrate's `sp_consensus_babe`, so explorers show authors. Both the consensus engine, which makes
and checks claims, and the runtime, which follows epochs, read these types.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, TypeAlias

from nacl.bindings import crypto_core_ed25519_add

from runtime.primitives.digest import Consensus
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import FixedBytes, MaxLen, ScalePath, Vector, codec, scale_path, variant
from runtime.primitives.types import Bytes32, Bytes64

BABE_ENGINE = b"BABE"
"""Engine id of slot claims, seals and epoch announcements."""

MAX_AUTHORITIES = 1_000
"""Substrate's NPoS chains stay at or below this; a justification then carries at most 125 bytes of bitfield
per group.
"""

DEFAULT_C = (1, 4)
"""One slot in four has a primary author in expectation: Polkadot's and BABE's customary constant."""

_VRF_SUITE = b"\x03"
_VRF_OUTPUT, _VRF_BACK = b"\x03", b"\x00"
_RANDOMNESS_CONTEXT = b"BabeVRFInOutContext"

BabeId = Annotated[bytes, FixedBytes(32), ScalePath("sp_consensus_babe::app::Public")]
Slot = Annotated[int, U64.__metadata__[0], ScalePath("sp_consensus_slots::Slot")]


@scale_path("sp_consensus_babe::AllowedSlots")
class AllowedSlots(IntEnum):
    """Which claims an epoch accepts beside primary ones; SCALE and names as BABE's enum of the same name."""

    PrimarySlots = 0
    PrimaryAndSecondaryPlainSlots = 1
    PrimaryAndSecondaryVRFSlots = 2


@dataclass(frozen=True, slots=True)
class Authority:
    """A block author: ed25519 key (32 bytes) and weight in the primary-slot lottery; SCALE as BABE's
    `(AuthorityId, u64)`.
    """

    key: Bytes32
    weight: U64


@variant(1, name="Primary")
@dataclass(frozen=True, slots=True)
class PrimaryPreDigest:
    """A slot won by lottery."""

    authority_index: U32
    slot: Slot
    pre_output: Bytes32
    proof: Bytes64


@variant(2, name="SecondaryPlain")
@dataclass(frozen=True, slots=True)
class SecondaryPlainPreDigest:
    """A slot taken in turn, without a VRF."""

    authority_index: U32
    slot: Slot


@variant(3, name="SecondaryVRF")
@dataclass(frozen=True, slots=True)
class SecondaryVrfPreDigest:
    """A slot taken in turn, whose VRF output still feeds the epoch's randomness."""

    authority_index: U32
    slot: Slot
    pre_output: Bytes32
    proof: Bytes64


PreDigest: TypeAlias = Annotated[
    PrimaryPreDigest | SecondaryPlainPreDigest | SecondaryVrfPreDigest,
    ScalePath("sp_consensus_babe::digests::PreDigest"),
]
VrfPreDigest: TypeAlias = PrimaryPreDigest | SecondaryVrfPreDigest


@variant(1)
@dataclass(frozen=True, slots=True)
class NextEpochData:
    """Authorities and randomness of the next epoch."""

    authorities: Annotated[Vector[Authority], MaxLen(MAX_AUTHORITIES)]
    randomness: Bytes32


@variant(2)
@dataclass(frozen=True, slots=True)
class OnDisabled:
    """The authority with this index may not author for the rest of the epoch."""

    authority_index: U32


@variant(1, name="V1")
@dataclass(frozen=True, slots=True)
class ConfigV1:
    """Lottery constant (numerator, denominator) and allowed claims from the next epoch on."""

    c: tuple[U64, U64]
    allowed_slots: AllowedSlots


NextConfigDescriptor: TypeAlias = Annotated[
    ConfigV1, ScalePath("sp_consensus_babe::digests::NextConfigDescriptor")
]


@variant(3)
@dataclass(frozen=True, slots=True)
class NextConfigData:
    """A versioned change of the epoch configuration; version 1 is the only one there is."""

    config: ConfigV1


ConsensusLog: TypeAlias = NextEpochData | OnDisabled | NextConfigData

PRE_DIGEST = codec(PreDigest)
CONSENSUS_LOG = codec(ConsensusLog)


def consensus_item(log: ConsensusLog) -> Consensus:
    """The digest item that carries an announcement."""
    return Consensus(BABE_ENGINE, CONSENSUS_LOG.encode(log))


@scale_path("sp_consensus_slots::EquivocationProof")
@dataclass(frozen=True, slots=True)
class EquivocationProof:
    """Two sealed headers of one author (ed25519 key) for one slot; layout of
    `sp_consensus_slots::EquivocationProof`.
    """

    offender: BabeId
    slot: Slot
    first_header: Header
    second_header: Header


EQUIVOCATION_PROOF = codec(EquivocationProof)


def vrf_output(gamma: bytes) -> bytes:
    """beta, the 64-byte output of the VRF proof with this point Gamma (RFC 9381, 5.2).

    `nacl.exceptions.CryptoError` where the 32 bytes are no point of the curve.
    """
    point = gamma
    for _ in range(3):
        point = crypto_core_ed25519_add(point, point)
    return hashlib.sha512(_VRF_SUITE + _VRF_OUTPUT + point + _VRF_BACK).digest()


def randomness_of(output: bytes) -> bytes:
    """The 32 bytes that a VRF output contributes to the next epoch's randomness; independent of its lottery
    ticket.
    """
    return blake2_256(_RANDOMNESS_CONTEXT + output)


def next_randomness(previous: bytes, epoch_index: int, contributions: list[bytes]) -> bytes:
    """The randomness of epoch `epoch_index` from its predecessor's and the 32-byte contributions of the
    blocks between, in order.
    """
    return blake2_256(previous + epoch_index.to_bytes(8, "little") + b"".join(contributions))
