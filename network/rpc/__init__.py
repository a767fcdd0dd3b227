"""JSON-RPC 2.0 over WebSocket and HTTP: framing and method table as pure parts, the server as a thin shell.

A module of handlers declares methods with `@method` and `@subscription`; `MethodTable` collects them;
`RpcServer` serves the table. See `methods.py` for how a declaration reads.
"""

from network.rpc.broadcast import Broadcast, Listener
from network.rpc.dispatch import Observer
from network.rpc.errors import Json, RpcError
from network.rpc.limits import RpcLimits
from network.rpc.methods import Connection, Context, MethodTable, method, subscription
from network.rpc.policy import ALL_ORIGINS, DEFAULT_ORIGINS, UnsafeMethods
from network.rpc.server import RpcConfig, RpcServer, RpcServerError
from network.rpc.subscriptions import SlowReader

__all__ = [
    "ALL_ORIGINS",
    "DEFAULT_ORIGINS",
    "Broadcast",
    "Connection",
    "Context",
    "Json",
    "Listener",
    "MethodTable",
    "Observer",
    "RpcConfig",
    "RpcError",
    "RpcLimits",
    "RpcServer",
    "RpcServerError",
    "SlowReader",
    "UnsafeMethods",
    "method",
    "subscription",
]
