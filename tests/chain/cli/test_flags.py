"""From flags to a node's configuration, with Substrate's meanings."""

import argparse
import tempfile
from pathlib import Path

import pytest

from chain.cli.failure import UsageFault
from chain.cli.flags import add_node_flags, node_config
from chain.config import NodeConfig, Seal, default_base_path
from chain.store import Pruning
from genesis.presets import UnknownChain
from network.rpc import ALL_ORIGINS, DEFAULT_ORIGINS, UnsafeMethods


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves anything outside its own folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def config(*flags: str) -> NodeConfig:
    parser = argparse.ArgumentParser()
    add_node_flags(parser)
    return node_config(parser.parse_args(flags))


def test_without_flags_a_node_follows_the_local_chain(tmp_path: Path) -> None:
    found = config()
    assert found.spec.id == "local_testnet"
    assert found.folder.database == tmp_path / "data" / "fixpoint" / "chains" / "local_testnet" / "db"
    assert found.keystore_path == found.folder.keystore
    assert (found.validator, found.key_uris, found.force_authoring) == (False, (), False)
    assert (found.seal, found.pruning, found.temporary) == (Seal.SLOTS, None, False)
    assert (found.rpc.host, found.rpc.port, found.rpc.cors) == ("127.0.0.1", 9944, DEFAULT_ORIGINS)
    assert found.rpc.methods is UnsafeMethods.AUTO
    assert (found.pool.ready_count, found.pool.future_count, found.pool.ban_ms) == (8192, 819, 1_800_000)


def test_dev_stands_for_substrates_set_of_flags(tmp_path: Path) -> None:
    found = config("--dev")
    assert found.spec.id == "dev"
    assert (found.name, found.validator, found.key_uris) == ("Alice", True, ("//Alice",))
    assert found.force_authoring
    assert found.rpc.cors is ALL_ORIGINS
    assert found.temporary
    assert found.folder.base.parent == tmp_path
    assert found.folder.base.is_dir()


def test_dev_with_a_base_path_keeps_its_data(tmp_path: Path) -> None:
    found = config("--dev", "--base-path", str(tmp_path / "kept"))
    assert not found.temporary
    assert found.folder.base == tmp_path / "kept"


def test_what_dev_means_can_be_overridden() -> None:
    found = config("--dev", "--bob", "--chain", "local", "--rpc-cors", "http://here:1, http://there:2")
    assert (found.spec.id, found.key_uris, found.name) == ("local_testnet", ("//Bob",), "Bob")
    assert found.rpc.cors == ("http://here:1", "http://there:2")


def test_every_flag_reaches_its_place(tmp_path: Path) -> None:
    found = config(
        *("--chain", "dev", "-d", str(tmp_path), "--validator", "--name", "Zoe", "--force-authoring"),
        *("--seal", "manual", "--pruning", "archive", "--keystore-path", str(tmp_path / "keys")),
        *("--rpc-port", "0", "--unsafe-rpc-external", "--rpc-methods", "safe", "--rpc-cors", "all"),
        *("--rpc-max-connections", "7", "--rpc-max-request-size", "2", "--rpc-max-response-size", "3"),
        *("--rpc-max-subscriptions-per-connection", "5", "--rpc-max-batch-request-len", "9"),
        *("--pool-limit", "50", "--pool-kbytes", "100", "--tx-ban-seconds", "60"),
        *("--inference-threads", "3", "--inference-cache-mb", "64"),
        *("-l", "debug", "--log", "rpc=off,pool=info", "--log-format", "json"),
    )
    assert (found.name, found.validator, found.force_authoring, found.seal) == (
        "Zoe",
        True,
        True,
        Seal.MANUAL,
    )
    assert found.pruning == Pruning.ARCHIVE
    assert found.keystore_path == tmp_path / "keys"
    assert (found.rpc.host, found.rpc.port, found.rpc.cors) == ("0.0.0.0", 0, ALL_ORIGINS)
    assert found.rpc.methods is UnsafeMethods.SAFE
    limits = found.rpc.limits
    assert (limits.connections, limits.request_bytes, limits.response_bytes) == (7, 2 << 20, 3 << 20)
    assert (limits.subscriptions_per_connection, limits.batch_length, limits.batches_enabled) == (5, 9, True)
    pool = found.pool
    assert (pool.ready_count, pool.ready_bytes, pool.future_count, pool.future_bytes) == (
        50,
        102_400,
        5,
        10_240,
    )
    assert pool.ban_ms == 60_000
    assert (found.inference.threads, found.inference.cache_bytes) == (3, 64 << 20)
    assert found.log.filters == ("debug", "rpc=off,pool=info")
    assert found.log.as_json


def test_state_pruning_is_also_known_by_its_short_name() -> None:
    assert config("--state-pruning", "64").pruning == config("--pruning", "64").pruning == Pruning.keep(64)


def test_batches_can_be_refused_altogether() -> None:
    assert not config("--rpc-disable-batch-requests").rpc.limits.batches_enabled


def test_a_tiny_pool_still_has_room_for_one_future_transaction() -> None:
    found = config("--pool-limit", "1", "--pool-kbytes", "1").pool
    assert (found.future_count, found.future_bytes) == (1, 1024)


def test_an_external_rpc_port_of_a_validator_must_be_asked_for_twice() -> None:
    with pytest.raises(UsageFault, match="--unsafe-rpc-external"):
        config("--rpc-external", "--alice")
    assert config("--rpc-external", "--alice", "--rpc-methods", "unsafe").rpc.host == "0.0.0.0"
    assert config("--rpc-external").rpc.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--alice", "--bob"], "--alice and --bob"),
        (["--tmp", "-d", "x"], "--tmp and --base-path"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(flags: list[str], complaint: str) -> None:
    with pytest.raises(UsageFault, match=complaint):
        config(*flags)


def test_an_unknown_chain_leaves_no_temporary_folder(tmp_path: Path) -> None:
    with pytest.raises(UnknownChain):
        config("--tmp", "--chain", "nowhere")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags",
    [
        ["--rpc-port", "65536"],
        ["--rpc-port", "-1"],
        ["--rpc-port", "٣"],
        ["--pruning", "some"],
        ["--pruning", "0"],
        ["--seal", "wax"],
        ["--rpc-methods", "all"],
        ["--rpc-max-connections", "0"],
        ["--inference-threads", "0"],
        ["--inference-cache-mb", "many"],
        ["--pool-limit", "99999999999999999999999999"],
        ["--log-format", "xml"],
        ["--rpc-disable-batch-requests", "--rpc-max-batch-request-len", "5"],
        ["--no-such-flag"],
    ],
)
def test_a_flag_with_a_wrong_value_is_wrong_usage(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        config(*flags)
    assert stopped.value.code == 2
    assert flags[0] in capsys.readouterr().err


def test_data_lie_where_the_platform_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setattr("sys.platform", "linux")
    assert default_base_path() == Path("/somebody/.local/share/fixpoint")
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_base_path() == Path("/somebody/Library/Application Support/fixpoint")
