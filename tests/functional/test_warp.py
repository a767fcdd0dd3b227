"""A real node that joins by warp synchronisation, is killed on the way, and follows the chain afterwards."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chain.testnet import LocalNetwork, Member
from genesis import presets


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """Two validators that have made some blocks final."""
    folder = tmp_path_factory.mktemp("warp")
    network = LocalNetwork(folder, presets.testnet(2, 1_000, 10), ("--log", "info"))
    validators = [network.add(f"validator-{index}", f"//Validator//{index}") for index in range(2)]
    try:
        for member in validators:
            network.start(member)
        for member in validators:
            network.wait_ready(member)
        until(lambda: final(network, validators[0]) >= 5)
        yield network
    finally:
        network.close()


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def final(network: LocalNetwork, member: Member) -> int:
    block = network.call(member, "chain_getFinalizedHead")
    return int(network.call(member, "chain_getHeader", block)["number"], 16)


def said(member: Member, text: str) -> bool:
    return member.log.exists() and text in member.log.read_text(errors="replace")


def test_a_new_node_warps_to_a_final_block_and_follows_also_when_killed_on_the_way(
    network: LocalNetwork,
) -> None:
    node = network.add("warped", None)
    network.start(node, "--sync", "warp")
    until(lambda: said(node, "Warp synchronisation begins"))
    network.kill(node)
    network.start(node, "--sync", "warp")
    network.wait_ready(node)
    assert said(node, "Final block proved")
    assert network.call(node, "chain_getBlockHash", 1) is None, "history was not executed"
    assert network.call(node, "chain_getBlockHash", 0) is not None
    reached = final(network, node) + 3
    until(lambda: final(network, node) >= reached)
    validator = network.members[0]
    until(lambda: final(network, validator) >= reached)
    hashes = {network.call(one, "chain_getBlockHash", reached) for one in (node, validator)}
    assert len(hashes) == 1
    assert network.stop(node) == 0
    network.start(node, "--sync", "warp")
    network.wait_ready(node)
    until(lambda: final(network, node) > reached)
