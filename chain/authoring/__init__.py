"""Authoring: what goes into a block, and how it leaves this node."""

from chain.authoring.author import Author, Authored
from chain.authoring.proposer import Proposal, Proposer
from chain.authoring.refusal import SealingRefused

__all__ = ["Author", "Authored", "Proposal", "Proposer", "SealingRefused"]
