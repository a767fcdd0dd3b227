"""Every entry of the vectors that polkadot.js 16.5.6 and its keyring made."""

import hashlib
import json
from pathlib import Path

import pytest
from py_ecc.secp256k1 import privtopub

from runtime.primitives import hashing
from runtime.primitives.keys import InvalidUri, KeyPair, Scheme, UriReason, ss58
from runtime.primitives.keys.derivation import derive_seed, parse_uri
from runtime.primitives.keys.mnemonic import entropy_from_phrase, mini_secret, phrase_from_entropy

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "polkadotjs_crypto_scale.json").read_text())
ACCOUNTS = VECTORS["accounts"]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def named(entry: dict[str, str]) -> str:
    return f"{entry['type']} {entry['suri']}"


def ecdsa_public(uri: str) -> bytes:
    """The compressed secp256k1 key, by the project's derivation and an independent curve."""
    parsed = parse_uri(uri)
    secret = derive_seed(b"Secp256k1HDKD", mini_secret(parsed.root, parsed.password), parsed.junctions)
    x, y = privtopub(secret)
    return bytes((2 + y % 2,)) + x.to_bytes(32, "big")


def public_of(entry: dict[str, str]) -> bytes:
    if entry["type"] == "ecdsa":
        return ecdsa_public(entry["suri"])
    return KeyPair.from_uri(entry["suri"], Scheme[entry["type"].upper()]).public


@pytest.mark.parametrize("entry", [e for e in ACCOUNTS if "public" in e], ids=named)
def test_a_secret_uri_gives_the_public_key_and_addresses_of_polkadot_js(entry: dict[str, str]) -> None:
    public = public_of(entry)
    assert public == unhex(entry["public"])
    account = hashing.blake2_256(public) if entry["type"] == "ecdsa" else public
    assert ss58.encode(account) == entry["address42"]
    assert ss58.encode(account, 0) == entry["address0"]
    assert ss58.parse(entry["address42"]) == (42, account)
    assert ss58.decode(entry["address0"], 0) == account


@pytest.mark.parametrize("entry", [e for e in ACCOUNTS if "error" in e], ids=named)
def test_a_secret_uri_that_polkadot_js_refuses_is_refused(entry: dict[str, str]) -> None:
    with pytest.raises(InvalidUri) as refused:
        public_of(entry)
    soft = "soft key" in entry["error"]
    assert refused.value.reason is (UriReason.SOFT_JUNCTION if soft else UriReason.MALFORMED)


def test_the_mini_secret_comes_from_the_entropy_of_the_phrase() -> None:
    vector = VECTORS["mini_secret"]
    assert entropy_from_phrase(vector["mnemonic"]) == unhex(vector["entropy"])
    assert phrase_from_entropy(unhex(vector["entropy"])) == vector["mnemonic"]
    assert mini_secret(vector["mnemonic"]) == unhex(vector["mini"])


@pytest.mark.parametrize("entry", VECTORS["ss58"], ids=lambda e: f"prefix {e['prefix']}")
def test_an_address_carries_its_network_prefix(entry: dict[str, str | int]) -> None:
    public, prefix, address = unhex(str(entry["public"])), int(entry["prefix"]), str(entry["address"])
    assert ss58.encode(public, prefix) == address
    assert ss58.parse(address) == (prefix, public)


@pytest.mark.parametrize("entry", VECTORS["hash"], ids=lambda e: e["in"] or "empty")
def test_hashes_equal_those_of_polkadot_js(entry: dict[str, str]) -> None:
    data = entry["in"].encode()
    assert hashing.twox_64(data) == unhex(entry["twox64"])
    assert hashing.twox_128(data) == unhex(entry["twox128"])
    assert hashing.twox_256(data) == unhex(entry["twox256"])
    assert hashing.blake2_128(data) == unhex(entry["blake2_128"])
    assert hashing.blake2_256(data) == unhex(entry["blake2_256"])


@pytest.mark.parametrize("entry", VECTORS["api_ids"], ids=lambda e: e["name"])
def test_a_runtime_api_is_named_by_the_hash_of_its_name(entry: dict[str, str]) -> None:
    assert hashing.blake2_64(entry["name"].encode()) == unhex(entry["id"])


def test_a_map_key_hash_keeps_the_key_readable() -> None:
    assert hashing.blake2_128_concat(b"key") == hashing.blake2_128(b"key") + b"key"
    assert hashing.twox_64_concat(b"key") == hashing.twox_64(b"key") + b"key"
    assert hashing.identity(b"key") == b"key"


def test_blake2_512_is_unkeyed_blake2b() -> None:
    assert hashing.blake2_512(b"abc") == hashlib.blake2b(b"abc", digest_size=64).digest()
