"""The envelope of an extrinsic, version 4: who signed what.

A compact length, then one version byte. `0x04` is a bare extrinsic (an inherent): the call follows. `0x84` is
a signed one: address, signature, the transaction extensions' data, the call. The envelope knows neither the
extensions nor the calls: it decodes the former with the codec it is given and keeps the latter as bytes.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Generic, TypeAlias, TypeVar

from runtime.primitives.errors import InvalidData
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys.signature import MultiSignature
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import Codec, InvalidScale, ScalePath, codec, decode_compact, encode_compact

X = TypeVar("X")

VERSION = 4
SIGNED_BYTE = 0x84
BARE_BYTE = 0x04
MAX_RAW_PAYLOAD = 256
"""A longer payload is signed as its hash, so that small devices can sign it."""

UNCHECKED_EXTRINSIC = "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic"
OpaqueExtrinsic: TypeAlias = Annotated[bytes, ScalePath(UNCHECKED_EXTRINSIC)]
"""An extrinsic as a part of something else: its bytes *without* the length prefix, which is the codec's."""

_ADDRESS = codec(MultiAddress)
_SIGNATURE = codec(MultiSignature)


class ExtrinsicReason(Enum):
    """Why bytes are no extrinsic of version 4."""

    LENGTH_MISMATCH = "the length prefix does not match the bytes"
    UNSUPPORTED_VERSION = "the version byte is neither 0x04 nor 0x84"
    EMPTY = "there is no version byte"
    MALFORMED = "the length, address, signature or extensions are not SCALE"


class InvalidExtrinsic(InvalidData):
    """Bytes are no extrinsic of version 4."""

    reason: ExtrinsicReason


@dataclass(frozen=True, slots=True)
class BareExtrinsic:
    """An extrinsic without a signature: an inherent."""

    call: bytes

    def encode(self) -> bytes:
        """The bytes with their length prefix."""
        return _prefixed(bytes((BARE_BYTE,)) + self.call)


@dataclass(frozen=True, slots=True)
class SignedExtrinsic(Generic[X]):
    """An extrinsic that an account signed. `extra_bytes` is the encoding of `extra`, as it was signed."""

    address: MultiAddress
    signature: MultiSignature
    extra: X
    extra_bytes: bytes
    call: bytes

    def encode(self) -> bytes:
        """The bytes with their length prefix."""
        head = bytes((SIGNED_BYTE,)) + _ADDRESS.encode(self.address) + _SIGNATURE.encode(self.signature)
        return _prefixed(head + self.extra_bytes + self.call)


def _prefixed(body: bytes) -> bytes:
    return encode_compact(len(body)) + body


def decode_extrinsic(data: bytes, extra: Codec[X]) -> SignedExtrinsic[X] | BareExtrinsic:
    """The parts of an extrinsic that carries its length prefix; `extra` decodes the extensions' data.

    Raises `InvalidExtrinsic`; the call is not looked into.
    """
    try:
        length, start = decode_compact(data, 0)
    except InvalidScale as fault:
        raise InvalidExtrinsic(ExtrinsicReason.MALFORMED, str(fault)) from None
    if length != len(data) - start:
        message = f"the prefix says {length} bytes, {len(data) - start} follow"
        raise InvalidExtrinsic(ExtrinsicReason.LENGTH_MISMATCH, message)
    if length == 0:
        raise InvalidExtrinsic(ExtrinsicReason.EMPTY, "an extrinsic has a version byte")
    version = data[start]
    if version == BARE_BYTE:
        return BareExtrinsic(data[start + 1 :])
    if version != SIGNED_BYTE:
        message = f"version byte 0x{version:02x}; this chain takes version 4: 0x84 signed or 0x04 bare"
        raise InvalidExtrinsic(ExtrinsicReason.UNSUPPORTED_VERSION, message, version)
    try:
        address, offset = _ADDRESS.decode_from(data, start + 1)
        signature, offset = _SIGNATURE.decode_from(data, offset)
        fields, end = extra.decode_from(data, offset)
    except InvalidScale as fault:
        raise InvalidExtrinsic(ExtrinsicReason.MALFORMED, str(fault)) from None
    return SignedExtrinsic(address, signature, fields, data[offset:end], data[end:])


def signing_payload(call: bytes, extra: bytes, additional: bytes) -> bytes:
    """What an account signs: call, extensions' data and their implicit data; hashed above 256 bytes."""
    payload = call + extra + additional
    return blake2_256(payload) if len(payload) > MAX_RAW_PAYLOAD else payload


def extrinsic_hash(data: bytes) -> bytes:
    """Blake2b-256 of an extrinsic with its length prefix: how clients name it (32 bytes)."""
    return blake2_256(data)
