"""Accounts beyond the vectors: signatures, refused secrets, addresses and phrases."""

import bip39
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.primitives.keys import (
    DEVELOPMENT_NAMES,
    DEVELOPMENT_PHRASE,
    AddressReason,
    EcdsaSignature,
    Ed25519Signature,
    InvalidAddress,
    InvalidMnemonic,
    InvalidSignature,
    InvalidUri,
    KeyPair,
    MnemonicReason,
    MultiSignature,
    Scheme,
    SignatureReason,
    Sr25519Signature,
    UriReason,
    development_pair,
    require_valid,
    ss58,
    verify,
)
from runtime.primitives.keys.derivation import chain_code
from runtime.primitives.keys.mnemonic import entropy_from_phrase, mini_secret, phrase_from_entropy
from runtime.primitives.keys.signature import verify_ed25519
from runtime.primitives.keys.words import WORDS
from runtime.primitives.scale import codec

PHRASE = DEVELOPMENT_PHRASE
ALICE = development_pair("Alice")
SCHEMES = [Scheme.ED25519, Scheme.SR25519]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_signature_proves_its_message_and_account_and_nothing_else(scheme: Scheme) -> None:
    alice, bob = development_pair("Alice", scheme), development_pair("Bob", scheme)
    signature = alice.sign(b"message")
    assert alice.verify(signature, b"message")
    assert not alice.verify(signature, b"massage")
    assert not bob.verify(signature, b"message")
    require_valid(signature, b"message", alice.public)
    with pytest.raises(InvalidSignature) as refused:
        require_valid(signature, b"message", bob.public)
    assert refused.value.reason is SignatureReason.MISMATCH


@pytest.mark.parametrize("kind", [Ed25519Signature, Sr25519Signature])
@pytest.mark.parametrize("raw", [bytes(64), b"\xff" * 64, bytes(63), b""])
@pytest.mark.parametrize("account", [ALICE.public, b"\xff" * 32, bytes(32), bytes(31)])
def test_malformed_signatures_and_keys_prove_nothing(
    kind: type[Ed25519Signature | Sr25519Signature], raw: bytes, account: bytes
) -> None:
    assert not verify(kind(raw), b"message", account)


def test_an_ed25519_key_of_small_order_proves_nothing() -> None:
    # With the neutral point as key, R = S = neutral verifies every message under a lax verifier.
    neutral = b"\1" + bytes(31)
    assert not verify_ed25519(neutral + bytes(32), b"message", neutral)


def test_an_ecdsa_signature_decodes_and_is_refused_by_name() -> None:
    signature = EcdsaSignature(bytes(65))
    assert codec(MultiSignature).decode(b"\2" + bytes(65)) == signature
    assert not verify(signature, b"message", ALICE.public)
    with pytest.raises(InvalidSignature, match="ed25519 or sr25519") as refused:
        require_valid(signature, b"message", ALICE.public)
    assert refused.value.reason is SignatureReason.UNSUPPORTED_SCHEME


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_seed_a_phrase_and_a_uri_give_the_same_pair(scheme: Scheme) -> None:
    seed = mini_secret(PHRASE)
    pair = KeyPair.from_seed(seed, scheme)
    assert KeyPair.from_phrase(PHRASE, "", scheme) == pair
    assert KeyPair.from_uri(PHRASE, scheme) == pair
    assert KeyPair.from_uri(f"0x{seed.hex()}", scheme) == pair
    assert KeyPair.from_phrase(PHRASE, "word", scheme) == KeyPair.from_uri(f"{PHRASE}///word", scheme) != pair
    assert KeyPair.from_uri(f"0x{seed.hex()}//Alice", scheme) == development_pair("Alice", scheme)


def test_the_secret_of_a_pair_is_never_printed() -> None:
    assert ALICE.secret.hex()[:16] not in repr(ALICE)
    assert "secret" not in repr(ALICE)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", UriReason.MALFORMED),
        ("///hunter2", UriReason.MALFORMED),
        ("two  spaces", UriReason.MALFORMED),
        (f"{PHRASE}/", UriReason.MALFORMED),
        ("//Alice" * 200, UriReason.TOO_LONG),
        ("//a" * 33, UriReason.TOO_LONG),
        ("0x12", UriReason.BAD_SEED),
        ("0x" + "zz" * 32, UriReason.BAD_SEED),
        ("0x" + "00" * 33 + "//Alice", UriReason.BAD_SEED),
    ],
)
def test_a_secret_uri_that_gives_no_key_is_refused_without_repeating_it(uri: str, reason: UriReason) -> None:
    with pytest.raises(InvalidUri) as refused:
        KeyPair.from_uri(uri)
    assert refused.value.reason is reason
    assert refused.value.value is None
    assert not uri or uri not in str(refused.value)


def test_an_ecdsa_pair_can_not_be_made() -> None:
    with pytest.raises(InvalidUri) as refused:
        KeyPair.from_uri("//Alice", Scheme.ECDSA)
    assert refused.value.reason is UriReason.UNSUPPORTED_SCHEME


def test_a_numeric_junction_is_a_u64_and_any_other_is_text() -> None:
    assert chain_code("1") == b"\1" + bytes(31)
    assert chain_code("+1") == chain_code("1")
    assert chain_code("18446744073709551615") == b"\xff" * 8 + bytes(24)
    assert chain_code("18446744073709551616")[:2] == b"\x501"
    assert chain_code("a") == b"\x04a" + bytes(30)
    assert chain_code("x" * 31) == b"\x7c" + b"x" * 31
    assert len(chain_code("x" * 32)) == 32


def test_every_development_account_has_its_own_key() -> None:
    assert len({development_pair(name).public for name in DEVELOPMENT_NAMES}) == 6
    assert development_pair("Alice").address() == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from((16, 20, 24, 28, 32)).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    st.text(max_size=9),
)
def test_a_phrase_stands_for_its_entropy_and_agrees_with_the_rust_implementation(
    entropy: bytes, password: str
) -> None:
    phrase = phrase_from_entropy(entropy)
    assert entropy_from_phrase(phrase) == entropy
    assert bip39.bip39_validate(phrase)
    assert mini_secret(phrase, password) == bytes(bip39.bip39_to_mini_secret(phrase, password))


@pytest.mark.parametrize(
    ("phrase", "reason"),
    [
        ("", MnemonicReason.WORD_COUNT),
        ("abandon " * 11, MnemonicReason.WORD_COUNT),
        ("abandon " * 13, MnemonicReason.WORD_COUNT),
        ("abandon " * 27, MnemonicReason.WORD_COUNT),
        ("abandon " * 12, MnemonicReason.CHECKSUM),
        ("abandon " * 11 + "fixpoint", MnemonicReason.UNKNOWN_WORD),
    ],
)
def test_a_phrase_that_bip39_does_not_know_is_refused(phrase: str, reason: MnemonicReason) -> None:
    with pytest.raises(InvalidMnemonic) as refused:
        KeyPair.from_phrase(phrase)
    assert refused.value.reason is reason


def test_entropy_of_another_length_makes_no_phrase() -> None:
    for length in (0, 15, 17, 33):
        with pytest.raises(InvalidMnemonic) as refused:
            phrase_from_entropy(bytes(length))
        assert refused.value.reason is MnemonicReason.ENTROPY_LENGTH


def test_the_first_four_letters_name_a_word() -> None:
    assert len({word[:4] for word in WORDS}) == len(WORDS) == 2048
    assert list(WORDS) == sorted(WORDS)


@given(st.binary(min_size=32, max_size=32), st.integers(0, ss58.MAX_PREFIX))
def test_an_address_gives_back_its_key_and_prefix(public: bytes, prefix: int) -> None:
    if prefix in ss58.RESERVED_PREFIXES:
        return
    address = ss58.encode(public, prefix)
    assert len(address) <= ss58.MAX_ADDRESS_LENGTH
    assert ss58.parse(address) == (prefix, public)


def raw_address(body: bytes) -> str:
    return ss58.to_base58(body + ss58._checksum(body))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", AddressReason.BAD_LENGTH),
        ("5", AddressReason.BAD_LENGTH),
        ("1" * 65, AddressReason.BAD_LENGTH),
        (ALICE.address()[:-1], AddressReason.BAD_LENGTH),
        (ALICE.address()[:-1] + "1", AddressReason.BAD_CHECKSUM),
        (ALICE.address()[:-1] + "0", AddressReason.BAD_CHARACTER),
        (ALICE.address()[:-1] + "é", AddressReason.BAD_CHARACTER),
        (raw_address(b"\x80" + bytes(32)), AddressReason.BAD_PREFIX),
        (raw_address(b"\x2e" + bytes(32)), AddressReason.BAD_PREFIX),
        (raw_address(b"\x40\x00" + bytes(32)), AddressReason.BAD_PREFIX),
        (raw_address(b"\x2a" + bytes(33)), AddressReason.BAD_LENGTH),
    ],
)
def test_text_that_is_no_address_is_refused_with_the_reason(address: str, reason: AddressReason) -> None:
    with pytest.raises(InvalidAddress) as refused:
        ss58.parse(address)
    assert refused.value.reason is reason


def test_an_address_of_another_network_is_refused_where_one_is_expected() -> None:
    assert ss58.decode(ALICE.address()) == ss58.decode(ALICE.address(), 42) == ALICE.public
    with pytest.raises(InvalidAddress, match="expected network 0, not 42") as refused:
        ss58.decode(ALICE.address(), 0)
    assert refused.value.reason is AddressReason.BAD_PREFIX


@pytest.mark.parametrize(
    ("public", "prefix", "reason"),
    [
        (bytes(31), 42, AddressReason.BAD_LENGTH),
        (bytes(32), 46, AddressReason.BAD_PREFIX),
        (bytes(32), 16_384, AddressReason.BAD_PREFIX),
        (bytes(32), -1, AddressReason.BAD_PREFIX),
    ],
)
def test_an_impossible_address_can_not_be_made(public: bytes, prefix: int, reason: AddressReason) -> None:
    with pytest.raises(InvalidAddress) as refused:
        ss58.encode(public, prefix)
    assert refused.value.reason is reason
