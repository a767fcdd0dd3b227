"""What clients see of Staking: runtime interfaces by name, weights by arguments, types by path."""

from typing import Any

import pytest

from runtime.configuration import VERSION
from runtime.executive.api import RuntimeApi
from runtime.frame.version import api_id
from runtime.pallets.staking import weights
from runtime.primitives.state import MemoryState
from tests.runtime.pallets.staking.chain import Chain, staking_config, stash, targets


@pytest.fixture
def chain() -> Chain:
    return Chain(staking_config(2, 2, nominators=1))


def test_the_staking_interface_answers_through_state_call(chain: Chain) -> None:
    assert (api_id("StakingApi"), 1) in VERSION.apis
    changes = {key: value for key, value in chain.env.overlay.changes().items() if value is not None}
    state = MemoryState(dict(chain.state.storage) | changes)
    api = RuntimeApi(chain.runtime)
    era = (0).to_bytes(4, "little")
    assert api.call("StakingApi_nominations_quota", bytes(16), state) == (16).to_bytes(4, "little")
    pages = api.call("StakingApi_eras_stakers_page_count", era + stash(1), state)
    assert pages == (1).to_bytes(4, "little")
    assert api.call("StakingApi_pending_rewards", era + stash(1), state) == b"\1"
    assert api.call("StakingApi_pending_rewards", era + stash(50), state) == b"\0"


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("withdraw_unbonded", {"num_slashing_spans": 3}, weights.withdraw(3)),
        ("reap_stash", {"stash": stash(1), "num_slashing_spans": 3}, weights.reap(3)),
        ("force_unstake", {"stash": stash(1), "num_slashing_spans": 2}, weights.reap(2)),
        ("nominate", {"targets": targets(1, 2)}, weights.nominate(2)),
        ("kick", {"who": targets(1, 2, 3)}, weights.kick(3)),
        ("cancel_deferred_slash", {"era": 1, "slash_indices": [1, 2]}, weights.cancel(2)),
    ],
)
def test_calls_weigh_what_their_arguments_ask_for(
    chain: Chain, name: str, arguments: dict[str, Any], expected: object
) -> None:
    assert chain.env.call_weight(chain.make(f"Staking.{name}", **arguments)) == expected
