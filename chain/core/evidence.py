"""Bringing evidence on chain: from two blocks in a slot, or two votes in a round, to an unsigned report."""

from chain.store import Store
from consensus.finality.messages import SignedVote, Stage
from consensus.finality.vote_equivocation import VoteEquivocation
from runtime.executive.api import RuntimeApi
from runtime.primitives.babe import EQUIVOCATION_PROOF, EquivocationProof
from runtime.primitives.grandpa import (
    VOTE_EQUIVOCATION_PROOF,
    Precommit,
    PrecommitEquivocation,
    PrecommitEquivocationBody,
    Prevote,
    PrevoteEquivocation,
    PrevoteEquivocationBody,
    VoteEquivocationProof,
)
from runtime.primitives.integers import U64
from runtime.primitives.scale import codec

_U64 = codec(U64)


class Evidence:
    """Makes reports by the runtime of the best block, whose state proves who held a key."""

    def __init__(self, store: Store, api: RuntimeApi) -> None:
        self._store = store
        self._api = api

    def of_blocks(self, proof: EquivocationProof) -> bytes | None:
        """The report of an author who built two blocks in one slot; None where the chain takes none."""
        ownership = self._ask(
            "BabeApi_generate_key_ownership_proof", _U64.encode(proof.slot) + proof.offender
        )
        return self._report("BabeApi", EQUIVOCATION_PROOF.encode(proof), ownership)

    def of_votes(self, evidence: VoteEquivocation, voter: bytes) -> bytes | None:
        """The report of a voter (its BLS key) who voted twice; None where the chain takes none."""
        set_id = _U64.encode(evidence.first.vote.set_id)
        ownership = self._ask("GrandpaApi_generate_key_ownership_proof", set_id + voter)
        return self._report("GrandpaApi", VOTE_EQUIVOCATION_PROOF.encode(_proof(evidence, voter)), ownership)

    def _ask(self, name: str, parameters: bytes) -> bytes | None:
        """The opaque bytes of an optional answer."""
        state = self._store.state_at(self._store.best().hash)
        answer = self._api.call(name, parameters, state)
        return answer[1:] if answer[:1] == b"\1" else None

    def _report(self, api: str, proof: bytes, ownership: bytes | None) -> bytes | None:
        if ownership is None:
            return None
        made = list[bytes]()
        state = self._store.state_at(self._store.best().hash)
        name = f"{api}_submit_report_equivocation_unsigned_extrinsic"
        self._api.call(name, proof + ownership, state, made.append)
        return made[0] if made else None


def _proof(evidence: VoteEquivocation, voter: bytes) -> VoteEquivocationProof:
    """The evidence as the runtime reads it."""
    first, second, vote = evidence.first, evidence.second, evidence.first.vote
    if vote.stage is Stage.PREVOTE:
        prevotes = PrevoteEquivocationBody(vote.round, voter, _prevote(first), _prevote(second))
        return VoteEquivocationProof(vote.set_id, PrevoteEquivocation(prevotes))
    precommits = PrecommitEquivocationBody(vote.round, voter, _precommit(first), _precommit(second))
    return VoteEquivocationProof(vote.set_id, PrecommitEquivocation(precommits))


def _prevote(signed: SignedVote) -> tuple[Prevote, bytes]:
    return Prevote(signed.vote.target_hash, signed.vote.target_number), signed.signature


def _precommit(signed: SignedVote) -> tuple[Precommit, bytes]:
    return Precommit(signed.vote.target_hash, signed.vote.target_number), signed.signature
