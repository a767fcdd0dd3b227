"""`payment_*`: what a transaction would cost."""

from collections.abc import Iterator
from contextlib import contextmanager

from chain.rpc.access import state_at
from chain.rpc.failures import DECODE_ERROR, reported
from chain.rpc.json import number_json
from chain.store import Store
from network.rpc import Json, RpcError, method
from network.rpc.parameters import BlockHash, Hex
from runtime.executive import Runtime
from runtime.frame.errors import InvalidTransaction


class PaymentMethods:
    """The section `payment`. The signature may be a placeholder of the right size."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self._store = store
        self._runtime = runtime

    @method("payment_queryInfo", worker=True)
    @reported()
    def query_info(self, extrinsic: Hex, at: BlockHash | None = None) -> Json:
        """Weight, class and fee (without tip, in planck) of a transaction right behind a block.

        The weight is picoseconds alone, as Substrate's method has stayed; `TransactionPaymentApi` tells both
        dimensions.
        """
        state = state_at(self._store, at)
        with _decoding("Unable to query dispatch info."):
            info = self._runtime.query_fee(extrinsic, state)
        return {
            "weight": info.weight.ref_time,
            "class": info.class_.name.lower(),
            "partialFee": str(info.partial_fee),
        }

    @method("payment_queryFeeDetails", worker=True)
    @reported()
    def query_fee_details(self, extrinsic: Hex, at: BlockHash | None = None) -> Json:
        """The fee without tip in its parts, as hex numbers; null where the transaction costs nothing."""
        state = state_at(self._store, at)
        with _decoding("Unable to query fee details."):
            fee = self._runtime.fee_details(extrinsic, state).inclusion_fee
        if fee is None:
            return {"inclusionFee": None}
        return {
            "inclusionFee": {
                "baseFee": number_json(fee.base_fee),
                "lenFee": number_json(fee.len_fee),
                "adjustedWeightFee": number_json(fee.adjusted_weight_fee),
            }
        }


@contextmanager
def _decoding(message: str) -> Iterator[None]:
    try:
        yield
    except InvalidTransaction as fault:
        raise RpcError(DECODE_ERROR, message, str(fault)) from fault
