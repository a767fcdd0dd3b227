"""Keys on the command line: subkey's answers, Substrate's keystore, and secrets that are never repeated."""

import io
import json
import sys
from pathlib import Path

import pytest

from chain.keystore import Keystore, KeyType, public_key
from runtime.primitives.keys import KeyPair, Scheme
from tests.chain.cli.support import Cli, one_line, refused

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_PUBLIC = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"


@pytest.mark.parametrize("words", [12, 15, 18, 21, 24])
@pytest.mark.parametrize("scheme", ["sr25519", "ed25519"])
def test_a_generated_phrase_gives_the_account_that_is_shown(cli: Cli, words: int, scheme: str) -> None:
    outcome = cli("key", "generate", "--words", words, "--scheme", scheme, "--output-type", "json")
    found = json.loads(outcome.out)
    assert len(found["secretPhrase"].split()) == words
    pair = KeyPair.from_phrase(found["secretPhrase"], scheme=Scheme[scheme.upper()])
    assert found["ss58Address"] == found["ss58PublicKey"] == pair.address()
    assert found["publicKey"] == found["accountId"] == "0x" + pair.public.hex()
    seed = bytes.fromhex(found["secretSeed"][2:])
    assert KeyPair.from_seed(seed, pair.scheme).public == pair.public


def test_two_generated_phrases_differ(cli: Cli) -> None:
    assert cli("key", "generate").out != cli("key", "generate").out


def test_alice_is_who_she_is_everywhere(cli: Cli) -> None:
    found = json.loads(cli("key", "inspect", "//Alice", "--json").out)
    assert found == {
        "secretKeyUri": "//Alice",
        "secretSeed": "n/a",
        "networkId": "substrate",
        "publicKey": ALICE_PUBLIC,
        "accountId": ALICE_PUBLIC,
        "ss58PublicKey": ALICE,
        "ss58Address": ALICE,
    }


def test_the_well_known_phrase_has_its_well_known_seed(cli: Cli) -> None:
    found = json.loads(cli("key", "inspect", PHRASE, "--json").out)
    assert found["secretPhrase"] == PHRASE
    assert found["secretSeed"] == "0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e"
    assert found["ss58Address"] == "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"


def test_an_address_is_taken_apart_and_written_for_another_network(cli: Cli) -> None:
    found = json.loads(cli("key", "inspect", ALICE, "--network", 0, "--json").out)
    assert found["networkId"] == "polkadot"
    assert found["ss58Address"] == "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
    back = json.loads(cli("key", "inspect", found["ss58Address"], "--json").out)
    assert (back["publicKey"], back["networkId"]) == (ALICE_PUBLIC, "polkadot")


def test_a_public_key_is_shown_as_an_address(cli: Cli) -> None:
    assert ALICE in cli("key", "inspect", "--public", ALICE_PUBLIC).out


def test_a_password_makes_another_account(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret\n")
    by_flag = json.loads(cli("key", "inspect", PHRASE, "--password", "secret", "--json").out)
    by_file = json.loads(cli("key", "inspect", PHRASE, "--password-file", path, "--json").out)
    assert by_flag == by_file
    assert by_flag["publicKey"] == "0x" + KeyPair.from_phrase(PHRASE, "secret").public.hex()


def test_a_secret_comes_from_a_file_the_environment_or_standard_input(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    path.write_text("//Alice\n")
    assert ALICE in cli("key", "inspect", "--suri-file", path).out
    monkeypatch.setattr(sys, "stdin", io.StringIO("//Alice\n"))
    assert ALICE in cli("key", "inspect", "--suri-file", "-").out
    monkeypatch.setenv("FIXPOINT_SURI", "//Alice")
    assert ALICE in cli("key", "inspect").out


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["inspect"], 2, "no secret: give --suri, --suri-file, or set FIXPOINT_SURI"),
        (["inspect", "//Alice", "--suri-file", "x"], 2, "not both"),
        (["inspect", "--suri-file", "nowhere"], 1, "nowhere cannot be read"),
        (["inspect", "--public", "0x12"], 2, "64 hexadecimal digits"),
        (["inspect", "--public", "zz"], 2, "64 hexadecimal digits"),
        (["inspect", ALICE, "--network", "46"], 2, "--network 46"),
        (["inspect", "word word word"], 1, "gives no sr25519 key"),
        (["inspect", "//Alice/soft", "--scheme", "ed25519"], 1, "gives no ed25519 key"),
        (["inspect", "0x1234"], 1, "gives no sr25519 key"),
        (["inspect", "//" + "a" * 5000], 1, "at most 1024 characters"),
        (["generate", "--words", "13"], 2, "12, 15, 18, 21, 24 words"),
    ],
)
def test_what_is_no_key_is_refused_in_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, complaint: str
) -> None:
    monkeypatch.delenv("FIXPOINT_SURI", raising=False)
    outcome = cli("key", *arguments)
    assert outcome.code == code
    assert complaint in one_line(outcome.err)
    assert "word word word" not in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--words", "x"],
        ["inspect", "//A", "--scheme", "ecdsa"],
        ["inspect", "//A", "-n", "70000"],
        [],
        ["dance"],
    ],
)
def test_wrong_usage_is_told_with_the_usage(cli: Cli, arguments: list[str]) -> None:
    outcome = cli("key", *arguments)
    assert outcome.code == 2
    assert "usage: fixpoint key" in outcome.err


def test_inserted_keys_are_listed_and_found_by_the_node(cli: Cli, tmp_path: Path) -> None:
    inserted = cli("key", "insert", "--suri", "//Alice", "--dev", "-d", tmp_path, "--json")
    folder = tmp_path / "chains" / "dev" / "keystore"
    assert {one["keyType"] for one in json.loads(inserted.out)} == {"babe", "gran"}
    listed = json.loads(cli("key", "list", "--dev", "-d", tmp_path, "--json").out)
    assert {one["publicKey"] for one in listed} == {
        "0x" + public_key(key_type, "//Alice").hex() for key_type in KeyType
    }
    assert Keystore(folder).block_key(public_key(KeyType.BLOCK, "//Alice")) is not None
    assert "babe" in cli("key", "list", "--keystore-path", folder).out


def test_one_type_of_key_can_be_inserted_alone(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("key", "insert", "--suri", "//Bob", "--key-type", "gran", "--keystore-path", tmp_path / "k")
    assert outcome.out.startswith("gran 0x")
    assert [one.key_type for one in Keystore(tmp_path / "k").entries()] == [KeyType.FINALITY]


def test_an_empty_keystore_says_so(cli: Cli, tmp_path: Path) -> None:
    assert cli("key", "list", "--dev", "-d", tmp_path).out == "no session keys are stored\n"


def test_a_key_that_others_can_read_is_warned_about(cli: Cli, tmp_path: Path) -> None:
    cli("key", "insert", "--suri", "//Alice", "--key-type", "babe", "--keystore-path", tmp_path / "k")
    next((tmp_path / "k").iterdir()).chmod(0o644)
    assert "run chmod 600" in cli("key", "list", "--keystore-path", tmp_path / "k").err


@pytest.mark.parametrize("suri", ["word word", "//Alice/soft"])
def test_a_secret_that_gives_no_session_key_stores_nothing(cli: Cli, tmp_path: Path, suri: str) -> None:
    outcome = cli("key", "insert", "--suri", suri, "--keystore-path", tmp_path / "k")
    assert outcome.code == 1
    assert "gives no babe key" in one_line(outcome.err)
    assert not (tmp_path / "k").exists()


def test_a_keystore_path_that_is_a_file_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "k").write_text("")
    outcome = cli("key", "insert", "--suri", "//Alice", "--keystore-path", tmp_path / "k")
    assert outcome.code == 1
    assert "cannot take a key" in one_line(outcome.err)


def test_a_proof_for_set_keys_convinces_the_chain_and_only_for_its_account(cli: Cli, tmp_path: Path) -> None:
    from consensus.ownership import BlsCrypto
    from runtime.pallets.session.ownership import ownership_holds
    from runtime.pallets.session.types import SESSION_KEYS

    address = KeyPair.from_uri("//Bob").address()
    cli("key", "insert", "--chain", "dev", "--keystore-path", tmp_path / "k", "--suri", "//Bob")
    outcome = cli("key", "prove", address, "--chain", "dev", "--keystore-path", tmp_path / "k", "--json")
    found = {name: bytes.fromhex(value[2:]) for name, value in json.loads(outcome.out).items()}
    keys = SESSION_KEYS.decode(found["keys"])
    bob, alice = KeyPair.from_uri("//Bob").public, KeyPair.from_uri("//Alice").public
    assert ownership_holds(BlsCrypto(), bob, keys, found["proof"])
    assert not ownership_holds(BlsCrypto(), alice, keys, found["proof"])


def test_a_proof_needs_one_key_of_each_type(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("key", "prove", KeyPair.from_uri("//Bob").address(), "--keystore-path", tmp_path / "k")
    assert "holds 0 keys of type babe" in one_line(outcome.err)
    assert "is no address" in refused(cli("key", "prove", "nobody", "--keystore-path", tmp_path / "k"))
