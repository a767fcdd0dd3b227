"""What metadata says about a type follows from its annotations."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

import pytest

from runtime.primitives.digest import DigestItem
from runtime.primitives.era import Era
from runtime.primitives.header import Header
from runtime.primitives.integers import U8, U16, U32, U64, U128
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import (
    Array,
    Bits,
    CompactU64,
    MaxLen,
    Result,
    Scale,
    ScalePath,
    TypeName,
    Vector,
    codec,
    scale_path,
    variant,
)
from runtime.primitives.scale.description import (
    ArrayDef,
    BitSequenceDef,
    CompactDef,
    CompositeDef,
    Field,
    PortableType,
    Primitive,
    PrimitiveDef,
    SequenceDef,
    TupleDef,
    Type,
    TypeParameter,
    Variant,
    VariantDef,
)
from runtime.primitives.scale.registry import TypeRegistry
from runtime.primitives.types import H256, AccountId, Bytes4


@scale_path("pallet::Reason")
class Reason(IntEnum):
    """Why."""

    BAD_ORIGIN = 0
    Other = 3


@scale_path("pallet::types::Deposit")
@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit.

    Held until it is claimed.
    """

    owner: AccountId
    amount: Annotated[U128, TypeName("T::Balance")]


@variant(0)
@dataclass(frozen=True, slots=True)
class Batch:
    """Calls within calls."""

    calls: "list[Call]"


@variant(4, name="remark", unnamed=True)
@dataclass(frozen=True, slots=True)
class Remark:
    data: bytes


Call = Annotated[Batch | Remark, ScalePath("runtime::Call", (("T", None), ("Id", AccountId)))]


def describe(tp: Any) -> tuple[Type, list[Type]]:
    registry = TypeRegistry(Scale())
    index = registry.register(tp)
    types = [each.type for each in registry.types]
    return types[index], types


def named(path: str) -> tuple[str, ...]:
    return tuple(path.split("::"))


def test_a_struct_is_a_composite_under_its_path_with_its_documentation() -> None:
    deposit, types = describe(Deposit)
    assert deposit.path == named("pallet::types::Deposit")
    assert deposit.docs == ("A deposit.", "", "Held until it is claimed.")
    assert isinstance(deposit.definition, CompositeDef)
    owner, amount = deposit.definition.fields
    assert (owner.name, amount.name, amount.type_name) == ("owner", "amount", "T::Balance")
    assert types[amount.type].definition == PrimitiveDef(Primitive.U128)
    account = types[owner.type]
    assert account.path == named("sp_core::crypto::AccountId32")
    assert isinstance(account.definition, CompositeDef)
    (inner,) = account.definition.fields
    assert inner.name is None
    assert types[inner.type].definition == ArrayDef(32, inner.type + 1)


def test_an_enum_that_contains_itself_is_described_once() -> None:
    call, types = describe(Call)
    assert call.path == named("runtime::Call")
    assert [each.name for each in call.params] == ["T", "Id"]
    assert call.params[0].type is None
    assert types[call.params[1].type or 0].path == named("sp_core::crypto::AccountId32")
    assert isinstance(call.definition, VariantDef)
    batch, remark = call.definition.variants
    assert (batch.name, batch.index, batch.docs) == ("Batch", 0, ("Calls within calls.",))
    assert (remark.name, remark.index, remark.docs) == ("remark", 4, ())
    assert types[batch.fields[0].type].definition == SequenceDef(types.index(call))
    assert remark.fields[0].name is None
    assert sum(each.path == call.path for each in types) == 1


def test_an_enum_without_fields_spells_its_members_as_rust_does() -> None:
    reason, _ = describe(Reason)
    assert reason.definition == VariantDef((Variant("BadOrigin", (), 0), Variant("Other", (), 3)))
    assert reason.docs == ("Why.",)


def shown(tp: Any) -> Any:
    described, types = describe(tp)
    match described.definition:
        case PrimitiveDef(kind):
            return kind.name
        case SequenceDef(item):
            return [types[item].definition]
        case ArrayDef(length, item):
            return (length, types[item].definition)
        case TupleDef(items):
            return tuple(types[item].definition for item in items)
        case CompactDef(item):
            return ("compact", types[item].definition)
        case BitSequenceDef(store, order):
            return (types[store].definition, types[order].path)
        case other:
            return other


BYTE = PrimitiveDef(Primitive.U8)


@pytest.mark.parametrize(
    ("tp", "expected"),
    [
        (bool, "BOOL"),
        (str, "STR"),
        (Annotated[str, MaxLen(3)], "STR"),
        (U64, "U64"),
        (None, ()),
        (tuple[()], ()),
        (tuple[U8, U8], (BYTE, BYTE)),
        (bytes, [BYTE]),
        (list[U8], [BYTE]),
        (Vector[bool], [PrimitiveDef(Primitive.BOOL)]),
        (Bytes4, (4, BYTE)),
        (Annotated[tuple[U16, ...], Array(3)], (3, PrimitiveDef(Primitive.U16))),
        (CompactU64, ("compact", PrimitiveDef(Primitive.U64))),
        (Annotated[tuple[bool, ...], Bits()], (BYTE, named("bitvec::order::Lsb0"))),
    ],
    ids=str,
)
def test_a_plain_type_is_described_by_its_parts(tp: Any, expected: object) -> None:
    assert shown(tp) == expected


def test_option_result_map_set_and_bounded_vector_have_their_well_known_paths() -> None:
    option, _ = describe(U8 | None)
    assert option == Type(
        ("Option",),
        (TypeParameter("T", 1),),
        VariantDef((Variant("None", (), 0), Variant("Some", (Field(None, 1),), 1))),
    )
    result, types = describe(Result[U8, str])
    assert result.path == ("Result",)
    assert [(p.name, types[p.type or 0].definition) for p in result.params] == [
        ("T", BYTE),
        ("E", PrimitiveDef(Primitive.STR)),
    ]
    mapping, types = describe(dict[U8, bool])
    assert mapping.path == ("BTreeMap",)
    assert isinstance(mapping.definition, CompositeDef)
    pairs = types[mapping.definition.fields[0].type].definition
    assert isinstance(pairs, SequenceDef)
    assert isinstance(types[pairs.item].definition, TupleDef)
    assert describe(frozenset[U8])[0].path == ("BTreeSet",)
    assert describe(Annotated[bytes, MaxLen(9)]) == describe(bytes)


def test_an_era_is_described_by_its_256_variants() -> None:
    era, types = describe(Era)
    assert isinstance(era.definition, VariantDef)
    assert [each.index for each in era.definition.variants] == list(range(256))
    last = era.definition.variants[255]
    assert last.name == "Mortal255"
    assert types[last.fields[0].type].definition == BYTE


def test_types_that_differ_only_in_python_share_an_id() -> None:
    registry = TypeRegistry(Scale())
    assert registry.register(bytes) == registry.register(list[U8]) == registry.register(Vector[U8])
    assert registry.register(Vector[list[U32]]) == registry.register(list[Vector[U32]])
    assert registry.register(H256) != registry.register(AccountId)
    assert registry.find("primitive_types::H256") == registry.register(H256)
    assert registry.find("no::Such") is None


def test_a_type_may_be_added_by_hand() -> None:
    registry = TypeRegistry(Scale())
    registry.register(U8)
    index = registry.add(Type(named("fixpoint::Event"), (), VariantDef(()), ()))
    assert registry.find("fixpoint::Event") == index
    assert registry.types[index].id == index


def test_a_registry_is_itself_scale() -> None:
    registry = TypeRegistry(Scale())
    for tp in (Header, DigestItem, MultiAddress, Call, Deposit, Type):
        registry.register(tp)
    portable = codec(list[PortableType])
    raw = portable.encode(registry.types)
    assert portable.decode(raw) == registry.types
    assert [each.id for each in registry.types] == list(range(len(registry.types)))


def test_a_type_can_be_described_by_hand_and_refer_to_itself() -> None:
    registry = TypeRegistry(Scale())

    def by_hand() -> Type:
        return Type(("by", "Hand"), (), CompositeDef((registry.field("inner", Deposit),)))

    index = registry.define(Deposit, by_hand)
    assert registry.register(Deposit) == index
    described = registry.types[index].type
    assert described.path == ("by", "Hand")
    assert described.definition == CompositeDef((Field("inner", index, "Deposit"),))


def test_a_type_is_described_by_hand_before_anything_refers_to_it() -> None:
    registry = TypeRegistry(Scale())
    registry.register(Deposit)
    with pytest.raises(ValueError, match="is described already"):
        registry.define(Deposit, lambda: Type((), (), TupleDef(())))
