"""What can go wrong between a user and a node, each with what to do about it."""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """Base of everything that the client raises for a fault outside the program."""


class NodeUnreachable(ClientError):
    """Nothing answers at the address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no node answers at {url} ({reason}); start one with `fixpoint dev`, "
            "or give the address of a running node"
        )
        self.url = url


class ConnectionLost(ClientError):
    """The node went away, or closed the connection, while something was waiting for it."""


class CallTimedOut(ClientError):
    """The node did not answer in time."""


class ProtocolViolation(ClientError):
    """What answers does not speak JSON-RPC 2.0."""


class CallRefused(ClientError):
    """The node answered a call with an error: its code, text and data, as sent."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        detail = "" if data is None else f": {data}"
        super().__init__(f"{method} failed: {message}{detail} (code {code})")
        self.method = method
        self.code = code
        self.message = message
        self.data = data


class SubscriptionEnded(ClientError):
    """The node ended a subscription and said why."""


class SubscriptionsNeedWebSocket(ClientError):
    """The client is connected over HTTP."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} is plain HTTP, where nothing can be watched; connect with ws:// to the same port"
        )


class WrongRuntime(ClientError):
    """The node runs rules that this client does not know: a call would mean something else there."""


class TransactionDropped(ClientError):
    """The node gave up a transaction that it had accepted; `status` says how (usurped, dropped, invalid)."""

    def __init__(self, status: str) -> None:
        super().__init__(
            f"the transaction was not included: {status}; "
            "look up the account's nonce and balance, then send again"
        )
        self.status = status


class TransactionFailed(ClientError):
    """A transaction was included and its call failed: nothing but the fee was taken.

    `name` is the pallet's error, as in "Inference.FeeTooLow"; `error` the `DispatchError`.
    """

    def __init__(self, name: str, detail: str, error: Any, block_hash: bytes) -> None:
        super().__init__(
            f"the call failed in block 0x{block_hash.hex()}: {name}" + (f" ({detail})" if detail else "")
        )
        self.name = name
        self.error = error
        self.block_hash = block_hash


class InvalidInputs(ClientError, ValueError):
    """Inputs do not fit what the model declares; the text names the tensor."""


class ModelUnknown(ClientError, LookupError):
    """No model with this id is published on the node's chain."""

    def __init__(self, model: bytes) -> None:
        super().__init__(
            f"no model 0x{model.hex()} is published on this chain; `fixpoint model list` shows those that are"
        )
        self.model = model
