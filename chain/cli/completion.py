"""`fixpoint completion`: a script that lets a shell complete commands and flags."""

import argparse

import shtab

from chain.cli.failure import CommandFailed

SHELLS = ("bash", "zsh", "fish", "tcsh")


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser.description = (
        "Print a script for the shell, for example: fixpoint completion bash > "
        "~/.local/share/bash-completion/completions/fixpoint"
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(handler=_completion)


def _completion(args: argparse.Namespace) -> None:
    script = shtab.complete(args.whole_parser(), args.shell)
    if not script:
        raise CommandFailed(f"no completion could be made for {args.shell}")
    print(script)
