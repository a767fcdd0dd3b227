"""Light proofs by 100 voters: how large a justification is, how long it takes to check, and a long chain of
handovers, next to what ed25519 signatures (GRANDPA's own) need for the same.
"""

from nacl.signing import SigningKey

from benchmarks.harness import median_seconds, seconds, show
from consensus.authorities import Voter
from consensus.finality.bls import BlsKey
from consensus.finality.changes import AuthorityRecord, ScheduledChange, finality_item
from consensus.finality.handover import Handover, verify_handovers
from consensus.finality.justification import Justification, assemble, verify_justification
from consensus.finality.messages import SignedVote, Stage, Vote
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header

VOTERS = 100
EPOCHS = 1_000
SIGNERS = VOTERS - (VOTERS - 1) // 3
ED25519_PRECOMMIT = 36 + 64 + 32
"""Bytes of a signed precommit in GRANDPA's justification: target, signature, key."""


def run() -> None:
    """Measure and print."""
    keys = [BlsKey.from_seed(number.to_bytes(32, "little")) for number in range(1, VOTERS + 1)]
    members = tuple(Voter(key.public, 1) for key in keys)
    start = AuthorityRecord(0, members)
    handovers = _chain(keys, start)
    encoded = [handover.encode() for handover in handovers]
    one = handovers[0].justification
    voters = start.voters()
    check = median_seconds(lambda: verify_justification(one, voters), 50)
    signed = [(key, key.sign(b"vote" * 13)) for key in (SigningKey.generate() for _ in range(SIGNERS))]
    singly = median_seconds(lambda: [key.verify_key.verify(vote) for key, vote in signed], 20)
    whole = seconds(lambda: verify_handovers(start, [Handover.decode(data) for data in encoded]))
    show(
        f"Finality proofs, {VOTERS} voters",
        ["", "measured", "limit", "67 ed25519 signatures"],
        [
            [
                "justification beyond the target, bytes",
                str(len(one.encode()) - 36),
                "400",
                str(SIGNERS * ED25519_PRECOMMIT),
            ],
            ["justification, keys decoded, ms", f"{1000 * check:.2f}", "10", f"{1000 * singly:.2f}"],
            [f"{EPOCHS:,} handovers with decoding, s", f"{whole:.2f}", "5", f"{EPOCHS * singly:.2f}"],
        ],
    )


def _chain(keys: list[BlsKey], record: AuthorityRecord) -> list[Handover]:
    """Handovers of unchanged sets, one block apart."""
    handovers, parent = list[Handover](), Header(bytes(32), 0, bytes(32), bytes(32), Digest())
    log = finality_item(ScheduledChange(record.members, 0))
    voters = record.voters()
    for set_id in range(EPOCHS):
        block = Header(parent.hash(), parent.number + 1, bytes(32), bytes(32), Digest((log,)))
        handovers.append(Handover((block,), _justified(keys, block, set_id, len(voters))))
        parent = block
    return handovers


def _justified(keys: list[BlsKey], block: Header, set_id: int, size: int) -> Justification:
    """The least supermajority's justification of a block."""
    vote = Vote(Stage.PRECOMMIT, block.hash(), block.number, 1, set_id)
    votes = [SignedVote(vote, index, keys[index].sign(vote.payload())) for index in range(SIGNERS)]
    record = AuthorityRecord(set_id, tuple(Voter(key.public, 1) for key in keys[:size]))
    return assemble((block.hash(), block.number), votes, record.voters())
