"""Warp synchronisation of a large state, without a network between: serving, proofs, verification, database.

`python -m benchmarks warp-sync [--accounts 100000]`. Both sides run in this process, one after the other,
each on a LevelDB of its own. Goal: 100,000 accounts in 60 s.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chains import author_blocks, chain_with, fresh_chain, strangers
from benchmarks.harness import resident_mib, seconds, show
from chain.clock import unix_ms
from chain.config import ChainFolder, NodeConfig
from chain.core.stored import StoredChain
from chain.keystore import Keystore
from chain.opening import Chain, open_chain
from chain.warping import Outcome, Warping
from consensus.finality.events import BestBlock
from genesis.spec import ChainSpec
from network.messages import PeerId, Role, Status
from network.serving import answer
from network.sync import Answered, PeerJoined
from network.sync.warp_events import Ask, Complete

GOAL_SECONDS = 60
PEER = PeerId(bytes(32))


def finalise_best(chain: Chain) -> None:
    """The only voter of the development chain makes the best block final."""
    best = chain.store.best()
    finaliser = chain.finaliser(Keystore(None, ("//Alice",)))
    finaliser.start(unix_ms())
    finaliser.handle(BestBlock(best.hash, best.number), unix_ms())
    assert chain.store.finalized() == best


def warp(source: StoredChain, chain: Chain) -> int:
    """Fetch everything from `source`; how many questions that took."""
    warping = Warping(chain.store.kv, chain.authorities)
    status = Status(chain.genesis.header.hash(), Role.FULL, source.best, source.finalised, "benchmark")
    outcomes: list[Outcome] = [*warping.start(0), *warping.handle(PeerJoined(PEER, status), 0)]
    count = 0
    while not any(isinstance(one, Complete) for one in outcomes):
        asked = next(one for one in outcomes if isinstance(one, Ask))
        outcomes = warping.handle(Answered(PEER, asked.id, answer(asked.body, source)), 0)
        count += 1
    return count


def measure(spec: ChainSpec, source: StoredChain, accounts: int) -> bool:
    """Warp into a new folder, open it again, and judge."""
    questions = list[int]()
    with tempfile.TemporaryDirectory() as folder:
        config = NodeConfig(ChainFolder(spec, Path(folder)))
        with open_chain(config) as chain:
            taken = seconds(lambda: questions.append(warp(source, chain)))
        with open_chain(config) as chain:
            assert chain.store.best().hash == source.finalised.hash, "it stands at the final block"
    holds = taken < GOAL_SECONDS
    show(
        f"Warp synchronisation of {accounts:,} accounts",
        ["", "found", "goal"],
        [
            ["seconds", f"{taken:.1f}", f"{GOAL_SECONDS}"],
            ["questions", f"{questions[0]:,}", ""],
            ["memory of both sides", f"{resident_mib():,.0f} MiB", ""],
        ],
    )
    return holds


def main(arguments: Sequence[str]) -> int:
    """Make the chain, warp, and judge; 1 where it took too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--accounts", type=int, default=100_000)
    options = parser.parse_args(arguments)
    spec = chain_with(strangers(options.accounts))
    with fresh_chain(spec) as chain:
        author_blocks(chain, [[]])
        finalise_best(chain)
        return 0 if measure(spec, StoredChain(chain.store), options.accounts) else 1
