"""Lowering: canonical float operators to integer operations, one small module per family."""

from inference.compiler.lower.program import lower_graph

__all__ = ["lower_graph"]
