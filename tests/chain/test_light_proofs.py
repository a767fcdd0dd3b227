"""Light proofs that a node makes of its own chain, of two validators of which one leaves."""

from collections.abc import Sequence

import pytest

from chain.authoring import Author, Proposer
from chain.core.stored import StoredChain
from chain.finalising import Finaliser
from chain.keystore import Keystore
from chain.light_proofs import newest_finality, stored_handover
from chain.opening import Chain, assemble
from chain.pool import PoolTransaction
from chain.store import MemoryKeyValue
from client.transaction import SigningContext, sign
from consensus.finality.events import BlockStored
from consensus.finality.handover import (
    FinalityProof,
    Handover,
    InvalidHandover,
    verify_finality,
    verify_handovers,
)
from consensus.finality.justification import assemble as justify
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.ownership import BlsCrypto
from genesis.authority import finality_key
from genesis.build import build_genesis
from genesis.presets import testnet as network_of
from genesis.timing import runtime_of
from network.messages import Refusal, RefusalReason, WarpRequest, WarpResponse
from network.serving import answer
from runtime.inference_engine import LocalEngine
from runtime.primitives.keys import KeyPair

EPOCH = 4
HANDOVER = 2 * EPOCH + 1
SPEC = network_of(2, 1_000, EPOCH)
RUNTIME = runtime_of(SPEC, LocalEngine(), BlsCrypto())
GENESIS = build_genesis(SPEC, RUNTIME)
URIS = ("//Validator//0", "//Validator//1")
FIRST_SLOT = 1_700_000_001


class Line:
    """A chain of which `voters` make a chosen block final."""

    def __init__(self) -> None:
        self.chain: Chain = assemble(MemoryKeyValue(), GENESIS, RUNTIME)
        self.finaliser: Finaliser = self.chain.observer()
        store = self.chain.store
        self._author = Author(
            store, self.chain.importer, Proposer(store, RUNTIME), self.chain.checker, Keystore(None, URIS)
        )

    def grow(self, blocks: int, *pool: PoolTransaction) -> None:
        for _ in range(blocks):
            slot = FIRST_SLOT + self.chain.store.best().number
            authored = self._author.author(slot, lambda: slot * 1000, lambda: list(pool))  # noqa: B023
            assert authored is not None
            header = self.chain.store.header(authored.stored.hash)
            assert header is not None
            self.finaliser.handle(BlockStored(header), slot * 1000)
            pool = ()

    def finalise(self, number: int, set_id: int, uris: Sequence[str]) -> None:
        voters = self.chain.voters_of(set_id)
        block = self.chain.store.block_hash(number)
        assert block is not None
        vote = Vote(Stage.PRECOMMIT, block, number, 1, set_id)
        votes = list[SignedVote]()
        for key in map(finality_key, uris):
            index = voters.index_of(key.public)
            assert index is not None
            votes.append(SignedVote(vote, index, key.sign(vote.payload())))
        encoded = justify((block, number), votes, voters).encode()
        self.finaliser.justify(encoded, number, block, (FIRST_SLOT + number) * 1000)


def leaving() -> PoolTransaction:
    version = RUNTIME.version
    context = SigningContext.immortal(
        version.spec_version, version.transaction_version, GENESIS.header.hash()
    )
    call = RUNTIME.encode_call(RUNTIME.call("Session", "purge_keys"))
    made = sign(call, KeyPair.from_uri(URIS[1]), 0, context, 0)
    return PoolTransaction(made.hash, made.encoded, 1, (), (made.hash,), 2**32)


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
