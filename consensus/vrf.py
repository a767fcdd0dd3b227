"""ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, section 5 and 5.5; suite 0x03) over libsodium's group operations.

One rule is stricter than the RFC: Gamma must lie in the prime-order subgroup. Honest provers always satisfy
it, libsodium's scalar multiplication demands it, and it makes the pre-output itself unique, so nobody can
grind over its torsion.
"""

import hashlib
from dataclasses import dataclass
from enum import Enum

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError

from runtime.primitives.babe import vrf_output
from runtime.primitives.errors import InvalidData

SUITE = b"\x03"
POINT_LENGTH = 32
CHALLENGE_LENGTH = 16
SCALAR_LENGTH = 32
PROOF_LENGTH = POINT_LENGTH + CHALLENGE_LENGTH + SCALAR_LENGTH
OUTPUT_LENGTH = 64

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD_PRIME = 2**255 - 19
_IDENTITY = b"\x01" + bytes(31)
_ENCODE_TO_CURVE, _CHALLENGE, _BACK = b"\x01", b"\x02", b"\x00"


class VrfFault(Enum):
    """Why a VRF proof was refused."""

    LENGTH = "wrong length"
    PUBLIC_KEY = "public key is not a point of the prime-order subgroup"
    GAMMA = "gamma is not a point of the prime-order subgroup"
    SCALAR = "scalar s is not reduced"
    CHALLENGE = "challenge does not match"


class InvalidVrf(InvalidData):
    """A proof that does not show the output of this key for this input."""

    reason: VrfFault


@dataclass(frozen=True, slots=True)
class VrfProof:
    """RFC 9381's pi, split: the point Gamma (32 bytes), the challenge c (16) and the response s (32,
    little-endian).
    """

    gamma: bytes
    challenge: bytes
    response: bytes

    def to_bytes(self) -> bytes:
        """The 80-byte `pi_string`."""
        return self.gamma + self.challenge + self.response

    @classmethod
    def from_bytes(cls, data: bytes) -> "VrfProof":
        """Split an 80-byte `pi_string`; raises `InvalidVrf` for any other length."""
        if len(data) != PROOF_LENGTH:
            raise InvalidVrf(VrfFault.LENGTH, f"a proof has {PROOF_LENGTH} bytes, this one {len(data)}")
        cut = POINT_LENGTH + CHALLENGE_LENGTH
        return cls(data[:POINT_LENGTH], data[POINT_LENGTH:cut], data[cut:])


def prove(seed: bytes, alpha: bytes) -> VrfProof:
    """The proof of ed25519 seed `seed` (32 bytes) for input `alpha` (RFC 9381, 5.1)."""
    public = crypto_sign_seed_keypair(seed)[0]
    expanded = hashlib.sha512(seed).digest()
    secret = _reduce(_clamp(expanded[:32]))
    point = _encode_to_curve(public, alpha)
    gamma = crypto_scalarmult_ed25519_noclamp(secret, point)
    nonce = crypto_core_ed25519_scalar_reduce(hashlib.sha512(expanded[32:] + point).digest())
    challenge = _challenge(
        public,
        point,
        gamma,
        crypto_scalarmult_ed25519_base_noclamp(nonce),
        crypto_scalarmult_ed25519_noclamp(nonce, point),
    )
    response = crypto_core_ed25519_scalar_add(
        nonce, crypto_core_ed25519_scalar_mul(_widen(challenge), secret)
    )
    return VrfProof(gamma, challenge, response)


def verify(public: bytes, alpha: bytes, proof: VrfProof) -> bytes:
    """The 64-byte output beta that `proof` shows for key `public` and input `alpha` (RFC 9381, 5.3).

    Raises `InvalidVrf`. Two inputs or two keys never share an accepted proof but by a hash collision.
    """
    _check_shape(public, proof)
    point = _encode_to_curve(public, alpha)
    challenge = _widen(proof.challenge)
    u = crypto_core_ed25519_sub(_multiply_base(proof.response), _multiply(challenge, public))
    v = crypto_core_ed25519_sub(_multiply(proof.response, point), _multiply(challenge, proof.gamma))
    if _challenge(public, point, proof.gamma, u, v) != proof.challenge:
        raise InvalidVrf(VrfFault.CHALLENGE, f"gamma {proof.gamma.hex()}")
    return output(proof)


def output(proof: VrfProof) -> bytes:
    """beta, the 64-byte output of a proof already verified or just made (RFC 9381, 5.2)."""
    return vrf_output(proof.gamma)


def _check_shape(public: bytes, proof: VrfProof) -> None:
    lengths = len(public), len(proof.gamma), len(proof.challenge), len(proof.response)
    if lengths != (POINT_LENGTH, POINT_LENGTH, CHALLENGE_LENGTH, SCALAR_LENGTH):
        raise InvalidVrf(VrfFault.LENGTH, f"key, gamma, c and s have {lengths} bytes")
    if not crypto_core_ed25519_is_valid_point(public):
        raise InvalidVrf(VrfFault.PUBLIC_KEY, public.hex())
    if not crypto_core_ed25519_is_valid_point(proof.gamma):
        raise InvalidVrf(VrfFault.GAMMA, proof.gamma.hex())
    if int.from_bytes(proof.response, "little") >= GROUP_ORDER:
        raise InvalidVrf(VrfFault.SCALAR, proof.response.hex())


def _encode_to_curve(salt: bytes, alpha: bytes) -> bytes:
    """Try-and-increment (RFC 9381, 5.4.1.1). Each try succeeds with probability 1/2, so all 256 fail once in
    2^256 inputs.
    """
    for counter in range(256):
        digest = hashlib.sha512(SUITE + _ENCODE_TO_CURVE + salt + alpha + bytes([counter]) + _BACK).digest()
        candidate = digest[:POINT_LENGTH]
        if not _is_point(candidate):
            continue
        point = _clear_cofactor(candidate)
        if point != _IDENTITY:
            return point
    raise AssertionError("no curve point in 256 tries")


def _is_point(encoded: bytes) -> bool:
    """Whether `encoded` decodes to a curve point (RFC 8032, 5.1.3), in any subgroup.

    libsodium's own validity test also demands the prime-order subgroup, so its addition, which does not, is
    asked.
    """
    if int.from_bytes(encoded, "little") & (2**255 - 1) >= FIELD_PRIME:
        return False
    try:
        crypto_core_ed25519_add(encoded, _IDENTITY)
    except CryptoError:
        return False
    return True


def _clear_cofactor(point: bytes) -> bytes:
    for _ in range(3):
        point = crypto_core_ed25519_add(point, point)
    return point


def _challenge(*points: bytes) -> bytes:
    return hashlib.sha512(SUITE + _CHALLENGE + b"".join(points) + _BACK).digest()[:CHALLENGE_LENGTH]


def _widen(challenge: bytes) -> bytes:
    return challenge + bytes(SCALAR_LENGTH - CHALLENGE_LENGTH)


def _clamp(scalar: bytes) -> bytes:
    return bytes([scalar[0] & 0xF8]) + scalar[1:31] + bytes([scalar[31] & 0x7F | 0x40])


def _reduce(scalar: bytes) -> bytes:
    return crypto_core_ed25519_scalar_reduce(scalar + bytes(32))


def _multiply(scalar: bytes, point: bytes) -> bytes:
    """libsodium refuses the zero scalar, which a forged proof may carry; its product is the identity."""
    return crypto_scalarmult_ed25519_noclamp(scalar, point) if any(scalar) else _IDENTITY


def _multiply_base(scalar: bytes) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp(scalar) if any(scalar) else _IDENTITY
