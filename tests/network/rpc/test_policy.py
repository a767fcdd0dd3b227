"""Host, Origin and the permission of unsafe methods."""

import pytest

from network.rpc.policy import ALL_ORIGINS, DEFAULT_ORIGINS, AccessPolicy, UnsafeMethods, is_loopback

POLICY = AccessPolicy(DEFAULT_ORIGINS, "127.0.0.1", 9944)


@pytest.mark.parametrize("host", ["localhost:9944", "127.0.0.1:9944", "[::1]:9944", "LOCALHOST:9944"])
def test_the_nodes_own_names_are_served(host: str) -> None:
    assert POLICY.host_allowed(host)


@pytest.mark.parametrize(
    "host", [None, "", "localhost", "localhost:80", "evil.example:9944", "localhost:9944.evil"]
)
def test_other_hosts_are_not_served(host: str | None) -> None:
    assert not POLICY.host_allowed(host)


def test_the_listen_address_is_served_and_all_origins_switch_the_check_off() -> None:
    assert AccessPolicy(DEFAULT_ORIGINS, "10.1.2.3", 1).host_allowed("10.1.2.3:1")
    assert AccessPolicy(DEFAULT_ORIGINS, "fe80::1", 1).host_allowed("[fe80::1]:1")
    assert AccessPolicy(ALL_ORIGINS, "10.1.2.3", 1).host_allowed("anything")


@pytest.mark.parametrize(
    "origin",
    [None, "http://localhost:3000", "http://localhost", "https://127.0.0.1:8", "https://polkadot.js.org"],
)
def test_default_origins_and_programs_without_origin_may_call(origin: str | None) -> None:
    assert POLICY.origin_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost:evil",
        "http://localhost:3000/path",
        "http://localhost:99999999",
        "http://a@localhost:1",
        "http://polkadot.js.org",
        "https://polkadot.js.org.evil.example",
        "http://[::1",
    ],
)
def test_other_origins_may_not_call_unless_all_may(origin: str) -> None:
    assert not POLICY.origin_allowed(origin)
    assert AccessPolicy(ALL_ORIGINS, "127.0.0.1", 1).origin_allowed(origin)


@pytest.mark.parametrize(
    ("setting", "address", "permitted"),
    [
        (UnsafeMethods.AUTO, "127.0.0.1", True),
        (UnsafeMethods.AUTO, "::1", True),
        (UnsafeMethods.AUTO, "localhost", True),
        (UnsafeMethods.AUTO, "0.0.0.0", False),
        (UnsafeMethods.AUTO, "node.example", False),
        (UnsafeMethods.SAFE, "127.0.0.1", False),
        (UnsafeMethods.UNSAFE, "0.0.0.0", True),
    ],
)
def test_unsafe_methods_follow_the_setting_and_the_address(
    setting: UnsafeMethods, address: str, permitted: bool
) -> None:
    assert setting.permitted(address) is permitted


def test_loopback_is_by_address_not_by_look() -> None:
    assert is_loopback("[::1]")
    assert not is_loopback("127.evil.example")
