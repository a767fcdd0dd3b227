"""Justifications: the proof that a supermajority of one voter set precommitted to a block or to its
descendants.

Precommits are grouped by target: one aggregate signature and one bitfield each, so a check costs one pairing
per distinct target. The rule is GRANDPA's commit rule: the final block must be the precommit ghost, the
highest block that has a supermajority. A voter in two groups has equivocated and counts for every block;
votes below the target may stand in as evidence of that.

Encoding is canonical: groups and ancestry ascend by (number, hash), nothing is repeated and nothing is
superfluous.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Annotated

from consensus.authorities import VoterSet
from consensus.finality.messages import SignedVote, Stage, Vote, pack_signers, unpack_signers
from consensus.finality.scheme import BLS, SignatureScheme
from runtime.primitives.errors import InvalidData
from runtime.primitives.header import Header
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import InvalidScale, MaxLen, Vector, codec
from runtime.primitives.types import H256, Bytes96

MAX_GROUPS = 64
"""Distinct targets in one justification: honest precommits differ by a few blocks; 64 pairings take about
0.15 s.
"""

MAX_ANCESTRY = 1_024
"""Headers between the lowest and the highest targets; at some 300 bytes each, a third of a megabyte."""

MAX_BITFIELD = 125
"""`MAX_AUTHORITIES` bits."""


class JustificationFault(Enum):
    """Why a justification was refused."""

    ENCODING = "not the encoding of a justification"
    SET_ID = "made by another voter set"
    NO_VOTES = "no group of votes"
    GROUP_ORDER = "groups do not strictly ascend by number and hash"
    SIGNERS = "bitfield does not fit the voter set"
    NO_SIGNERS = "a group without signers"
    SURPLUS_VOTE = "a voter in more than two groups"
    ANCESTRY_ORDER = "headers do not strictly ascend by number and hash"
    ANCESTRY_MISSING = "a target is not shown to descend from the lowest one"
    ANCESTRY_UNUSED = "a header that connects no target"
    BELOW_THRESHOLD = "too little weight"
    NOT_GHOST = "a descendant has a supermajority as well"
    BEYOND_HANDOVER = "the block that hands over to the next voter set comes first"
    SIGNATURE = "an aggregate signature does not hold"


class InvalidJustification(InvalidData):
    """A justification that finalises nothing."""

    reason: JustificationFault


@dataclass(frozen=True, slots=True)
class VoteGroup:
    """All precommits to one target: bitfield of voters (least significant bit first) and their aggregate
    signature.
    """

    target_hash: H256
    target_number: U32
    signers: Annotated[bytes, MaxLen(MAX_BITFIELD)]
    signature: Bytes96


@dataclass(frozen=True, slots=True)
class Justification:
    """Why block `target_hash` is final; stored and sent under engine id `FRNK`.

    `ancestry` holds the headers that link every group's target, and the final block, down to the lowest of
    them (not included).
    """

    round: U64
    set_id: U64
    target_hash: H256
    target_number: U32
    groups: Annotated[Vector[VoteGroup], MaxLen(MAX_GROUPS)]
    ancestry: Annotated[Vector[Header], MaxLen(MAX_ANCESTRY)] = ()

    def encode(self) -> bytes:
        """SCALE bytes."""
        return JUSTIFICATION.encode(self)

    @staticmethod
    def decode(data: bytes) -> "Justification":
        """The justification of SCALE bytes; raises `InvalidJustification` where they are anything else."""
        try:
            return JUSTIFICATION.decode(data)
        except InvalidScale as error:
            raise InvalidJustification(JustificationFault.ENCODING, str(error)) from error


JUSTIFICATION = codec(Justification)


def assemble(
    target: tuple[bytes, int],
    votes: Sequence[SignedVote],
    voters: VoterSet,
    ancestry: Sequence[Header] = (),
    scheme: SignatureScheme = BLS,
) -> Justification:
    """The justification of `target` (hash, number) from verified precommits of one round; it is not checked
    here.

    `ancestry` are the headers that the votes need; they are put in order.
    """
    assert votes, "a justification needs votes"
    assert all(signed.vote.stage is Stage.PRECOMMIT for signed in votes), "only precommits justify"
    round_number = votes[0].vote.round
    assert all(signed.vote.round == round_number for signed in votes), "votes of several rounds"
    by_target: dict[tuple[int, bytes], dict[int, bytes]] = {}
    for signed in votes:
        key = (signed.vote.target_number, signed.vote.target_hash)
        by_target.setdefault(key, {})[signed.voter] = signed.signature
    groups = tuple(
        VoteGroup(hash_, number, pack_signers(members, len(voters)), scheme.aggregate(list(members.values())))
        for (number, hash_), members in sorted(by_target.items())
    )
    headers = tuple(sorted(ancestry, key=lambda header: (header.number, header.hash())))
    return Justification(round_number, voters.set_id, target[0], target[1], groups, headers)


def verify_justification(
    justification: Justification, voters: VoterSet, scheme: SignatureScheme = BLS
) -> None:
    """Raise `InvalidJustification` unless `voters` finalised the target.

    Signatures come last, so that a malformed justification costs no pairing.
    """
    if justification.set_id != voters.set_id:
        raise InvalidJustification(
            JustificationFault.SET_ID, f"set {justification.set_id}, expected {voters.set_id}"
        )
    signers = _signers_of(justification, voters)
    parents = _parents_down_to_base(justification)
    _check_weights(justification, signers, parents, voters)
    for group, members in zip(justification.groups, signers, strict=True):
        _check_signature(justification, group, members, voters, scheme)


def _signers_of(justification: Justification, voters: VoterSet) -> list[tuple[int, ...]]:
    """The voters of each group, after checking order, bitfields and that nobody votes more than twice."""
    groups = justification.groups
    if not groups:
        raise InvalidJustification(JustificationFault.NO_VOTES, f"for block {justification.target_number}")
    if not _strictly_ascending([(group.target_number, group.target_hash) for group in groups]):
        raise InvalidJustification(JustificationFault.GROUP_ORDER, f"{len(groups)} groups")
    signers, votes = list[tuple[int, ...]](), [0] * len(voters)
    for group in groups:
        members = unpack_signers(group.signers, len(voters))
        if members is None:
            raise InvalidJustification(JustificationFault.SIGNERS, f"{len(voters)} voters", group.signers)
        if not members:
            raise InvalidJustification(JustificationFault.NO_SIGNERS, f"for block {group.target_number}")
        for member in members:
            votes[member] += 1
        signers.append(members)
    if max(votes) > 2:
        # Two votes already prove the equivocation; more would only be work for whoever verifies.
        raise InvalidJustification(JustificationFault.SURPLUS_VOTE, f"voter {votes.index(max(votes))}")
    return signers


def _parents_down_to_base(justification: Justification) -> dict[bytes, bytes]:
    """Child to parent for every block above the lowest target, after checking that the links are complete and
    all needed.
    """
    headers = [(header.number, header.hash(), header) for header in justification.ancestry]
    if not _strictly_ascending([(number, hash_) for number, hash_, _ in headers]):
        raise InvalidJustification(JustificationFault.ANCESTRY_ORDER, f"{len(headers)} headers")
    known = {hash_: header for _, hash_, header in headers}
    ends = [(justification.target_number, justification.target_hash)]
    ends += [(group.target_number, group.target_hash) for group in justification.groups]
    base_number, base_hash = min(ends)
    parents: dict[bytes, bytes] = {}
    for number, hash_ in ends:
        while number > base_number and hash_ not in parents:
            header = known.get(hash_)
            if header is None or header.number != number:
                raise InvalidJustification(
                    JustificationFault.ANCESTRY_MISSING, f"header {number} {hash_.hex()}"
                )
            parents[hash_] = header.parent_hash
            number, hash_ = number - 1, header.parent_hash
        if hash_ not in parents and hash_ != base_hash:
            raise InvalidJustification(JustificationFault.ANCESTRY_MISSING, f"block {number} {hash_.hex()}")
        if hash_ in parents and known[hash_].number != number:
            raise InvalidJustification(
                JustificationFault.ANCESTRY_MISSING, f"{hash_.hex()} is not number {number}"
            )
    if len(parents) != len(known):
        raise InvalidJustification(JustificationFault.ANCESTRY_UNUSED, f"{len(known) - len(parents)} headers")
    return parents


def _check_weights(
    justification: Justification,
    signers: list[tuple[int, ...]],
    parents: Mapping[bytes, bytes],
    voters: VoterSet,
) -> None:
    """The target must have a supermajority, and none of its children may."""
    seen, equivocators = set[int](), set[int]()
    for members in signers:
        equivocators |= seen.intersection(members)
        seen.update(members)
    for_all = sum(voters.members[voter].weight for voter in sorted(equivocators))
    weights: dict[bytes, int] = {}
    for group, members in zip(justification.groups, signers, strict=True):
        weight = sum(voters.members[voter].weight for voter in members if voter not in equivocators)
        block: bytes | None = group.target_hash
        while block is not None:
            weights[block] = weights.get(block, 0) + weight
            block = parents.get(block)
    target = justification.target_hash
    total = for_all + weights.get(target, 0)
    if total < voters.threshold:
        raise InvalidJustification(
            JustificationFault.BELOW_THRESHOLD, f"{total} of the needed {voters.threshold}"
        )
    for child, parent in parents.items():
        if parent == target and for_all + weights[child] >= voters.threshold:
            raise InvalidJustification(JustificationFault.NOT_GHOST, f"its child {child.hex()}")


def _check_signature(
    justification: Justification,
    group: VoteGroup,
    members: tuple[int, ...],
    voters: VoterSet,
    scheme: SignatureScheme,
) -> None:
    vote = Vote(
        Stage.PRECOMMIT, group.target_hash, group.target_number, justification.round, justification.set_id
    )
    if not scheme.verify_aggregate(voters, members, vote.payload(), group.signature):
        raise InvalidJustification(
            JustificationFault.SIGNATURE, f"of the group for block {group.target_number}"
        )


def _strictly_ascending(keys: Sequence[tuple[int, bytes]]) -> bool:
    return all(left < right for left, right in pairwise(keys))
