"""Whole eras in real blocks: signed calls change who authors and votes, evidence removes a validator."""

from dataclasses import replace
from typing import Any

import pytest

from runtime.configuration import UNIT
from runtime.executive import Execution
from runtime.frame.timing import ChainTiming
from runtime.pallets.babe import Babe
from runtime.pallets.balances import Balances
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.historical import Historical
from runtime.pallets.session import Session
from runtime.pallets.session.types import BABE_KEY
from runtime.pallets.staking import Staking
from runtime.pallets.staking.events import Chilled, EraPaid, Rewarded, Slashed, SlashReported
from runtime.pallets.staking.types import Staked, ValidatorPrefs
from runtime.pallets.system import System
from runtime.primitives.babe import BABE_ENGINE, EquivocationProof
from runtime.primitives.digest import Consensus, Digest, Seal
from runtime.primitives.header import Header
from runtime.primitives.multiaddress import Id
from tests.runtime.helpers import ALICE, BOB, CHARLIE, KEYS, World, claim

TIMING = ChainTiming(slot_ms=6_000, epoch_slots=3, sessions_per_era=2, bonding_eras=3, slash_defer_eras=1)
FULL = 10**9


def session_key(name: str) -> list[Any]:
    address = KEYS[name].address()
    number = list(KEYS).index(name) + 1
    return [address, address, {"babe": "0x" + KEYS[name].public.hex(), "grandpa": "0x" + f"{number:096x}"}]


def genesis() -> dict[str, Any]:
    """Alice and Bob validate with 500 FIX each; Charlie has keys, and 1,000 FIX, but stakes nothing."""
    names = ("Alice", "Bob", "Charlie")
    stakers = [[KEYS[n].address(), KEYS[n].address(), 500 * UNIT, "Validator"] for n in names[:2]]
    return {
        "balances": {"balances": [[KEYS[name].address(), 1_000 * UNIT] for name in names]},
        "staking": {
            "validatorCount": 3,
            "minimumValidatorCount": 1,
            "slashRewardFraction": FULL // 10,
            "stakers": stakers,
        },
        "session": {"keys": [session_key(name) for name in names]},
        "sudo": {"key": KEYS["Alice"].address()},
    }


@pytest.fixture
def world() -> World:
    return World(genesis(), timing=TIMING)


def staking(world: World) -> Staking:
    return world.env.pallet(Staking)


def events(executed: Execution) -> list[Any]:
    return [record.event for record in executed.events]


def active(world: World) -> int:
    era = staking(world).active_era.get()
    assert era is not None
    return era.index


def until_era(world: World, era: int) -> list[tuple[Execution, list[Any]]]:
    """Blocks until an era is active."""
    passed = []
    while active(world) < era:
        executed = world.advance()
        passed.append((executed, events(executed)))
        assert len(passed) < 100
    return passed


def conserved(world: World) -> None:
    accounts = dict(world.env.pallet(System).account.items()).values()
    total = sum(info.data.free + info.data.reserved for info in accounts)
    assert total == world.env.pallet(Balances).total_issuance.get()


def test_a_stash_that_bonds_and_validates_becomes_author_and_voter(world: World) -> None:
    world.advance(
        world.sign(CHARLIE, world.make("Staking.bond", value=600 * UNIT, payee=Staked())),
        world.sign(CHARLIE, world.make("Staking.validate", prefs=ValidatorPrefs()), nonce=1),
    )
    assert CHARLIE not in world.env.pallet(Session).validators.get()
    announced: list[int] = []
    while CHARLIE not in world.env.pallet(Session).validators.get():
        before = [key for key, _ in world.env.pallet(Babe).next_authorities.get()]
        executed = world.advance()
        after = [key for key, _ in world.env.pallet(Babe).next_authorities.get()]
        if CHARLIE in after and CHARLIE not in before:
            announced.append(executed.number)
            items = [item for item in executed.digest.logs if isinstance(item, Consensus)]
            assert any(item.engine == BABE_ENGINE and CHARLIE in item.data for item in items)
        assert executed.number < 30
    assert len(announced) == 1
    session = world.env.pallet(Session)
    assert sorted(session.validators.get()) == sorted((ALICE, BOB, CHARLIE))
    assert active(world) == 1
    # The block in which the set starts to work schedules the change of the voters.
    finality = [
        item for item in executed.digest.logs if isinstance(item, Consensus) and item.engine == b"FRNK"
    ]
    key = bytes.fromhex(session_key("Charlie")[2]["grandpa"][2:])
    assert len(finality) == 1
    assert key in finality[0].data
    assert key in [voter for voter, _ in world.env.pallet(Grandpa).authorities.get()]
    weights = dict(world.env.pallet(Babe).authorities.get())
    assert weights[CHARLIE] > weights[BOB] == weights[ALICE]
    conserved(world)


def test_an_era_of_blocks_pays_its_authors_and_nobody_else(world: World) -> None:
    until_era(world, 1)
    passed = until_era(world, 2)
    paid = [event for _, reported in passed for event in reported if isinstance(event, EraPaid)]
    assert [event.era_index for event in paid] == [1]
    validators = world.env.pallet(Session).validators.get()
    author = validators[0]
    points = staking(world).eras_reward_points.get(1)
    assert points.individual == {author: points.total}
    assert points.total == 20 * 6
    issuance = world.env.pallet(Balances).total_issuance.get()
    executed = world.advance(
        world.sign(CHARLIE, world.make("Staking.payout_stakers", validator_stash=author, era=1))
    )
    assert [event for event in events(executed) if isinstance(event, Rewarded)] == [
        Rewarded(author, Staked(), paid[0].validator_payout)
    ]
    assert world.env.pallet(Balances).total_issuance.get() == issuance + paid[0].validator_payout
    conserved(world)


def double_seal(world: World, name: str) -> EquivocationProof:
    """Two blocks of one author for one slot of the current session."""
    babe = world.env.pallet(Babe)
    keys = [key for key, _ in babe.authorities.get()]
    index = keys.index(KEYS[name].public)
    slot = babe.current_slot.get()
    headers = []
    for root in (bytes(32), b"\1" * 32):
        header = Header(world.head.hash(), world.head.number + 1, root, bytes(32), claim(slot, index))
        seal = Seal(BABE_ENGINE, KEYS[name].sign(header.hash()).value)
        headers.append(replace(header, digest=Digest((*header.digest.logs, seal))))
    return EquivocationProof(KEYS[name].public, slot, headers[0], headers[1])


def test_an_equivocator_is_reported_slashed_and_gone(world: World) -> None:
    world.advance()
    proof = double_seal(world, "Bob")
    ownership = world.env.pallet(Historical).prove_ownership(BABE_KEY, BOB)
    assert ownership is not None
    report = world.make("Babe.report_equivocation", equivocation_proof=proof, key_owner_proof=ownership)
    executed = world.advance(world.sign(CHARLIE, report))
    # One of two validators: min(3 * 1 / 2, 1) squared is all.
    found = events(executed)
    assert SlashReported(BOB, FULL, 0) in found
    assert Chilled(BOB) in found
    _, _, outcomes = world.build(world.sign(CHARLIE, report))
    assert outcomes[0].error is not None
    passed = until_era(world, 1)
    assert BOB not in world.env.pallet(Session).validators.get()
    assert BOB not in [key for key, _ in world.env.pallet(Babe).authorities.get()]
    assert not any(isinstance(event, Slashed) for _, reported in passed for event in reported)
    charlie = world.free(CHARLIE)
    passed = until_era(world, 2)
    assert Slashed(BOB, 500 * UNIT) in [event for _, reported in passed for event in reported]
    # Half of a tenth is the reporter's.
    assert world.free(CHARLIE) == charlie + 25 * UNIT
    assert world.funds(BOB).reserved == 0
    conserved(world)


def test_root_can_cancel_the_slash_before_it_is_taken(world: World) -> None:
    world.advance()
    ownership = world.env.pallet(Historical).prove_ownership(BABE_KEY, BOB)
    report = world.make(
        "Babe.report_equivocation", equivocation_proof=double_seal(world, "Bob"), key_owner_proof=ownership
    )
    world.advance(world.sign(CHARLIE, report))
    cancel = world.make("Staking.cancel_deferred_slash", era=2, slash_indices=[0])
    world.advance(world.sign(ALICE, world.make("Sudo.sudo", call=cancel)))
    until_era(world, 3)
    assert world.funds(BOB).reserved == 500 * UNIT
    conserved(world)


def test_the_block_of_an_election_weighs_it(world: World) -> None:
    weights = [world.advance().weight.mandatory.ref_time for _ in range(12)]
    elections = [number for number, weight in enumerate(weights) if weight > min(weights) + 10**9]
    assert elections == [3, 9]


def test_nominations_move_the_weight_of_a_vote(world: World) -> None:
    world.advance(
        world.sign(CHARLIE, world.make("Staking.bond", value=900 * UNIT, payee=Staked())),
        world.sign(CHARLIE, world.make("Staking.nominate", targets=[Id(BOB)]), nonce=1),
    )
    until_era(world, 1)
    weights = dict(world.env.pallet(Babe).authorities.get())
    assert (weights[BOB] * 10) // (weights[ALICE] + weights[BOB]) == 7
    overview = staking(world).eras_stakers_overview.get(1, BOB)
    assert overview is not None
    assert overview.total == 1_400 * UNIT
