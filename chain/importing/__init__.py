"""Import: from bytes that anyone may have sent to a block in the database, one type per stage."""

from chain.importing.checker import HeaderChecker
from chain.importing.importer import BlockImporter
from chain.importing.stages import (
    Executed,
    Received,
    RejectedBlock,
    RejectionReason,
    Stored,
    Verified,
)

__all__ = [
    "BlockImporter",
    "Executed",
    "HeaderChecker",
    "Received",
    "RejectedBlock",
    "RejectionReason",
    "Stored",
    "Verified",
]
