"""The runtime interfaces that need more than one pallet: versions, metadata, transactions as wholes.

Names, parameters and results are Substrate's, so that its clients find them by metadata and by heart.
"""

from typing import TYPE_CHECKING, Annotated

from runtime.executive.validity import TransactionValidityError
from runtime.frame.api import runtime_api
from runtime.frame.call import Call
from runtime.frame.errors import InvalidTransaction
from runtime.frame.extension import ValidTransaction
from runtime.frame.validity import TransactionSource
from runtime.frame.version import RuntimeVersion
from runtime.frame.weights import Weight
from runtime.metadata import VERSIONS
from runtime.pallets.transaction_payment import FeeDetails, RuntimeDispatchInfo, TransactionPayment
from runtime.primitives.extrinsic import OpaqueExtrinsic
from runtime.primitives.integers import U32
from runtime.primitives.scale import Err, Ok, Result, ScalePath, Vector, encode_compact
from runtime.primitives.state import StateReader
from runtime.primitives.types import H256, Balance

if TYPE_CHECKING:
    from runtime.executive.api import RuntimeApi

OpaqueMetadata = Annotated[bytes, ScalePath("sp_core::OpaqueMetadata")]

METADATA_FOR_ALL = 14
"""The version that is answered without being asked for: every client of the last years reads it."""


def _whole(extrinsic: bytes) -> bytes:
    """An extrinsic with its length prefix, as the runtime takes it."""
    return encode_compact(len(extrinsic)) + extrinsic


class Interfaces:
    """One question to the runtime behind `api`, over one state."""

    def __init__(self, api: "RuntimeApi", state: StateReader) -> None:
        self._api = api
        self._runtime = api.runtime
        self._state = state

    @runtime_api("Core", "version")
    def version(self) -> RuntimeVersion:
        """The version of the rules."""
        return self._runtime.version

    @runtime_api("Metadata", "metadata")
    def metadata(self) -> OpaqueMetadata:
        """The metadata in version 14."""
        return self._api.metadata(METADATA_FOR_ALL)

    @runtime_api("Metadata", "metadata_at_version")
    def metadata_at_version(self, version: U32) -> OpaqueMetadata | None:
        """The metadata in a version of its layout; nothing where it is not served."""
        return self._api.metadata(version) if version in VERSIONS else None

    @runtime_api("Metadata", "metadata_versions")
    def metadata_versions(self) -> Vector[U32]:
        """The versions in which the metadata is served."""
        return VERSIONS

    @runtime_api("TaggedTransactionQueue", "validate_transaction")
    def validate_transaction(
        self, source: TransactionSource, tx: OpaqueExtrinsic, block_hash: H256
    ) -> Result[ValidTransaction, TransactionValidityError]:
        """Whether a transaction may enter the block behind `block_hash`, and what it needs."""
        try:
            return Ok(self._runtime.validate_transaction(_whole(tx), self._state, block_hash, source))
        except InvalidTransaction as fault:
            return Err(fault)

    @runtime_api("TransactionPaymentApi", "query_info")
    def query_info(self, uxt: OpaqueExtrinsic, len: U32) -> RuntimeDispatchInfo:
        """Weight, class and fee without tip of an extrinsic; its signature may be a placeholder."""
        return self._runtime.query_fee(_whole(uxt), self._state, len)

    @runtime_api("TransactionPaymentApi", "query_fee_details")
    def query_fee_details(self, uxt: OpaqueExtrinsic, len: U32) -> FeeDetails:
        """The parts of an extrinsic's fee without tip."""
        return self._runtime.fee_details(_whole(uxt), self._state, len)

    @runtime_api("TransactionPaymentCallApi", "query_call_info")
    def query_call_info(self, call: Call, len: U32) -> RuntimeDispatchInfo:
        """As `query_info` for a call that would be sent in an extrinsic of `len` bytes."""
        return self._runtime.call_fee(call, self._state, len)

    @runtime_api("TransactionPaymentCallApi", "query_call_fee_details")
    def query_call_fee_details(self, call: Call, len: U32) -> FeeDetails:
        """As `query_fee_details` for a call that would be sent in an extrinsic of `len` bytes."""
        return self._runtime.call_fee_details(call, self._state, len)

    @runtime_api("TransactionPaymentCallApi", "query_weight_to_fee")
    def query_weight_to_fee(self, weight: Weight) -> Balance:
        """The fee for a weight at multiplier one."""
        return self._payment().weight_to_fee(weight)

    @runtime_api("TransactionPaymentCallApi", "query_length_to_fee")
    def query_length_to_fee(self, length: U32) -> Balance:
        """The fee for so many bytes."""
        return self._payment().length_to_fee(length)

    def _payment(self) -> TransactionPayment:
        return self._runtime.view(self._state).pallet(TransactionPayment)
