"""What a user of the chain imports: connect, publish, infer, fetch receipts.

async with await client.connect("ws://127.0.0.1:9944") as node:
    published = await node.publish(artifact.to_bytes(), signer)
    answer = await node.infer(published.model, {"image": image}, signer, wait="finalized")
    receipt = await node.receipt(answer.receipt)
"""

from client.client import DEFAULT_URL, Client, connect
from client.errors import (
    CallRefused,
    CallTimedOut,
    ClientError,
    ConnectionLost,
    InvalidInputs,
    ModelUnknown,
    NodeUnreachable,
    ProtocolViolation,
    SubscriptionEnded,
    SubscriptionsNeedWebSocket,
    TransactionDropped,
    TransactionFailed,
    WrongRuntime,
)
from client.results import Estimate, Inclusion, Inference, Model, Publication, Receipt

__all__ = [
    "DEFAULT_URL",
    "CallRefused",
    "CallTimedOut",
    "Client",
    "ClientError",
    "ConnectionLost",
    "Estimate",
    "Inclusion",
    "Inference",
    "InvalidInputs",
    "Model",
    "ModelUnknown",
    "NodeUnreachable",
    "ProtocolViolation",
    "Publication",
    "Receipt",
    "SubscriptionEnded",
    "SubscriptionsNeedWebSocket",
    "TransactionDropped",
    "TransactionFailed",
    "WrongRuntime",
    "connect",
]
