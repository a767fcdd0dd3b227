"""Warp synchronisation against peers that serve, that have nothing, and that lie."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from consensus.authorities import Voter
from consensus.finality.changes import AuthorityRecord, ScheduledChange, finality_item
from consensus.finality.handover import FinalityProof, Handover
from consensus.finality.justification import Justification, assemble
from network.messages import (
    ArtifactRequest,
    ArtifactResponse,
    BlockData,
    BlockPoint,
    BlocksResponse,
    PeerFault,
    PeerId,
    Refusal,
    RefusalReason,
    RequestBody,
    ResponseBody,
    Role,
    StateRequest,
    StateResponse,
    Status,
    WarpRequest,
    WarpResponse,
)
from network.serving import answer
from network.sync import Answered, PeerGone, PeerJoined, Report, Tick
from network.sync.warp import RETRY_MS, TIMEOUT_MS, WarpCore
from network.sync.warp_events import (
    ArtifactFetched,
    ArtifactsMissing,
    Ask,
    Complete,
    RangeProved,
    Resumed,
    StateComplete,
    TargetLost,
    TargetProved,
    WarpEffect,
    WarpInput,
    WarpTarget,
)
from runtime.primitives.digest import DigestItem
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.trie import build, extrinsics_root, prove_range
from tests.consensus.builders import GENESIS, bls_key, child, precommit

KEYS = [bls_key(number) for number in range(1, 5)]
MEMBERS = tuple(Voter(key.public, 1) for key in KEYS)
START = AuthorityRecord(0, MEMBERS)
STATE = {b"key %03d" % number: b"value %d" % number * (1 + number % 9) for number in range(250)}
NODES = dict[bytes, bytes]()
ROOT = build(sorted(STATE.items()), 1, lambda record: NODES.update([record]))
BODY = (b"\x04a", b"\x04b")
ARTIFACTS = {blake2_256(content): content for content in (b"small", bytes(3 << 20))}
PER_ANSWER = 60


def final_header(parent: Header, *logs: DigestItem) -> Header:
    header = child(parent, *logs)
    return replace(header, state_root=ROOT, extrinsics_root=extrinsics_root(list(BODY)))


def justified(header: Header, set_id: int) -> Justification:
    votes = [precommit(KEYS, voter, header, set_id=set_id) for voter in range(4)]
    return assemble((header.hash(), header.number), votes, AuthorityRecord(set_id, MEMBERS).voters())


CHANGE = finality_item(ScheduledChange(MEMBERS, 0))
HANDOVERS = list[Handover]()
_parent = GENESIS
for _set_id in range(3):
    _parent = final_header(_parent, CHANGE)
    HANDOVERS.append(Handover((_parent,), justified(_parent, _set_id)))
FINAL = final_header(_parent)
PROOF = FinalityProof(FINAL, justified(FINAL, 3))


@dataclass
class Source:
    """What an honest peer has; `proof` None: the newest set has made nothing final."""

    proof: FinalityProof | None = PROOF
    has_state: bool = True
    artifacts: dict[bytes, bytes] = field(default_factory=lambda: dict(ARTIFACTS))

    def header(self, block: bytes) -> Header | None:
        known = [FINAL, *(one.headers[0] for one in HANDOVERS)]
        return next((one for one in known if one.hash() == block), None)

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        return BODY

    def justification(self, block: bytes) -> bytes | None:
        return None

    def block_hash(self, number: int) -> bytes | None:
        return None

    def state_proof(self, block: bytes, start_after: bytes | None) -> tuple[bytes, ...] | None:
        if not self.has_state:
            return None
        return tuple(prove_range(ROOT, NODES.get, start_after=start_after, limit=PER_ANSWER))

    def artifact(self, content_hash: bytes) -> bytes | None:
        return self.artifacts.get(content_hash)

    def handover(self, set_id: int) -> bytes | None:
        return HANDOVERS[set_id].encode() if set_id < len(HANDOVERS) else None

    def finality_proof(self, set_id: int) -> bytes | None:
        return self.proof.encode() if self.proof is not None and set_id == len(HANDOVERS) else None


Answers = Callable[[RequestBody], ResponseBody | None]


def honest(source: Source | None = None) -> Answers:
    return lambda body: answer(body, source or Source())


class Warp:
    """A core, its peers' answers, and what it has stored."""

    def __init__(self, resumed: Resumed | None = None) -> None:
        self.core = WarpCore(START, resumed)
        self.peers = dict[PeerId, Answers]()
        self.now = 1_000
        self.target: WarpTarget | None = None
        self.entries = dict[bytes, bytes]()
        self.artifacts = list[bytes]()
        self.reports = list[tuple[PeerId, PeerFault]]()
        self.lost = 0
        self.is_complete = False
        self.asked = list[RequestBody]()
        self.open: Ask | None = None
        self.carry_out(self.core.start())

    def join(self, name: int, answers: Answers, finalised: int = 4) -> PeerId:
        peer = PeerId(bytes([name]) * 32)
        self.peers[peer] = answers
        points = BlockPoint(bytes(32), finalised), BlockPoint(bytes(32), finalised)
        self.tell(PeerJoined(peer, Status(bytes(32), Role.FULL, *points, "test")))
        return peer

    def tell(self, event: WarpInput) -> None:
        self.carry_out(self.core.handle(event, self.now))

    def carry_out(self, effects: list[WarpEffect]) -> None:
        for effect in effects:
            match effect:
                case Ask(_, _, body):
                    self.open = effect
                    self.asked.append(body)
                case TargetProved(target):
                    self.target = target
                case RangeProved(entries, _):
                    self.entries |= entries
                case StateComplete():
                    self.tell(ArtifactsMissing(tuple(ARTIFACTS)))
                case ArtifactFetched(content):
                    self.artifacts.append(content)
                case TargetLost():
                    self.lost += 1
                    self.entries.clear()
                case Complete():
                    self.is_complete = True
                case Report(peer, fault, _):
                    self.reports.append((peer, fault))

    def run(self, steps: int = 60) -> "Warp":
        """Answers arrive, one after the other; where nothing is open or answered, time passes."""
        for _ in range(steps):
            asked, self.open = self.open, None
            body = self.peers[asked.peer](asked.body) if asked is not None else None
            if asked is not None and body is not None:
                self.tell(Answered(asked.peer, asked.id, body))
            elif not self.is_complete:
                self.now += TIMEOUT_MS
                self.tell(Tick())
        return self

    def check(self) -> None:
        assert self.is_complete
        assert self.entries == STATE
        assert sorted(self.artifacts) == sorted(ARTIFACTS.values())


def test_one_honest_peer_leads_from_genesis_to_a_final_block_with_state_and_artifacts() -> None:
    warp = Warp()
    warp.join(1, honest())
    warp.run().check()
    assert warp.target is not None
    assert (warp.target.header, warp.target.body) == (FINAL, BODY)
    assert warp.target.authorities == AuthorityRecord(3, MEMBERS, spent=3)
    assert warp.target.handovers == tuple(HANDOVERS)
    assert warp.target.justification == PROOF.justification
    assert warp.reports == []
    cursors = [body.start_after for body in warp.asked if isinstance(body, StateRequest)]
    assert cursors == [None, *sorted(STATE)[PER_ANSWER - 1 :: PER_ANSWER]]


def test_where_the_newest_set_has_made_nothing_final_the_block_that_handed_over_is_taken() -> None:
    warp = Warp()
    warp.join(1, honest(Source(proof=None)))
    warp.run().check()
    assert warp.target is not None
    assert warp.target.header == HANDOVERS[-1].headers[0]
    assert warp.target.justification == HANDOVERS[-1].justification


def test_a_final_block_that_hands_over_brings_the_next_set_even_if_the_peer_hides_it() -> None:
    header = HANDOVERS[-1].headers[0]
    proof = FinalityProof(header, HANDOVERS[-1].justification)
    hiding = WarpResponse(tuple(one.encode() for one in HANDOVERS[:-1]), proof.encode())
    warp = Warp()
    warp.join(1, lambda body: hiding if isinstance(body, WarpRequest) else answer(body, Source()))
    warp.run().check()
    assert warp.target is not None
    assert warp.target.authorities == AuthorityRecord(3, MEMBERS, spent=3)


def test_the_peer_with_the_highest_final_block_is_asked_first() -> None:
    warp = Warp()
    low = warp.join(1, lambda body: None, finalised=2)
    warp.tell(PeerGone(low))
    high = warp.join(2, honest(), finalised=9)
    warp.join(3, honest(), finalised=3)
    assert warp.open is not None
    assert warp.open.peer == high
    warp.run().check()


def forged_range(body: RequestBody) -> ResponseBody:
    response = answer(body, Source())
    if isinstance(response, StateResponse):
        return StateResponse((*response.proof[:-1], response.proof[-1] + b"\x00"))
    return response


def forged_handover(body: RequestBody) -> ResponseBody:
    response = answer(body, Source())
    return (
        replace(response, handovers=response.handovers[1:])
        if isinstance(response, WarpResponse)
        else response
    )


def forged_proof(body: RequestBody) -> ResponseBody:
    other = FinalityProof(child(FINAL), PROOF.justification).encode()
    response = answer(body, Source())
    return replace(response, proof=other) if isinstance(response, WarpResponse) else response


def forged_body(body: RequestBody) -> ResponseBody:
    response = answer(body, Source())
    return (
        BlocksResponse((BlockData(FINAL, (b"\x04x",)),)) if isinstance(response, BlocksResponse) else response
    )


def forged_artifact(body: RequestBody) -> ResponseBody:
    return ArtifactResponse(3, b"bad") if isinstance(body, ArtifactRequest) else answer(body, Source())


def endless_artifact(body: RequestBody) -> ResponseBody:
    is_artifact = isinstance(body, ArtifactRequest)
    return ArtifactResponse(1 << 40, bytes(1 << 20)) if is_artifact else answer(body, Source())


def nothing(body: RequestBody) -> ResponseBody:
    return WarpResponse((), None) if isinstance(body, WarpRequest) else answer(body, Source())


def another_kind(body: RequestBody) -> ResponseBody:
    return StateResponse(()) if isinstance(body, WarpRequest) else answer(body, Source())


@pytest.mark.parametrize(
    ("liar", "fault"),
    [
        (forged_range, PeerFault.BAD_PROOF),
        (forged_handover, PeerFault.BAD_PROOF),
        (forged_proof, PeerFault.BAD_PROOF),
        (forged_body, PeerFault.BAD_ANSWER),
        (forged_artifact, PeerFault.BAD_ANSWER),
        (endless_artifact, PeerFault.BAD_ANSWER),
        (nothing, PeerFault.BAD_ANSWER),
        (another_kind, PeerFault.BAD_ANSWER),
        (lambda body: None, PeerFault.TIMED_OUT),
    ],
)
def test_a_liar_is_reported_and_the_honest_peer_asked_instead(liar: Answers, fault: PeerFault) -> None:
    warp = Warp()
    bad = warp.join(1, liar, finalised=9)
    warp.join(2, honest())
    warp.run().check()
    assert warp.reports
    assert set(warp.reports) == {(bad, fault)}


def test_answers_that_nobody_asked_for_change_nothing() -> None:
    warp = Warp()
    peer = warp.join(1, honest())
    assert warp.open is not None
    for event in (
        Answered(peer, warp.open.id + 1, WarpResponse((), PROOF.encode())),
        Answered(PeerId(bytes(32)), warp.open.id, WarpResponse((), PROOF.encode())),
    ):
        warp.tell(event)
    assert [fault for _, fault in warp.reports] == [PeerFault.UNREQUESTED] * 2
    warp.run().check()


def test_a_state_that_no_peer_has_any_more_is_given_up_for_a_newer_block() -> None:
    source = Source(has_state=False)
    warp = Warp(Resumed(HANDOVERS[0].headers[0], b"key 100", is_complete=False))
    warp.join(1, honest(source))
    warp.run(3)
    assert warp.lost == 1
    source.has_state = True
    warp.run().check()
    assert warp.target is not None
    assert warp.target.header == FINAL


def test_an_import_under_way_survives_silence_and_goes_on_behind_its_last_key() -> None:
    cursor = sorted(STATE)[99]
    warp = Warp(Resumed(FINAL, cursor, is_complete=False))
    warp.entries = {key: value for key, value in STATE.items() if key <= cursor}
    peer = warp.join(1, lambda body: None)
    warp.run(3)
    assert (warp.lost, warp.target) == (0, None)
    warp.peers[peer] = honest()
    warp.run().check()
    assert next(body for body in warp.asked if isinstance(body, StateRequest)).start_after == cursor


def test_an_import_with_all_of_its_state_asks_only_for_artifacts() -> None:
    warp = Warp(Resumed(FINAL, max(STATE), is_complete=True))
    warp.entries = dict(STATE)
    warp.join(1, honest())
    warp.run().check()
    assert all(isinstance(body, ArtifactRequest) for body in warp.asked)


def test_a_peer_that_leaves_in_the_middle_of_an_artifact_is_replaced() -> None:
    warp = Warp(Resumed(FINAL, max(STATE), is_complete=True))
    warp.entries = dict(STATE)
    first = warp.join(1, honest(), finalised=9)
    warp.run(3)
    assert isinstance(warp.asked[-1], ArtifactRequest)
    assert warp.asked[-1].offset > 0
    warp.tell(PeerGone(first))
    warp.join(2, honest())
    warp.run().check()


def test_busy_peers_are_asked_again_after_a_pause() -> None:
    warp = Warp()
    peer = warp.join(1, lambda body: Refusal(RefusalReason.BUSY))
    warp.run(1)
    assert warp.open is None
    warp.tell(Tick())
    assert warp.open is None
    warp.now += RETRY_MS
    warp.peers[peer] = honest()
    warp.tell(Tick())
    warp.run().check()
