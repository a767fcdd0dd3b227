"""Verification: everything that is known of a program before it runs."""

from dataclasses import dataclass

from inference.ir.artifact import artifact_id, decode_program
from inference.ir.limits import STRUCTURE_TIME, Limits
from inference.ir.program import Program
from inference.ir.types import TensorSpec, TensorType
from inference.verifier.cost import Cost, find_cost, find_tables
from inference.verifier.effort import Effort
from inference.verifier.intervals import Interval
from inference.verifier.ranges import find_ranges
from inference.verifier.structure import check_structure, output_specs


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedProgram:
    """A program that holds all rules, with the proofs that executors rely on.

    `types` and `intervals` have an entry per value; `bounds` has the greatest |intermediate value| per node;
    `tables` are the Function nodes that may run as tables; `effort` is what verification cost (ps).
    """

    program: Program
    types: tuple[TensorType, ...]
    intervals: tuple[Interval, ...]
    bounds: tuple[int, ...]
    tables: frozenset[int]
    outputs: tuple[TensorSpec, ...]
    cost: Cost
    effort: int

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, in declared order."""
        return self.program.inputs


def verify(program: Program, limits: Limits | None = None, structure: int = 0) -> VerifiedProgram:
    """Check structure, ranges, cost and memory; raises InvalidArtifact. Work and memory are bounded.

    `structure` is the number of bytes beside the constants' data that were decoded.
    """
    bounds = limits or Limits()
    effort = Effort(bounds.verification_time)
    effort.charge(structure, STRUCTURE_TIME)
    types = check_structure(program, bounds, effort)
    ranges = find_ranges(program, types, effort)
    tables = find_tables(ranges)
    cost = find_cost(ranges, tables, bounds)
    return VerifiedProgram(
        program,
        types,
        tuple(ranges.intervals),
        tuple(ranges.bounds),
        tables,
        output_specs(program, types),
        cost,
        effort.spent,
    )


def verify_bytes(data: bytes, limits: Limits | None = None) -> tuple[bytes, VerifiedProgram]:
    """The id of artifact bytes and the verified program in them; raises InvalidArtifact."""
    program = decode_program(data, limits)
    structure = len(data) - sum(len(constant.data) for constant in program.constants)
    return artifact_id(data), verify(program, limits, structure)
