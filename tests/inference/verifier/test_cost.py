"""Cost and memory are integers that follow from the program alone and grow with its work."""

import numpy as np

from inference.ir import DType, Requantize, ops
from inference.ir.builder import ProgramBuilder
from inference.verifier import Cost, verify
from inference.verifier.cost import OPERATION_TIME, Rate
from tests.inference.programs import random_program


def conv_cost(size: int, weight: int = 1, groups: int = 1) -> Cost:
    b = ProgramBuilder()
    x = b.input("x", DType.U8, (1, 4, size, size))
    w = b.constant(np.full((8, 4 // groups, 3, 3), weight), DType.I16)
    op = ops.Conv((1, 1), (1, 1), (0, 0, 0, 0), groups, 0, Requantize.to(DType.U8))
    b.output(b.emit(op, x, w), "y")
    return verify(b.build()).cost


def test_work_and_memory_grow_with_the_image() -> None:
    small, large = conv_cost(10), conv_cost(40)
    assert large.ref_time > 2 * small.ref_time
    assert large.peak_memory > 8 * small.peak_memory
    assert small.op_counts == {"Conv": 1}


def test_wider_accumulators_and_depthwise_layers_cost_more_per_product() -> None:
    assert conv_cost(40, 30_000).ref_time > conv_cost(40).ref_time
    per_product = (conv_cost(40, 1, 4).ref_time - OPERATION_TIME) // (9 * 8 * 38 * 38)
    assert per_product > (conv_cost(40).ref_time - OPERATION_TIME) // (36 * 8 * 38 * 38)


def test_a_rate_follows_the_proved_accumulator() -> None:
    rate = Rate(1, 2, 3)
    assert [rate.at(1 << b) for b in (23, 24, 52, 53)] == [1, 2, 2, 3]


def test_every_random_program_costs_time_and_memory_and_counts_its_operations() -> None:
    for seed in range(60):
        program = verify(random_program(seed, 8))
        cost = program.cost
        assert cost.ref_time > 0
        assert sum(cost.op_counts.values()) == len(program.program.nodes)
        assert cost.peak_memory >= 8 * max(t.elements for t in program.types[program.program.first_node :])
