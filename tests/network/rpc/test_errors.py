"""Codes and texts of errors: clients compare them, so they are pinned."""

import pytest

from network.rpc import RpcError, errors

HASH = bytes([0xAB]) * 32
HEX = "0x" + "ab" * 32


@pytest.mark.parametrize(
    ("error", "code", "message", "data"),
    [
        (errors.method_not_found(), -32601, "Method not found", None),
        (errors.unsafe_denied(), -32601, "RPC call is unsafe to be called externally", None),
        (errors.internal_error(), -32603, "Internal error", None),
        (errors.server_is_busy(), -32009, "Server is busy, try again later", None),
        (
            errors.state_discarded(HASH),
            4003,
            f"Client error: Api called for an unknown Block: State already discarded for {HEX}",
            None,
        ),
        (errors.unknown_block("x", 3003), 3003, "Client error: UnknownBlock: x", None),
        (errors.bad_format("x"), 1001, "Extrinsic has invalid format: x", None),
        (errors.verification_error("x"), 1002, "Verification Error: x", "x"),
        (
            errors.invalid_transaction("Transaction is outdated"),
            1010,
            "Invalid Transaction",
            "Transaction is outdated",
        ),
        (errors.invalid_transaction(7), 1010, "Invalid Transaction", "Custom error: 7"),
        (errors.unknown_validity("CannotLookup"), 1011, "Unknown Transaction Validity", "CannotLookup"),
        (errors.temporarily_banned(), 1012, "Transaction is temporarily banned", None),
        (errors.already_imported(HASH), 1013, "Transaction Already Imported", HEX),
        (
            errors.too_low_priority(5, 4),
            1014,
            "Priority is too low: (5 vs 4)",
            "The transaction has too low priority to replace another transaction already in the pool.",
        ),
        (errors.cycle(), 1015, "Cycle Detected", None),
        (
            errors.immediately_dropped(),
            1016,
            "Immediately Dropped",
            "The transaction couldn't enter the pool because of the limit",
        ),
    ],
)
def test_an_error_has_the_code_text_and_data_that_clients_know(
    error: RpcError, code: int, message: str, data: str | None
) -> None:
    expected = {"code": code, "message": message} | ({} if data is None else {"data": data})
    assert error.to_json() == expected
    assert str(error).startswith(f"{code}: {message}")


def test_the_rest_of_the_author_family_has_its_codes() -> None:
    family = (
        errors.unsupported_key_type(),
        errors.unactionable(),
        errors.no_tags(),
        errors.invalid_block_id("x"),
        errors.future_rejected(),
    )
    assert [error.code for error in family] == [1017, 1018, 1019, 1020, 1021]
