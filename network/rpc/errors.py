"""JSON-RPC errors: the codes and texts that Substrate's clients know.

Sources: JSON-RPC 2.0 section 5.1; jsonrpsee's `types/src/error.rs` (transport limits); polkadot-sdk's
`sc-rpc-api` (author 1001-1021, state 4003, the unsafe denial).
"""

from __future__ import annotations

from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, list or tuple, dict with str keys; bytes are written as 0x
hex."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
BATCHES_NOT_SUPPORTED = -32005
TOO_MANY_SUBSCRIPTIONS = -32006
OVERSIZED_REQUEST = -32007
OVERSIZED_RESPONSE = -32008
SERVER_IS_BUSY = -32009
OVERSIZED_BATCH_REQUEST = -32010
OVERSIZED_BATCH_RESPONSE = -32011
RATE_LIMITED = -32999
SUBSCRIPTION_ENDED = -32012
"""A subscription that the server ended; ours, in the range JSON-RPC leaves to implementations."""
SUBSCRIPTIONS_NEED_WEBSOCKET = -32013

BAD_FORMAT = 1001
VERIFICATION = 1002
INVALID_TRANSACTION = 1010
UNKNOWN_VALIDITY = 1011
TEMPORARILY_BANNED = 1012
ALREADY_IMPORTED = 1013
TOO_LOW_PRIORITY = 1014
CYCLE = 1015
IMMEDIATELY_DROPPED = 1016
UNSUPPORTED_KEY_TYPE = 1017
UNACTIONABLE = 1018
NO_TAGS = 1019
INVALID_BLOCK_ID = 1020
FUTURE_REJECTED = 1021

CHAIN_CLIENT_ERROR = 3003
STATE_CLIENT_ERROR = 4003


class RpcError(Exception):
    """The answer to a call that fails: an integer code, a text, and optional data for programs or people."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + ("" if self.data is None else f" ({self.data})")

    def to_json(self) -> dict[str, Json]:
        """The `error` member of a response; `data` is left out when there is none."""
        error: dict[str, Json] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


# -- the protocol ----------------------------------------------------------------------------------


def parse_error(data: str) -> RpcError:
    """The message is not JSON."""
    return RpcError(PARSE_ERROR, "Parse error", data)


def invalid_request(data: str) -> RpcError:
    """The message is JSON but not a JSON-RPC 2.0 request."""
    return RpcError(INVALID_REQUEST, "Invalid request", data)


def method_not_found() -> RpcError:
    """Clients compare the text: it must stay exactly this."""
    return RpcError(METHOD_NOT_FOUND, "Method not found")


def unsafe_denied() -> RpcError:
    """An unsafe method was called where `--rpc-methods` does not permit it."""
    return RpcError(METHOD_NOT_FOUND, "RPC call is unsafe to be called externally")


def invalid_params(data: str) -> RpcError:
    """A parameter is missing, superfluous or of the wrong form; `data` names it."""
    return RpcError(INVALID_PARAMS, "Invalid params", data)


def internal_error() -> RpcError:
    """A bug in a handler; the detail is in the log and not for strangers."""
    return RpcError(INTERNAL_ERROR, "Internal error")


# -- limits ----------------------------------------------------------------------------------------


def batches_not_supported() -> RpcError:
    """The operator switched batches off."""
    return RpcError(BATCHES_NOT_SUPPORTED, "Batched requests are not supported by this server")


def too_many_subscriptions(limit: int) -> RpcError:
    """The connection has all the subscriptions it may have."""
    return RpcError(TOO_MANY_SUBSCRIPTIONS, "Too many subscriptions on the connection", _exceeded(limit))


def oversized_request(limit: int) -> RpcError:
    """The message is longer than the server takes."""
    return RpcError(OVERSIZED_REQUEST, "Request is too big", _exceeded(limit))


def oversized_response(limit: int) -> RpcError:
    """The answer would be longer than the server sends; ask for less."""
    return RpcError(OVERSIZED_RESPONSE, "Response is too big", _exceeded(limit))


def oversized_batch(limit: int) -> RpcError:
    """The batch has more calls than the server takes."""
    return RpcError(OVERSIZED_BATCH_REQUEST, "The batch request was too large", _exceeded(limit))


def oversized_batch_response(limit: int) -> RpcError:
    """The answers of the batch together are too long; send smaller batches."""
    return RpcError(OVERSIZED_BATCH_RESPONSE, "The batch response was too large", _exceeded(limit))


def rate_limited(per_minute: int) -> RpcError:
    """The connection has made as many calls as it may for now."""
    text = f"at most {per_minute} calls a minute on one connection; see --rpc-rate-limit"
    return RpcError(RATE_LIMITED, "RPC rate limit exceeded", text)


def server_is_busy() -> RpcError:
    """Too many long calls are waiting."""
    return RpcError(SERVER_IS_BUSY, "Server is busy, try again later")


def slow_reader(limit: int) -> RpcError:
    """The last message of a subscription whose client fell behind."""
    return RpcError(
        SUBSCRIPTION_ENDED,
        "Subscription dropped: the client reads too slowly",
        f"More than {limit} notifications were waiting; subscribe again and read faster, "
        "or raise --rpc-message-buffer-capacity-per-connection",
    )


def subscriptions_need_websocket() -> RpcError:
    """A subscription was asked for over HTTP."""
    return RpcError(
        SUBSCRIPTIONS_NEED_WEBSOCKET,
        "Subscriptions need a WebSocket connection",
        "Connect to the same port with ws:// instead of http://",
    )


def _exceeded(limit: int) -> str:
    return f"Exceeded max limit of {limit}"


# -- chain and state -------------------------------------------------------------------------------


def client_error(text: str, code: int = STATE_CLIENT_ERROR) -> RpcError:
    """A question about the chain that cannot be answered, with the prefix that clients look for."""
    return RpcError(code, f"Client error: {text}")


def unknown_block(text: str, code: int = STATE_CLIENT_ERROR) -> RpcError:
    """No such block here; `text` says which, e.g. "Header was not found in the database: 0x…"."""
    return client_error(f"UnknownBlock: {text}", code)


def state_discarded(block_hash: bytes) -> RpcError:
    """The state of this block was pruned. async-substrate-interface matches the whole text."""
    return client_error(f"Api called for an unknown Block: State already discarded for 0x{block_hash.hex()}")


# -- transactions (author_*) -----------------------------------------------------------------------


def bad_format(text: str) -> RpcError:
    """The bytes are no extrinsic."""
    return RpcError(BAD_FORMAT, f"Extrinsic has invalid format: {text}")


def verification_error(text: str) -> RpcError:
    """Checking the transaction failed, apart from whether it is valid."""
    return RpcError(VERIFICATION, f"Verification Error: {text}", text)


def invalid_transaction(reason: str | int) -> RpcError:
    """Invalid now: `reason` is Substrate's sentence ("Transaction is outdated") or a custom error number."""
    return RpcError(
        INVALID_TRANSACTION,
        "Invalid Transaction",
        f"Custom error: {reason}" if isinstance(reason, int) else reason,
    )


def unknown_validity(data: Json) -> RpcError:
    """Whether the transaction is valid cannot be told now."""
    return RpcError(UNKNOWN_VALIDITY, "Unknown Transaction Validity", data)


def temporarily_banned() -> RpcError:
    """The transaction was invalid before, and is not looked at for a while."""
    return RpcError(TEMPORARILY_BANNED, "Transaction is temporarily banned")


def already_imported(extrinsic_hash: bytes) -> RpcError:
    """The transaction is in the pool; `data` is its hash."""
    return RpcError(ALREADY_IMPORTED, "Transaction Already Imported", f"0x{extrinsic_hash.hex()}")


def too_low_priority(old: int, new: int) -> RpcError:
    """Another transaction with the same nonce pays at least as much."""
    return RpcError(
        TOO_LOW_PRIORITY,
        f"Priority is too low: ({old} vs {new})",
        "The transaction has too low priority to replace another transaction already in the pool.",
    )


def cycle() -> RpcError:
    """The transaction would require itself."""
    return RpcError(CYCLE, "Cycle Detected")


def immediately_dropped() -> RpcError:
    """The pool is full of better transactions."""
    return RpcError(
        IMMEDIATELY_DROPPED,
        "Immediately Dropped",
        "The transaction couldn't enter the pool because of the limit",
    )


def unsupported_key_type() -> RpcError:
    """A key of a type that this node does not know."""
    return RpcError(
        UNSUPPORTED_KEY_TYPE,
        "Unknown key type crypto",
        "The crypto for the given key type is unknown, please add the public key to the request "
        "to insert the key successfully.",
    )


def unactionable() -> RpcError:
    """Nobody would ever put the transaction into a block."""
    return RpcError(
        UNACTIONABLE,
        "Unactionable",
        "The transaction is unactionable since it is not propagable "
        "and the local node does not author blocks",
    )


def no_tags() -> RpcError:
    """The transaction says nothing by which the pool can tell it from others."""
    return RpcError(
        NO_TAGS,
        "No tags provided",
        "Transaction does not provide any tags, so the pool can't identify it",
    )


def invalid_block_id(text: str) -> RpcError:
    """The block that the call names does not exist."""
    return RpcError(INVALID_BLOCK_ID, "The provided block ID is not valid", text)


def future_rejected() -> RpcError:
    """The pool takes only transactions that can run now."""
    return RpcError(
        FUTURE_REJECTED,
        "The pool is not accepting future transactions",
        "The nonce is higher than the account's next one; submit the transactions in order",
    )
