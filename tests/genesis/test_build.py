"""From a specification to block zero: presets that hold together, and faults that are named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.importing.rules import authorities_at, header_checker
from consensus.authorities import AuthorityFault, InvalidAuthorities
from consensus.slots import InvalidSlot
from genesis import presets
from genesis.authority import block_key, finality_key
from genesis.build import build_genesis, to_raw
from genesis.presets import ENDOWMENT, PRESETS, UnknownChain, find_spec
from genesis.spec import ChainSpec, InvalidSpec, PlainGenesis, RawGenesis, SpecFault, dumps, loads
from runtime.configuration import build_runtime
from runtime.frame.engine import NoEngine
from runtime.frame.errors import InvalidGenesis
from runtime.pallets.balances import Balances
from runtime.pallets.sudo import Sudo
from runtime.pallets.system import System
from runtime.primitives.keys import DEVELOPMENT_NAMES, KeyPair, Scheme
from runtime.primitives.state import MemoryState
from runtime.primitives.trie import EMPTY_ROOT, root_of

RUNTIME = build_runtime(NoEngine())
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
    genesis = build_genesis(find_spec(name), RUNTIME)
    assert genesis.header.number == 0
    assert genesis.header.parent_hash == bytes(32)
    assert genesis.header.extrinsics_root == EMPTY_ROOT
    assert genesis.header.digest.logs == ()
    assert genesis.header.state_root == root_of(genesis.storage)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_raw_form_survives_a_file_and_is_the_same_chain(name: str) -> None:
    plain = find_spec(name)
    raw = loads(dumps(to_raw(plain, RUNTIME)))
    assert isinstance(raw.genesis, RawGenesis)
    assert build_genesis(raw, RUNTIME).header == build_genesis(plain, RUNTIME).header
    assert to_raw(raw, RUNTIME) == raw


def test_the_presets_are_different_chains() -> None:
    roots = {build_genesis(find_spec(name), RUNTIME).header.hash() for name in PRESETS}
    assert len(roots) == len(PRESETS)


def test_development_accounts_of_both_schemes_and_their_stashes_are_endowed() -> None:
    view = RUNTIME.view(MemoryState(build_genesis(presets.dev(), RUNTIME).storage))
    accounts = view.pallet(System).account
    for scheme in (Scheme.SR25519, Scheme.ED25519):
        for name in DEVELOPMENT_NAMES:
            for uri in (f"//{name}", f"//{name}//stash"):
                assert accounts.get(KeyPair.from_uri(uri, scheme).public).data.free == ENDOWMENT
    assert view.pallet(Balances).total_issuance.get() == 24 * ENDOWMENT
    assert view.pallet(Sudo).key.get() == ALICE.public


@pytest.mark.parametrize(("name", "slot_ms"), [("dev", 1_000), ("local", 2_000)])
def test_alice_is_the_one_authority_and_voter(name: str, slot_ms: int) -> None:
    state = MemoryState(build_genesis(find_spec(name), RUNTIME).storage)
    checker, voters = header_checker(state), authorities_at(state)
    assert checker.slot_duration_ms == slot_ms
    assert [one.key for one in checker.epoch_of(10**9).authorities.members] == [block_key("//Alice").public]
    assert [one.key for one in voters.members] == [finality_key("//Alice").public]
    assert voters.set_id == 0


def test_a_chain_without_validators_has_no_rules() -> None:
    spec = with_config(lambda config: config.pop("authorities"))
    with pytest.raises(InvalidAuthorities) as refused:
        header_checker(MemoryState(build_genesis(spec, RUNTIME).storage))
    assert refused.value.reason is AuthorityFault.EMPTY


def test_a_finality_key_that_is_no_point_is_named() -> None:
    def spoil(config: dict[str, Any]) -> None:
        config["authorities"]["validators"][0]["finalityKey"] = "0x" + "11" * 48

    with pytest.raises(InvalidAuthorities) as refused:
        authorities_at(MemoryState(build_genesis(with_config(spoil), RUNTIME).storage))
    assert refused.value.reason is AuthorityFault.KEY


def test_a_slot_duration_that_no_clock_can_follow_is_refused() -> None:
    def spoil(config: dict[str, Any]) -> None:
        config["authorities"]["slotDuration"] = 2**63

    with pytest.raises(InvalidSlot):
        header_checker(MemoryState(build_genesis(with_config(spoil), RUNTIME).storage))


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
