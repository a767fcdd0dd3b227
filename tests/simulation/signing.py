"""A signature scheme that costs microseconds: a keyed hash that anybody could forge, and nobody here does."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from consensus.authorities import Voter, VoterSet
from consensus.finality.bls import BlsKey
from consensus.finality.messages import SignedVote, is_of_set


@lru_cache(maxsize=200_000)
def toy_signature(public: bytes, message: bytes) -> bytes:
    return blake2b(message, key=public, digest_size=48).digest() * 2


class ToyScheme:
    """Implements `SignatureScheme`; aggregates are sums, so members and message are bound as with BLS."""

    def verify_votes(self, votes: Sequence[SignedVote], voters: VoterSet) -> tuple[bool, ...]:
        return tuple(
            is_of_set(one, voters)
            and one.signature == toy_signature(voters.members[one.voter].key, one.vote.payload())
            for one in votes
        )

    def aggregate(self, signatures: Sequence[bytes]) -> bytes:
        total = sum(int.from_bytes(one, "big") for one in signatures)
        return (total % 2**768).to_bytes(96, "big")

    def verify_aggregate(
        self, voters: VoterSet, signers: Sequence[int], message: bytes, signature: bytes
    ) -> bool:
        own = [toy_signature(voters.members[signer].key, message) for signer in signers]
        return self.aggregate(own) == signature


@lru_cache(maxsize=256)
def bls_key(number: int) -> BlsKey:
    return BlsKey.from_seed(number.to_bytes(32, "little"))


def voter(number: int, weight: int = 1) -> Voter:
    return Voter(bls_key(number + 1).public, weight)
