"""Unmodified clients of the Substrate world read, write and prove on this chain."""

import re
from typing import Any

import pytest

from runtime.configuration import CONSTANTS, VERSION
from runtime.pallets.balances import Balances
from runtime.pallets.inference.types import Receipt
from runtime.primitives.scale import codec
from runtime.primitives.trie import verify_proof
from tests.clients.scenario import ALICE, AMOUNT, BOB, hexadecimal, sample_model

DEVELOPMENT_ACCOUNTS = 24
"""Funded at genesis: each well-known name in both schemes, stashes included."""

FEE_TOLERANCE = 500
"""Parts: the fee multiplier moves with each block, and some clients estimate with an immortal era."""


def as_hex(shown: str) -> str:
    """Bytes as hex: the Python clients show bytes that happen to be UTF-8 as text."""
    return shown if shown.startswith("0x") else hexadecimal(shown.encode())


def is_about_methods(line: str) -> bool:
    """Whether polkadot.js only names the methods that none of its packages describes, and rightly so."""
    _, found, listed = line.partition("RPC methods not decorated: ")
    groups = ("inference_", "models_", "rpc_discover", "chainHead_v1_", "chainSpec_v1_", "transaction")
    return bool(found) and all(name.startswith(groups) for name in listed.split(", "))


def test_it_connects_and_reads_the_runtime_and_its_constants(report: dict[str, Any]) -> None:
    assert report["runtime"] == VERSION.spec_name
    assert report["constants"] == {
        "existentialDeposit": str(CONSTANTS[Balances]["existential_deposit"]),
        "ss58Prefix": 42,
        "blockHashCount": 4_096,
        "specVersion": VERSION.spec_version,
    }


def test_it_finds_nothing_to_complain_about(report: dict[str, Any]) -> None:
    assert [line for line in report["complaints"] if not is_about_methods(line)] == []


def test_it_lists_a_storage_map_page_by_page(report: dict[str, Any]) -> None:
    assert len(report["accounts"]) == len(set(report["accounts"])) == DEVELOPMENT_ACCOUNTS
    assert {ALICE, BOB} <= set(report["accounts"])


def test_it_follows_new_and_final_heads(report: dict[str, Any]) -> None:
    for numbers in report["heads"].values():
        first = numbers[0]
        assert numbers == [first, first + 1, first + 2]


def test_it_sees_the_balance_change(report: dict[str, Any]) -> None:
    first, *_, last = map(int, report["balances"])
    assert last - first == 2 * AMOUNT


def test_it_estimates_the_fee_that_is_then_paid(report: dict[str, Any]) -> None:
    fee, paid = int(report["fee"]), int(report["paid"])
    assert abs(fee - paid) * FEE_TOLERANCE < paid


def test_its_transfers_of_both_schemes_are_final_with_their_events(report: dict[str, Any]) -> None:
    for scheme in ("sr25519", "ed25519"):
        assert report[scheme]["error"] is None
        assert "Balances.Transfer" in report[scheme]["events"]
        assert report[scheme]["events"][-1] == "System.ExtrinsicSuccess"


def test_a_payload_above_256_bytes_is_signed_as_its_hash(report: dict[str, Any]) -> None:
    assert "System.Remarked" in report["long"]["events"]


def test_a_failing_transaction_is_decoded_to_the_pallets_own_error(report: dict[str, Any]) -> None:
    failing = report["failing"]
    assert failing["error"].removeprefix("Inference.") == "UnknownModel"
    assert failing["events"][-1] == "System.ExtrinsicFailed"
    # One client shows no documentation of errors.
    assert failing.get("explained") in (None, "No model has this id.")


def test_it_publishes_a_model_and_reads_its_record(report: dict[str, Any]) -> None:
    assert "Models.Published" in report["publish"]["events"]
    assert report["model"] == {"owner": ALICE, "status": "Published", "input": "applicant"}


def test_it_infers_and_decodes_output_and_receipt(report: dict[str, Any]) -> None:
    model, _, _, outputs = sample_model()
    expected = [hexadecimal(each) for each in outputs]
    assert list(map(as_hex, report["inference"]["output"])) == expected
    receipt = report["receipt"]
    assert (receipt["model"], receipt["caller"]) == (hexadecimal(model), ALICE)
    assert list(map(as_hex, receipt["output"])) == expected == report["reference"]["output"]


def test_the_explorer_of_polkadot_js_finds_what_it_asks_for(report: dict[str, Any]) -> None:
    if "explorer" not in report:
        pytest.skip("the explorer is built on polkadot.js")
    found = report["explorer"]
    assert abs(int(found.pop("fee")) - int(report["paid"])) * FEE_TOLERANCE < int(report["paid"])
    assert found == {
        "dryRun": {"Ok": {"Ok": []}},
        "events": 1,
        "pending": 0,
        "role": "Authority",
        "type": "Development",
    }


def test_the_documented_recipe_works_as_it_is_written(report: dict[str, Any]) -> None:
    if "recipe" not in report:
        pytest.skip("the recipe is for polkadot.js")
    answer, comparison, *complaints = report["recipe"]
    assert [line for line in complaints if not is_about_methods(line)] == []
    assert re.fullmatch(r"block \d+, final: true, output: 0x[0-9a-f]+ 0x[0-9a-f]+", answer)
    assert comparison == "as the dry run said: true"


def test_the_read_proof_it_fetched_shows_the_receipt_to_who_knows_the_header(report: dict[str, Any]) -> None:
    proof = report["proof"]
    assert proof["at"] == report["inference"]["block"]
    key = bytes.fromhex(proof["key"][2:])
    root = bytes.fromhex(report["header"]["stateRoot"][2:])
    (value,) = verify_proof(root, [bytes.fromhex(each[2:]) for each in proof["nodes"]], [key]).values()
    assert value is not None
    assert codec(Receipt).decode(value).output == sample_model()[3]
