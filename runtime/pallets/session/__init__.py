"""Session: which validators work now and next, and with which keys."""

from runtime.pallets.session.pallet import Session
from runtime.pallets.session.roles import (
    AuthorshipHandler,
    Offence,
    OffenceHandler,
    SessionHandler,
    SessionManager,
    SessionValidator,
    ShouldEndSession,
    WeightedValidator,
)
from runtime.pallets.session.types import SessionKeys

__all__ = [
    "AuthorshipHandler",
    "Offence",
    "OffenceHandler",
    "Session",
    "SessionHandler",
    "SessionKeys",
    "SessionManager",
    "SessionValidator",
    "ShouldEndSession",
    "WeightedValidator",
]
