"""BLS12-381 signatures: the only module that knows which library does the curve arithmetic.

Scheme: IETF draft-irtf-cfrg-bls-signature-05, proof-of-possession, "minimal-pubkey-size": public keys are
48-byte points of G1, signatures 96-byte points of G2. Why py_arkworks_bls12381: it is maintained, its
hash-to-curve is RFC 9380, and its signatures equal those of py_ecc, the readable reference, byte for byte; a
verification takes 2 ms where py_ecc takes most of a second.

Aggregation is safe against rogue keys only among keys whose possession was proved (`verify_possession`): that
is checked once, when a key is registered. The library accepts non-canonical encodings of infinity, so every
point is re-encoded and compared.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from runtime.primitives.errors import InvalidData

SIGNATURE_DST = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_DST = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
PUBLIC_KEY_LENGTH = 48
SIGNATURE_LENGTH = 96
MIN_SEED_LENGTH = 32
GROUP_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

_KEYGEN_SALT = b"BLS-SIG-KEYGEN-SALT-"
_KEYGEN_LENGTH = 48
_MINUS_GENERATOR = -G1Point()
_INFINITY = G1Point.identity()


class BlsFault(Enum):
    """Why bytes are not a key or a signature."""

    LENGTH = "wrong number of bytes"
    ENCODING = "not the canonical encoding of a point of the prime-order subgroup"
    INFINITY = "the point at infinity is no public key"
    EMPTY = "an aggregate of nothing"


class InvalidBls(InvalidData):
    """Bytes that are not a public key or a signature."""

    reason: BlsFault


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A checked public key (`KeyValidate` of the draft, 2.5): on the curve, in the subgroup, not infinity.

    Parsing costs about 0.06 ms and adding under 1 us, so a voter set parses its keys once.
    """

    encoded: bytes
    point: G1Point = field(repr=False, compare=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> "PublicKey":
        """Parse 48 compressed bytes; raises `InvalidBls`."""
        if len(data) != PUBLIC_KEY_LENGTH:
            raise InvalidBls(
                BlsFault.LENGTH, f"a public key has {PUBLIC_KEY_LENGTH} bytes, this one {len(data)}"
            )
        try:
            point = G1Point.from_compressed_bytes(data)
        except ValueError as error:
            raise InvalidBls(BlsFault.ENCODING, data.hex()) from error
        if point.to_compressed_bytes() != data:
            raise InvalidBls(BlsFault.ENCODING, data.hex())
        if point == _INFINITY:
            raise InvalidBls(BlsFault.INFINITY, data.hex())
        return cls(data, point)


@dataclass(frozen=True, slots=True)
class BlsKey:
    """A secret key with its public key. The secret stays out of `repr`."""

    public: bytes
    _secret: Scalar = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "BlsKey":
        """`KeyGen` of the draft (2.3) from at least 32 bytes of entropy; raises `ValueError` for fewer."""
        secret = Scalar(_generate(seed))
        return cls((G1Point() * secret).to_compressed_bytes(), secret)

    def sign(self, message: bytes) -> bytes:
        """The 96-byte signature of `message`; the same key and message always give the same bytes."""
        return (G2Point.hash_to_curve(message, SIGNATURE_DST) * self._secret).to_compressed_bytes()

    def prove_possession(self) -> bytes:
        """`PopProve` (3.3.2): the 96 bytes that register this key against rogue-key attacks."""
        return (G2Point.hash_to_curve(self.public, POSSESSION_DST) * self._secret).to_compressed_bytes()


def verify(public: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is `public`'s signature of `message`; raises `InvalidBls` where it is no signature
    at all.
    """
    return _pairing_holds(public.point, G2Point.hash_to_curve(message, SIGNATURE_DST), signature)


def verify_possession(public: PublicKey, proof: bytes) -> bool:
    """`PopVerify` (3.3.3): whether whoever made `proof` holds the secret of `public`."""
    return _pairing_holds(public.point, G2Point.hash_to_curve(public.encoded, POSSESSION_DST), proof)


def aggregate(signatures: Sequence[bytes]) -> bytes:
    """The 96-byte sum of signatures (2.8); raises `InvalidBls` for an empty list or a bad member."""
    if not signatures:
        raise InvalidBls(BlsFault.EMPTY, "no signatures")
    total = _signature_point(signatures[0])
    for signature in signatures[1:]:
        total += _signature_point(signature)
    return total.to_compressed_bytes()


def fast_aggregate_verify(publics: Sequence[PublicKey], message: bytes, signature: bytes) -> bool:
    """Whether `signature` aggregates signatures of the same `message` by all `publics` (3.3.4).

    Sound only for keys whose possession was verified. One pairing check however many keys.
    """
    if not publics:
        raise InvalidBls(BlsFault.EMPTY, "no public keys")
    total = publics[0].point
    for public in publics[1:]:
        total += public.point
    if total == _INFINITY:
        return False
    return _pairing_holds(total, G2Point.hash_to_curve(message, SIGNATURE_DST), signature)


def verify_batch(checks: Sequence[tuple[PublicKey, bytes, bytes]]) -> bool:
    """Whether every (key, message, signature) holds, wrong signatures being caught except with probability
    2^-128; raises `InvalidBls` where one is no signature at all.

    One pairing per distinct message: each check is scaled by its own 128-bit number, so that errors can not
    cancel out. The numbers are a hash of the whole batch, which nobody can choose to fit. 100 votes for one
    block take about 25 ms, checked one by one 200 ms.
    """
    transcript = hashlib.blake2b(digest_size=32)
    for public, message, signature in checks:
        transcript.update(public.encoded + hashlib.sha256(message).digest() + signature)
    seed = transcript.digest()
    scales = [
        Scalar(
            int.from_bytes(hashlib.blake2b(seed + index.to_bytes(4, "big"), digest_size=16).digest(), "big")
        )
        for index in range(len(checks))
    ]
    total = G2Point.multiexp_unchecked([_signature_point(signature) for _, _, signature in checks], scales)
    by_message: dict[bytes, tuple[list[G1Point], list[Scalar]]] = {}
    for (public, message, _), scale in zip(checks, scales, strict=True):
        points, factors = by_message.setdefault(message, ([], []))
        points.append(public.point)
        factors.append(scale)
    left = [G1Point.multiexp_unchecked(points, factors) for points, factors in by_message.values()]
    right = [G2Point.hash_to_curve(message, SIGNATURE_DST) for message in by_message]
    return GT.pairing_check([*left, _MINUS_GENERATOR], [*right, total])


def check_signature_encoding(signature: bytes) -> None:
    """Raise `InvalidBls` unless `signature` is a canonical point of G2's prime-order subgroup."""
    _signature_point(signature)


def _pairing_holds(public: G1Point, message: G2Point, signature: bytes) -> bool:
    """e(public, message) == e(generator, signature), as one product of two pairings."""
    return GT.pairing_check([public, _MINUS_GENERATOR], [message, _signature_point(signature)])


def _signature_point(data: bytes) -> G2Point:
    if len(data) != SIGNATURE_LENGTH:
        raise InvalidBls(BlsFault.LENGTH, f"a signature has {SIGNATURE_LENGTH} bytes, this one {len(data)}")
    try:
        point = G2Point.from_compressed_bytes(data)
    except ValueError as error:
        raise InvalidBls(BlsFault.ENCODING, data.hex()) from error
    if point.to_compressed_bytes() != data:
        raise InvalidBls(BlsFault.ENCODING, data.hex())
    return point


def _generate(seed: bytes) -> int:
    """HKDF-SHA-256 (RFC 5869) with a salt hashed before each try; a zero key has probability 2^-255."""
    if len(seed) < MIN_SEED_LENGTH:
        raise ValueError(f"a BLS seed has at least {MIN_SEED_LENGTH} bytes, this one {len(seed)}")
    salt, secret = _KEYGEN_SALT, 0
    while secret == 0:
        salt = hashlib.sha256(salt).digest()
        extracted = hmac.digest(salt, seed + b"\x00", "sha256")
        info = _KEYGEN_LENGTH.to_bytes(2, "big")
        first = hmac.digest(extracted, info + b"\x01", "sha256")
        second = hmac.digest(extracted, first + info + b"\x02", "sha256")
        secret = int.from_bytes((first + second)[:_KEYGEN_LENGTH], "big") % GROUP_ORDER
    return secret
