"""Bringing evidence on chain: from two blocks in a slot, or two votes in a round, to an unsigned report."""

from chain.store import Store
from consensus.authorities import VoterSet
from consensus.finality.vote_equivocation import VoteEquivocation, on_chain_proof
from runtime.executive.api import RuntimeApi
from runtime.primitives.babe import EQUIVOCATION_PROOF, EquivocationProof
from runtime.primitives.grandpa import VOTE_EQUIVOCATION_PROOF
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
        holder = _U64.encode(proof.slot) + proof.offender
        return self._report("BabeApi", EQUIVOCATION_PROOF.encode(proof), holder)

    def of_votes(self, evidence: VoteEquivocation, voters: VoterSet) -> bytes | None:
        """The report of a voter of `voters` who voted twice; None where the chain takes none."""
        holder = _U64.encode(voters.set_id) + voters.members[evidence.first.voter].key
        proof = VOTE_EQUIVOCATION_PROOF.encode(on_chain_proof(evidence, voters))
        return self._report("GrandpaApi", proof, holder)

    def _report(self, api: str, proof: bytes, holder: bytes) -> bytes | None:
        """The runtime proves who held the key, then makes the extrinsic, as Substrate's nodes have it do."""
        state = self._store.state_at(self._store.best().hash)
        ownership = self._api.call(f"{api}_generate_key_ownership_proof", holder, state)
        if ownership[:1] != b"\1":
            return None
        made = list[bytes]()
        name = f"{api}_submit_report_equivocation_unsigned_extrinsic"
        self._api.call(name, proof + ownership[1:], state, made.append)
        return made[0] if made else None
