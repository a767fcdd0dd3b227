"""Grandpa: the voters of each set, changed with the session, and forced changes by governance."""

from collections.abc import Sequence

from runtime.frame.api import runtime_api
from runtime.frame.call import RuntimeCall, call
from runtime.frame.errors import CallFailed, ensure
from runtime.frame.genesis import GenesisReader
from runtime.frame.origin import Origin, ensure_none, ensure_root, ensure_signed
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.session_crypto import SessionCrypto
from runtime.frame.storage import Hasher, StorageMap, StorageValue
from runtime.frame.validity import TransactionSource, ValidTransaction
from runtime.frame.weights import MICROSECOND, MILLISECOND, DispatchClass, PostDispatchInfo, Weight
from runtime.pallets.evidence import FREE, ProvedOffence, describe_report, submit_offence
from runtime.pallets.grandpa.types import (
    GrandpaError,
    GrandpaEvent,
    Live,
    NewAuthorities,
    OpaqueKeyOwnershipProof,
    StoredPendingChange,
    StoredState,
    Voters,
)
from runtime.pallets.historical import MEMBERSHIP_PROOF, Historical, MembershipProof
from runtime.pallets.session import Session, SessionHandler, SessionValidator
from runtime.pallets.session.types import GRANDPA_KEY
from runtime.pallets.system import System
from runtime.primitives.grandpa import (
    PRECOMMIT,
    PREVOTE,
    ForcedChange,
    GrandpaId,
    PrevoteEquivocation,
    ScheduledChange,
    VoteEquivocationProof,
    Voter,
    VoterDisabled,
    finality_item,
    vote_payload,
)
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import InvalidScale
from runtime.primitives.types import BlockNumber

OFFENCE_KIND = b"grandpa:equivoca"

REPORT = Weight(10 * MILLISECOND, 8_000)
"""Two BLS signatures (2 ms and a hash to the curve each), a membership proof, and the note of the offence."""
NOTE_STALLED = Weight(100 * MICROSECOND)
ON_INITIALIZE = Weight(60 * MICROSECOND)


class Grandpa(Pallet, SessionHandler, index=11, events=GrandpaEvent, errors=GrandpaError):
    """The voters who make blocks final, and evidence against those who voted twice."""

    state: StorageValue[StoredState] = StorageValue(default=Live(), doc="State of the current authority set.")
    pending_change: StorageValue[StoredPendingChange | None] = StorageValue(
        doc="Pending change: (signaled at, scheduled change)."
    )
    next_forced: StorageValue[BlockNumber | None] = StorageValue(
        doc="Next block number where we can force a change."
    )
    stalled: StorageValue[tuple[BlockNumber, BlockNumber] | None] = StorageValue(
        doc="`true` if we are currently stalled."
    )
    current_set_id: StorageValue[U64] = StorageValue(
        default=0,
        doc="The number of changes (both in terms of keys and underlying economic responsibilities).",
    )
    set_id_session: StorageMap[U64, U32 | None] = StorageMap(
        hasher=Hasher.TWOX_64_CONCAT,
        doc="A mapping from grandpa set ID to the index of the *most recent* session for which its members "
        "were responsible.",
    )
    authorities: StorageValue[Voters] = StorageValue(default=(), doc="The current list of authorities.")

    max_authorities: Constant[U32] = Constant(doc="Max Authorities in use")
    max_nominators: Constant[U32] = Constant(doc="The maximum number of nominators for each validator.")
    max_set_id_session_entries: Constant[U64] = Constant(
        doc="The maximum number of entries to keep in the set id to session index mapping."
    )

    system = Uses(System)
    session = Uses(Session)
    historical = Uses(Historical)

    @call(0, weight=REPORT)
    def report_equivocation(
        self, origin: Origin, equivocation_proof: VoteEquivocationProof, key_owner_proof: MembershipProof
    ) -> PostDispatchInfo:
        """Report voter equivocation/misbehavior. A valid report costs no fee."""
        reporter = ensure_signed(origin)
        submit_offence(self.env, (reporter,), self._offence(equivocation_proof, key_owner_proof))
        return FREE

    @call(1, weight=REPORT, dispatch_class=DispatchClass.Operational)
    def report_equivocation_unsigned(
        self, origin: Origin, equivocation_proof: VoteEquivocationProof, key_owner_proof: MembershipProof
    ) -> PostDispatchInfo:
        """Report voter equivocation/misbehavior, by whoever holds the evidence and without a fee."""
        ensure_none(origin)
        submit_offence(self.env, (), self._offence(equivocation_proof, key_owner_proof))
        return FREE

    @call(2, weight=NOTE_STALLED)
    def note_stalled(
        self, origin: Origin, delay: BlockNumber, best_finalized_block_number: BlockNumber
    ) -> None:
        """Note that the current authority set of the GRANDPA finality gadget has stalled.

        The next session forces a change of authorities, `delay` blocks behind its start. Root only.
        """
        ensure_root(origin)
        self.stalled.put((delay, best_finalized_block_number))

    def validate_unsigned(self, call: RuntimeCall, source: TransactionSource) -> ValidTransaction:
        """Evidence is valid from anyone, as long as it convicts somebody who was not reported for it yet."""
        if call.declaration.name != "report_equivocation_unsigned":
            return super().validate_unsigned(call, source)
        return describe_report(self.env, call, lambda: self._offence(*call.arguments))

    def _offence(self, proof: VoteEquivocationProof, ownership: MembershipProof) -> ProvedOffence:
        """What valid evidence proves; fails the call where it proves nothing. Cheap checks come first."""
        last = self.set_id_session.get(proof.set_id)
        before = self.set_id_session.get(proof.set_id - 1) if proof.set_id else None
        known = last is not None and (before is not None or proof.set_id == 0)
        if not known or last is None or ownership.session > last:
            raise CallFailed(GrandpaError.INVALID_EQUIVOCATION_PROOF)
        ensure(before is None or ownership.session > before, GrandpaError.INVALID_EQUIVOCATION_PROOF)
        body = proof.equivocation.body
        owner = self.historical.owner(GRANDPA_KEY, body.identity, ownership)
        if owner is None:
            raise CallFailed(GrandpaError.INVALID_KEY_OWNERSHIP_PROOF)
        ensure(convicts(self.env.crypto, proof), GrandpaError.INVALID_EQUIVOCATION_PROOF)
        time = proof.set_id.to_bytes(8, "little") + body.round_number.to_bytes(8, "little")
        return ProvedOffence(OFFENCE_KIND, ownership, time, owner, GrandpaError.DUPLICATE_OFFENCE_REPORT)

    # -- sets ---------------------------------------------------------------------------------------------

    def on_initialize(self, number: int) -> Weight:
        """Account for `on_finalize`."""
        return ON_INITIALIZE

    def on_finalize(self, number: int) -> None:
        """Announce a change in the block that scheduled it, and enact it in its own."""
        change = self.pending_change.get()
        if change is None:
            return
        if number == change.scheduled_at:
            voters = tuple(Voter(key, weight) for key, weight in change.next_authorities)
            self.system.deposit_log(
                finality_item(
                    ScheduledChange(voters, change.delay)
                    if change.forced is None
                    else ForcedChange(change.forced, voters, change.delay)
                )
            )
        if number == change.scheduled_at + change.delay:
            self.authorities.put(change.next_authorities)
            self.deposit_event(NewAuthorities(change.next_authorities))
            self.pending_change.kill()

    def on_genesis_session(self, validators: Sequence[SessionValidator]) -> None:
        """The first set votes from the first block on."""
        self.authorities.put(_weighted(validators))
        self.set_id_session.insert(0, 0)

    def on_new_session(
        self, changed: bool, validators: Sequence[SessionValidator], queued: Sequence[SessionValidator]
    ) -> None:
        """Another set votes where the validators may have changed, or where governance says it stalled."""
        set_id = self.current_set_id.get()
        stalled = self.stalled.take()
        if (changed or stalled is not None) and self._schedule(_weighted(validators), stalled):
            set_id += 1
            self.current_set_id.put(set_id)
            oldest = set_id - self.max_set_id_session_entries
            if oldest >= 0:
                self.set_id_session.remove(oldest)
        self.set_id_session.insert(set_id, self.session.current_index.get())

    def on_disabled(self, index: int) -> None:
        """Tell in the header that this voter is expected to stay silent."""
        self.system.deposit_log(finality_item(VoterDisabled(index)))

    def _schedule(self, voters: Voters, stalled: tuple[int, int] | None) -> bool:
        """Schedule a change; False where one is pending, or a forced one comes too soon."""
        if self.pending_change.exists():
            return False
        number = self.system.number.get()
        delay, median = stalled if stalled is not None else (0, None)
        if median is not None:
            allowed = self.next_forced.get()
            if allowed is not None and allowed > number:
                return False
            # Twice the delay: the next one is possible only when this one has surely been seen.
            self.next_forced.put(number + delay * 2)
        self.pending_change.put(StoredPendingChange(number, delay, voters, median))
        return True

    # -- interfaces ---------------------------------------------------------------------------------------

    @runtime_api("GrandpaApi", "grandpa_authorities")
    def grandpa_authorities(self) -> Voters:
        """Get the current GRANDPA authorities and weights."""
        return self.authorities.get()

    @runtime_api("GrandpaApi", "current_set_id")
    def voting_set_id(self) -> U64:
        """Get current GRANDPA authority set id: that of `grandpa_authorities`."""
        return self.current_set_id.get() - int(self.pending_change.exists())

    @runtime_api("GrandpaApi", "generate_key_ownership_proof")
    def generate_key_ownership_proof(
        self, set_id: U64, authority_id: GrandpaId
    ) -> OpaqueKeyOwnershipProof | None:
        """A proof of who owns a key of the current session; ask at a block of a session of `set_id`."""
        proof = self.historical.prove_ownership(GRANDPA_KEY, authority_id)
        return None if proof is None else MEMBERSHIP_PROOF.encode(proof)

    @runtime_api("GrandpaApi", "submit_report_equivocation_unsigned_extrinsic")
    def submit_report(
        self, equivocation_proof: VoteEquivocationProof, key_owner_proof: OpaqueKeyOwnershipProof
    ) -> tuple[()] | None:
        """Submits an unsigned extrinsic to report an equivocation; nothing where that is not possible."""
        try:
            ownership = MEMBERSHIP_PROOF.decode(key_owner_proof)
        except InvalidScale:
            return None
        arguments = {"equivocation_proof": equivocation_proof, "key_owner_proof": ownership}
        sent = self.env.submit_unsigned(self, "report_equivocation_unsigned", **arguments)
        return () if sent else None

    def genesis(self, config: GenesisReader) -> None:
        """`{}`: the voters come from Session."""
        config.fields()


def convicts(crypto: SessionCrypto, proof: VoteEquivocationProof) -> bool:
    """Whether the two votes differ and both bear the identity's signature for this round and set."""
    stage = PREVOTE if isinstance(proof.equivocation, PrevoteEquivocation) else PRECOMMIT
    body = proof.equivocation.body
    if body.first[0] == body.second[0]:
        return False
    return all(
        crypto.verify(body.identity, vote_payload(stage, vote, body.round_number, proof.set_id), signature)
        for vote, signature in (body.first, body.second)
    )


def _weighted(validators: Sequence[SessionValidator]) -> Voters:
    return tuple((one.keys.grandpa, one.weight) for one in validators)
