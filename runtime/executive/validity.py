"""`TransactionValidityError` as SCALE and metadata have it: why a transaction may not enter a block."""

from typing import Annotated, NoReturn

from runtime.frame.errors import InvalidTransaction, TransactionKind
from runtime.primitives.integers import U8
from runtime.primitives.scale import Custom, VariantSpec

_MODULE = "sp_runtime::transaction_validity"


def _only_answered(buffer: bytes, offset: int) -> NoReturn:
    raise AssertionError("a validity error is answered, never a parameter")


def _kinds(unknown: bool) -> tuple[VariantSpec, ...]:
    """The variants of one of the two enums, named as in Rust."""
    listed = [
        VariantSpec(
            kind.index,
            "".join(part.capitalize() for part in kind.name.split("_")),
            (U8,) if kind is TransactionKind.CUSTOM else (),
        )
        for kind in TransactionKind
        if kind.unknown is unknown
    ]
    return tuple(sorted(listed, key=lambda each: each.index))


def _part(name: str, unknown: bool) -> object:
    return Annotated[
        InvalidTransaction,
        Custom(InvalidTransaction.encode, _only_answered, f"{_MODULE}::{name}", _kinds(unknown), 1),
    ]


TransactionValidityError = Annotated[
    InvalidTransaction,
    Custom(
        InvalidTransaction.encode,
        _only_answered,
        f"{_MODULE}::TransactionValidityError",
        (
            VariantSpec(0, "Invalid", (_part("InvalidTransaction", False),)),
            VariantSpec(1, "Unknown", (_part("UnknownTransaction", True),)),
        ),
        2,
    ),
]
"""The value is the exception itself."""
