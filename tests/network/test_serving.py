"""How much one answer holds; what is served is tested with real chains in `tests/chain`."""

from dataclasses import dataclass

from network.messages import WarpRequest, WarpResponse
from network.serving import MAX_HANDOVERS_SERVED, MAX_WARP_BYTES, answer
from network.wire.bodies import MAX_HANDOVERS
from runtime.primitives.header import Header


@dataclass(frozen=True)
class ManyHandovers:
    """A source with `count` handovers of `size` bytes, and a proof behind them."""

    count: int
    size: int

    def header(self, block: bytes) -> Header | None:
        return None

    def body(self, block: bytes) -> tuple[bytes, ...] | None:
        return None

    def justification(self, block: bytes) -> bytes | None:
        return None

    def block_hash(self, number: int) -> bytes | None:
        return None

    def state_proof(self, block: bytes, start_after: bytes | None) -> tuple[bytes, ...] | None:
        return None

    def artifact(self, content_hash: bytes) -> bytes | None:
        return None

    def handover(self, set_id: int) -> bytes | None:
        return set_id.to_bytes(8, "big") + bytes(self.size - 8) if set_id < self.count else None

    def finality_proof(self, set_id: int) -> bytes | None:
        return b"proof" if set_id == self.count else None


def warp(source: ManyHandovers, set_id: int) -> WarpResponse:
    response = answer(WarpRequest(set_id), source)
    assert isinstance(response, WarpResponse)
    return response


def test_handovers_are_served_in_bounded_answers_that_continue_each_other() -> None:
    source = ManyHandovers(2 * MAX_HANDOVERS_SERVED + 1, 8)
    set_id, answers = 0, list[WarpResponse]()
    while not answers or answers[-1].proof is None:
        answers.append(warp(source, set_id))
        set_id += len(answers[-1].handovers)
    assert [len(one.handovers) for one in answers] == [MAX_HANDOVERS_SERVED, MAX_HANDOVERS_SERVED, 1]
    assert [one.proof for one in answers] == [None, None, b"proof"]
    served = [int.from_bytes(one, "big") for each in answers for one in each.handovers]
    assert served == list(range(source.count))
    assert MAX_HANDOVERS_SERVED <= MAX_HANDOVERS


def test_an_answer_full_of_handovers_may_still_bring_the_proof() -> None:
    assert warp(ManyHandovers(MAX_HANDOVERS_SERVED, 8), 0).proof == b"proof"


def test_large_handovers_come_in_smaller_answers_and_one_always_comes() -> None:
    third = MAX_WARP_BYTES // 3
    assert len(warp(ManyHandovers(9, third), 0).handovers) == 3
    assert len(warp(ManyHandovers(9, MAX_WARP_BYTES + 1), 0).handovers) == 1
