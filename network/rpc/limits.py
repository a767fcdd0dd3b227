"""The limits of the RPC server: every queue, message and loop that a client can drive has a named maximum."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024

MAX_REQUEST_BYTES = 15 * MEBIBYTE
"""Largest request; Substrate's `--rpc-max-request-size`. An artifact chunk of 1 MiB as hex needs a seventh of
it."""

MAX_RESPONSE_BYTES = 15 * MEBIBYTE
"""Largest answer to one call or one batch; Substrate's `--rpc-max-response-size`."""

MAX_CONNECTIONS = 100
"""Open connections of both transports; Substrate's `--rpc-max-connections`."""

MAX_SUBSCRIPTIONS_PER_CONNECTION = 1024
"""Substrate's `--rpc-max-subscriptions-per-connection`."""

MESSAGE_BUFFER_CAPACITY = 64
"""Messages that may wait for one connection, and values that may wait for one subscription; Substrate's
`--rpc-message-buffer-capacity-per-connection`. A client that is further behind is not following the chain."""

MAX_OUTBOX_BYTES = 32 * MEBIBYTE
"""Bytes that may wait for one connection: two answers of the largest size, so 100 slow clients stay under 3.2
GiB even if all of them ask for the largest answers."""

MAX_BATCH_LENGTH = 1024
"""Calls in one batch (`--rpc-max-batch-request-len`). Substrate has no limit by default; clients send 250 at
most."""

MAX_UNREAD_FACTOR = 2
"""A WebSocket message up to this many times `request_bytes` is read and answered with an error; a larger one
closes the connection (1009), because reading it all only to refuse it would cost memory."""

MAX_DEPTH = 128
"""Nesting of arrays and objects, the recursion limit of Substrate's JSON reader (serde_json)."""

MAX_ID_LENGTH = 256
"""Characters of a string id. The id is echoed, so an unbounded one would let a small batch make a large
answer."""

MAX_METHOD_LENGTH = 256
"""Characters of a method name; the longest real one has under 40."""

MAX_CALLS_IN_FLIGHT = 64
"""Messages of one connection that are being answered; further ones wait in the socket (back-pressure)."""

WORKER_THREADS = 4
"""Threads for handlers declared `worker=True`: enough to overlap waiting on the disk, few enough not to
starve block production of processor time."""

WORKER_QUEUE = 256
"""Worker calls that may wait before the server answers that it is busy."""

READ_SECONDS = 30.0
"""Time to send the body of an HTTP request: 15 MiB at 4 Mbit/s."""

STALLED_WRITE_SECONDS = 60.0
"""A socket that takes no byte for this long is closed; a sleeping laptop's is, a slow phone's is not."""

HEARTBEAT_SECONDS = 30.0
"""WebSocket ping interval: finds dead peers within a minute, and keeps proxies (commonly 60 s) from
closing."""

CLOSE_SECONDS = 2.0
"""Time a client has to answer the close of a WebSocket before its connection is cut."""

SHUTDOWN_SECONDS = 5.0
"""Time that open sockets get to finish when the server stops."""


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """The limits an operator may set; the defaults are Substrate's where Substrate has the flag."""

    request_bytes: int = MAX_REQUEST_BYTES
    response_bytes: int = MAX_RESPONSE_BYTES
    connections: int = MAX_CONNECTIONS
    subscriptions_per_connection: int = MAX_SUBSCRIPTIONS_PER_CONNECTION
    message_buffer_capacity: int = MESSAGE_BUFFER_CAPACITY
    outbox_bytes: int = MAX_OUTBOX_BYTES
    batch_length: int = MAX_BATCH_LENGTH
    batches_enabled: bool = True
    depth: int = MAX_DEPTH
    stalled_write_seconds: float = STALLED_WRITE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS

    def __post_init__(self) -> None:
        for name in (
            "request_bytes",
            "response_bytes",
            "connections",
            "message_buffer_capacity",
            "outbox_bytes",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"RPC limit {name} must be at least 1, got {getattr(self, name)}")
