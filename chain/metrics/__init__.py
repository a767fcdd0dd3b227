"""What Prometheus sees of a node: Substrate's names and labels, and the inferences under our own."""

from chain.metrics.recorder import Recorder
from chain.metrics.server import MetricsConfig, MetricsServer, MetricsServerError
from chain.metrics.state import NodeState, Snapshot

__all__ = ["MetricsConfig", "MetricsServer", "MetricsServerError", "NodeState", "Recorder", "Snapshot"]
