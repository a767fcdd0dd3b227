"""How votes are signed: the three operations that finality needs of a signature scheme.

The chain knows one, BLS12-381. It is an argument so that whole clusters can be simulated with a cheap one.
"""

from collections.abc import Sequence
from typing import Protocol

from consensus.authorities import VoterSet
from consensus.finality import bls
from consensus.finality.messages import SignedVote, is_of_set, verify_vote


class SignatureScheme(Protocol):
    """Signatures of 96 bytes that add up."""

    def verify_votes(self, votes: Sequence[SignedVote], voters: VoterSet) -> tuple[bool, ...]:
        """For each vote whether its signature is that of the voter it names."""
        ...

    def aggregate(self, signatures: Sequence[bytes]) -> bytes:
        """One signature that stands for all of them."""
        ...

    def verify_aggregate(
        self, voters: VoterSet, signers: Sequence[int], message: bytes, signature: bytes
    ) -> bool:
        """Whether an aggregate holds for these signers of one message."""
        ...


class BlsScheme:
    """BLS12-381. Votes are checked all at once; only a batch with a wrong one is checked vote by vote."""

    def verify_votes(self, votes: Sequence[SignedVote], voters: VoterSet) -> tuple[bool, ...]:
        """See `SignatureScheme`."""
        if len(votes) > 1 and all(is_of_set(signed, voters) for signed in votes):
            checks = [(voters.keys[one.voter], one.vote.payload(), one.signature) for one in votes]
            try:
                if bls.verify_batch(checks):
                    return (True,) * len(votes)
            except bls.InvalidBls:
                # One of them is no signature at all; which one, the single checks tell.
                pass
        return tuple(verify_vote(signed, voters) for signed in votes)

    def aggregate(self, signatures: Sequence[bytes]) -> bytes:
        """See `SignatureScheme`."""
        return bls.aggregate(signatures)

    def verify_aggregate(
        self, voters: VoterSet, signers: Sequence[int], message: bytes, signature: bytes
    ) -> bool:
        """See `SignatureScheme`; costs one pairing check (2 ms) however many signers there are."""
        try:
            return bls.fast_aggregate_verify([voters.keys[signer] for signer in signers], message, signature)
        except bls.InvalidBls:
            return False


BLS: SignatureScheme = BlsScheme()
"""The scheme of the chain."""
