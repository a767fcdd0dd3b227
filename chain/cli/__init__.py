"""The command `fixpoint`: a small module per group of commands; the work itself lies elsewhere."""

from chain.cli.main import main

__all__ = ["main"]
