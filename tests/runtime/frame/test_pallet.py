"""Declarations: everything is read off the class once, and mistakes are found when it is made."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.configuration import CONSTANTS, PALLETS, VERSION, build_runtime, extensions
from runtime.executive import Runtime
from runtime.frame.api import runtime_api
from runtime.frame.call import call
from runtime.frame.compose import compose
from runtime.frame.engine import ArtifactRefused, ElementType, NoEngine, TensorSpec
from runtime.frame.environment import Environment
from runtime.frame.errors import (
    Arithmetic,
    ArithmeticKind,
    CallFailed,
    ErrorEnum,
    Module,
    ModuleError,
    TokenError,
    token_failure,
)
from runtime.frame.origin import ROOT, Origin, Signed, ensure_signed_or_root
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.session_crypto import NO_CRYPTO
from runtime.frame.storage import (
    Hasher,
    StorageDoubleMap,
    StorageMap,
    StorageTripleMap,
    StorageValue,
    storage_prefix,
)
from runtime.frame.weights import ZERO_WEIGHT, BlockWeights, DbWeight, Weight
from runtime.pallets.balances import Balances
from runtime.pallets.balances.types import Transfer
from runtime.pallets.system import System
from runtime.pallets.system.types import DispatchEventInfo
from runtime.primitives.hashing import blake2_128_concat, twox_64_concat
from runtime.primitives.integers import U8, U32, U128, checked_sub
from runtime.primitives.scale import InvalidScale, MaxLen, Scale, ScaleReason, Vector, variant
from runtime.primitives.scale.registry import TypeRegistry
from runtime.primitives.state import MemoryState
from runtime.primitives.types import AccountId
from tests.runtime.helpers import ALICE, World


@variant(3)
@dataclass(frozen=True, slots=True)
class Counted:
    """A counter rose."""

    value: U32


class CounterError(ErrorEnum):
    """Errors of Counter."""

    TOO_HIGH = 4, "The counter is as high as it may be."


class Counter(Pallet, index=99, events=Counted, errors=CounterError):
    """Counts."""

    value: StorageValue[U32] = StorageValue(default=5, doc="The count.")
    owner: StorageValue[AccountId | None] = StorageValue(name="Possessor")
    names: StorageMap[U32, Annotated[bytes, MaxLen(4)] | None] = StorageMap(hasher=Hasher.TWOX_64_CONCAT)
    grid: StorageDoubleMap[U8, AccountId, U32] = StorageDoubleMap(
        default=0, hashers=(Hasher.IDENTITY, Hasher.BLAKE2_128_CONCAT)
    )
    plain: StorageMap[U32, U32] = StorageMap(default=0, hasher=Hasher.BLAKE2_256)

    most: Constant[U32] = Constant(doc="The highest count.")

    system = Uses(System)

    @call(7, weight=Weight(1))
    def count(self, origin: Origin, by: U32) -> None:
        """Count up."""
        self.value.put(self.value.get() + by)
        self.deposit_event(Counted(self.value.get()))
        if self.value.get() > self.most:
            raise CallFailed(CounterError.TOO_HIGH)

    @call(2, weight=Weight(1))
    def sink(self, origin: Origin) -> None:
        """Count below zero."""
        self.value.put(0)
        checked_sub(0, 1, U128)

    @call(3, weight=Weight(1))
    def crash(self, origin: Origin) -> None:
        """A bug."""
        self.value.put(0)
        raise ZeroDivisionError

    @runtime_api("CounterApi", "value")
    def peek(self, add: U32) -> U32:
        """The count, and some more."""
        return self.value.get() + add


def runtime_of(*pallets: type[Pallet], **constants: Any) -> Runtime:
    given = {**CONSTANTS, Counter: {"most": 10}, **constants}
    return Runtime(compose(VERSION, pallets or (*PALLETS, Counter), given, NoEngine()), extensions())


@pytest.fixture
def env() -> Environment:
    return runtime_of().view(MemoryState())


def test_names_prefixes_and_types_come_from_the_declaration() -> None:
    assert list(Counter.storage) == ["Value", "Possessor", "Names", "Grid", "Plain"]
    assert (Counter.value.optional, Counter.owner.optional) == (False, True)
    assert Counter.owner.key() == storage_prefix("Counter", "Possessor")
    assert Counter.names.key(9) == storage_prefix("Counter", "Names") + twox_64_concat(b"\x09\0\0\0")
    expected = storage_prefix("Counter", "Grid") + b"\1" + blake2_128_concat(ALICE)
    assert Counter.grid.key(1, ALICE) == expected
    assert [(each.index, each.name) for each in Counter.calls.values()] == [
        (2, "sink"),
        (3, "crash"),
        (7, "count"),
    ]
    assert Counter.calls[7].parameters == (("by", U32),)
    assert Counter.calls[7].doc == "Count up."
    assert Counter.constants["Most"].type == U32
    assert isinstance(Counter.most, Constant)
    assert isinstance(Counter.system, Uses)
    assert Counter.apis["CounterApi_value"].result == U32
    assert System.constants["SS58Prefix"].attribute == "ss58_prefix"
    # The first half of every key of System.Account on every Substrate chain.
    assert System.account.prefix.hex() == "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"


def test_values_are_read_written_and_killed(env: Environment) -> None:
    counter = env.pallet(Counter)
    assert (counter.value.get(), counter.value.exists(), counter.owner.get()) == (5, False, None)
    counter.value.put(6)
    counter.owner.put(ALICE)
    assert (counter.value.get(), counter.value.exists(), counter.owner.take()) == (6, True, ALICE)
    counter.owner.put(None)
    counter.value.kill()
    assert counter.value.get() == 5
    assert env.overlay.changes() == {}


def test_maps_list_take_and_clear_their_entries(env: Environment) -> None:
    counter = env.pallet(Counter)
    for number in range(4):
        counter.names.insert(number, bytes([number]))
    counter.names.insert(3, None)
    assert counter.names.take(2) == b"\2"
    assert counter.names.get(2) is None
    assert not counter.names.contains(2)
    assert dict(counter.names.items()) == {0: b"\0", 1: b"\1"}
    assert counter.names.clear(1) == 1
    assert counter.names.clear(9) == 1
    assert list(counter.names.items()) == []
    counter.names.remove(77)


def test_double_maps_list_and_clear_what_lies_under_one_key(env: Environment) -> None:
    grid = env.pallet(Counter).grid
    people = [bytes([number]) * 32 for number in range(3)]
    for number, who in enumerate(people):
        grid.insert(1, who, number)
        grid.insert(2, who, 9)
    assert dict(grid.items_under(1)) == {who: number for number, who in enumerate(people)}
    assert (grid.get(1, people[2]), grid.get(3, people[0])) == (2, 0)
    grid.remove(1, people[2])
    assert not grid.contains(1, people[2])
    assert grid.clear_under(2, 2) == 2
    assert len(list(grid.items_under(2))) == 1


def test_a_map_whose_hash_hides_its_keys_can_not_list_them(env: Environment) -> None:
    env.pallet(Counter).plain.insert(1, 2)
    with pytest.raises(KeyError):
        list(env.pallet(Counter).plain.items())


def test_a_failed_call_undoes_writes_and_events_and_names_its_pallet(env: Environment) -> None:
    calls = env.composition.calls
    env.dispatch(calls.make("Counter", "count", by=1), ROOT)
    with pytest.raises(CallFailed, match="TooHigh") as caught:
        env.dispatch(calls.make("Counter", "count", by=5), ROOT)
    assert env.composition.error(caught.value) == Module(ModuleError(99, b"\4\0\0\0"))
    with pytest.raises(CallFailed) as caught:
        env.dispatch(calls.make("Counter", "sink"), ROOT)
    assert caught.value.error == Arithmetic(ArithmeticKind.Underflow)
    with pytest.raises(ZeroDivisionError):
        env.dispatch(calls.make("Counter", "crash"), ROOT)
    assert env.pallet(Counter).value.get() == 6
    assert [record.event for record in env.events] == [Counted(6)]
    assert env.composition.events.decode(env.composition.events.encode(env.events)) == tuple(env.events)


def test_a_transaction_block_undoes_what_its_body_did(env: Environment) -> None:
    def body() -> None:
        with env.transaction():
            env.pallet(Counter).value.put(1)
            env.deposit_event(99, Counted(1))
            raise token_failure(TokenError.Frozen)

    with pytest.raises(CallFailed):
        body()
    assert env.pallet(Counter).value.get() == 5
    assert env.events == []


def test_artifacts_are_kept_by_hash(env: Environment) -> None:
    assert env.artifact(env.store_artifact(b"model")) == b"model"


def test_mistakes_of_a_declaration_are_found_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="share call index 1"):

        class Twice(Pallet, index=98):
            @call(1, weight=ZERO_WEIGHT)
            def one(self, origin: Origin) -> None: ...

            @call(1, weight=ZERO_WEIGHT)
            def two(self, origin: Origin) -> None: ...

    with pytest.raises(TypeError, match="needs a default"):

        class NoDefault(Pallet, index=98):
            value: StorageValue[U32] = StorageValue()

    with pytest.raises(TypeError, match="needs 2 key types"):

        class OneKey(Pallet, index=98):
            value: StorageMap[U32, U32] = StorageDoubleMap(default=0)  # type: ignore[assignment]


def test_an_optional_of_several_forms_keeps_them_all() -> None:
    @variant(0)
    @dataclass(frozen=True, slots=True)
    class Left:
        value: U8

    @variant(1)
    @dataclass(frozen=True, slots=True)
    class Right:
        value: U8

    class Either(Pallet, index=97):
        side: StorageValue[Annotated[Any, "replaced"]] = StorageValue(default=0, encoded=True)

    either = StorageValue[Any]()
    either.__set_name__(Either, "either")
    either.declare("Either", (Left | Right | None,))
    assert either.optional
    assert either.codec.encode(Right(1)) == b"\1\1"


def test_mistakes_of_a_composition_are_found_before_any_block() -> None:
    class Other(Pallet, index=99):
        pass

    with pytest.raises(TypeError, match="share the index 99"):
        runtime_of(*PALLETS, Counter, Other)
    with pytest.raises(TypeError, match=r"constants without value \['most'\]"):
        compose(VERSION, (*PALLETS, Counter), CONSTANTS, NoEngine())
    with pytest.raises(TypeError, match=r"unknown constants \['least'\]"):
        compose(VERSION, (*PALLETS, Counter), {**CONSTANTS, Counter: {"most": 1, "least": 0}}, NoEngine())


def test_an_error_or_constant_of_a_foreign_pallet_is_a_bug() -> None:
    env = build_runtime(NoEngine()).view(MemoryState())
    with pytest.raises(AssertionError, match="belongs to no pallet"):
        env.composition.error(CallFailed(CounterError.TOO_HIGH))
    with pytest.raises(AssertionError, match=r"sets no Counter\.most"):
        _ = env.pallet(Counter).most


def test_calls_are_made_by_name_and_only_with_their_arguments() -> None:
    world = World()
    made = world.make("Balances.burn", value=5, keep_alive=True)
    assert made.named == {"value": 5, "keep_alive": True}
    assert str(made) == "Balances.burn"
    assert world.runtime.decode_call(world.runtime.encode_call(made)) == made
    with pytest.raises(LookupError, match=r"no call Balances\.shout"):
        world.make("Balances.shout")
    with pytest.raises(TypeError, match="takes"):
        world.make("Balances.burn", amount=1)
    with pytest.raises(InvalidScale):
        world.runtime.encode_call(world.make("Balances.burn", value=-1, keep_alive=True))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ScaleReason.UNEXPECTED_END),
        (b"\0", ScaleReason.UNEXPECTED_END),
        (b"\xfe\0", ScaleReason.UNKNOWN_VARIANT),
        (b"\0\0\0\0", ScaleReason.TRAILING_BYTES),
    ],
)
def test_bytes_that_are_no_call_are_refused(data: bytes, reason: ScaleReason) -> None:
    with pytest.raises(InvalidScale) as caught:
        World().runtime.decode_call(data)
    assert caught.value.reason is reason


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoders(data: bytes) -> None:
    composition = _RUNTIME.composition
    for decode in (composition.calls.decode, composition.events.decode):
        try:
            decode(data)
        except InvalidScale:
            continue


_RUNTIME = build_runtime(NoEngine())


@pytest.mark.parametrize("data", [b"\4\1\xfe", b"\4\1", b"\0\0"])
def test_bytes_that_are_no_events_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidScale):
        _RUNTIME.composition.events.decode(data)


def test_topics_of_events_are_kept(env: Environment) -> None:
    env.deposit_event(99, Counted(1))
    record = replace(env.events[0], topics=(bytes(32),))
    assert env.composition.events.decode(env.composition.events.encode([record])) == (record,)


def test_a_signature_or_root_is_told_apart_from_nobody() -> None:
    assert ensure_signed_or_root(ROOT) is None
    assert ensure_signed_or_root(Signed(ALICE)) == ALICE


def test_weights_saturate_and_limits_follow_the_ratio() -> None:
    most = Weight((1 << 64) - 1, 5)
    assert most + most == Weight((1 << 64) - 1, 10)
    assert most * 3 == Weight((1 << 64) - 1, 15)
    assert Weight(1, 9) - Weight(2, 4) == Weight(0, 5)
    assert Weight(3, 9).min(Weight(2, 10)) == Weight(2, 9)
    assert not Weight(0, 1).fits(Weight(1, 0))
    limits = BlockWeights.with_ratio(
        base_block=Weight(1), base_extrinsic=Weight(2), max_block=Weight(100, 200), normal_percent=75
    )
    assert limits.per_class.normal.max_total == Weight(75, 150)
    assert limits.per_class.normal.max_extrinsic == Weight(72, 150)
    assert limits.per_class.operational.reserved == Weight(25, 50)
    assert limits.per_class.mandatory.max_total is None
    assert DbWeight().reads_writes(1, 2) == Weight(225_000_000)


def test_a_chain_without_an_engine_refuses_every_artifact() -> None:
    with pytest.raises(ArtifactRefused, match="NO_ENGINE"):
        NoEngine().inspect(b"")
    with pytest.raises(ArtifactRefused) as caught:
        NoEngine().run(b"", lambda: b"", ())
    assert caught.value.reason == "NO_ENGINE"


def test_a_tensor_knows_its_bytes() -> None:
    spec = TensorSpec("x", ElementType.I16, (2, 3, 4), 1, 256, 0)
    assert spec.size == 48
    assert [each.size for each in ElementType] == [1, 1, 2, 2, 4, 8, 1]
    assert Vector[U8] is not None
    assert Balances.config_name == "balances"


def test_metadata_names_fields_as_rust_does_where_python_has_a_keyword() -> None:
    registry = TypeRegistry(Scale())
    registry.register(Transfer)
    registry.register(DispatchEventInfo)
    described = repr(registry.types)
    for name in ("'from'", "'to'", "'class'", "'pays_fee'"):
        assert f"name={name}" in described


class Part(Pallet):
    """A part of a pallet, which is none itself."""

    kept: StorageTripleMap[U8, AccountId, U32, U32 | None] = StorageTripleMap(
        hashers=(Hasher.TWOX_64_CONCAT, Hasher.TWOX_64_CONCAT, Hasher.TWOX_64_CONCAT)
    )

    @call(3, weight=ZERO_WEIGHT)
    def keep(self, origin: Origin, value: U32) -> None:
        """Keep a value."""
        self.kept.insert(1, ALICE, value, value)


class Whole(Part, index=98):
    """A pallet in parts."""

    @call(1, weight=ZERO_WEIGHT)
    def forget(self, origin: Origin) -> None:
        """Forget all values."""
        self.kept.clear_under(1, 10)


def test_what_the_parts_of_a_pallet_declare_is_the_pallets() -> None:
    assert list(Whole.calls) == [1, 3]
    assert list(Whole.storage) == ["Kept"]
    assert Whole.kept.prefix == storage_prefix("Whole", "Kept")
    with pytest.raises(TypeError, match="is storage of Whole and can not be Other's too"):

        class Other(Part, index=97):
            """A second pallet of the same part."""


def test_three_keys_name_an_entry_and_the_first_lists_them() -> None:
    runtime = Runtime(
        compose(VERSION, [*PALLETS, Whole], {**CONSTANTS, Whole: {}}, NoEngine(), NO_CRYPTO), extensions()
    )
    env = runtime.view(MemoryState({}))
    whole = env.pallet(Whole)
    for value in (7, 9):
        env.dispatch(runtime.call("Whole", "keep", value=value), ROOT)
    whole.kept.insert(2, ALICE, 7, 1)
    key = Whole.kept.key(1, ALICE, 7)
    parts = (b"\1", ALICE, (7).to_bytes(4, "little"))
    assert key == Whole.kept.prefix + b"".join(twox_64_concat(part) for part in parts)
    assert whole.kept.get(1, ALICE, 7) == 7
    assert whole.kept.get(1, ALICE, 8) is None
    assert sorted(whole.kept.items_under(1)) == [(ALICE, 7, 7), (ALICE, 9, 9)]
    env.dispatch(runtime.call("Whole", "forget"), ROOT)
    assert list(whole.kept.items_under(1)) == []
    assert whole.kept.get(2, ALICE, 7) == 1
