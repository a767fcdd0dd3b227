"""Whether two headers convict one author of a double block."""

from dataclasses import replace

from runtime.primitives.babe import BABE_ENGINE, PRE_DIGEST, EquivocationProof, PreDigest
from runtime.primitives.digest import PreRuntime, Seal
from runtime.primitives.header import Header
from runtime.primitives.keys.signature import verify_ed25519
from runtime.primitives.scale import InvalidScale


def find_claim(items: tuple[object, ...]) -> PreDigest | None:
    """The one slot claim among digest items; None where there is none, several, or one of no known form."""
    found = [item for item in items if isinstance(item, PreRuntime) and item.engine == BABE_ENGINE]
    if len(found) != 1:
        return None
    try:
        claim: PreDigest = PRE_DIGEST.decode(found[0].data)
    except InvalidScale:
        return None
    return claim


def convicts(proof: EquivocationProof) -> bool:
    """Whether both headers claim the slot for one authority, differ, and bear the offender's seals."""
    headers = (proof.first_header, proof.second_header)
    claims = [find_claim(header.digest.logs) for header in headers]
    first, second = claims
    if first is None or second is None or {first.slot, second.slot} != {proof.slot}:
        return False
    if first.authority_index != second.authority_index:
        return False
    hashes = [_sealed_hash(header, proof.offender) for header in headers]
    return None not in hashes and hashes[0] != hashes[1]


def _sealed_hash(header: Header, key: bytes) -> bytes | None:
    """The hash that was sealed, where the header ends in one BABE seal of `key`."""
    seal = header.digest.seal
    if seal is None or seal.engine != BABE_ENGINE:
        return None
    unsealed = replace(header, digest=header.digest.without_seal())
    if any(isinstance(item, Seal) for item in unsealed.digest.logs):
        return None
    pre_hash = unsealed.hash()
    return pre_hash if verify_ed25519(seal.data, pre_hash, key) else None
