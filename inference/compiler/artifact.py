"""The result of a compilation."""

from dataclasses import dataclass

from inference.compiler.report import CompileReport
from inference.ir import Program
from inference.ir.artifact import artifact_id, encode_program


@dataclass(frozen=True, slots=True)
class Artifact:
    """An integer program with the report of how it was made; only the program's bytes go on chain."""

    program: Program
    report: CompileReport

    def to_bytes(self) -> bytes:
        """The canonical bytes, whose Blake2b-256 is the model's id."""
        return encode_program(self.program)

    @property
    def id(self) -> bytes:
        """The model's id."""
        return artifact_id(self.to_bytes())
