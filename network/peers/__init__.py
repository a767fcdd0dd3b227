"""Which peers to have, and how far to trust them: pure machines, time as data."""

from network.peers.limits import RateLimits
from network.peers.manager import Admission, PeerLimits, PeerManager, Refused

__all__ = ["Admission", "PeerLimits", "PeerManager", "RateLimits", "Refused"]
