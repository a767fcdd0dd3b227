"""`fixpoint model`: what is done with a model on this machine, and what is done with one on chain."""

import argparse

from chain.cli import model_chain, model_local


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `model`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    model_local.configure(actions)
    model_chain.configure(actions)
