"""`state_call`: answers are SCALE, unknown names and bad parameters are errors clients know."""

import pytest

from runtime.configuration import UNIT, VERSION, extensions
from runtime.executive import RuntimeApi, UnknownApi
from runtime.executive.validity import TransactionValidityError
from runtime.frame.api import apis_of, runtime_api
from runtime.frame.extension import ValidTransaction
from runtime.frame.version import RuntimeVersion, api_id
from runtime.frame.weights import Weight
from runtime.metadata import MAGIC, VERSIONS, describe
from runtime.metadata.outer import CALL, ERROR, EVENT, bindings
from runtime.pallets.transaction_payment import FeeDetails, RuntimeDispatchInfo
from runtime.primitives.integers import U32, U128
from runtime.primitives.multiaddress import Id
from runtime.primitives.scale import InvalidScale, ScaleReason, Vector, codec
from tests.runtime.helpers import ALICE, BOB, World


@pytest.fixture
def world() -> World:
    return World()


def ask(world: World, name: str, parameters: bytes = b"") -> bytes:
    return RuntimeApi(world.runtime).call(name, parameters, world.state)


def pay(world: World) -> bytes:
    return world.sign(ALICE, world.make("Balances.transfer_keep_alive", dest=Id(BOB), value=UNIT))


def test_the_version_lists_exactly_the_interfaces_that_are_served(world: World) -> None:
    assert codec(RuntimeVersion).decode(ask(world, "Core_version")) == VERSION
    assert VERSION.encode() == ask(world, "Core_version")
    served = {name.partition("_")[0] for name in RuntimeApi(world.runtime).names}
    assert {identifier for identifier, _ in VERSION.apis} == {api_id(name) for name in served}
    # From Substrate's sources: blake2b-64 of "Core".
    assert api_id("Core").hex() == "df6acb689907609b"


def test_the_nonce_of_an_account_is_answered_at_the_state_asked(world: World) -> None:
    before = world.state
    world.advance(pay(world))
    api = RuntimeApi(world.runtime)
    assert api.call("AccountNonceApi_account_nonce", ALICE, before) == codec(U32).encode(0)
    assert api.call("AccountNonceApi_account_nonce", ALICE, world.state) == codec(U32).encode(1)


def test_fees_are_answered_as_the_runtime_computes_them(world: World) -> None:
    extrinsic = pay(world)
    length = len(extrinsic)
    parameters = extrinsic + codec(U32).encode(length)
    info = codec(RuntimeDispatchInfo).decode(ask(world, "TransactionPaymentApi_query_info", parameters))
    assert info == world.runtime.query_fee(extrinsic, world.state)
    details = codec(FeeDetails).decode(ask(world, "TransactionPaymentApi_query_fee_details", parameters))
    assert details.final_fee == info.partial_fee
    call = world.runtime.encode_call(world.make("Balances.transfer_keep_alive", dest=Id(BOB), value=UNIT))
    answer = ask(world, "TransactionPaymentCallApi_query_call_info", call + codec(U32).encode(length))
    assert codec(RuntimeDispatchInfo).decode(answer) == info
    parts = ask(world, "TransactionPaymentCallApi_query_call_fee_details", call + codec(U32).encode(length))
    assert codec(FeeDetails).decode(parts) == details
    for interface in ("TransactionPaymentApi", "TransactionPaymentCallApi"):
        weight = ask(world, f"{interface}_query_weight_to_fee", codec(Weight).encode(Weight(17, 4)))
        assert codec(U128).decode(weight) == 17
        by_length = ask(world, f"{interface}_query_length_to_fee", codec(U32).encode(3))
        assert codec(U128).decode(by_length) == 3_000_000


def test_metadata_is_served_in_each_of_its_versions_and_in_no_other(world: World) -> None:
    versions = codec(Vector[U32]).decode(ask(world, "Metadata_metadata_versions"))
    assert versions == VERSIONS == (14, 15, 16)
    for version in versions:
        answer = ask(world, "Metadata_metadata_at_version", codec(U32).encode(version))
        blob = codec(bytes | None).decode(answer)
        assert blob is not None
        assert blob[:5] == MAGIC + bytes([version])
    assert ask(world, "Metadata_metadata_at_version", codec(U32).encode(13)) == b"\0"
    oldest = codec(bytes).decode(ask(world, "Metadata_metadata"))
    assert oldest[:5] == MAGIC + b"\x0e"
    assert oldest == RuntimeApi(world.runtime).metadata(14)


def test_an_interface_that_the_version_does_not_list_can_not_be_described(world: World) -> None:
    class Secret:
        @runtime_api("SecretApi", "ask")
        def ask(self) -> U32:
            """Something that no version tells of."""
            return 1

    with pytest.raises(LookupError, match="does not list the interface SecretApi"):
        describe(world.runtime.composition, extensions(), apis_of(Secret).values())


@pytest.mark.parametrize("placeholder", [CALL, EVENT, ERROR])
def test_the_outer_types_of_metadata_are_described_only(placeholder: object) -> None:
    with pytest.raises(AssertionError, match="never encoded"):
        bindings().codec(placeholder).encode(1)


def test_a_validity_error_is_answered_only() -> None:
    with pytest.raises(AssertionError, match="never a parameter"):
        codec(TransactionValidityError).decode(b"\0\0")


def test_validity_is_answered_as_a_result(world: World) -> None:
    tail = world.head.hash()
    good = ask(world, "TaggedTransactionQueue_validate_transaction", b"\2" + pay(world) + tail)
    expected = world.runtime.validate_transaction(pay(world), world.state, tail)
    assert good[0] == 0
    assert codec(ValidTransaction).decode(good[1:]) == expected
    world.advance(pay(world))
    stale = world.sign(ALICE, world.make("System.remark", remark=b""), nonce=0)
    bad = ask(world, "TaggedTransactionQueue_validate_transaction", b"\0" + stale + world.head.hash())
    assert bad == b"\1\0\3"


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("Core_version", b"\0", ScaleReason.TRAILING_BYTES),
        ("AccountNonceApi_account_nonce", bytes(31), ScaleReason.UNEXPECTED_END),
        ("AccountNonceApi_account_nonce", bytes(33), ScaleReason.TRAILING_BYTES),
        ("TransactionPaymentApi_query_info", b"\x08\0", ScaleReason.UNEXPECTED_END),
        ("TransactionPaymentApi_query_info", b"\x04\0\0", ScaleReason.UNEXPECTED_END),
        ("TaggedTransactionQueue_validate_transaction", b"\3", ScaleReason.UNKNOWN_VARIANT),
        ("TaggedTransactionQueue_validate_transaction", b"", ScaleReason.UNEXPECTED_END),
    ],
)
def test_bad_parameters_are_refused(world: World, name: str, parameters: bytes, reason: ScaleReason) -> None:
    with pytest.raises(InvalidScale) as caught:
        ask(world, name, parameters)
    assert caught.value.reason is reason


def test_an_unknown_function_is_named_as_clients_expect(world: World) -> None:
    with pytest.raises(UnknownApi, match="Exported method Metadata_nothing is not found"):
        ask(world, "Metadata_nothing")
