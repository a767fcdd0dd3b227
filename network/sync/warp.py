"""Warp synchronisation: from a known voter set to a recent final block, its state and its artifacts.

A pure machine: the handovers and the newest proof of finality, the body of the block that they prove, its
state in proved ranges, and the artifacts that the state names. One request is out at a time, to the peer that
says to know the highest final block. Whatever arrives is verified before it is kept, so a peer can delay it,
but not mislead it.
"""

from collections.abc import Sequence
from enum import Enum

from consensus.faults import InvalidHeader
from consensus.finality.changes import AuthorityRecord, PendingChange, find_scheduled_change
from consensus.finality.handover import (
    FinalityProof,
    Handover,
    InvalidHandover,
    verify_finality,
    verify_handovers,
)
from consensus.finality.justification import Justification
from consensus.finality.scheme import BLS, SignatureScheme
from network.messages import (
    ArtifactRequest,
    ArtifactResponse,
    BlocksRequest,
    BlocksResponse,
    Direction,
    PeerFault,
    PeerId,
    Refusal,
    RefusalReason,
    RequestBody,
    ResponseBody,
    StateRequest,
    StateResponse,
    WarpRequest,
    WarpResponse,
)
from network.sync.answers import WrongAnswer, check_blocks
from network.sync.events import Answered, PeerGone, PeerJoined, Report, Tick, WakeAt
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
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.trie import InvalidProof, verify_range_proof

TIMEOUT_MS = 15_000
"""An answer of 4 MiB at 3 Mbit/s takes 11 s."""

RETRY_MS = 2_000
"""After every peer was asked in vain: a busy one may have time again, another one may have come."""

MAX_RANGE_ENTRIES = 16_384
"""Of one answer; what is verified in a second and stored in one batch of some megabytes."""

MAX_ARTIFACT_BYTES = 4 << 20
"""States name pieces of models, of 1 MiB at most."""


class Step(Enum):
    """What is missing next."""

    PROOFS = "handovers and a proof of finality"
    BODY = "the body of the final block"
    STATE = "its state"
    NAMES = "the list of artifacts, from the database"
    ARTIFACTS = "artifacts"
    DONE = "nothing"


class WarpCore:
    """`authorities` rule at genesis, or at a trusted later block; `resumed` is an import under way."""

    def __init__(
        self, authorities: AuthorityRecord, resumed: Resumed | None = None, scheme: SignatureScheme = BLS
    ) -> None:
        self._trusted = authorities
        self._scheme = scheme
        self._peers = dict[PeerId, int]()
        self._vain = set[PeerId]()
        self._without = set[PeerId]()
        self._asked: Ask | None = None
        self._until: int | None = None
        self._next_id = 0
        self._authorities = authorities
        self._handovers = list[Handover]()
        self._header: Header | None = None
        self._justification: Justification | None = None
        self._cursor: bytes | None = None
        self._missing = list[bytes]()
        self._piece = bytearray()
        self.step = Step.PROOFS
        if resumed is not None:
            self._header, self._cursor = resumed.header, resumed.cursor
            self.step = Step.NAMES if resumed.is_complete else Step.STATE

    def start(self) -> list[WarpEffect]:
        """What an import that was interrupted behind the state needs; call it once, first."""
        return [StateComplete()] if self.step is Step.NAMES else []

    def handle(self, event: WarpInput, now: int) -> list[WarpEffect]:
        """React to one event at time `now` (ms)."""
        effects = list[WarpEffect]()
        match event:
            case PeerJoined(peer, status):
                self._peers[peer] = status.finalised.number
            case PeerGone(peer):
                self._peers.pop(peer, None)
                self._vain.discard(peer)
                if self._asked is not None and self._asked.peer == peer:
                    self._asked, self._until = None, None
                    self._piece.clear()
            case Answered(peer, number, body):
                effects += self._answered(peer, number, body)
            case ArtifactsMissing(hashes):
                assert self.step is Step.NAMES, "nobody asked"
                self._missing = list(hashes)
                self._to(Step.ARTIFACTS)
            case Tick():
                effects += self._overdue(now)
        return effects + self._go_on(now)

    # -- asking -------------------------------------------------------------------------------------------

    def _begin_again(self) -> None:
        """Nothing is known but the trusted set."""
        self._authorities, self._cursor = self._trusted, None
        self._handovers.clear()
        self._to(Step.PROOFS)

    def _to(self, step: Step) -> None:
        """Every peer may have what the next step needs."""
        self.step = step
        self._vain.clear()
        self._without.clear()

    def _go_on(self, now: int) -> list[WarpEffect]:
        if self.step is Step.ARTIFACTS and not self._missing:
            self._to(Step.DONE)
            return [Complete()]
        if self.step in (Step.NAMES, Step.DONE) or self._asked is not None:
            return []
        able = [peer for peer in self._peers if peer not in self._vain]
        if not able:
            return self._asked_all_in_vain(now)
        peer = max(able, key=lambda one: self._peers[one])
        self._next_id += 1
        self._asked = Ask(peer, self._next_id, self._wanted())
        self._until = now + TIMEOUT_MS
        return [self._asked, WakeAt(self._until)]

    def _asked_all_in_vain(self, now: int) -> list[WarpEffect]:
        """Wait for better times; a block or state that no peer has is one that all have pruned."""
        effects = list[WarpEffect]()
        is_lost = bool(self._peers) and all(peer in self._without for peer in self._peers)
        if is_lost and self.step in (Step.BODY, Step.STATE):
            if self.step is Step.STATE:
                effects.append(TargetLost())
            self._begin_again()
            self._vain.update(self._peers)
        if self._until is None or self._until <= now:
            self._until = now + RETRY_MS
            effects.append(WakeAt(self._until))
        return effects

    def _wanted(self) -> RequestBody:
        if self.step is Step.PROOFS:
            return WarpRequest(self._authorities.set_id)
        if self.step is Step.ARTIFACTS:
            return ArtifactRequest(self._missing[0], len(self._piece))
        assert self._header is not None, "a block was proved to be final"
        block = self._header.hash()
        if self.step is Step.BODY:
            return BlocksRequest(block, Direction.DESCENDING, 1, bodies=True, justifications=False)
        return StateRequest(block, self._cursor)

    def _overdue(self, now: int) -> list[WarpEffect]:
        if self._until is not None and now < self._until:
            return [WakeAt(self._until)]
        self._until = None
        if self._asked is None:
            self._vain.clear()
            return []
        late, self._asked = self._asked, None
        return self._blame(late.peer, PeerFault.TIMED_OUT, "")

    def _blame(self, peer: PeerId, fault: PeerFault, detail: str) -> list[WarpEffect]:
        self._vain.add(peer)
        self._piece.clear()
        return [Report(peer, fault, detail)]

    # -- answers ------------------------------------------------------------------------------------------

    def _answered(self, peer: PeerId, number: int, body: ResponseBody) -> list[WarpEffect]:
        asked = self._asked
        if asked is None or (asked.peer, asked.id) != (peer, number):
            return [Report(peer, PeerFault.UNREQUESTED, f"request {number}")]
        self._asked, self._until = None, None
        try:
            match asked.body, body:
                case WarpRequest(), WarpResponse():
                    self._follow(body)
                case BlocksRequest() as request, BlocksResponse(blocks):
                    check_blocks(request, blocks)
                    if not blocks:
                        raise WrongAnswer("no block")
                    return [self._proved(blocks[0].extrinsics or ())]
                case StateRequest(), StateResponse(proof):
                    return self._range(proof)
                case ArtifactRequest(content_hash), ArtifactResponse():
                    return self._artifact(content_hash, body)
                case _, Refusal(reason):
                    self._refused(peer, reason)
                case _:
                    raise WrongAnswer(type(body).__name__)
        except WrongAnswer as wrong:
            return self._blame(peer, PeerFault.BAD_ANSWER, str(wrong))
        except (InvalidHandover, InvalidHeader, InvalidProof) as invalid:
            return self._blame(peer, PeerFault.BAD_PROOF, str(invalid))
        return []

    def _refused(self, peer: PeerId, reason: RefusalReason) -> None:
        """Behind the last handover no proof need exist: then the block that handed over is the newest."""
        if self.step is Step.PROOFS and self._handovers and reason is RefusalReason.UNKNOWN:
            last = self._handovers[-1]
            self._header, self._justification = last.headers[-1], last.justification
            self._to(Step.BODY)
            return
        self._vain.add(peer)
        self._piece.clear()
        if reason is RefusalReason.UNKNOWN:
            self._without.add(peer)

    def _follow(self, response: WarpResponse) -> None:
        """Nothing of an answer counts unless all of it holds."""
        if not response.handovers and response.proof is None:
            raise WrongAnswer("neither a handover nor a proof")
        handovers = [Handover.decode(one) for one in response.handovers]
        authorities = verify_handovers(self._authorities, handovers, self._scheme)
        header: Header | None = None
        if response.proof is not None:
            proof = FinalityProof.decode(response.proof)
            header = verify_finality(authorities, proof, self._scheme)
            authorities = _behind(authorities, header)
            self._justification = proof.justification
        self._authorities = authorities
        self._handovers += handovers
        if header is not None:
            self._header = header
            self._to(Step.BODY)

    def _proved(self, body: tuple[bytes, ...]) -> WarpEffect:
        assert self._header is not None, "it was asked for"
        assert self._justification is not None, "it was verified"
        self._to(Step.STATE)
        handovers = tuple(self._handovers)
        return TargetProved(WarpTarget(self._header, body, self._justification, self._authorities, handovers))

    def _range(self, proof: Sequence[bytes]) -> list[WarpEffect]:
        assert self._header is not None, "its state was asked for"
        found = verify_range_proof(
            self._header.state_root, list(proof), start_after=self._cursor, limit=MAX_RANGE_ENTRIES
        )
        self._cursor = max(found.entries, default=self._cursor)
        effects: list[WarpEffect] = [RangeProved(dict(found.entries), found.complete)]
        if found.complete:
            self._to(Step.NAMES)
            effects.append(StateComplete())
        return effects

    def _artifact(self, content_hash: bytes, response: ArtifactResponse) -> list[WarpEffect]:
        whole = len(self._piece) + len(response.data)
        if response.size > MAX_ARTIFACT_BYTES or whole > response.size:
            raise WrongAnswer(f"{response.size} bytes, of which {whole} came")
        if not response.data and whole < response.size:
            raise WrongAnswer("an empty piece")
        self._piece += response.data
        if whole < response.size:
            return []
        content = bytes(self._piece)
        self._piece.clear()
        if blake2_256(content) != content_hash:
            raise WrongAnswer("bytes of another hash")
        self._missing.pop(0)
        return [ArtifactFetched(content)]


def _behind(authorities: AuthorityRecord, header: Header) -> AuthorityRecord:
    """Who rules above a final block, which may itself announce a change, or be the one to enact it.

    A change that an earlier block announced and a later one enacts is not seen: this chain's runtime
    announces without delay. Raises `InvalidHeader`.
    """
    change = find_scheduled_change(header)
    if change is None or header.number <= authorities.spent:
        return authorities
    if change.delay == 0:
        return AuthorityRecord(authorities.set_id + 1, change.next_voters, header.number)
    waits = PendingChange(header.hash(), header.number, header.number + change.delay, change.next_voters)
    return AuthorityRecord(authorities.set_id, authorities.members, authorities.spent, waits)
