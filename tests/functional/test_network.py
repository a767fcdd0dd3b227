"""Real validators as processes: they agree, survive deaths and absences, and serve users through any node."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from chain.config import ChainFolder
from chain.keystore import Keystore
from chain.testnet import LocalNetwork, Member
from client import Client, connect
from consensus.ownership import prove_ownership
from genesis import presets
from genesis.presets import FIX
from runtime.pallets.session.types import SESSION_KEYS
from runtime.pallets.staking.types import Staked, ValidatorPrefs
from runtime.primitives.keys import KeyPair
from tests.chain.cli.support import ARTIFACT, MODEL

SLOT_MS, EPOCH_SLOTS = 1_000, 10
ALICE, BOB = KeyPair.from_uri("//Alice"), KeyPair.from_uri("//Bob")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """Four validators and a node that follows."""
    folder = tmp_path_factory.mktemp("network")
    network = LocalNetwork(folder, presets.testnet(4, SLOT_MS, EPOCH_SLOTS), ("--log", "info"))
    for index in range(4):
        network.add(f"validator-{index}", f"//Validator//{index}")
    network.add("full", None)
    try:
        for member in network.members:
            network.start(member)
        for member in network.members:
            network.wait_ready(member)
        yield network
    finally:
        network.close()


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def height(network: LocalNetwork, member: Member) -> int:
    header = network.call(member, "chain_getHeader")
    return int(header["number"], 16)


def final(network: LocalNetwork, member: Member) -> int:
    block = network.call(member, "chain_getFinalizedHead")
    return int(network.call(member, "chain_getHeader", block)["number"], 16)


def agreed(network: LocalNetwork, members: list[Member], number: int) -> bool:
    """Whether all have the same final block at a height."""
    if any(final(network, member) < number for member in members):
        return False
    hashes = {network.call(member, "chain_getBlockHash", number) for member in members}
    assert len(hashes) == 1, f"final blocks {number} differ"
    return True


def test_all_nodes_finalise_the_same_chain_and_several_validators_author_it(network: LocalNetwork) -> None:
    members = network.members
    until(lambda: agreed(network, members, 8))
    assert all(network.call(member, "system_health")["peers"] >= 3 for member in members)
    authored = [member.log.read_text().count('"Authored"') for member in members]
    assert sum(count > 0 for count in authored) >= 2
    assert authored[-1] == 0, "a node without keys authors nothing"


async def test_a_model_published_through_one_node_answers_through_another_and_is_checked_on_a_third(
    network: LocalNetwork,
) -> None:
    first, second, full = network.members[0], network.members[2], network.members[4]
    async with await connect(first.url) as client:
        published = await client.publish(ARTIFACT, ALICE)
        assert published.model == MODEL
    async with await connect(second.url) as client:
        pixels = np.array([[1, 2, 3, 4]])
        result = await client.infer(MODEL, {"x": pixels / 2}, BOB)
        assert np.array_equal(result.outputs["y"], [[2, 4, 6, 8]])
    async with await connect(full.url) as client:
        receipt = await until_found(client, result.receipt)
        assert receipt.model == MODEL


async def until_found(client: Client, receipt: bytes) -> Any:
    import asyncio

    for _ in range(100):
        found = await client.receipt(receipt)
        if found is not None:
            return found
        await asyncio.sleep(0.2)
    raise AssertionError("the receipt did not reach the node")


def test_a_killed_validator_is_not_missed_and_catches_up_when_it_is_back(network: LocalNetwork) -> None:
    victim, others = network.members[3], network.members[:3]
    network.kill(victim)
    before = final(network, others[0])
    until(lambda: agreed(network, others, before + 4))
    network.start(victim)
    network.wait_ready(victim)
    until(lambda: agreed(network, network.members[:4], before + 6))


def test_without_a_supermajority_blocks_go_on_and_finality_waits_for_those_who_are_paused(
    network: LocalNetwork,
) -> None:
    awake, paused = network.members[:2], network.members[2:4]
    for member in paused:
        network.pause(member)
    time.sleep(2 * SLOT_MS / 1000)
    halted, best = final(network, awake[0]), height(network, awake[0])
    until(lambda: height(network, awake[0]) >= best + 2)
    assert final(network, awake[0]) <= halted + 1
    for member in paused:
        network.resume(member)
    until(lambda: agreed(network, network.members[:4], best + 2))


def test_a_wiped_node_fetches_everything_again_and_agrees(network: LocalNetwork) -> None:
    victim = network.members[4]
    assert network.stop(victim) == 0
    network.wipe(victim)
    network.start(victim)
    network.wait_ready(victim)
    goal = final(network, network.members[0]) + 1
    until(lambda: agreed(network, network.members, goal))


async def test_a_newcomer_becomes_a_validator_by_staking_calls_alone(network: LocalNetwork) -> None:
    """It makes keys by itself, bonds, registers them, and is elected: then it authors, and all go on."""
    newcomer = network.members[4]
    assert network.stop(newcomer) == 0
    network.start(newcomer, "--validator")
    network.wait_ready(newcomer)
    stash = KeyPair.from_uri("//Charlie")
    keys = SESSION_KEYS.decode(bytes.fromhex(network.call(newcomer, "author_rotateKeys")[2:]))
    keystore = Keystore(ChainFolder(network.spec, newcomer.folder).keystore)
    (block_key,), (finality_key,) = keystore.block_keys(), keystore.finality_keys()
    proof = prove_ownership(block_key, finality_key, stash.public)
    async with await connect(network.members[0].url) as client:
        calls = [
            client.make_call("Staking", "bond", value=200_000 * FIX, payee=Staked()),
            client.make_call("Session", "set_keys", keys=keys, proof=proof),
            client.make_call("Staking", "validate", prefs=ValidatorPrefs(0, False)),
        ]
        batch = client.make_call("Utility", "batch_all", calls=calls)
        included = await client.submit(batch, stash)
        assert included.fee > 0
    before = newcomer.log.read_text().count('"Authored"')
    until(lambda: newcomer.log.read_text().count('"Authored"') > before, seconds=120)
    until(lambda: agreed(network, network.members, height(network, newcomer)))


def test_every_node_stops_in_order_and_nobody_was_banned(network: LocalNetwork) -> None:
    for member in network.members:
        assert network.stop(member) == 0
        words = member.log.read_text()
        assert "Traceback" not in words
        assert "banned" not in words
        assert '"Stopped"' in words
