"""Small, deterministic chains for the consensus tests."""

from collections.abc import Sequence

from consensus.authorities import Authority, AuthoritySet, Voter, VoterSet
from consensus.claims import SlotClaim, claim_slot
from consensus.digest import pre_digest_item
from consensus.epoch import AllowedSlots, Epoch
from consensus.finality.bls import BlsKey
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.keys import SessionKey
from consensus.seal import seal_header
from runtime.primitives.digest import Digest, DigestItem
from runtime.primitives.header import Header

RANDOMNESS = bytes(range(32))
GENESIS = Header(bytes(32), 0, bytes([1]) * 32, bytes([2]) * 32, Digest())


def key(number: int) -> SessionKey:
    return SessionKey.from_seed(bytes([number]) * 32)


def epoch(
    *keys: SessionKey,
    allowed: AllowedSlots = AllowedSlots.PrimaryAndSecondaryVRFSlots,
    c: tuple[int, int] = (1, 4),
    duration: int = 1_000,
) -> Epoch:
    members = tuple(Authority(each.public, 1) for each in keys or (key(1),))
    return Epoch(0, 0, duration, AuthoritySet(members), RANDOMNESS, c, allowed)


def claimed(slots: Epoch, *keys: SessionKey, primary: bool, start: int = 0) -> tuple[SlotClaim, SessionKey]:
    """The first claim of the wanted kind that one of `keys` has."""
    for slot in range(start, slots.duration):
        for each in keys:
            claim = claim_slot(slot, slots, each)
            if claim is not None and claim.primary is primary:
                return claim, each
    raise AssertionError("no such claim in the epoch")


def child(parent: Header, *logs: DigestItem, state: int = 3) -> Header:
    return Header(parent.hash(), parent.number + 1, bytes([state]) * 32, bytes(32), Digest(logs))


def sealed_child(
    parent: Header, claim: SlotClaim, author: SessionKey, *logs: DigestItem, state: int = 3
) -> Header:
    return seal_header(child(parent, pre_digest_item(claim.pre_digest), *logs, state=state), author)


def bls_key(number: int) -> BlsKey:
    return BlsKey.from_seed(number.to_bytes(32, "little"))


def voter_set(weights: Sequence[int], set_id: int = 0) -> tuple[VoterSet, list[BlsKey]]:
    keys = [bls_key(index + 1) for index in range(len(weights))]
    members = tuple(Voter(each.public, weight) for each, weight in zip(keys, weights, strict=True))
    return VoterSet(set_id, members), keys


def precommit(
    keys: list[BlsKey], voter: int, header: Header, round_number: int = 1, set_id: int = 0
) -> SignedVote:
    vote = Vote(Stage.PRECOMMIT, header.hash(), header.number, round_number, set_id)
    return SignedVote(vote, voter, keys[voter].sign(vote.payload()))


def chain(length: int, parent: Header = GENESIS, state: int = 3) -> list[Header]:
    """`length` unsealed headers above `parent`, oldest first."""
    headers = list[Header]()
    for _ in range(length):
        parent = child(parent, state=state)
        headers.append(parent)
    return headers
