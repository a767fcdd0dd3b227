"""The groups of the new JSON-RPC specification: `chainHead`, `transaction`, `transactionWatch`, `chainSpec`,
`archive`.

A client takes a group whole or not at all, so each is complete, and a node that lacks one lists none of its
methods. The source is the specification's text (paritytech/json-rpc-interface-spec) and, where that leaves
room, polkadot-sdk's `sc-rpc-spec-v2`.
"""

from chain.rpc.specification.archive import ArchiveMethods
from chain.rpc.specification.chain_head import ChainHeadMethods
from chain.rpc.specification.chain_spec import ChainSpecMethods
from chain.rpc.specification.transaction import TransactionMethods

__all__ = ["ArchiveMethods", "ChainHeadMethods", "ChainSpecMethods", "TransactionMethods"]
