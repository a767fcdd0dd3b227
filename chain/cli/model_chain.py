"""`fixpoint model publish|list|pull`: models on chain."""

import argparse
from pathlib import Path
from typing import Any

from chain.cli.amounts import amount
from chain.cli.model_local import PICOSECONDS_PER_MS, read_artifact, spec_value, write_artifact
from chain.cli.online import EXPECTED, add_url_flag, add_wait_flag, ask, identifier
from chain.cli.output import activity, add_json_flag, facts, show, table
from chain.cli.secret import add_scheme_flag, add_secret_flags, signer
from client import Client, Model, Publication
from client.client import Wait
from inference import InvalidArtifact
from inference import load as load_model

WAITS: dict[str, Wait] = {"in-block": "inBlock", "finalized": "finalized"}


def configure(actions: Any) -> None:
    """Declare the commands of `model` that need a node; `actions` are argparse's subparsers."""
    publishing = actions.add_parser("publish", help="put an artifact on chain")
    publishing.add_argument("file", type=Path, metavar="ARTIFACT")
    add_secret_flags(publishing)
    add_scheme_flag(publishing)
    add_wait_flag(publishing)
    listing = actions.add_parser("list", help="the models on chain")
    pulling = actions.add_parser("pull", help="the artifact of a model on chain, checked against its id")
    pulling.add_argument("model", metavar="ID")
    pulling.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="(default: ID with the ending .fxp)"
    )
    for parser, handler in ((publishing, _publish), (listing, _list), (pulling, _pull)):
        add_url_flag(parser)
        add_json_flag(parser)
        parser.set_defaults(handler=handler, expected=(*EXPECTED, InvalidArtifact))


def _publish(args: argparse.Namespace) -> None:
    pair = signer(args)
    data = read_artifact(args.file)
    # Verified here first: a broken artifact would cost the fees of its upload.
    load_model(data)
    with activity("Publishing") as tell:

        async def work(node: Client) -> Publication:
            return await node.publish(data, pair, wait=WAITS[args.wait], progress=tell)

        done = ask(args, work)
    inclusion = done.inclusion
    if inclusion is None:
        show(
            args,
            {"model": done.model, "published": "before"},
            f"model 0x{done.model.hex()} was published before",
        )
        return
    value = {
        "model": done.model,
        "published": "now",
        "transaction": inclusion.hash,
        "block": inclusion.block_hash,
        "finalized": inclusion.finalized,
        "fee": str(inclusion.fee),
    }
    shown = {
        "Model": done.model,
        "Transaction": inclusion.hash,
        "Block": inclusion.block_hash,
        "Final": "yes" if inclusion.finalized else "not yet",
        "Fee": amount(inclusion.fee),
    }
    show(args, value, facts(shown))


def _list(args: argparse.Namespace) -> None:
    async def work(node: Client) -> list[Model]:
        return await node.models()

    models = ask(args, work)
    value = [
        {
            "id": one.id,
            "owner": one.owner,
            "status": one.status,
            "published": one.published,
            "size": one.size,
            "refTime": one.ref_time,
            "inputs": [spec_value(spec) for spec in one.inputs],
            "outputs": [spec_value(spec) for spec in one.outputs],
        }
        for one in models
    ]
    rows = [
        (
            one.id,
            one.status,
            one.size,
            f"{one.ref_time / PICOSECONDS_PER_MS:.3f} ms",
            ", ".join(f"{spec.name} {spec.type}" for spec in one.inputs),
            ", ".join(f"{spec.name} {spec.type}" for spec in one.outputs),
        )
        for one in models
    ]
    heads = ("Model", "Status", "Bytes", "Cost", "Inputs", "Outputs")
    show(args, value, table(heads, rows) if rows else "no models are published")


def _pull(args: argparse.Namespace) -> None:
    model = identifier(args.model)

    async def work(node: Client) -> bytes:
        return await node.artifact(model)

    data = ask(args, work)
    output = args.output or Path(f"{model.hex()}.fxp")
    write_artifact(output, data)
    show(
        args,
        {"model": model, "file": str(output), "size": len(data)},
        f"{len(data):,} bytes written to {output}",
    )
