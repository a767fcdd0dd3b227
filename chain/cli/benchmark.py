"""`fixpoint benchmark`: what this machine can do, beside what a validator needs."""

import argparse
import tempfile
from pathlib import Path

from chain.cli.failure import CommandFailed
from chain.cli.output import add_json_flag, show, table
from chain.hardware import measure


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `benchmark`."""
    parser.set_defaults(handler=None)
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    machine = commands.add_parser("machine", help="is this machine fast enough to validate?")
    machine.add_argument(
        "-d",
        "--base-path",
        type=Path,
        metavar="PATH",
        help="folder on the disk to measure",
    )
    machine.add_argument("--allow-fail", action="store_true", help="exit with 0 also where it is too slow")
    add_json_flag(machine)
    machine.set_defaults(handler=_machine)


def _machine(args: argparse.Namespace) -> None:
    folder = args.base_path or Path(tempfile.gettempdir())
    if not folder.is_dir():
        raise CommandFailed(f"{folder} is no folder: name one on the disk that will hold the database")
    scores = measure(folder)
    value = [
        {
            "name": score.requirement.name,
            "unit": score.requirement.unit,
            "measured": round(score.measured, 1),
            "reference": score.requirement.reference,
            "passes": score.passes,
        }
        for score in scores
    ]
    rows = [
        (
            score.requirement.name,
            f"{score.measured:,.0f} {score.requirement.unit}",
            f"{score.requirement.reference:,.0f}",
            "pass" if score.passes else "FAIL",
            score.requirement.why,
        )
        for score in scores
    ]
    show(args, value, table(("What", "Measured", "Needed", "", "Because it"), rows))
    failed = [score.requirement.name for score in scores if not score.passes]
    if failed and not args.allow_fail:
        raise CommandFailed(f"too slow to validate: {', '.join(failed)}")
