"""Historical: roots of ownership per session, proofs against them, and how long they stay."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.pallets.historical import Historical, MembershipProof
from runtime.pallets.session import Session
from runtime.primitives.scale import codec
from runtime.primitives.trie import root_of
from tests.runtime.sessions import ACCOUNTS, EPOCH, SESSION_KEYS, Sessions

ALICE, BOB, CHARLIE, DAVE = ACCOUNTS.values()
NAMES = ("Alice", "Bob", "Charlie")


def test_the_root_commits_to_keys_and_owners_as_substrates_proving_trie() -> None:
    world = Sessions("Alice", "Bob")
    key = codec(tuple[bytes, bytes])
    entries = {}
    for index, name in enumerate(("Alice", "Bob")):
        place = index.to_bytes(4, "little")
        for kind, public in SESSION_KEYS[name].by_type():
            entries[kind + key.encode((b"", public))[1:]] = place
        entries[place] = ACCOUNTS[name]
    assert world.env.pallet(Historical).historical_sessions.get(0) == (root_of(entries, 0), 2)


def test_every_key_of_a_session_has_a_proof_that_names_its_owner() -> None:
    historical = Sessions().env.pallet(Historical)
    for name in NAMES:
        for kind, key in SESSION_KEYS[name].by_type():
            proof = historical.prove_ownership(kind, key)
            assert proof is not None
            assert historical.owner(kind, key, proof) == ACCOUNTS[name]
            other = b"gran" if kind == b"babe" else b"babe"
            assert historical.prove_ownership(other, key) is None
            assert historical.owner(other, key, proof) is None


def test_a_set_that_does_not_change_keeps_its_root_and_another_gets_its_own() -> None:
    world = Sessions()
    world.plan(3, Bob=1)
    world.run_to(3 * EPOCH + 1)
    roots = world.env.pallet(Historical).historical_sessions
    assert roots.get(0) == roots.get(1) == roots.get(2)
    assert roots.get(3) == roots.get(4) != roots.get(2)
    assert world.env.pallet(Historical).stored_range.get() == (0, 5)


def test_roots_go_when_the_stake_behind_them_is_free() -> None:
    world = Sessions()
    historical, session = world.env.pallet(Historical), world.env.pallet(Session)
    kept = historical.kept_sessions
    for _ in range(kept + 3):
        session.rotate()
    assert session.current_index.get() == kept + 3
    # The root of a session is there from when it is queued until `kept_sessions` are behind it.
    assert historical.stored_range.get() == (3, kept + 5)
    assert [index for index, _ in sorted(historical.historical_sessions.items())] == list(range(3, kept + 5))
    historical.prune_up_to(10**6)
    assert historical.stored_range.get() == (kept + 5, kept + 5)
    assert not list(historical.historical_sessions.items())
    historical.prune_up_to(1)
    assert historical.stored_range.get() == (kept + 5, kept + 5)


@settings(max_examples=60)
@given(data=st.data())
def test_a_proof_with_any_byte_changed_names_nobody_or_the_owner_never_another(data: st.DataObject) -> None:
    historical = HISTORICAL
    kind, key = SESSION_KEYS["Bob"].by_type()[data.draw(st.integers(0, 1))]
    proof = historical.prove_ownership(kind, key)
    assert proof is not None
    node = data.draw(st.integers(0, len(proof.trie_nodes) - 1))
    place = data.draw(st.integers(0, len(proof.trie_nodes[node]) - 1))
    spoiled = bytearray(proof.trie_nodes[node])
    spoiled[place] ^= data.draw(st.integers(1, 255))
    nodes = [*proof.trie_nodes[:node], bytes(spoiled), *proof.trie_nodes[node + 1 :]]
    assert historical.owner(kind, key, MembershipProof(proof.session, nodes, proof.validator_count)) is None


HISTORICAL = Sessions().env.pallet(Historical)
