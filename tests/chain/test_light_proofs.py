"""Light proofs that a node makes of its own chain, of two validators of which one leaves."""

import pytest

from chain.core.stored import StoredChain
from chain.light_proofs import newest_finality, stored_handover
from consensus.finality.handover import (
    FinalityProof,
    Handover,
    InvalidHandover,
    verify_finality,
    verify_handovers,
)
from genesis.authority import finality_key
from network.messages import Refusal, RefusalReason, WarpRequest, WarpResponse
from network.serving import answer
from tests.chain.line import HANDOVER, URIS, Line, leaving


@pytest.fixture(scope="module")
def line() -> Line:
    """Final up to the handover block."""
    line = Line()
    line.grow(HANDOVER + 2, leaving())
    line.finalise(2, 0, URIS)
    line.finalise(HANDOVER, 0, URIS)
    return line


def test_a_node_proves_a_handover_that_others_follow_from_genesis(line: Line) -> None:
    handover = stored_handover(line.chain.store, 0)
    assert handover is not None
    assert [header.number for header in handover.headers] == [HANDOVER]
    newest = verify_handovers(line.chain.authorities, [handover])
    assert newest.set_id == 1
    assert [voter.key for voter in newest.members] == [finality_key(URIS[0]).public]
    assert stored_handover(line.chain.store, 1) is None


def test_a_node_without_a_handover_has_only_its_newest_proof_and_at_genesis_not_even_that() -> None:
    line = Line()
    assert newest_finality(line.chain.store) is None
    assert answer(WarpRequest(0), StoredChain(line.chain.store)) == Refusal(RefusalReason.UNKNOWN)
    line.grow(2)
    line.finalise(1, 0, URIS)
    response = answer(WarpRequest(0), StoredChain(line.chain.store))
    assert isinstance(response, WarpResponse)
    assert response.handovers == ()
    assert response.proof is not None
    header = verify_finality(line.chain.authorities, FinalityProof.decode(response.proof))
    assert header.hash() == line.chain.store.block_hash(1)


def test_a_warp_answer_leads_from_genesis_to_the_newest_final_block(line: Line) -> None:
    source, store = StoredChain(line.chain.store), line.chain.store
    bare = answer(WarpRequest(0), source)
    assert isinstance(bare, WarpResponse)
    assert (len(bare.handovers), bare.proof) == (1, None), "the new set has made nothing final"
    line.finalise(HANDOVER + 2, 1, URIS[:1])
    response = answer(WarpRequest(0), source)
    assert isinstance(response, WarpResponse)
    assert response.handovers == bare.handovers
    assert response.proof is not None
    proof = FinalityProof.decode(response.proof)
    newest = verify_handovers(line.chain.authorities, map(Handover.decode, response.handovers))
    assert verify_finality(newest, proof).hash() == store.finalized().hash
    with pytest.raises(InvalidHandover):
        verify_finality(line.chain.authorities, proof)
    assert answer(WarpRequest(1), source) == WarpResponse((), response.proof)
    assert answer(WarpRequest(2), source) == Refusal(RefusalReason.UNKNOWN)


def test_a_node_starts_again_after_its_first_handover(line: Line) -> None:
    restarted = line.chain.observer()
    assert restarted.voters.set_id == 1
