"""A database that comes from genesis to a final block of another node, and goes on as that one does."""

from collections.abc import Callable

import pytest

from chain.core.stored import StoredChain
from chain.finalising import read_authorities
from chain.importing import Received
from chain.light_proofs import stored_handover
from chain.opening import Chain, assemble
from chain.store import KeyValue, StateImport, audit
from chain.warping import Outcome, Warping
from consensus.finality.events import BlockStored
from consensus.finality.handover import verify_handovers
from network.messages import BlockPoint, PeerId, Role, Status
from network.serving import answer
from network.sync import Answered, PeerJoined
from network.sync.warp_events import Ask, Complete
from runtime.pallets.models import Models
from runtime.primitives.hashing import blake2_256
from tests.chain.line import ARTIFACT, FIRST_SLOT, GENESIS, HANDOVER, RUNTIME, URIS, Line, leaving, uploading
from tests.chain.store.support import Crash, FragileKeyValue

PEER = PeerId(bytes(32))
NOW = FIRST_SLOT * 1000
FAR_AHEAD_MS = 10**9


@pytest.fixture(scope="module")
def line() -> Line:
    """A chain whose second voter set has made a block final."""
    line = Line()
    line.grow(HANDOVER + 3, leaving(), *uploading())
    line.finalise(HANDOVER, 0, URIS)
    line.finalise(HANDOVER + 2, 1, URIS[:1])
    return line


def opened(kv: KeyValue) -> Chain:
    return assemble(kv, GENESIS, RUNTIME)


def warped(kv: KeyValue, line: Line, stop: Callable[[int], bool] = lambda step: False) -> Chain:
    """What a node does whenever it starts: open, warp where there is no block yet, and open again."""
    chain = opened(kv)
    if chain.store.best().number > 0:
        return chain
    warping, source = Warping(kv, chain.authorities), StoredChain(line.chain.store)
    status = Status(GENESIS.header.hash(), Role.FULL, source.best, source.finalised, "test")
    outcomes: list[Outcome] = [*warping.start(NOW), *warping.handle(PeerJoined(PEER, status), NOW)]
    step = 0
    while not any(isinstance(one, Complete) for one in outcomes):
        asked = next(one for one in reversed(outcomes) if isinstance(one, Ask))
        outcomes = warping.handle(Answered(PEER, asked.id, answer(asked.body, source)), NOW)
        step += 1
        if stop(step):
            return chain
    return opened(kv)


def check(chain: Chain, line: Line) -> None:
    """The chain stands at the final block of `line`, and holds all that it needs there."""
    theirs, ours = line.chain.store, chain.store
    final = theirs.finalized()
    assert ours.best() == ours.finalized() == final
    assert ours.state_root(final.hash) == theirs.state_root(final.hash)
    assert ours.body(final.hash) == theirs.body(final.hash)
    assert ours.justification(final.hash) == theirs.justification(final.hash)
    assert ours.artifact(blake2_256(ARTIFACT)) == ARTIFACT
    assert len(list(ours.state_at(final.hash).keys(Models.upload_chunks.prefix))) == 1
    assert read_authorities(ours) == read_authorities(theirs)
    assert audit(ours.kv).is_sound
    assert StoredChain(ours).best == BlockPoint(final.hash, final.number)


def test_a_warped_database_stands_at_the_final_block_and_proves_the_handover_to_others(line: Line) -> None:
    chain = warped(FragileKeyValue(), line)
    check(chain, line)
    handover = stored_handover(chain.store, 0)
    assert handover == stored_handover(line.chain.store, 0)
    assert handover is not None
    assert verify_handovers(chain.authorities, [handover]) == read_authorities(chain.store)
    assert chain.voters_of(1) == line.chain.voters_of(1)


def test_a_warped_node_executes_and_finalises_the_blocks_above(line: Line) -> None:
    chain = warped(FragileKeyValue(), line)
    theirs, finaliser = line.chain.store, chain.observer()
    assert finaliser.start(NOW + FAR_AHEAD_MS) is not None
    line.grow(2)
    line.finalise(HANDOVER + 4, 1, URIS[:1])
    for number in range(chain.store.best().number + 1, theirs.best().number + 1):
        block = theirs.block_hash(number)
        assert block is not None
        header, body = theirs.header(block), theirs.body(block)
        assert header is not None
        assert body is not None
        stored = chain.importer.import_block(Received(header, body), NOW + FAR_AHEAD_MS)
        finaliser.handle(BlockStored(header), NOW + FAR_AHEAD_MS)
        justification = theirs.justification(block)
        if justification is not None:
            finaliser.justify(justification, number, stored.hash, NOW + FAR_AHEAD_MS)
    assert chain.store.best() == theirs.best()
    assert chain.store.finalized() == theirs.finalized()
    assert audit(chain.store.kv).is_sound


def test_a_warp_that_is_stopped_after_any_answer_goes_on_where_it_was(line: Line) -> None:
    at_rest = 0
    for last in range(1, 20):
        kv = FragileKeyValue()
        stopped = warped(kv, line, lambda step, last=last: step == last)  # type: ignore[misc]
        if stopped.store.best().number > 0:
            break
        at_rest += StateImport(kv).target is not None
        chain = warped(kv, line)
        check(chain, line)
    assert at_rest >= 2


def test_a_warp_that_dies_at_any_write_is_complete_after_the_next_start(line: Line) -> None:
    whole = FragileKeyValue()
    opened(whole)
    first = whole.writes + 1
    warped(whole, line)
    for dies_at in range(first, whole.writes + 1):
        for surviving in (0, 99):
            kv = FragileKeyValue()
            opened(kv)
            kv.dies_at = dies_at
            with pytest.raises(Crash):
                warped(kv, line)
            check(warped(kv.reborn(surviving), line), line)
