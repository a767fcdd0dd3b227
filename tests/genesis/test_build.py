"""From a specification to block zero: presets that hold together, and faults that are named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.importing.checker import header_checker
from chain.importing.rules import authorities_at
from consensus.authorities import AuthorityFault, InvalidAuthorities
from consensus.slots import InvalidSlot
from genesis import presets
from genesis.authority import block_key, finality_key
from genesis.build import build_genesis, to_raw
from genesis.presets import ENDOWMENT, PRESETS, STAKE, UnknownChain, find_spec
from genesis.spec import ChainSpec, InvalidSpec, PlainGenesis, RawGenesis, SpecFault, dumps, loads
from genesis.timing import runtime_of, timing_of
from runtime.frame.errors import InvalidGenesis
from runtime.pallets.babe import Babe
from runtime.pallets.balances import Balances
from runtime.pallets.session import Session
from runtime.pallets.staking import Staking
from runtime.pallets.sudo import Sudo
from runtime.pallets.system import System
from runtime.primitives.keys import DEVELOPMENT_NAMES, KeyPair, Scheme
from runtime.primitives.state import MemoryState
from runtime.primitives.trie import EMPTY_ROOT, root_of

RUNTIME = runtime_of(presets.dev())
ALICE = KeyPair.from_uri("//Alice", Scheme.SR25519)


def with_config(change: Callable[[dict[str, Any]], None]) -> ChainSpec:
    """The development chain with its genesis config changed in place."""
    spec = loads(dumps(presets.dev()))
    assert isinstance(spec.genesis, PlainGenesis)
    config = dict(spec.genesis.config)
    change(config)
    return replace(spec, genesis=PlainGenesis(config))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_builds_a_block_zero_that_commits_to_its_state(name: str) -> None:
    spec = find_spec(name)
    genesis = build_genesis(spec, runtime_of(spec))
    assert genesis.header.number == 0
    assert genesis.header.parent_hash == bytes(32)
    assert genesis.header.extrinsics_root == EMPTY_ROOT
    assert genesis.header.digest.logs == ()
    assert genesis.header.state_root == root_of(genesis.storage)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_raw_form_survives_a_file_and_is_the_same_chain(name: str) -> None:
    plain = find_spec(name)
    runtime = runtime_of(plain)
    raw = loads(dumps(to_raw(plain, runtime)))
    assert isinstance(raw.genesis, RawGenesis)
    assert timing_of(raw) == timing_of(plain) == runtime_of(raw).composition.constants[Babe]["chain_timing"]
    assert build_genesis(raw, runtime).header == build_genesis(plain, runtime).header
    assert to_raw(raw, runtime) == raw


def test_the_presets_are_different_chains() -> None:
    specs = [find_spec(name) for name in PRESETS]
    roots = {build_genesis(spec, runtime_of(spec)).header.hash() for spec in specs}
    assert len(roots) == len(PRESETS)


def test_development_accounts_of_both_schemes_and_their_stashes_are_endowed() -> None:
    view = RUNTIME.view(MemoryState(build_genesis(presets.dev(), RUNTIME).storage))
    accounts = view.pallet(System).account
    for scheme in (Scheme.SR25519, Scheme.ED25519):
        for name in DEVELOPMENT_NAMES:
            for uri in (f"//{name}", f"//{name}//stash"):
                data = accounts.get(KeyPair.from_uri(uri, scheme).public).data
                assert data.free + data.reserved == ENDOWMENT
    assert view.pallet(Balances).total_issuance.get() == 24 * ENDOWMENT
    assert view.pallet(Sudo).key.get() == ALICE.public


@pytest.mark.parametrize(("name", "slot_ms"), [("dev", 1_000), ("local", 2_000)])
def test_alice_is_the_one_authority_and_voter(name: str, slot_ms: int) -> None:
    spec = find_spec(name)
    state = MemoryState(build_genesis(spec, runtime_of(spec)).storage)
    checker, voters = header_checker(state), authorities_at(state)
    assert checker.slot_duration_ms == slot_ms
    assert [one.key for one in checker.epoch_for(state, 10**9).authorities.members] == [
        block_key("//Alice").public
    ]
    assert [one.key for one in voters.members] == [finality_key("//Alice").public]
    assert voters.set_id == 0


def test_a_chain_without_validators_has_no_rules() -> None:
    spec = with_config(lambda config: config.pop("session"))
    with pytest.raises(InvalidAuthorities) as refused:
        header_checker(MemoryState(build_genesis(spec, RUNTIME).storage))
    assert refused.value.reason is AuthorityFault.EMPTY


def test_a_finality_key_that_is_no_point_is_named() -> None:
    def spoil(config: dict[str, Any]) -> None:
        config["session"]["keys"][0][2]["grandpa"] = "0x" + "11" * 48

    with pytest.raises(InvalidAuthorities) as refused:
        authorities_at(MemoryState(build_genesis(with_config(spoil), RUNTIME).storage))
    assert refused.value.reason is AuthorityFault.KEY


def test_a_slot_duration_that_no_clock_can_follow_is_refused() -> None:
    def spoil(config: dict[str, Any]) -> None:
        config["babe"]["timing"]["slotDuration"] = 2**63

    spec = with_config(spoil)
    with pytest.raises(InvalidSlot):
        header_checker(MemoryState(build_genesis(spec, runtime_of(spec)).storage))


def test_a_wrong_genesis_value_is_named_with_its_path() -> None:
    def spoil(config: dict[str, Any]) -> None:
        config["balances"]["balances"][3][1] = -5

    with pytest.raises(InvalidGenesis) as refused:
        build_genesis(with_config(spoil), RUNTIME)
    assert refused.value.path == "balances.balances[3][1]"


def test_an_unknown_pallet_in_the_genesis_is_named() -> None:
    with pytest.raises(InvalidGenesis, match="evm"):
        build_genesis(with_config(lambda config: config.update(evm={})), RUNTIME)


def test_a_chain_is_found_by_the_path_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "chain.json"
    path.write_text(dumps(presets.local()))
    assert find_spec(str(path)) == presets.local()


@pytest.mark.parametrize("name", ["nope", "", "with\0zero", "."])
def test_a_chain_that_is_neither_preset_nor_file_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(UnknownChain, match="name dev or local, or a chain spec file"):
        find_spec(name)


def test_a_file_that_is_no_specification_says_where_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "chain.json"
    path.write_text('{"name": 5}')
    with pytest.raises(InvalidSpec, match=r"\$\.name"):
        find_spec(str(path))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "MAX_SPEC_BYTES", 10)
    path = tmp_path / "chain.json"
    path.write_text(" " * 11)
    with pytest.raises(InvalidSpec) as refused:
        find_spec(str(path))
    assert refused.value.reason is SpecFault.TOO_LARGE


def test_a_genesis_is_not_built_by_the_runtime_of_another_timing() -> None:
    with pytest.raises(InvalidGenesis) as refused:
        build_genesis(presets.local(), RUNTIME)
    assert refused.value.path == "babe.timing"


def test_a_test_network_has_as_many_validators_as_asked_for() -> None:
    spec = presets.testnet(4, 500, 10)
    state = MemoryState(build_genesis(spec, runtime_of(spec)).storage)
    checker = header_checker(state)
    epoch = checker.epoch_for(state, 1_000)
    assert (checker.slot_duration_ms, epoch.start_slot, epoch.duration) == (500, 1_000, 10)
    expected = [block_key(f"//Validator//{index}").public for index in range(4)]
    assert sorted(one.key for one in epoch.authorities.members) == sorted(expected)
    assert len(authorities_at(state).members) == 4


def test_the_validators_of_a_preset_are_those_that_stake() -> None:
    for spec in (presets.dev(), presets.testnet(3, 500, 10)):
        runtime = runtime_of(spec)
        view = runtime.view(MemoryState(build_genesis(spec, runtime).storage))
        staking, validators = view.pallet(Staking), view.pallet(Session).validators.get()
        assert sorted(validators) == sorted(who for who, _ in staking.validators.items())
        for who in validators:
            ledger = staking.ledger.get(who)
            assert ledger is not None
            assert ledger.active == STAKE
            assert view.pallet(System).account.get(who).data.reserved == STAKE


def test_a_raw_genesis_with_a_malformed_timing_names_its_key() -> None:
    raw = to_raw(presets.dev(), RUNTIME)
    assert isinstance(raw.genesis, RawGenesis)
    broken = replace(raw, genesis=RawGenesis({**raw.genesis.top, Babe.timing.key(): b"\1"}))
    with pytest.raises(InvalidSpec, match=Babe.timing.key().hex()) as refused:
        timing_of(broken)
    assert refused.value.reason is SpecFault.BAD_VALUE
