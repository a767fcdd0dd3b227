"""Metrics under Substrate's names, over HTTP as Prometheus asks for them."""

import socket
from collections.abc import Iterator

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from chain.metrics import MetricsConfig, MetricsServer, MetricsServerError, NodeState, Recorder, Snapshot
from chain.notifications import block_imported
from tests.chain.chains import World

STATE = Snapshot(
    best=9,
    finalised=7,
    target=12,
    leaves=2,
    ready=3,
    future=1,
    peers=4,
    is_syncing=True,
    bytes_in=100,
    bytes_out=50,
    round=5,
    set_id=2,
    state_cache_bytes=1_000,
    models_resident=1,
    models_bytes=2_000,
)


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder("dev")
    recorder.registry.register(
        NodeState("dev", "alice", "1.2.3", 60_000, is_authority=True, read=lambda: STATE)
    )
    return recorder


def by_label(text: str, *names: str) -> dict[tuple[str, str | None], float]:
    """Values by metric and by the first of these labels that it has."""
    return {
        (metric, next((labels[name] for name in names if name in labels), None)): value
        for metric, labels, value in samples(text)
    }


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


async def scraped(recorder: Recorder, *, ready: bool = True) -> tuple[str, int, int]:
    server = MetricsServer(MetricsConfig(port=0), recorder.registry, lambda: ready)
    await server.start()
    base = f"http://127.0.0.1:{server.port}"
    try:
        async with ClientSession() as session:
            async with session.get(base + "/metrics") as answer:
                assert answer.headers["Content-Type"].startswith("text/plain")
                text = await answer.text()
            async with session.get(base + "/health") as alive, session.get(base + "/health/readiness") as up:
                return text, alive.status, up.status
    finally:
        await server.stop()


async def test_heights_roles_peers_and_traffic_have_substrates_names_and_labels(recorder: Recorder) -> None:
    text, alive, ready = await scraped(recorder)
    found = {
        (name, labels.get("status") or labels.get("direction")): value
        for name, labels, value in samples(text)
    }
    assert found["substrate_block_height", "best"] == 9
    assert found["substrate_block_height", "finalized"] == 7
    assert found["substrate_block_height", "sync_target"] == 12
    assert found["substrate_node_roles", None] == 4
    assert found["substrate_sub_libp2p_peers_count", None] == 4
    assert found["substrate_sub_libp2p_network_bytes_total", "in"] == 100
    assert found["substrate_process_start_time_seconds", None] == 60
    assert all(labels["chain"] == "dev" for name, labels, _ in samples(text) if "created" not in name)
    assert (alive, ready) == (200, 200)


async def test_blocks_and_their_inferences_are_counted(recorder: Recorder) -> None:
    world = World()
    authored = world.build(world.transfer())
    recorder.authored(authored)
    recorder.block(block_imported(world.store, authored.stored))
    recorder.rejected()
    recorder.imported.observe(0.02)
    text, _, _ = await scraped(recorder)
    found = {
        (name, labels.get("result") or labels.get("reason")): value for name, labels, value in samples(text)
    }
    assert found["substrate_import_queue_processed_total", "success"] == 1
    assert found["substrate_import_queue_processed_total", "failure"] == 1
    assert found["substrate_proposer_number_of_transactions_total", None] == 1
    assert found["substrate_proposer_end_proposal_reason_total", "no_more_transactions"] == 1
    assert found["substrate_block_verification_and_import_time_count", None] == 1
    assert found["fixpoint_inferences_total", None] == 0


async def test_a_node_that_is_behind_is_alive_but_not_ready(recorder: Recorder) -> None:
    _, alive, ready = await scraped(recorder, ready=False)
    assert (alive, ready) == (200, 503)


async def test_a_taken_port_stops_the_node_only_where_it_was_asked_for(recorder: Recorder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = MetricsServer(MetricsConfig(port=port), recorder.registry, lambda: True)
        with pytest.raises(MetricsServerError, match="choose another --prometheus-port"):
            await server.start()
        lenient = MetricsServer(MetricsConfig(port=port, required=False), recorder.registry, lambda: True)
        await lenient.start()
        await lenient.stop()
