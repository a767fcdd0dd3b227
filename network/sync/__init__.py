"""Synchronisation: which blocks to ask of whom, and what their answers are worth. Pure machines."""

from network.sync.core import SyncCore
from network.sync.events import (
    Announced,
    Answered,
    ChainProbe,
    Finalised,
    ImportBlocks,
    Imported,
    ImportFailed,
    ImportJustification,
    PeerGone,
    PeerJoined,
    Report,
    SendRequest,
    SyncEffect,
    SyncInput,
    Tick,
    WakeAt,
    Wanted,
)

__all__ = [
    "Announced",
    "Answered",
    "ChainProbe",
    "Finalised",
    "ImportBlocks",
    "ImportFailed",
    "ImportJustification",
    "Imported",
    "PeerGone",
    "PeerJoined",
    "Report",
    "SendRequest",
    "SyncCore",
    "SyncEffect",
    "SyncInput",
    "Tick",
    "WakeAt",
    "Wanted",
]
