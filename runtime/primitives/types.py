"""Byte types that the whole chain shares, and the length of each."""

from typing import Annotated

from runtime.primitives.integers import U32, U128
from runtime.primitives.scale.annotations import FixedBytes, ScalePath

Bytes4 = Annotated[bytes, FixedBytes(4)]
Bytes8 = Annotated[bytes, FixedBytes(8)]
Bytes16 = Annotated[bytes, FixedBytes(16)]
Bytes20 = Annotated[bytes, FixedBytes(20)]
Bytes32 = Annotated[bytes, FixedBytes(32)]
Bytes48 = Annotated[bytes, FixedBytes(48)]
Bytes64 = Annotated[bytes, FixedBytes(64)]
Bytes65 = Annotated[bytes, FixedBytes(65)]
Bytes96 = Annotated[bytes, FixedBytes(96)]

H256 = Annotated[bytes, FixedBytes(32), ScalePath("primitive_types::H256")]
Hash = H256
AccountId = Annotated[bytes, FixedBytes(32), ScalePath("sp_core::crypto::AccountId32")]

Balance = U128
"""Amounts in the smallest unit: 10**12 of them are one FIX."""
BlockNumber = U32
Nonce = U32
