"""The keystore: Substrate's files, keys in memory, and a clear word for whatever is wrong with a file."""

import json
import logging
import os
from pathlib import Path

import pytest

from chain.keystore import KeyEntry, Keystore, KeystoreFault, KeyType, PasswordCost, public_key
from chain.keystore import store as keystore_module
from consensus.finality.bls import BlsKey
from runtime.primitives.keys import KeyPair, Scheme

ALICE_BLOCK = bytes.fromhex("88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee")
"""Alice's ed25519 key as every Substrate tool shows it."""
ALICE_FINALITY = public_key(KeyType.FINALITY, "//Alice")
PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keystore"


def test_alices_block_key_is_the_one_of_every_substrate_tool() -> None:
    assert public_key(KeyType.BLOCK, "//Alice") == ALICE_BLOCK
    assert public_key(KeyType.BLOCK, PHRASE + "//Alice") == ALICE_BLOCK


def test_the_finality_key_grows_from_the_same_seed_as_the_block_key() -> None:
    seed = KeyPair.from_uri("//Alice", Scheme.ED25519).secret[:32]
    assert BlsKey.from_seed(seed).public == ALICE_FINALITY
    assert len(ALICE_FINALITY) == 48


def test_an_inserted_key_lies_in_a_private_file_under_substrates_name(folder: Path) -> None:
    entry = Keystore(folder).insert(KeyType.BLOCK, "//Alice")
    path = folder / ("62616265" + ALICE_BLOCK.hex())
    assert entry == KeyEntry(KeyType.BLOCK, ALICE_BLOCK, path)
    assert path.read_text() == '"//Alice"'
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(folder) == [path.name]


def test_inserted_keys_sign_after_a_restart(folder: Path) -> None:
    for key_type in KeyType:
        Keystore(folder).insert(key_type, "//Alice")
    restarted = Keystore(folder)
    block, finality = restarted.block_key(ALICE_BLOCK), restarted.finality_key(ALICE_FINALITY)
    assert block is not None
    assert block.public == ALICE_BLOCK
    assert finality is not None
    assert finality.public == ALICE_FINALITY
    assert restarted.has(KeyType.BLOCK, ALICE_BLOCK)
    assert not restarted.has(KeyType.BLOCK, ALICE_FINALITY[:32])


def test_inserting_twice_leaves_one_file(folder: Path) -> None:
    keystore = Keystore(folder)
    assert keystore.insert(KeyType.BLOCK, "//Bob") == keystore.insert(KeyType.BLOCK, "//Bob")
    assert len(keystore.entries()) == 1


def test_keys_in_memory_sign_and_touch_no_disk(folder: Path) -> None:
    keystore = Keystore(folder, ("//Alice",))
    assert keystore.block_key(ALICE_BLOCK) is not None
    assert keystore.finality_key(ALICE_FINALITY) is not None
    assert {entry.path for entry in keystore.entries()} == {None}
    assert not folder.exists()


def test_a_keystore_without_a_folder_keeps_what_is_inserted_in_memory() -> None:
    keystore = Keystore(None)
    assert keystore.entries() == ()
    keystore.insert(KeyType.FINALITY, "//Alice")
    assert keystore.finality_key(ALICE_FINALITY) is not None


def test_an_absent_key_is_none_and_an_absent_folder_is_empty(folder: Path) -> None:
    keystore = Keystore(folder)
    assert keystore.entries() == ()
    assert keystore.block_key(ALICE_BLOCK) is None
    assert keystore.finality_key(ALICE_FINALITY) is None


def test_foreign_files_are_ignored(folder: Path) -> None:
    folder.mkdir()
    keystore = Keystore(folder)
    keystore.insert(KeyType.BLOCK, "//Alice")
    for name in (
        "README",
        ".new-1234",
        "61757261" + "00" * 32,
        "62616265" + "00" * 31,
        "00" * 40,
        "ffff" * 9,
    ):
        (folder / name).write_text('"//Eve"')
    (folder / ("62616265" + "AB" * 32)).write_text('"//Eve"')
    assert [entry.public for entry in keystore.entries()] == [ALICE_BLOCK]


def test_a_file_that_others_can_read_is_used_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    keystore = Keystore(folder)
    path = keystore.insert(KeyType.BLOCK, "//Alice").path
    assert path is not None
    path.chmod(0o644)
    assert keystore.entries()[0].exposed
    monkeypatch.setattr(logging.getLogger("fixpoint"), "propagate", True)
    with caplog.at_level("WARNING", "fixpoint.keystore"):
        assert keystore.block_key(ALICE_BLOCK) is not None
    assert "chmod 600" in caplog.text


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "must hold a secret URI"),
        (b"//Alice", "must hold a secret URI"),
        (b"[" * 5000, "must hold a secret URI"),
        (b'{"suri": "//Alice"}', "is sealed: give its password"),
        (b'"' + b"a" * 17_000 + b'"', "must hold a secret URI"),
        (b'"not a phrase at all"', "is damaged"),
        (b'"//Bob"', "holds the secret of 0x"),
    ],
)
def test_a_damaged_key_file_is_named_and_its_content_is_not(
    folder: Path, content: bytes, complaint: str
) -> None:
    keystore = Keystore(folder)
    path = keystore.insert(KeyType.BLOCK, "//Alice").path
    assert path is not None
    path.write_bytes(content)
    with pytest.raises(KeystoreFault, match=complaint) as refused:
        keystore.block_key(ALICE_BLOCK)
    assert str(path) in str(refused.value)
    assert "phrase at all" not in str(refused.value)


def test_a_key_file_that_is_a_folder_cannot_be_read(folder: Path) -> None:
    (folder / ("62616265" + ALICE_BLOCK.hex())).mkdir(parents=True)
    with pytest.raises(KeystoreFault, match="cannot be read"):
        Keystore(folder).block_key(ALICE_BLOCK)


def test_a_keystore_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(KeystoreFault, match="cannot be listed"):
        Keystore(path).entries()
    with pytest.raises(KeystoreFault, match="cannot take a key"):
        Keystore(path).insert(KeyType.BLOCK, "//Alice")


def test_a_full_disk_leaves_no_half_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeystoreFault, match="No space left on device"):
        Keystore(folder).insert(KeyType.BLOCK, "//Alice")
    assert os.listdir(folder) == []


def test_a_folder_of_too_many_files_is_no_keystore(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore_module, "MAX_KEY_FILES", 1)
    keystore = Keystore(folder)
    keystore.insert(KeyType.BLOCK, "//Alice")
    keystore.insert(KeyType.BLOCK, "//Bob")
    with pytest.raises(KeystoreFault, match="no keystore"):
        keystore.entries()


def test_a_public_key_that_is_not_the_secrets_is_refused_and_nothing_is_stored(folder: Path) -> None:
    with pytest.raises(KeystoreFault, match="not 0x00"):
        Keystore(folder).insert(KeyType.BLOCK, "//Alice", bytes(32))
    assert not folder.exists()


@pytest.mark.parametrize("uri", ["", "/soft", "//Alice/soft", "word word word", "0x12"])
def test_a_secret_that_gives_no_key_is_refused(folder: Path, uri: str) -> None:
    with pytest.raises(KeystoreFault, match="gives no babe key"):
        Keystore(folder).insert(KeyType.BLOCK, uri)


def test_an_unknown_key_type_is_refused_with_those_there_are() -> None:
    assert KeyType.parse("gran") is KeyType.FINALITY
    with pytest.raises(KeystoreFault, match="use babe or gran"):
        KeyType.parse("imon")


def test_what_is_stored_is_the_uri_as_json_whatever_its_characters(folder: Path) -> None:
    uri = PHRASE + '//a"b///pässword'
    path = Keystore(folder).insert(KeyType.BLOCK, uri).path
    assert path is not None
    assert json.loads(path.read_text()) == uri


CHEAP = PasswordCost(passes=1, memory=8192)
"""The least that libsodium takes: the tests are about the file, not about guessing."""


def sealed(folder: Path, password: str = "correct horse") -> Keystore:
    return Keystore(folder, password=password, cost=CHEAP)


def test_a_sealed_file_shows_nothing_and_opens_with_its_password_after_a_restart(folder: Path) -> None:
    path = sealed(folder).insert(KeyType.BLOCK, PHRASE).path
    assert path is not None
    assert "bottom" not in path.read_text()
    public = public_key(KeyType.BLOCK, PHRASE)
    key = sealed(folder).block_key(public)
    assert key is not None
    assert key.public == public


def test_a_wrong_password_and_a_missing_one_are_told_apart(folder: Path) -> None:
    sealed(folder).insert(KeyType.BLOCK, "//Alice")
    with pytest.raises(KeystoreFault, match="does not open with this password"):
        sealed(folder, "battery staple").block_key(ALICE_BLOCK)
    with pytest.raises(KeystoreFault, match="give its password with --password-filename"):
        Keystore(folder).block_key(ALICE_BLOCK)


def test_a_keystore_with_a_password_still_reads_files_in_the_clear(folder: Path) -> None:
    Keystore(folder).insert(KeyType.BLOCK, "//Alice")
    assert sealed(folder).block_key(ALICE_BLOCK) is not None


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("kdf", "pbkdf2", "that this version does not know"),
        ("passes", 10**9, "no reasonable cost"),
        ("memory", 1 << 40, "no reasonable cost"),
        ("passes", True, "no reasonable cost"),
        ("salt", "zz", "is damaged"),
        ("salt", "00", "is damaged"),
        ("box", 7, "is damaged"),
        ("box", "00" * 60, "does not open"),
        ("extra", 1, "that this version does not know"),
    ],
)
def test_a_sealed_file_that_was_tampered_with_is_refused_in_bounded_time(
    folder: Path, field: str, value: object, complaint: str
) -> None:
    path = sealed(folder).insert(KeyType.BLOCK, "//Alice").path
    assert path is not None
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(KeystoreFault, match=complaint) as refused:
        sealed(folder).block_key(ALICE_BLOCK)
    assert str(path) in str(refused.value)
