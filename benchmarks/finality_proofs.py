"""What light proofs cost: the size and the check of one justification, and a long chain of handovers.

Goals: 400 bytes beyond header and target and 10 ms for 100 validators that all voted for one target, with the
set's keys parsed; 1,000 epochs of an unchanged set in 5 s.
"""

from collections.abc import Sequence

from benchmarks.harness import console, median_seconds, seconds, show
from consensus.authorities import Voter
from consensus.finality.bls import BlsKey, aggregate
from consensus.finality.changes import AuthorityRecord, ScheduledChange, finality_item
from consensus.finality.handover import FinalityProof, Handover, verify_finality, verify_handovers
from consensus.finality.justification import Justification, VoteGroup, verify_justification
from consensus.finality.messages import Stage, Vote, pack_signers
from runtime.primitives.digest import Digest, DigestItem
from runtime.primitives.header import Header

VALIDATORS = 100
EPOCHS = 1_000
TARGET_BYTES = 36
"""Hash and number."""

MAX_BYTES, MAX_CHECK_MS, MAX_CHAIN_SECONDS = 400, 10.0, 5.0
REPEATS = 50


class Electorate:
    """Validators that always vote as one.

    The sum of their signatures is the signature of the sum of their secrets, so that a thousand proofs take a
    thousand signatures to make, not a hundred thousand; the bytes are the same.
    """

    def __init__(self, size: int) -> None:
        keys = [BlsKey.from_seed(number.to_bytes(32, "little")) for number in range(1, size + 1)]
        self.members = tuple(Voter(key.public, 1) for key in keys)
        secret = keys[0]._secret
        for key in keys[1:]:
            secret = secret + key._secret
        self._together = BlsKey(b"", secret)
        probe = b"signed one by one and together"
        assert self._together.sign(probe) == aggregate([key.sign(probe) for key in keys])

    def justify(self, header: Header, set_id: int) -> Justification:
        """All precommits of round 1 for one block."""
        vote = Vote(Stage.PRECOMMIT, header.hash(), header.number, 1, set_id)
        size = len(self.members)
        signature = self._together.sign(vote.payload())
        group = VoteGroup(vote.target_hash, vote.target_number, pack_signers(range(size), size), signature)
        return Justification(1, set_id, vote.target_hash, vote.target_number, (group,))


def child(parent: Header, logs: tuple[DigestItem, ...] = ()) -> Header:
    """The next header of a chain without state."""
    return Header(parent.hash(), parent.number + 1, bytes(32), bytes(32), Digest(logs))


def epochs(electorate: Electorate, genesis: Header, count: int) -> list[Handover]:
    """As many handovers of the same voters to themselves."""
    announcement = (finality_item(ScheduledChange(electorate.members, 0)),)
    handovers, parent = list[Handover](), genesis
    for set_id in range(count):
        parent = child(parent, announcement)
        handovers.append(Handover((parent,), electorate.justify(parent, set_id)))
    return handovers


def verify_encoded(authorities: AuthorityRecord, handovers: Sequence[bytes]) -> AuthorityRecord:
    """As a light client does: from bytes to who rules."""
    return verify_handovers(authorities, map(Handover.decode, handovers))


def run() -> None:
    """Print sizes and times beside their goals."""
    electorate = Electorate(VALIDATORS)
    genesis = Header(bytes(32), 0, bytes(32), bytes(32), Digest(()))
    start = AuthorityRecord(0, electorate.members)
    header = child(genesis)
    proof = FinalityProof(header, electorate.justify(header, 0))
    beyond = len(proof.encode()) - len(header.encode()) - TARGET_BYTES
    voters = start.voters()
    parsed = median_seconds(lambda: verify_justification(proof.justification, voters), REPEATS) * 1_000
    fresh = median_seconds(lambda: verify_finality(start, proof), REPEATS) * 1_000
    encoded = [handover.encode() for handover in epochs(electorate, genesis, EPOCHS)]
    chain_seconds = seconds(lambda: verify_encoded(start, encoded))
    rows = [
        ("bytes beyond header and target", f"{beyond}", f"{MAX_BYTES}", beyond <= MAX_BYTES),
        ("check, keys parsed", f"{parsed:.1f} ms", f"{MAX_CHECK_MS:.0f} ms", parsed <= MAX_CHECK_MS),
        (
            f"{EPOCHS:,} handovers to the same set, from bytes",
            f"{chain_seconds:.2f} s",
            f"{MAX_CHAIN_SECONDS:.0f} s",
            chain_seconds < MAX_CHAIN_SECONDS,
        ),
    ]
    show(
        f"Light proofs, {VALIDATORS} validators",
        ["", "found", "goal", "holds"],
        [[what, found, goal, "yes" if holds else "NO"] for what, found, goal, holds in rows],
    )
    size = sum(map(len, encoded)) / EPOCHS
    console.print(f"check with keys still to parse {fresh:.1f} ms; a handover takes {size:,.0f} bytes")
