"""Rewrites every supported operator into a small canonical set at opset 20."""

from inference.compiler.rewrite.canonical import Rewriting, canonical_graph, supported_operators

__all__ = ["Rewriting", "canonical_graph", "supported_operators"]
