"""Election of validators by stake: sequential Phragmen in integers, pure and deterministic."""

from runtime.election.balancing import balance
from runtime.election.phragmen import Ballot, Elected, InvalidElection, Share, elect
from runtime.election.supports import Support, supports_of

__all__ = ["Ballot", "Elected", "InvalidElection", "Share", "Support", "balance", "elect", "supports_of"]
