"""From the bytes of an extrinsic to a call with its sender."""

from typing import Any

from runtime.executive.outcome import SignatureCheck
from runtime.frame.call import CallCodec, RuntimeCall
from runtime.frame.environment import Environment
from runtime.frame.errors import BlockReason, InvalidTransaction, TransactionKind
from runtime.frame.extension import Pipeline, Transaction
from runtime.frame.weights import DispatchClass
from runtime.primitives.extrinsic import (
    BareExtrinsic,
    InvalidExtrinsic,
    SignedExtrinsic,
    decode_extrinsic,
    signing_payload,
)
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import InvalidScale


class Decoded:
    """A decoded extrinsic; `envelope` is None for a bare one."""

    __slots__ = ("call", "envelope", "length")

    def __init__(self, call: RuntimeCall, envelope: SignedExtrinsic[Any] | None, length: int) -> None:
        self.call = call
        self.envelope = envelope
        self.length = length

    @property
    def is_inherent(self) -> bool:
        """Whether this is a bare call that a block's author may make."""
        return self.envelope is None and self.call.declaration.dispatch_class is DispatchClass.Mandatory

    @property
    def is_unsigned(self) -> bool:
        """Whether this is a bare call that a pallet must vouch for."""
        return self.envelope is None and not self.is_inherent

    def sender(self) -> bytes:
        """The signing account; `CANNOT_LOOKUP` where the address is no account id."""
        assert self.envelope is not None, "a bare extrinsic has no sender"
        address = self.envelope.address
        if not isinstance(address, Id):
            raise InvalidTransaction(
                TransactionKind.CANNOT_LOOKUP, f"a sender is named by its account id, not by {address}"
            )
        return address.account


class ExtrinsicDecoder:
    """Decodes the extrinsics of one runtime version."""

    def __init__(self, calls: CallCodec, pipeline: Pipeline) -> None:
        self._calls = calls
        self._pipeline = pipeline

    def decode(self, data: bytes) -> Decoded:
        """The parts of an extrinsic with its length prefix; `InvalidExtrinsic` or `InvalidScale`."""
        envelope = decode_extrinsic(data, self._pipeline.codec)
        signed = None if isinstance(envelope, BareExtrinsic) else envelope
        return Decoded(self._calls.decode(envelope.call), signed, len(data))

    def decode_transaction(self, data: bytes) -> Decoded:
        """As `decode`, for what is not in a block yet; `InvalidTransaction` where it is no transaction."""
        try:
            decoded = self.decode(data)
        except (InvalidExtrinsic, InvalidScale) as fault:
            raise InvalidTransaction(
                TransactionKind.CALL,
                f"not an extrinsic of this chain: {fault}",
                rule=BlockReason.MALFORMED_EXTRINSIC,
            ) from fault
        if decoded.is_inherent:
            raise InvalidTransaction(TransactionKind.MANDATORY_VALIDATION)
        return decoded

    def encode_inherent(self, call: RuntimeCall) -> bytes:
        """A bare extrinsic with its length prefix."""
        return BareExtrinsic(self._calls.encode(call)).encode()

    def signature_check(self, env: Environment, decoded: Decoded, index: int) -> SignatureCheck:
        """What must be verified of a signed extrinsic in the block that `env` executes."""
        envelope = decoded.envelope
        assert envelope is not None, "a bare extrinsic has no signature"
        implicit = self._pipeline.implicit_bytes(env, envelope.extra)
        payload = signing_payload(envelope.call, envelope.extra_bytes, implicit)
        return SignatureCheck(index, envelope.signature, payload, decoded.sender())


def transaction_of(env: Environment, decoded: Decoded) -> Transaction:
    """The signed call as the extensions see it."""
    return Transaction(env, decoded.sender(), decoded.call, env.dispatch_info(decoded.call), decoded.length)
