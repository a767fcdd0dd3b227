"""The files for operators speak of flags and metrics that there are."""

import json
import re
from pathlib import Path

from prometheus_client import generate_latest

from chain.cli.main import _parser
from chain.metrics import NodeState, Recorder, Snapshot

DEPLOY = Path(__file__).resolve().parents[2] / "docs" / "deploy"


def metric_names() -> set[str]:
    """Every name that a node's /metrics shows, and those of samples that appear with their first event."""
    recorder = Recorder("dev")
    empty = Snapshot(0, 0, 0, 0, 0, 0, 0, False, 0, 0, 0, 0, 0, 0, 0)
    recorder.registry.register(NodeState("dev", "n", "v", 0, is_authority=False, read=lambda: empty))
    text = generate_latest(recorder.registry).decode()
    shown = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    return shown | {f"{name}_bucket" for name in shown}


def test_the_dashboard_asks_for_metrics_that_a_node_shows() -> None:
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:substrate|fixpoint)_\w+", target["expr"])
    }
    assert len(asked) >= 12
    assert asked <= metric_names()


def test_the_service_file_starts_the_node_with_flags_that_it_knows() -> None:
    text = (DEPLOY / "fixpoint.service").read_text().replace("\\\n", " ")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.M)
    arguments = command.split()[1:]
    parsed = _parser(["run"]).parse_args(arguments)
    assert parsed.validator
    assert parsed.log_format == "json"


def test_the_container_installs_what_the_lock_file_pins_and_exposes_the_ports_of_a_node() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert re.findall(r"^EXPOSE (.*)$", text, re.M) == ["9944 9615 30333"]
