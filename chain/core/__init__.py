"""All that a node decides, one event at a time and sans I/O but for its database.

`NodeCore.handle(event, now)` imports, authors, votes, synchronises and answers peers; it returns what is to
be done outside, in order. The node runs it on its writer thread, the simulator under virtual time.
"""

from chain.core.core import NodeCore, SyncStatus
from chain.core.events import (
    BlockOffered,
    Continue,
    Continued,
    HeadChosen,
    NodeEffect,
    NodeInput,
    Report,
    Send,
    SendToAll,
    SlotBegan,
    Submit,
    TransactionsHeard,
    VoteWanted,
    WakeAt,
    Woke,
)

__all__ = [
    "BlockOffered",
    "Continue",
    "Continued",
    "HeadChosen",
    "NodeCore",
    "NodeEffect",
    "NodeInput",
    "Report",
    "Send",
    "SendToAll",
    "SlotBegan",
    "Submit",
    "SyncStatus",
    "TransactionsHeard",
    "VoteWanted",
    "WakeAt",
    "Woke",
]
