"""All sections of a node's RPC interface in one method table."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from chain.rpc.author import AuthorMethods
from chain.rpc.chain import ChainMethods
from chain.rpc.engine import EngineMethods
from chain.rpc.inference import InferenceMethods
from chain.rpc.keys import KeyMethods
from chain.rpc.models import ModelsMethods
from chain.rpc.payment import PaymentMethods
from chain.rpc.specification import (
    ArchiveMethods,
    ChainHeadMethods,
    ChainSpecMethods,
    TransactionMethods,
)
from chain.rpc.state import StateMethods
from chain.rpc.state_feeds import StateFeeds
from chain.rpc.system import NodeIdentity, SystemMethods
from network.identity import peer_name
from network.rpc import MethodTable

if TYPE_CHECKING:
    from chain.node import Node


def build_table(node: Node) -> MethodTable:
    """What this node serves."""
    store, runtime = node.store, node.runtime
    identity = NodeIdentity(program_version(), peer_name(node.identity.peer), node.config.validator)
    return MethodTable(
        SystemMethods(store, runtime, node.transactions, node.spec, identity, node.peering),
        ChainMethods(store, node.notifications),
        StateMethods(store, runtime),
        StateFeeds(store, runtime, node.notifications),
        AuthorMethods(node.transactions),
        KeyMethods(node.keystore),
        PaymentMethods(store, runtime),
        ModelsMethods(store, runtime),
        InferenceMethods(store, runtime),
        EngineMethods(node),
        *_specification(node),
    )


def _specification(node: Node) -> list[object]:
    """The groups of the new specification: none on a legacy-only node, the archive where states are kept."""
    if node.config.rpc_legacy_only:
        return []
    store, runtime = node.store, node.runtime
    groups: list[object] = [
        ChainHeadMethods(store, runtime, node.notifications),
        ChainSpecMethods(node.spec, store),
        TransactionMethods(node.transactions, node.notifications),
    ]
    if store.pruning.kept_states is None:
        groups.append(ArchiveMethods(store, runtime))
    return groups


def program_version() -> str:
    """The installed version of this program."""
    try:
        return metadata.version("fixpoint")
    except metadata.PackageNotFoundError:
        return "unknown"
