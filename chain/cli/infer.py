"""`fixpoint infer` and `fixpoint receipt`: have every validator run a model, and read what came of it."""

import argparse
from pathlib import Path
from typing import Any

from chain.cli.amounts import amount, planck
from chain.cli.failure import CommandFailed, UsageFault
from chain.cli.model_chain import WAITS
from chain.cli.online import add_url_flag, add_wait_flag, ask, identifier
from chain.cli.output import activity, add_json_flag, facts, remark, show
from chain.cli.secret import add_scheme_flag, add_secret_flags, signer
from chain.cli.tensors import Array, described, listed, load, read_arrays
from client import Client, Estimate, Inference, Model, Receipt
from client.tensors import to_real, unpack
from runtime.primitives.keys import KeyPair


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    """Declare `infer` or `receipt`."""
    add_url_flag(parser)
    add_json_flag(parser)
    if name == "receipt":
        parser.add_argument("receipt", metavar="ID", help="as `infer` and the Completed event tell it")
        parser.set_defaults(handler=_receipt)
        return
    parser.add_argument("model", metavar="MODEL", help="id of a published model")
    parser.add_argument("--input", type=Path, metavar="FILE", help=".npz, .npy or .json")
    parser.add_argument("--quantized", action="store_true", help="the input is the model's own integers")
    parser.add_argument(
        "--max-fee", type=planck, metavar="AMOUNT", help="0.5FIX, or planck (default: twice the estimate)"
    )
    parser.add_argument("--estimate", action="store_true", help="only tell the cost")
    parser.add_argument("--dry-run", action="store_true", help="only ask the node what the answer would be")
    add_secret_flags(parser)
    add_scheme_flag(parser)
    add_wait_flag(parser)
    parser.set_defaults(handler=_infer)


def _infer(args: argparse.Namespace) -> None:
    model = identifier(args.model)
    if args.estimate:
        _show_estimate(args, model)
        return
    if args.input is None:
        raise UsageFault("no input: give --input FILE, or --estimate for the cost alone")
    if args.dry_run:
        _dry_run(args, model)
        return
    pair = signer(args)
    load(args.input)  # A file that cannot be read is told before a connection is made.
    with activity("Inferring") as tell:

        async def work(node: Client) -> Inference:
            arrays = await _inputs(node, model, args.input)
            return await node.infer(
                model,
                arrays,
                pair,
                max_fee=args.max_fee,
                quantized=args.quantized,
                wait=WAITS[args.wait],
                progress=tell,
            )

        done = ask(args, work)
    for name, count in done.saturated.items():
        if count:
            remark(f"warning: {count:,} values of {name!r} lie outside the model's range and were clipped")
    outputs: dict[str, Any] = dict(done.integers if args.quantized else done.outputs)
    inclusion = done.inclusion
    value = {
        "receipt": done.receipt,
        "model": done.model,
        "outputs": listed(outputs),
        "raw": list(done.raw),
        "transaction": inclusion.hash,
        "block": inclusion.block_hash,
        "extrinsic": inclusion.index,
        "finalized": inclusion.finalized,
        "fee": str(inclusion.fee),
    }
    shown = {
        "Receipt": done.receipt,
        "Block": inclusion.block_hash,
        "Final": "yes" if inclusion.finalized else "not yet",
        "Fee": amount(inclusion.fee),
    }
    show(args, value, f"{described(outputs)}\n\n{facts(shown)}")


async def _inputs(node: Client, model: bytes, path: Path) -> dict[str, Array]:
    found = await node.model(model)
    return read_arrays(path, [spec.name for spec in found.inputs])


def _show_estimate(args: argparse.Namespace, model: bytes) -> None:
    caller: KeyPair | None = signer(args) if args.suri or args.suri_file else None

    async def work(node: Client) -> Estimate:
        return await node.estimate(model, caller)

    found = ask(args, work)
    value = {
        "refTime": found.ref_time,
        "proofSize": found.proof_size,
        "inferenceFee": str(found.inference_fee),
        "partialFee": str(found.partial_fee),
    }
    shown = {
        "Reference time": f"{found.ref_time / 10**9:.3f} ms",
        "Fee of the inference": amount(found.inference_fee),
        "Fee of the transaction": amount(found.partial_fee),
    }
    show(args, value, facts(shown))


def _dry_run(args: argparse.Namespace, model: bytes) -> None:
    if args.quantized:
        raise CommandFailed("--dry-run answers in real numbers: leave --quantized out")
    load(args.input)

    async def work(node: Client) -> dict[str, Any]:
        return await node.dry_run(model, await _inputs(node, model, args.input))

    outputs = ask(args, work)
    show(args, {"outputs": listed(outputs)}, described(outputs))


def _receipt(args: argparse.Namespace) -> None:
    receipt = identifier(args.receipt)

    async def work(node: Client) -> tuple[Receipt, Model]:
        found = await node.receipt(receipt)
        if found is None:
            raise CommandFailed(
                f"the node has no receipt 0x{receipt.hex()}: "
                "it is another chain's, or its block was reorganised away"
            )
        return found, await node.model(found.model)

    found, model = ask(args, work)
    outputs = to_real(model.outputs, unpack(model.outputs, found.output))
    value = {
        "id": found.id,
        "model": found.model,
        "caller": found.caller,
        "inputHash": found.input_hash,
        "output": list(found.output),
        "outputs": listed(outputs),
        "block": found.block,
        "blockHash": found.block_hash,
        "extrinsic": found.extrinsic,
        "opset": found.opset,
        "finalized": found.finalized,
    }
    shown = {
        "Receipt": found.id,
        "Model": found.model,
        "Caller": found.caller,
        "Input hash": found.input_hash,
        "Block": f"{found.block:,}  0x{found.block_hash.hex()}",
        "Extrinsic": found.extrinsic,
        "Op set": found.opset,
        "Final": "yes" if found.finalized else "not yet",
    }
    show(args, value, f"{described(outputs)}\n\n{facts(shown)}")
