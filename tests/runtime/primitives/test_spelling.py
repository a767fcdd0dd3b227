"""Types are spelled as Rust spells them."""

from typing import Annotated, Any

import pytest

from runtime.primitives.integers import I16, U8, U32, U128
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import Array, Bits, CompactU128, MaxLen, Scale, Vector
from runtime.primitives.scale.spelling import spelled
from runtime.primitives.types import AccountId, Bytes4, Hash
from tests.runtime.primitives.test_registry import Call, Reason


@pytest.mark.parametrize(
    ("annotation", "spelling"),
    [
        (U8, "u8"),
        (I16, "i16"),
        (CompactU128, "Compact<u128>"),
        (bool, "bool"),
        (str, "String"),
        (bytes, "Vec<u8>"),
        (Annotated[bytes, MaxLen(3)], "Vec<u8>"),
        (Bytes4, "[u8; 4]"),
        (AccountId, "AccountId32"),
        (Hash, "H256"),
        (Reason, "Reason"),
        (MultiAddress, "MultiAddress"),
        (Call, "Call"),
        (Vector[Call], "Vec<Call>"),
        (U32 | None, "Option<u32>"),
        (dict[U8, U128], "BTreeMap<u8, u128>"),
        (frozenset[U8], "BTreeSet<u8>"),
        (tuple[U8, bool], "(u8, bool)"),
        (tuple[()], "()"),
        (None, "()"),
        (Annotated[tuple[U32, ...], Array(2)], "[u32; 2]"),
        (Annotated[tuple[bool, ...], Bits()], "BitVec<u8, Lsb0>"),
    ],
)
def test_a_type_is_spelled(annotation: Any, spelling: str) -> None:
    assert spelled(Scale().shape(annotation)) == spelling
