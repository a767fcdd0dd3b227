"""What the metadata says is what the pallets declare, and what clients look for by name is there."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.configuration import CONSTANTS, PALLETS, VERSION, extensions
from runtime.executive import RuntimeApi
from runtime.frame.pallet import Pallet
from runtime.frame.storage import StorageItem
from runtime.frame.version import RuntimeVersion, api_id
from runtime.pallets.balances import Balances
from runtime.pallets.system import System
from runtime.primitives.scale import codec
from tests.runtime.metadata.decoder import Decoder, structure

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
ACCEPTED = {
    int(version[1:]): blob
    for version, blob in json.loads((VECTORS / "prototype_metadata_v14_v15_v16.json").read_text()).items()
    if version.startswith("V")
}

Metadata = dict[str, Any]

# Types by which clients know addresses, signatures, events, errors: each must be encoded and named as clients
# have it. Of the errors, an older node than this one may lack the last.
KNOWN = [
    "sp_core::crypto::AccountId32",
    "primitive_types::H256",
    "sp_runtime::MultiSignature",
    "sp_runtime::generic::era::Era",
    "sp_runtime::generic::digest::Digest",
    "sp_runtime::generic::digest::DigestItem",
    "sp_weights::weight_v2::Weight",
    "sp_weights::RuntimeDbWeight",
    "sp_version::RuntimeVersion",
    "sp_arithmetic::fixed_point::FixedU128",
    "pallet_balances::types::AccountData",
    "frame_system::AccountInfo",
    "frame_system::Phase",
    "frame_system::DispatchEventInfo",
    "frame_system::LastRuntimeUpgradeInfo",
    "frame_system::limits::BlockLength",
    "frame_system::limits::BlockWeights",
    "frame_support::dispatch::DispatchClass",
    "frame_support::dispatch::Pays",
    "frame_metadata_hash_extension::Mode",
    "sp_runtime::ModuleError",
    "sp_runtime::TokenError",
    "sp_runtime::TransactionalError",
    "sp_arithmetic::ArithmeticError",
    "sp_runtime::transaction_validity::ValidTransaction",
    "pallet_transaction_payment::types::FeeDetails",
    "pallet_transaction_payment::types::RuntimeDispatchInfo",
    *(each.path for each in extensions()),
]


def by_path(metadata: Metadata, path: str) -> int:
    found = [index for index, each in metadata["types"].items() if each["path"] == path]
    assert found, f"no type is named {path}"
    return int(found[0])


def accepted(version: int) -> Metadata:
    return Decoder(bytes.fromhex(ACCEPTED[version].removeprefix("0x"))).metadata()


@pytest.mark.parametrize("version", ACCEPTED)
def test_blobs_that_all_clients_accepted_decode_to_their_last_byte(version: int) -> None:
    # The decoder of these tests is checked against bytes that this project did not make.
    assert accepted(version)["version"] == version


@pytest.mark.parametrize("path", KNOWN)
def test_a_type_that_clients_know_by_its_path_has_the_structure_they_know(
    newest: Metadata, path: str
) -> None:
    reference = accepted(16)
    expected = structure(reference["types"], by_path(reference, path))
    assert structure(newest["types"], by_path(newest, path)) == expected


def test_every_type_that_is_named_exists(decoded: dict[int, Metadata]) -> None:
    for metadata in decoded.values():
        types = metadata["types"]
        assert list(types) == list(range(len(types)))
        for index, each in types.items():
            structure(types, index)
            assert all(kind is None or kind in types for _, kind in each["params"])


def test_the_versions_say_the_same(decoded: dict[int, Metadata]) -> None:
    old, middle, new = (decoded[version] for version in (14, 15, 16))
    assert old["types"] == middle["types"] == new["types"]
    assert middle["pallets"] == new["pallets"]
    for name, pallet in old["pallets"].items():
        assert new["pallets"][name] == pallet | {"docs": new["pallets"][name]["docs"]}
    assert (
        old["extrinsic"]["extensions"] == middle["extrinsic"]["extensions"] == new["extrinsic"]["extensions"]
    )
    assert middle["extrinsic"]["parts"] == new["extrinsic"]["parts"]
    assert middle["outer"] == new["outer"]


@pytest.mark.parametrize("pallet", PALLETS, ids=lambda pallet: pallet.name)
def test_a_pallet_is_described_as_it_is_declared(newest: Metadata, pallet: type[Pallet]) -> None:
    found, types = newest["pallets"][pallet.name], newest["types"]
    assert found["index"] == pallet.index
    assert "\n".join(found["docs"]).startswith((pallet.__doc__ or "").strip().splitlines()[0])
    entries = found["storage"]["entries"] if found["storage"] else {}
    assert list(entries) == list(pallet.storage)
    for name, item in pallet.storage.items():
        check_entry(entries[name], item, types)
    assert list(found["constants"]) == list(pallet.constants)
    if pallet.calls:
        path = types[found["calls"]]["path"]
        assert path == f"{pallet.module}::pallet::Call"
        listed = [(each["index"], each["name"]) for each in types[found["calls"]]["def"][1]]
        assert listed == [(each.index, each.name) for each in pallet.calls.values()]
    if pallet.errors is not None:
        listed = [(each["index"], each["docs"]) for each in types[found["errors"]]["def"][1]]
        assert listed == [(int(each), [each.doc]) for each in pallet.errors]
    assert (found["events"] is None) is (pallet.events is None)


def check_entry(found: Metadata, item: StorageItem, types: Metadata) -> None:
    assert found["modifier"] == ("optional" if item.optional else "default")
    assert tuple(found.get("hashers", ())) == item.hashers
    if item.key_count == 2:
        assert types[found["key"]]["def"][0] == "tuple"
    if item.optional:
        assert found["default"] == b"\0"
    elif not item.encoded:
        assert item.codec.decode(found["default"]) == item.default


def test_calls_name_their_arguments_and_spell_their_types(newest: Metadata) -> None:
    calls = newest["types"][newest["pallets"]["Balances"]["calls"]]["def"][1]
    keep_alive = next(each for each in calls if each["name"] == "transfer_keep_alive")
    spelled = [(each["name"], each["type_name"]) for each in keep_alive["fields"]]
    assert spelled == [("dest", "MultiAddress"), ("value", "Compact<u128>")]
    batch = newest["types"][newest["pallets"]["Utility"]["calls"]]["def"][1][0]["fields"]
    assert [(each["name"], each["type_name"]) for each in batch] == [("calls", "Vec<RuntimeCall>")]


def test_a_call_may_hold_calls(newest: Metadata) -> None:
    batch = newest["types"][newest["pallets"]["Utility"]["calls"]]["def"][1][0]["fields"][0]
    kind, item = newest["types"][batch["type"]]["def"]
    assert (kind, item) == ("sequence", newest["outer"][0])


def test_the_outer_enums_hold_every_pallet_under_its_index(newest: Metadata) -> None:
    for place, part in enumerate(("calls", "events", "errors")):
        outer = newest["types"][newest["outer"][place]]
        assert outer["path"] == f"fixpoint_runtime::Runtime{part[:-1].capitalize()}"
        listed = {each["name"]: (each["index"], each["fields"][0]["type"]) for each in outer["def"][1]}
        expected = {
            name: (each["index"], each[part])
            for name, each in newest["pallets"].items()
            if each[part] is not None
        }
        assert listed == expected


def test_events_are_records_of_the_outer_enum(newest: Metadata) -> None:
    kind, item = newest["types"][newest["pallets"]["System"]["storage"]["entries"]["Events"]["value"]]["def"]
    record = newest["types"][item]
    assert (kind, record["path"]) == ("sequence", "frame_system::EventRecord")
    assert record["params"] == [("E", newest["outer"][1]), ("T", by_path(newest, "primitive_types::H256"))]
    assert [each["name"] for each in record["def"][1]] == ["phase", "event", "topics"]


def test_hold_reasons_are_an_enum_of_the_pallets_enums(newest: Metadata) -> None:
    reasons = newest["types"][by_path(newest, "fixpoint_runtime::RuntimeHoldReason")]["def"][1]
    holding = [each for each in PALLETS if each.holds is not None]
    assert [(each["name"], each["index"]) for each in reasons] == [(p.name, p.index) for p in holding]


def test_an_extrinsic_is_version_4_with_the_standard_extensions(decoded: dict[int, Metadata]) -> None:
    for metadata in decoded.values():
        assert metadata["extrinsic"]["versions"] == [4]
        assert [name for name, _, _ in metadata["extrinsic"]["extensions"]] == [
            each.identifier for each in extensions()
        ]
    assert decoded[16]["extrinsic"]["by_version"] == {0: list(range(len(extensions())))}
    old = decoded[14]
    whole = old["types"][old["extrinsic"]["type"]]
    assert whole["path"] == "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic"
    address, call, signature = decoded[15]["extrinsic"]["parts"]
    extra = decoded[15]["extrinsic"]["extra"]
    parts = [("Address", address), ("Call", call), ("Signature", signature), ("Extra", extra)]
    assert whole["params"] == parts


def test_constants_are_their_values(newest: Metadata) -> None:
    system = newest["pallets"]["System"]["constants"]
    assert codec(RuntimeVersion).decode(system["Version"]["value"]) == VERSION
    assert system["SS58Prefix"]["value"] == b"\x2a\0"
    assert newest["types"][system["SS58Prefix"]["type"]]["def"] == ("primitive", "u16")
    assert system["BlockHashCount"]["value"] == CONSTANTS[System]["block_hash_count"].to_bytes(4, "little")
    deposit = newest["pallets"]["Balances"]["constants"]["ExistentialDeposit"]["value"]
    assert deposit == CONSTANTS[Balances]["existential_deposit"].to_bytes(16, "little")
    assert "MinimumPeriod" in newest["pallets"]["Timestamp"]["constants"]


def test_the_interfaces_are_those_that_are_served(newest: Metadata, api: RuntimeApi) -> None:
    listed = [f"{name}_{method}" for name, each in newest["apis"].items() for method in each["methods"]]
    assert sorted(listed) == api.names
    versions = {api_id(name): each["version"] for name, each in newest["apis"].items()}
    assert versions == dict(VERSION.apis)
    query = newest["apis"]["TransactionPaymentApi"]["methods"]["query_info"]
    assert [name for name, _ in query["inputs"]] == ["uxt", "len"]
    validity = newest["apis"]["TaggedTransactionQueue"]["methods"]["validate_transaction"]["output"]
    result = newest["types"][validity]
    assert (result["path"], [name for name, _ in result["params"]]) == ("Result", ["T", "E"])


def test_an_address_is_an_account_id_first(newest: Metadata) -> None:
    path = "sp_runtime::multiaddress::MultiAddress"
    params = newest["types"][by_path(newest, path)]["params"]
    assert [name for name, _ in params] == ["AccountId", "AccountIndex"]
    _, ours = structure(newest["types"], by_path(newest, path))
    reference = accepted(16)
    _, theirs = structure(reference["types"], by_path(reference, path))
    # Accounts have no index on either chain: only the type of what is never used differs.
    assert {each: ours[each] for each in (0, 2, 3, 4)} == {each: theirs[each] for each in (0, 2, 3, 4)}


def test_an_invalid_transaction_has_the_indices_that_clients_know(newest: Metadata) -> None:
    reference = accepted(16)
    for name in ("InvalidTransaction", "UnknownTransaction"):
        path = f"sp_runtime::transaction_validity::{name}"
        _, ours = structure(newest["types"], by_path(newest, path))
        _, theirs = structure(reference["types"], by_path(reference, path))
        # Each side knows a kind that the other does not have: ours is newer, theirs has codes of its own.
        both = sorted(set(ours) & set(theirs))
        assert len(both) >= 2
        assert [ours[index] for index in both] == [theirs[index] for index in both]
