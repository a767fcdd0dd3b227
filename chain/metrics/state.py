"""Metrics that are read when they are asked for: how high the chain is, how full the pool, how many peers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

FULL, AUTHORITY = 1, 4
"""Substrate's bits of `substrate_node_roles`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A node at one moment. Bytes and counts; `bytes_in` and `bytes_out` since the start."""

    best: int
    finalised: int
    target: int
    leaves: int
    ready: int
    future: int
    peers: int
    is_syncing: bool
    bytes_in: int
    bytes_out: int
    round: int
    set_id: int
    state_cache_bytes: int
    models_resident: int
    models_bytes: int


class NodeState:
    """A collector over `read`, which is called for each scrape."""

    def __init__(
        self,
        chain: str,
        name: str,
        version: str,
        started_ms: int,
        is_authority: bool,
        read: Callable[[], Snapshot],
    ) -> None:
        self._chain = chain
        self._build = (name, version)
        self._started = started_ms // 1000
        self._role = AUTHORITY if is_authority else FULL
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment; prometheus_client's interface of a collector."""
        now = self._read()
        height = GaugeMetricFamily(
            "substrate_block_height", "Block height info of the chain", labels=["status", "chain"]
        )
        for status, value in (("best", now.best), ("finalized", now.finalised), ("sync_target", now.target)):
            height.add_metric([status, self._chain], value)
        yield height
        info = GaugeMetricFamily(
            "substrate_build_info", "Name and version of the node", labels=["name", "version", "chain"]
        )
        info.add_metric([*self._build, self._chain], 1)
        yield info
        for metric, text, value in self._gauges(now):
            gauge = GaugeMetricFamily(metric, text, labels=["chain"])
            gauge.add_metric([self._chain], value)
            yield gauge
        traffic = CounterMetricFamily(
            "substrate_sub_libp2p_network_bytes", "Bytes to and from peers", labels=["direction", "chain"]
        )
        traffic.add_metric(["in", self._chain], now.bytes_in)
        traffic.add_metric(["out", self._chain], now.bytes_out)
        yield traffic

    def _gauges(self, now: Snapshot) -> tuple[tuple[str, str, int], ...]:
        return (
            ("substrate_process_start_time_seconds", "Unix time of the start", self._started),
            ("substrate_node_roles", "1 full node, 4 authority", self._role),
            ("substrate_number_leaves", "Heads of branches that may still win", now.leaves),
            ("substrate_ready_transactions_number", "Transactions ready for a block", now.ready),
            ("fixpoint_future_transactions_number", "Transactions that wait for others", now.future),
            ("substrate_sub_libp2p_peers_count", "Connected peers", now.peers),
            ("substrate_sync_peers", "Peers that blocks come from", now.peers),
            ("substrate_sub_libp2p_is_major_syncing", "Whether the chain is far behind", now.is_syncing),
            ("substrate_finality_grandpa_round", "The newest round voted in", now.round),
            ("fixpoint_finality_set_id", "The voter set that rules", now.set_id),
            ("substrate_state_cache_bytes", "Storage values held in memory", now.state_cache_bytes),
            ("fixpoint_models_resident", "Models ready to run", now.models_resident),
            ("fixpoint_models_resident_bytes", "Memory of those models", now.models_bytes),
        )
