"""The cases of finality-grandpa's own tests: rounds, vote graphs, thresholds. Commits: test_justification."""

import json
from pathlib import Path
from typing import Any

import pytest

from consensus.authorities import supermajority
from consensus.finality.messages import Stage
from consensus.finality.tally import Counting
from consensus.finality.vote_graph import VoteGraph, VoteNode
from tests.consensus.finality.graphs import NamedRound, NamedTree

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "grandpa_cases.json").read_text())
STAGES = {"pv": Stage.PREVOTE, "pc": Stage.PRECOMMIT}
RESULTS = {"ok": Counting.NEW, "equivocation": Counting.EQUIVOCATION, "extra": Counting.SURPLUS}


@pytest.mark.parametrize("case", CASES["rounds"], ids=lambda case: case["name"])
def test_a_round_reaches_the_state_of_the_vector_after_each_vote(case: dict[str, Any]) -> None:
    names = list(case["voters"])
    voting = NamedRound(NamedTree(case["tree"]), list(case["voters"].values()), case["base"])
    for step in case["steps"]:
        stage, voter, block = step["vote"]
        result = voting.vote(STAGES[stage], names.index(voter), block)
        assert result is RESULTS[step.get("result", "ok")]
        expected = step.get("expect", {})
        assert {key: voting.described()[key] for key in expected} == expected


@pytest.mark.parametrize(("total", "threshold"), CASES["thresholds"])
def test_the_threshold_is_that_of_the_vector(total: int, threshold: int) -> None:
    assert supermajority(total) == threshold


@pytest.mark.parametrize("case", CASES["vote_graph"], ids=lambda case: case["name"])
def test_the_vote_graph_finds_the_block_of_the_vector(case: dict[str, Any]) -> None:
    tree = NamedTree(case["tree"])
    graph = VoteGraph(tree.target("genesis"))
    weights = list(case["weights"].items())
    for voter, (block, weight) in enumerate(weights):
        assert graph.vote(tree.target(block), Stage.PREVOTE, (1 << voter) if weight else 0, tree.chain)

    def weight(node: VoteNode) -> int:
        return sum(value for voter, (_, value) in enumerate(weights) if node.prevotes >> voter & 1)

    if "ghost" in case:
        ghost = graph.ghost(lambda node: weight(node) >= case["threshold"])
        assert tree.name(ghost) == case["ghost"]
        return
    wanted = case["find_ancestor"]
    least = wanted["threshold_ge"] if "threshold_ge" in wanted else wanted["threshold_gt"] + 1
    for block in wanted["blocks"]:
        found = graph.ancestor(tree.target(block), lambda node: weight(node) >= least)
        assert tree.name(found) == wanted["result"], block
