"""What BABE writes into a header's digest: the slot claim (pre-digest) and announcements to light clients
(consensus logs).

The types themselves are `runtime.primitives.babe`'s, which the runtime shares.

`pre_output` is the VRF's
Gamma; `proof` holds the VRF's challenge (16 bytes and 16 zero bytes, a scalar as schnorrkel writes one) and
response (32 bytes).
"""

from consensus.faults import HeaderFault, InvalidHeader
from consensus.vrf import CHALLENGE_LENGTH, VrfProof
from runtime.primitives.babe import (
    BABE_ENGINE,
    CONSENSUS_LOG,
    PRE_DIGEST,
    ConfigV1,
    ConsensusLog,
    NextConfigData,
    NextEpochData,
    OnDisabled,
    PreDigest,
    PrimaryPreDigest,
    SecondaryPlainPreDigest,
    SecondaryVrfPreDigest,
    VrfPreDigest,
    consensus_item,
)
from runtime.primitives.digest import Consensus, PreRuntime
from runtime.primitives.grandpa import GRANDPA_ENGINE
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale

__all__ = [
    "BABE",
    "CONSENSUS_LOG",
    "FRNK",
    "PRE_DIGEST",
    "ConfigV1",
    "ConsensusLog",
    "NextConfigData",
    "NextEpochData",
    "OnDisabled",
    "PreDigest",
    "PrimaryPreDigest",
    "SecondaryPlainPreDigest",
    "SecondaryVrfPreDigest",
    "VrfPreDigest",
    "consensus_item",
    "consensus_logs",
    "find_pre_digest",
    "pre_digest_item",
    "proof_field",
    "proof_of",
    "slot_of_header",
]

BABE = BABE_ENGINE
FRNK = GRANDPA_ENGINE

_SCALAR_PADDING = bytes(32 - CHALLENGE_LENGTH)


def pre_digest_item(pre_digest: PreDigest) -> PreRuntime:
    """The digest item that carries a slot claim."""
    return PreRuntime(BABE, PRE_DIGEST.encode(pre_digest))


def find_pre_digest(header: Header) -> PreDigest:
    """The header's one slot claim; items of other engines are none of BABE's business and are passed over.

    Raises `InvalidHeader` when there is none, more than one, or when it does not decode exactly.
    """
    claims = [item for item in header.digest.logs if isinstance(item, PreRuntime) and item.engine == BABE]
    if not claims:
        raise InvalidHeader(HeaderFault.PRE_DIGEST_MISSING, f"block {header.number}")
    if len(claims) > 1:
        raise InvalidHeader(HeaderFault.PRE_DIGEST_REPEATED, f"{len(claims)} in block {header.number}")
    try:
        decoded: PreDigest = PRE_DIGEST.decode(claims[0].data)
    except InvalidScale as error:
        raise InvalidHeader(HeaderFault.PRE_DIGEST_MALFORMED, str(error), claims[0].data) from error
    return decoded


def slot_of_header(header: Header) -> int | None:
    """The slot that a header claims; None for the genesis header, which has none. Raises `InvalidHeader`."""
    return None if header.number == 0 else find_pre_digest(header).slot


def consensus_logs(header: Header) -> tuple[ConsensusLog, ...]:
    """BABE's announcements in order; raises `InvalidHeader` for one that does not decode or an epoch or a
    setting named twice.
    """
    logs = list[ConsensusLog]()
    for item in header.digest.logs:
        if not (isinstance(item, Consensus) and item.engine == BABE):
            continue
        try:
            logs.append(CONSENSUS_LOG.decode(item.data))
        except InvalidScale as error:
            raise InvalidHeader(HeaderFault.LOG_MALFORMED, str(error), item.data) from error
    for kind in (NextEpochData, NextConfigData):
        count = sum(isinstance(log, kind) for log in logs)
        if count > 1:
            raise InvalidHeader(HeaderFault.LOG_REPEATED, f"{kind.__name__} {count} times")
    return tuple(logs)


def proof_of(pre_digest: VrfPreDigest) -> VrfProof:
    """The VRF proof inside a claim; raises `InvalidHeader` where the challenge's padding is not zero."""
    challenge, padding = pre_digest.proof[:CHALLENGE_LENGTH], pre_digest.proof[CHALLENGE_LENGTH:32]
    if padding != _SCALAR_PADDING:
        raise InvalidHeader(
            HeaderFault.VRF, f"the challenge has more than {CHALLENGE_LENGTH} bytes", pre_digest.proof
        )
    return VrfProof(pre_digest.pre_output, challenge, pre_digest.proof[32:])


def proof_field(proof: VrfProof) -> bytes:
    """The 64 bytes that carry a proof's challenge and response in a claim."""
    return proof.challenge + _SCALAR_PADDING + proof.response
