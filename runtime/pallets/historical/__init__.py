"""Historical: who owned which session key in sessions gone by, as a root per session and proofs against it.

The trie of a session maps SCALE of (key type, key) to the owner's index, and the index to the owner's
account: what `pallet_session::historical` keeps with its unit identification. Evidence against a key is
checked by the root long after the session, so that only roots need to stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import Hasher, StorageMap, StorageValue
from runtime.pallets.session import Session, SessionHandler, SessionValidator
from runtime.pallets.session.types import KeyTypeId
from runtime.primitives.integers import U32
from runtime.primitives.scale import MaxLen, codec, scale_path
from runtime.primitives.trie import InvalidProof, ProofReader, build, prove, verify_proof
from runtime.primitives.types import H256

MAX_PROOF_NODES = 32
"""Nodes of one proof: two paths of a trie of 2,000 entries with hashed keys need fewer than ten."""
MAX_NODE = 1_024
"""Bytes of one node: a full branch has 16 links of 33 bytes and a short key."""

_KEY = codec(tuple[KeyTypeId, bytes])
_INDEX = codec(U32)
_VERSION = 0


@scale_path("sp_session::MembershipProof")
@dataclass(frozen=True, slots=True)
class MembershipProof:
    """Proof that a key belonged to a validator of a session; layout of `sp_session::MembershipProof`."""

    session: U32
    trie_nodes: Annotated[list[Annotated[bytes, MaxLen(MAX_NODE)]], MaxLen(MAX_PROOF_NODES)]
    validator_count: U32


MEMBERSHIP_PROOF = codec(MembershipProof)


def _entries(validators: Sequence[SessionValidator]) -> list[tuple[bytes, bytes]]:
    """The sorted entries of a session's trie."""
    found: list[tuple[bytes, bytes]] = []
    for index, validator in enumerate(validators):
        place = _INDEX.encode(index)
        found += [(_KEY.encode(key), place) for key in validator.keys.by_type()]
        found.append((place, validator.account))
    return sorted(found)


class Historical(Pallet, SessionHandler, index=10, module="pallet_session::historical"):
    """Roots of (key -> owner) for as long as stake is liable."""

    historical_sessions: StorageMap[U32, tuple[H256, U32] | None] = StorageMap(
        hasher=Hasher.TWOX_64_CONCAT,
        doc="Mapping from historical session indices to session-data root hash and validator count.",
    )
    stored_range: StorageValue[tuple[U32, U32] | None] = StorageValue(
        doc="The range of historical sessions we store. [first, last)"
    )

    kept_sessions: Constant[U32] = Constant(doc="For how many sessions ownership of keys can be proved.")

    session = Uses(Session)

    def on_genesis_session(self, validators: Sequence[SessionValidator]) -> None:
        """Keep the roots of the first two sessions."""
        self._note(0, validators)
        self._note(1, self.session.queued())

    def on_new_session(
        self, changed: bool, validators: Sequence[SessionValidator], queued: Sequence[SessionValidator]
    ) -> None:
        """Keep the root of the session that was just queued, and forget the oldest."""
        current = self.session.current_index.get()
        known = self.historical_sessions.get(current) if queued == validators else None
        if known is None:
            self._note(current + 1, queued)
        else:
            self._insert(current + 1, *known)
        self.prune_up_to(max(0, current - self.kept_sessions))

    def prune_up_to(self, first: int) -> None:
        """Forget sessions before `first`; as many as there are, so call it with each session."""
        stored = self.stored_range.get()
        if stored is None or first <= stored[0]:
            return
        first = min(first, stored[1])
        for index in range(stored[0], first):
            self.historical_sessions.remove(index)
        self.stored_range.put((first, stored[1]))

    def prove_ownership(self, key_type: bytes, key: bytes) -> MembershipProof | None:
        """That `key` belongs to a validator of the current session; None where it does not."""
        validators = self.session.active()
        owner = next(
            (index for index, one in enumerate(validators) if (key_type, key) in one.keys.by_type()), None
        )
        if owner is None:
            return None
        records: dict[bytes, bytes] = {}
        root = build(_entries(validators), _VERSION, lambda record: records.update([record]))
        nodes = prove(root, [_KEY.encode((key_type, key)), _INDEX.encode(owner)], records.get)
        return MembershipProof(self.session.current_index.get(), nodes, len(validators))

    def owner(self, key_type: bytes, key: bytes, proof: MembershipProof) -> bytes | None:
        """The account that owned `key` in the proof's session; None unless the proof shows one."""
        known = self.historical_sessions.get(proof.session)
        if known is None or known[1] != proof.validator_count:
            return None
        encoded = _KEY.encode((key_type, key))
        try:
            # Twice, because the second path is known only behind the first; a proof must hold nothing else.
            index = _first(known[0], proof.trie_nodes, encoded)
            if index is None:
                return None
            return verify_proof(known[0], proof.trie_nodes, [encoded, index])[index]
        except InvalidProof:
            return None

    def _note(self, index: int, validators: Sequence[SessionValidator]) -> None:
        self._insert(index, build(_entries(validators), _VERSION), len(validators))

    def _insert(self, index: int, root: bytes, count: int) -> None:
        self.historical_sessions.insert(index, (root, count))
        stored = self.stored_range.get()
        self.stored_range.put((index if stored is None else stored[0], index + 1))


def _first(root: bytes, nodes: list[bytes], key: bytes) -> bytes | None:
    return ProofReader(root, nodes).read(root, key)


__all__ = ["MEMBERSHIP_PROOF", "Historical", "MembershipProof"]
