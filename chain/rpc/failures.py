"""Every failure that a handler may meet, as the JSON-RPC error that Substrate's clients expect.

Handlers run inside `reported()`; what is not listed here is a bug, which the server logs and answers as such.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from chain.authoring import SealingRefused
from chain.keystore import KeystoreFault
from chain.pool import PoolError, PoolErrorReason
from chain.store import StateDiscarded, UnknownBlock
from chain.store.errors import EnvironmentFault
from network.rpc import RpcError, errors
from runtime.executive import UnknownApi
from runtime.frame.environment import Composition
from runtime.frame.errors import BlockReason, CallFailed, ErrorEnum, InvalidTransaction
from runtime.primitives.extrinsic import ExtrinsicReason, InvalidExtrinsic

RUNTIME_ERROR = 1
DECODE_ERROR = 2
"""`payment_*` and `system_dryRun`, from `pallet_transaction_payment_rpc` and `frame_rpc_system`."""

KEYSTORE_UNAVAILABLE = errors.BAD_FORMAT - 1
"""The base of the author's codes: Substrate gives its keystore errors none of their own."""

INVALID_BLOCK_RANGE = 4001
INVALID_COUNT = 4002
TOO_MANY_KEYS = 4004

SEALING_REFUSED = 14_000
"""`CONSENSUS_ERROR` of Substrate's manual seal."""

_POOL_ERRORS = {
    PoolErrorReason.TEMPORARILY_BANNED: errors.temporarily_banned,
    PoolErrorReason.CYCLE: errors.cycle,
    PoolErrorReason.IMMEDIATELY_DROPPED: errors.immediately_dropped,
    PoolErrorReason.NO_TAGS: errors.no_tags,
    PoolErrorReason.FUTURE_REJECTED: errors.future_rejected,
}

Reported = (
    UnknownBlock,
    StateDiscarded,
    UnknownApi,
    InvalidTransaction,
    PoolError,
    KeystoreFault,
    SealingRefused,
    EnvironmentFault,
)
"""What `reported` translates."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn the failures of the parts below into `RpcError`s; also a decorator for plain functions."""
    try:
        yield
    except Reported as fault:
        raise rpc_error(fault) from fault


def rpc_error(fault: Exception) -> RpcError:
    """The answer for a failure that `Reported` lists."""
    match fault:
        case UnknownBlock():
            return errors.unknown_block(f"Header was not found in the database: 0x{fault.block.hex()}")
        case StateDiscarded():
            return errors.state_discarded(fault.block)
        case UnknownApi():
            return errors.client_error(f"Execution failed: Other: {fault}")
        case InvalidTransaction():
            return _transaction_error(fault)
        case PoolError():
            return _pool_error(fault)
        case KeystoreFault():
            return RpcError(KEYSTORE_UNAVAILABLE, "The key store is unavailable", str(fault))
        case SealingRefused():
            return RpcError(SEALING_REFUSED, str(fault))
        case EnvironmentFault():
            return errors.client_error(str(fault))
        case _:
            raise AssertionError(f"{type(fault).__name__} has no place in rpc_error") from fault


def call_error(failure: CallFailed, composition: Composition) -> RpcError:
    """A call's own error, as in `Client error: Inference.UnknownModel`; `data` says what it means."""
    error = failure.error
    if isinstance(error, ErrorEnum):
        pallet = next(each for each in composition.pallets if isinstance(error, each.errors or ()))
        return RpcError(
            errors.STATE_CLIENT_ERROR, f"Client error: {pallet.name}.{error.camel_name}", error.doc
        )
    return RpcError(errors.STATE_CLIENT_ERROR, f"Client error: {type(error).__name__}", type(error).__doc__)


def invalid_block_range(start: bytes, end: bytes, details: str) -> RpcError:
    """A range of blocks that is none, or too long."""
    text = f"Cannot resolve a block range ['0x{start.hex()}' ... '0x{end.hex()}']. {details}"
    return RpcError(INVALID_BLOCK_RANGE, text)


def invalid_count(value: int, limit: int) -> RpcError:
    """More items were asked for than one answer gives."""
    return RpcError(INVALID_COUNT, f"count exceeds maximum value. value: {value}, max: {limit}")


def too_many_keys(limit: int) -> RpcError:
    """An unpaged listing found more than it may answer."""
    text = f"storage key result exceeds maximum value. max: {limit}; use state_getKeysPaged"
    return RpcError(TOO_MANY_KEYS, text)


def _transaction_error(fault: InvalidTransaction) -> RpcError:
    """Bytes that are no extrinsic are told apart as Substrate does: 1001 the frame, 1002 what is in it."""
    if fault.rule is BlockReason.MALFORMED_EXTRINSIC:
        cause = fault.__cause__
        if isinstance(cause, InvalidExtrinsic) and cause.reason is ExtrinsicReason.LENGTH_MISMATCH:
            return errors.bad_format(str(cause))
        return errors.verification_error(str(fault))
    if fault.kind.unknown:
        return errors.unknown_validity(fault.text)
    return errors.invalid_transaction(fault.text)


def _pool_error(fault: PoolError) -> RpcError:
    match fault.reason:
        case PoolErrorReason.ALREADY_IMPORTED:
            return RpcError(errors.ALREADY_IMPORTED, fault.reason.value, fault.detail)
        case PoolErrorReason.TOO_LOW_PRIORITY:
            return RpcError(errors.TOO_LOW_PRIORITY, f"{fault.reason.value}: ({fault.detail})")
        case _:
            return _POOL_ERRORS[fault.reason]()
