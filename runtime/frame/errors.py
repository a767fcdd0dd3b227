"""The kinds of error that executing a block knows.

A call fails on chain by raising `CallFailed`: rolled back, charged, reported in an event. A transaction
that may not enter a block raises `InvalidTransaction`. A block that breaks a rule raises `InvalidBlock`; a
chain spec that can not become a state, `InvalidGenesis`. Everything else is a bug.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Annotated, Self, TypeAlias

from runtime.frame.weights import Weight
from runtime.primitives.errors import InvalidData
from runtime.primitives.integers import U8, ArithmeticFault
from runtime.primitives.scale import ScalePath, scale_path, variant
from runtime.primitives.types import Bytes4


class ErrorEnum(IntEnum):
    """Base of a pallet's errors: members are `NAME = index, "what it means, for users"`."""

    doc: str

    def __new__(cls, index: int, doc: str) -> Self:
        member = int.__new__(cls, index)
        member._value_ = index
        member.doc = doc
        return member

    @property
    def camel_name(self) -> str:
        """The name under which metadata lists the error, such as `InsufficientBalance`."""
        return "".join(part.capitalize() for part in self.name.split("_"))


@scale_path("sp_runtime::TokenError")
class TokenError(IntEnum):
    """Why an amount can not be moved."""

    FundsUnavailable = 0
    OnlyProvider = 1
    BelowMinimum = 2
    CannotCreate = 3
    UnknownAsset = 4
    Frozen = 5
    Unsupported = 6
    CannotCreateHold = 7
    NotExpendable = 8
    Blocked = 9


@scale_path("sp_arithmetic::ArithmeticError")
class ArithmeticKind(IntEnum):
    """Why a number can not be computed."""

    Underflow = 0
    Overflow = 1
    DivisionByZero = 2


@scale_path("sp_runtime::TransactionalError")
class TransactionalError(IntEnum):
    """Why a nested transaction can not be opened or closed."""

    LimitReached = 0
    NoLayer = 1


@scale_path("sp_runtime::ModuleError")
@dataclass(frozen=True, slots=True)
class ModuleError:
    """An error that a pallet declares: the pallet's index, then the error's, padded to four bytes."""

    index: U8
    error: Bytes4


@variant(0)
@dataclass(frozen=True, slots=True)
class Other:
    """Some error occurred."""


@variant(1)
@dataclass(frozen=True, slots=True)
class CannotLookup:
    """An address names no account."""


@variant(2)
@dataclass(frozen=True, slots=True)
class BadOrigin:
    """The origin may not make this call."""


@variant(3, unnamed=True)
@dataclass(frozen=True, slots=True)
class Module:
    """A pallet's own error."""

    error: ModuleError


@variant(4)
@dataclass(frozen=True, slots=True)
class ConsumerRemaining:
    """Something still needs the account to exist."""


@variant(5)
@dataclass(frozen=True, slots=True)
class NoProviders:
    """Nothing provides for the account to exist."""


@variant(6)
@dataclass(frozen=True, slots=True)
class TooManyConsumers:
    """Too many things need the account to exist."""


@variant(7, unnamed=True)
@dataclass(frozen=True, slots=True)
class Token:
    """An amount can not be moved."""

    error: TokenError


@variant(8, unnamed=True)
@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A number can not be computed."""

    error: ArithmeticKind


@variant(9, unnamed=True)
@dataclass(frozen=True, slots=True)
class Transactional:
    """A nested transaction can not be opened or closed."""

    error: TransactionalError


@variant(10)
@dataclass(frozen=True, slots=True)
class Exhausted:
    """Resources are exhausted."""


@variant(11)
@dataclass(frozen=True, slots=True)
class Corruption:
    """The state is corrupt."""


@variant(12)
@dataclass(frozen=True, slots=True)
class Unavailable:
    """Some resource is unavailable."""


@variant(13)
@dataclass(frozen=True, slots=True)
class RootNotAllowed:
    """Root may not make this call."""


DispatchError: TypeAlias = Annotated[
    Other
    | CannotLookup
    | BadOrigin
    | Module
    | ConsumerRemaining
    | NoProviders
    | TooManyConsumers
    | Token
    | Arithmetic
    | Transactional
    | Exhausted
    | Corruption
    | Unavailable
    | RootNotAllowed,
    ScalePath("sp_runtime::DispatchError"),
]


class CallFailed(Exception):
    """A call fails on chain.

    `error` is a `DispatchError`, or a member of a pallet's `ErrorEnum`, which the environment turns into the
    `Module` error that events carry. `actual_weight` is the weight that was used, where the call knows it.
    """

    def __init__(self, error: DispatchError | ErrorEnum, actual_weight: Weight | None = None) -> None:
        super().__init__(error.camel_name if isinstance(error, ErrorEnum) else repr(error))
        self.error = error
        self.actual_weight = actual_weight


def arithmetic_failure(fault: ArithmeticFault) -> CallFailed:
    """A checked operation's fault as the failure of the call that made it."""
    return CallFailed(Arithmetic(ArithmeticKind(fault.reason.value)))


def token_failure(error: TokenError) -> CallFailed:
    """An amount can not be moved."""
    return CallFailed(Token(error))


def ensure(condition: bool, error: DispatchError | ErrorEnum) -> None:
    """Fail the call with `error` unless the condition holds."""
    if not condition:
        raise CallFailed(error)


class BlockReason(Enum):
    """Which rule a block breaks."""

    PARENT = "the block does not follow the state it is executed on"
    UNKNOWN_SPEC_VERSION = "the state asks for a runtime version that this node does not have"
    DIGEST = "the digest differs from what execution gives"
    EXTRINSICS_ROOT = "the extrinsics root differs from the extrinsics"
    MALFORMED_EXTRINSIC = "an extrinsic can not be decoded"
    BAD_SIGNATURE = "an extrinsic's signature does not fit"
    INHERENT_MISSING = "an inherent that every block must have is missing"
    INHERENT_INVALID = "an inherent is refused"
    INHERENT_ORDER = "an inherent stands behind a transaction"
    UNSIGNED_NOT_ALLOWED = "a bare extrinsic is no inherent"
    INVALID_TRANSACTION = "a transaction may not enter the block"
    WEIGHT_EXCEEDED = "the block is heavier than the limit"
    LENGTH_EXCEEDED = "the block is longer than the limit"
    TIMESTAMP = "the time is impossible"


class InvalidBlock(InvalidData):
    """A block breaks a rule of the state transition; `detail` names the extrinsic and the values."""

    reason: BlockReason


class GenesisReason(Enum):
    """What is wrong with a genesis configuration."""

    MISSING = "a required field is missing"
    UNKNOWN = "a field is not known"
    WRONG_TYPE = "a value has the wrong type"
    OUT_OF_RANGE = "a value is outside its range"
    DUPLICATE = "a value stands twice"
    BAD_ADDRESS = "an address or key can not be decoded"


class InvalidGenesis(InvalidData):
    """A genesis configuration can not become a state; `path` is such as `balances.balances[3][1]`."""

    reason: GenesisReason

    def __init__(self, reason: GenesisReason, path: str, detail: str, value: object = None) -> None:
        super().__init__(reason, f"{path}: {detail}", value)
        self.path = path


class TransactionKind(Enum):
    """Why a transaction may not enter a block, with Substrate's index and text."""

    CALL = (0, "Transaction call is not expected")
    PAYMENT = (1, "Inability to pay some fees (e.g. account balance too low)")
    FUTURE = (2, "Transaction will be valid in the future")
    STALE = (3, "Transaction is outdated")
    BAD_PROOF = (4, "Transaction has a bad signature")
    ANCIENT_BIRTH_BLOCK = (5, "Transaction has an ancient birth block")
    EXHAUSTS_RESOURCES = (6, "Transaction would exhaust the block limits")
    CUSTOM = (7, "InvalidTransaction custom error")
    BAD_MANDATORY = (8, "A call was labelled as mandatory, but resulted in an Error.")
    MANDATORY_VALIDATION = (9, "Transaction dispatch is mandatory; transactions must not be validated.")
    BAD_SIGNER = (10, "Invalid signing address")
    INDETERMINATE_IMPLICIT = (11, "The implicit data was unable to be calculated")
    UNKNOWN_ORIGIN = (12, "The transaction extension did not authorize any origin")
    CANNOT_LOOKUP = (0x100, "Could not lookup information required to validate the transaction")
    NO_UNSIGNED_VALIDATOR = (0x101, "Could not find an unsigned validator for the unsigned transaction")

    @property
    def index(self) -> int:
        """The variant's index inside `InvalidTransaction` or, for the last two, `UnknownTransaction`."""
        return self.value[0] & 0xFF

    @property
    def unknown(self) -> bool:
        """Whether Substrate counts this as `UnknownTransaction`: validity can not be told."""
        return self.value[0] >= 0x100

    @property
    def text(self) -> str:
        """The sentence that Substrate's nodes send to clients."""
        return self.value[1]


class InvalidTransaction(InvalidData):
    """A transaction may not enter a block.

    `kind` says why, `code` is the number of a CUSTOM kind, `rule` what a block breaks that holds the
    transaction all the same.
    """

    reason: TransactionKind

    def __init__(
        self,
        kind: TransactionKind,
        detail: str = "",
        *,
        code: int = 0,
        rule: BlockReason = BlockReason.INVALID_TRANSACTION,
    ) -> None:
        super().__init__(kind, detail or kind.text)
        self.kind = kind
        self.code = code
        self.rule = rule

    @property
    def text(self) -> str:
        """The sentence that Substrate's nodes send as `data` of error 1010."""
        return f"Custom error: {self.code}" if self.kind is TransactionKind.CUSTOM else self.kind.text

    def encode(self) -> bytes:
        """SCALE of `TransactionValidityError`."""
        code = bytes([self.code]) if self.kind is TransactionKind.CUSTOM else b""
        return bytes([int(self.kind.unknown), self.kind.index]) + code
