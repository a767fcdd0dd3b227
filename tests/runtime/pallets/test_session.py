"""Session: registration of keys with proofs, rotation, and what survives a manager's mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.frame.errors import BadOrigin
from runtime.frame.origin import ROOT, Signed
from runtime.frame.session_crypto import NO_CRYPTO
from runtime.pallets.babe import Babe
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.session import Session, SessionKeys
from runtime.pallets.session.ownership import ownership_holds
from runtime.pallets.session.types import BABE_KEY, GRANDPA_KEY, NewSession, SessionError, ValidatorDisabled
from runtime.pallets.session.types import SESSION_KEYS as CODEC
from runtime.pallets.system import System
from tests.runtime.helpers import NEWCOMER
from tests.runtime.sessions import (
    ACCOUNTS,
    BLOCK_KEYS,
    EPOCH,
    FINALITY_KEYS,
    SESSION_KEYS,
    Sessions,
    Stakes,
    ownership,
)

ALICE, BOB, CHARLIE, DAVE = ACCOUNTS.values()


@pytest.fixture
def world() -> Sessions:
    return Sessions()


def set_keys(world: Sessions, name: str, account: bytes | None = None, proof: bytes | None = None) -> None:
    proof = ownership(name, account) if proof is None else proof
    call = world.make("Session.set_keys", keys=SESSION_KEYS[name], proof=proof)
    world.dispatch(Signed(account or ACCOUNTS[name]), call)


def test_keys_are_registered_with_a_proof_and_found_by_their_owner(world: Sessions) -> None:
    set_keys(world, "Dave")
    session = world.env.pallet(Session)
    keys = SESSION_KEYS["Dave"]
    assert session.next_keys.get(DAVE) == keys
    assert session.key_owner.get((BABE_KEY, keys.babe)) == DAVE
    assert session.key_owner.get((GRANDPA_KEY, keys.grandpa)) == DAVE
    assert world.env.pallet(System).account.get(DAVE).consumers == 1
    set_keys(world, "Dave")
    assert world.env.pallet(System).account.get(DAVE).consumers == 1


def test_other_keys_of_the_same_account_free_the_old_ones(world: Sessions) -> None:
    set_keys(world, "Dave")
    world.dispatch(Signed(ALICE), world.make("Session.purge_keys"))
    call = world.make("Session.set_keys", keys=SESSION_KEYS["Alice"], proof=ownership("Alice", DAVE))
    world.dispatch(Signed(DAVE), call)
    session = world.env.pallet(Session)
    assert session.key_owner.get((BABE_KEY, SESSION_KEYS["Dave"].babe)) is None
    assert session.key_owner.get((BABE_KEY, SESSION_KEYS["Alice"].babe)) == DAVE


GOOD = ownership("Dave")
UNTOUCHED = Sessions("Alice")
"""For calls that change nothing."""


@pytest.mark.parametrize(
    "proof",
    [
        b"",
        GOOD[:-1],
        bytes(256),
        ownership("Dave", CHARLIE),
        ownership("Charlie", DAVE),
        GOOD[:64] + ownership("Charlie", DAVE)[64:],
        GOOD[:160] + FINALITY_KEYS["Charlie"].prove_possession(),
        GOOD[:160] + GOOD[64:160],
    ],
)
def test_a_proof_of_another_key_or_account_registers_nothing(world: Sessions, proof: bytes) -> None:
    call = world.make("Session.set_keys", keys=SESSION_KEYS["Dave"], proof=proof)
    world.assert_noop(Signed(DAVE), call, SessionError.INVALID_PROOF)


@given(place=st.integers(0, 255), bit=st.integers(0, 7))
def test_a_proof_with_any_bit_changed_proves_nothing(place: int, bit: int) -> None:
    spoiled = bytearray(GOOD)
    spoiled[place] ^= 1 << bit
    call = UNTOUCHED.make("Session.set_keys", keys=SESSION_KEYS["Dave"], proof=bytes(spoiled))
    UNTOUCHED.assert_noop(Signed(DAVE), call, SessionError.INVALID_PROOF)


def test_a_key_that_is_no_point_is_refused_as_unproved(world: Sessions) -> None:
    keys = SessionKeys(SESSION_KEYS["Dave"].babe, b"\xff" * 48)
    world.assert_noop(
        Signed(DAVE), world.make("Session.set_keys", keys=keys, proof=GOOD), SessionError.INVALID_PROOF
    )


def test_keys_of_others_root_and_strangers_are_refused(world: Sessions) -> None:
    taken = world.make("Session.set_keys", keys=SESSION_KEYS["Bob"], proof=ownership("Bob", DAVE))
    world.assert_noop(Signed(DAVE), taken, SessionError.DUPLICATED_KEY)
    stranger = world.make("Session.set_keys", keys=SESSION_KEYS["Dave"], proof=ownership("Dave", NEWCOMER))
    world.assert_noop(Signed(NEWCOMER), stranger, SessionError.NO_ACCOUNT)
    world.assert_noop(ROOT, stranger, BadOrigin())
    world.assert_noop(Signed(DAVE), world.make("Session.purge_keys"), SessionError.NO_KEYS)


def test_purged_keys_are_free_for_others_and_release_the_account(world: Sessions) -> None:
    world.dispatch(Signed(ALICE), world.make("Session.purge_keys"))
    session = world.env.pallet(Session)
    assert session.next_keys.get(ALICE) is None
    assert session.key_owner.get((BABE_KEY, SESSION_KEYS["Alice"].babe)) is None
    assert world.env.pallet(System).account.get(ALICE).consumers == 0


def test_a_session_ends_with_its_epoch_and_says_so(world: Sessions) -> None:
    world.run_to(EPOCH)
    assert world.env.pallet(Session).current_index.get() == 0
    made = world.advance()
    assert [one.event for one in made.events if isinstance(one.event, NewSession)] == [NewSession(1)]
    assert world.env.pallet(Session).current_index.get() == 1


def test_a_chosen_set_is_queued_for_one_session_and_works_in_the_next(world: Sessions) -> None:
    world.plan(2, Dave=7, Alice=3)
    world.env.pallet(Session)
    call = world.make("Session.set_keys", keys=SESSION_KEYS["Dave"], proof=ownership("Dave"))
    world.advance(world.sign(DAVE, call))
    world.run_to(EPOCH + 1)
    session, babe = world.env.pallet(Session), world.env.pallet(Babe)
    assert session.validators.get() == (ALICE, BOB, CHARLIE)
    assert [(one.account, one.weight) for one in session.queued()] == [(DAVE, 7), (ALICE, 3)]
    assert session.queued_changed.get() is True
    assert babe.authorities.get()[0] == (SESSION_KEYS["Alice"].babe, 1)
    assert babe.next_authorities.get() == ((SESSION_KEYS["Dave"].babe, 7), (SESSION_KEYS["Alice"].babe, 3))
    assert world.env.pallet(Grandpa).current_set_id.get() == 0
    world.run_to(2 * EPOCH + 1)
    session, babe = world.env.pallet(Session), world.env.pallet(Babe)
    assert session.validators.get() == (DAVE, ALICE)
    assert [(one.account, one.weight) for one in session.active()] == [(DAVE, 7), (ALICE, 3)]
    assert babe.authorities.get() == ((SESSION_KEYS["Dave"].babe, 7), (SESSION_KEYS["Alice"].babe, 3))
    assert world.env.pallet(Grandpa).authorities.get()[0] == (SESSION_KEYS["Dave"].grandpa, 7)
    assert session.queued_changed.get() is False


def test_new_keys_of_a_validator_work_from_the_session_after_next_on(world: Sessions) -> None:
    fresh = SessionKeys(BLOCK_KEYS["Dave"].public, FINALITY_KEYS["Dave"].public)
    call = world.make("Session.set_keys", keys=fresh, proof=ownership("Dave", ALICE))
    world.advance(world.sign(ALICE, call))
    world.run_to(EPOCH + 1)
    assert world.env.pallet(Babe).authorities.get()[0][0] == SESSION_KEYS["Alice"].babe
    world.run_to(2 * EPOCH + 1)
    assert world.env.pallet(Babe).authorities.get()[0][0] == fresh.babe
    assert world.env.pallet(Grandpa).authorities.get()[0][0] == fresh.grandpa


def test_chosen_validators_without_keys_are_left_out_and_a_set_of_none_keeps_the_old_one(
    world: Sessions,
) -> None:
    world.plan(2, Dave=1, Bob=2)
    world.plan(3, Dave=1)
    world.run_to(EPOCH + 1)
    assert [one.account for one in world.env.pallet(Session).queued()] == [BOB]
    world.run_to(2 * EPOCH + 1)
    assert [one.account for one in world.env.pallet(Session).queued()] == [BOB]


def test_a_disabled_validator_is_announced_and_free_again_with_another_set(world: Sessions) -> None:
    session = world.env.pallet(Session)
    assert session.disable(CHARLIE) is True
    assert session.disable(ALICE) is True
    assert session.disable(CHARLIE) is False
    assert session.disable(DAVE) is False
    assert session.disabled_validators.get() == (0, 2)
    assert world.reported() == [ValidatorDisabled(CHARLIE), ValidatorDisabled(ALICE)]
    assert len(world.env.pallet(System).digest.get().logs) == 4
    session.rotate()
    assert session.is_disabled(2)
    session.queued_changed.put(True)
    session.rotate()
    assert not session.is_disabled(2)


def test_the_interface_decodes_session_keys_and_nothing_else(world: Sessions) -> None:
    session, keys = world.env.pallet(Session), SESSION_KEYS["Bob"]
    assert session.decode_session_keys(CODEC.encode(keys)) == (
        (keys.babe, BABE_KEY),
        (keys.grandpa, GRANDPA_KEY),
    )
    assert session.decode_session_keys(b"\1") is None


def test_blocks_count_for_their_authors_by_the_new_set_from_its_first_block_on() -> None:
    world = Sessions("Alice", "Bob")
    world.plan(2, Bob=1, Alice=1)
    world.run_to(2 * EPOCH)
    assert world.env.pallet(Stakes).blocks.get(ALICE) == 2 * EPOCH
    world.advance()
    assert world.env.pallet(Stakes).blocks.get(BOB) == 1


def test_genesis_validators_are_chosen_by_the_manager_where_it_names_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from runtime.pallets.session import WeightedValidator

    plans = {0: [WeightedValidator(BOB, 5)], 1: [WeightedValidator(ALICE, 2)]}
    monkeypatch.setattr(Stakes, "new_session_genesis", lambda stakes, index: plans[index])
    world = Sessions("Alice", "Bob")
    session = world.env.pallet(Session)
    assert [(one.account, one.weight) for one in session.active()] == [(BOB, 5)]
    assert [(one.account, one.weight) for one in session.queued()] == [(ALICE, 2)]
    assert session.queued_changed.get() is True
    assert world.env.pallet(Babe).next_authorities.get() == ((SESSION_KEYS["Alice"].babe, 2),)


def test_a_runtime_without_checks_of_keys_takes_no_registration() -> None:
    for holds in (NO_CRYPTO.verify(b"", b"", b""), NO_CRYPTO.verify_possession(b"", b"")):
        assert holds is False
    assert not ownership_holds(NO_CRYPTO, DAVE, SESSION_KEYS["Dave"], GOOD)
