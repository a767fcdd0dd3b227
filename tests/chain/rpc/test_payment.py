"""`payment_*` through the dispatcher: the fee is the one that is taken."""

from runtime.pallets.transaction_payment.types import TransactionFeePaid
from runtime.primitives.extrinsic import BareExtrinsic
from tests.chain.chains import GENESIS, RUNTIME
from tests.chain.rpc.support import Rpc


async def test_the_fee_is_exactly_what_the_transaction_pays(rpc: Rpc) -> None:
    one = rpc.world.transfer(tip=5)
    info = await rpc.call("payment_queryInfo", one.encoded)
    details = await rpc.call("payment_queryFeeDetails", one.encoded)
    built = rpc.build(one)
    [paid] = [
        record.event
        for record in built.proposal.execution.events
        if isinstance(record.event, TransactionFeePaid)
    ]
    assert int(info["partialFee"]) + 5 == paid.actual_fee
    parts = details["inclusionFee"]
    assert sum(int(part, 16) for part in parts.values()) == int(info["partialFee"])
    assert set(parts) == {"baseFee", "lenFee", "adjustedWeightFee"}
    assert info["class"] == "normal"
    # A number, not both dimensions: polkadot.js decodes the answer of this method so.
    assert (
        info["weight"]
        == RUNTIME.query_fee(one.encoded, rpc.store.state_at(GENESIS.header.hash())).weight.ref_time
    )
    assert await rpc.call("payment_queryInfo", one.encoded, GENESIS.header.hash()) == info


async def test_an_inherent_is_mandatory_and_costs_nothing(rpc: Rpc) -> None:
    inherent = BareExtrinsic(RUNTIME.encode_call(RUNTIME.call("Timestamp", "set", now=1))).encode()
    info = await rpc.call("payment_queryInfo", inherent)
    assert (info["class"], info["partialFee"]) == ("mandatory", "0")
    assert await rpc.call("payment_queryFeeDetails", inherent) == {"inclusionFee": None}


async def test_bytes_that_are_no_extrinsic_have_no_fee(rpc: Rpc) -> None:
    error = await rpc.refusal("payment_queryInfo", "0x1234")
    assert (error["code"], error["message"]) == (2, "Unable to query dispatch info.")
    assert error["data"]
    error = await rpc.refusal("payment_queryFeeDetails", "0x1234")
    assert (error["code"], error["message"]) == (2, "Unable to query fee details.")
