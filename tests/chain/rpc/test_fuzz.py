"""Whatever a client sends is answered, as JSON-RPC, and changes nothing that it may not change.

The whole of it is `python -m benchmarks.rpc_fuzz --calls 50000`.
"""

from pathlib import Path
from typing import Any

import pytest

from network.rpc.limits import MAX_DEPTH
from tests.chain.rpc.fuzzing import WRITERS, Fuzzer, Violation

CALLS = 5_000
SEED = 20_240_601


async def test_five_thousand_hostile_calls_are_answered_and_change_nothing(tmp_path: Path) -> None:
    fuzzer = Fuzzer(tmp_path, SEED)
    report = await fuzzer.run(CALLS)
    asked = {name for name, outcomes in report.outcomes.items() if outcomes.total()}
    for method in fuzzer.rpc.table.declared:
        assert asked & {method.name, *method.aliases}, f"{method.name} was never called"
    # A campaign in which everything is refused at the door shows nothing about what is behind it.
    outcomes = sum(
        (each for each in report.outcomes.values()), start=type(next(iter(report.outcomes.values())))()
    )
    assert outcomes["result"] > CALLS // 4
    assert outcomes["-32602"] > CALLS // 20
    assert {"-32700", "-32600", "-32601", "4003", "1010"} <= outcomes.keys()


async def test_a_run_is_repeated_by_its_seed(tmp_path: Path) -> None:
    calls = [await Fuzzer(tmp_path / name, SEED).run(300) for name in ("one", "two")]
    assert calls[0].outcomes == calls[1].outcomes


async def test_every_writing_method_is_declared(tmp_path: Path) -> None:
    fuzzer = Fuzzer(tmp_path, SEED)
    assert WRITERS.keys() <= {method.name for method in fuzzer.rpc.table.declared}
    fuzzer.rpc.dispatcher.close()


@pytest.mark.parametrize("fault", ["raises", "writes", "nonsense"])
async def test_the_judge_sees_a_handler_that_fails(tmp_path: Path, fault: str) -> None:
    fuzzer = Fuzzer(tmp_path, SEED)
    method = fuzzer.rpc.table.find("system_chain")
    assert method is not None

    def wrong(*arguments: Any) -> Any:
        match fault:
            case "raises":
                raise ValueError("a bug")
            case "writes":
                fuzzer.kv.write({b"\0": b"\0"}, sync=False)
                return "dev"
        return {1, 2}

    object.__setattr__(method, "handler", wrong)
    with pytest.raises(Violation):
        await fuzzer.run(CALLS)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
async def test_deep_nesting_is_a_parse_error(tmp_path: Path, levels: int, bracket: bytes) -> None:
    fuzzer = Fuzzer(tmp_path, SEED)
    closing = b"]" if bracket == b"[" else b"}"
    await fuzzer.send(bracket * levels + b"1" + closing * levels, None, frozenset())
    assert fuzzer.report.outcomes["(garbage)"] == {"-32700": 1}
    fuzzer.rpc.dispatcher.close()
