"""All sections of a node's RPC interface in one method table."""

from __future__ import annotations

import secrets
from importlib import metadata
from typing import TYPE_CHECKING

from chain.rpc.author import AuthorMethods
from chain.rpc.chain import ChainMethods
from chain.rpc.engine import EngineMethods
from chain.rpc.inference import InferenceMethods
from chain.rpc.keys import KeyMethods
from chain.rpc.models import ModelsMethods
from chain.rpc.payment import PaymentMethods
from chain.rpc.state import StateMethods
from chain.rpc.state_feeds import StateFeeds
from chain.rpc.system import NodeIdentity, SystemMethods
from network.rpc import MethodTable
from runtime.primitives.keys import ss58

if TYPE_CHECKING:
    from chain.node import Node

_ED25519_IDENTITY = bytes((0x00, 0x24, 0x08, 0x01, 0x12, 0x20))
"""Of a libp2p peer id: the identity multihash of 36 bytes, which are a protobuf of an ed25519 key."""


def build_table(node: Node) -> MethodTable:
    """What this node serves."""
    store, runtime = node.store, node.runtime
    # Nobody can be asked for this name yet: a node without peers has a new one each time.
    peer = peer_id(secrets.token_bytes(32))
    identity = NodeIdentity(program_version(), peer, node.is_authority)
    return MethodTable(
        SystemMethods(store, runtime, node.transactions, node.spec, identity),
        ChainMethods(store, node.notifications),
        StateMethods(store, runtime),
        StateFeeds(store, runtime, node.notifications),
        AuthorMethods(node.transactions),
        KeyMethods(node.keystore),
        PaymentMethods(store, runtime),
        ModelsMethods(store, runtime),
        InferenceMethods(store, runtime),
        EngineMethods(node),
    )


def program_version() -> str:
    """The installed version of this program."""
    try:
        return metadata.version("fixpoint")
    except metadata.PackageNotFoundError:
        return "unknown"


def peer_id(public: bytes) -> str:
    """The name among peers of the holder of an ed25519 key, as libp2p writes it: `12D3KooW…`."""
    return ss58.to_base58(_ED25519_IDENTITY + public)
