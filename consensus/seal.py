"""The seal: the author's ed25519 signature over the header's hash without it, as the digest's last item."""

from dataclasses import replace

from consensus.digest import BABE
from consensus.faults import HeaderFault, InvalidHeader
from consensus.keys import SIGNATURE_LENGTH, SessionKey, verify_signature
from runtime.primitives.digest import Seal
from runtime.primitives.header import Header


def seal_header(header: Header, key: SessionKey) -> Header:
    """`header`, which must not carry a seal, with `key`'s seal at the end of its digest."""
    assert not any(isinstance(item, Seal) for item in header.digest.logs), "the header is sealed already"
    return replace(header, digest=header.digest.pushed(Seal(BABE, key.sign(header.hash()))))


def split_seal(header: Header) -> tuple[Header, bytes]:
    """The header as it was signed, and the 64-byte signature; raises `InvalidHeader` unless one BABE seal
    ends the digest.
    """
    seal = header.digest.seal
    if seal is None:
        raise InvalidHeader(HeaderFault.SEAL_MISSING, f"block {header.number}")
    if seal.engine != BABE:
        raise InvalidHeader(HeaderFault.SEAL_ENGINE, f"{seal.engine!r} instead of {BABE!r}", seal.engine)
    if len(seal.data) != SIGNATURE_LENGTH:
        raise InvalidHeader(HeaderFault.SEAL_LENGTH, f"this one has {len(seal.data)}", seal.data)
    unsealed = header.without_seal()
    if any(isinstance(item, Seal) for item in unsealed.digest.logs):
        raise InvalidHeader(HeaderFault.SEAL_MISPLACED, f"block {header.number}")
    return unsealed, seal.data


def verify_seal(header: Header, key: bytes) -> bytes:
    """The hash that was signed (32 bytes), when `header` is sealed by the ed25519 `key`; raises
    `InvalidHeader`.
    """
    unsealed, signature = split_seal(header)
    pre_hash = unsealed.hash()
    if not verify_signature(key, pre_hash, signature):
        raise InvalidHeader(
            HeaderFault.SEAL_SIGNATURE, f"block {header.number}, author {key.hex()}", signature
        )
    return pre_hash
