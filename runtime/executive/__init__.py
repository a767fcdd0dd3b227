"""The executive: blocks, transactions and questions, executed by the pallets of one runtime version."""

from runtime.executive.api import RuntimeApi, UnknownApi
from runtime.executive.builder import BlockBuilder
from runtime.executive.interfaces import METADATA_FOR_ALL
from runtime.executive.outcome import (
    DryRun,
    Execution,
    ExtrinsicOutcome,
    GenesisState,
    SignatureCheck,
    SignatureChecks,
    serial,
)
from runtime.executive.runtime import Runtime
from runtime.executive.versions import Runtimes
from runtime.frame.validity import TransactionSource

__all__ = [
    "METADATA_FOR_ALL",
    "BlockBuilder",
    "DryRun",
    "Execution",
    "ExtrinsicOutcome",
    "GenesisState",
    "Runtime",
    "RuntimeApi",
    "Runtimes",
    "SignatureCheck",
    "SignatureChecks",
    "TransactionSource",
    "UnknownApi",
    "serial",
]
