"""The node's JSON-RPC interface: one class of handlers per section, over the parts that it reads.

Names, parameters, results and error codes are Substrate's; `models` and `inference` are this chain's own.
A handler translates: it decodes nothing (its annotations do), decides nothing, and lets the parts below fail
(`failures.py` says how clients hear of it).
"""

from chain.rpc.author import AuthorMethods
from chain.rpc.chain import ChainMethods
from chain.rpc.engine import EngineMethods, Sealer
from chain.rpc.failures import reported, rpc_error
from chain.rpc.inference import InferenceMethods
from chain.rpc.keys import KeyMethods
from chain.rpc.models import ModelsMethods
from chain.rpc.payment import PaymentMethods
from chain.rpc.state import StateMethods
from chain.rpc.state_feeds import StateFeeds
from chain.rpc.system import NodeIdentity, SystemMethods
from chain.rpc.table import build_table

__all__ = [
    "AuthorMethods",
    "ChainMethods",
    "EngineMethods",
    "InferenceMethods",
    "KeyMethods",
    "ModelsMethods",
    "NodeIdentity",
    "PaymentMethods",
    "Sealer",
    "StateFeeds",
    "StateMethods",
    "SystemMethods",
    "build_table",
    "reported",
    "rpc_error",
]
