"""Commands that talk to a running node."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import client
from chain.cli.failure import CommandFailed, UsageFault
from client import Client, ClientError

Answer = TypeVar("Answer")

EXPECTED = (ClientError,)


def add_url_flag(parser: argparse.ArgumentParser) -> None:
    """`--url`."""
    parser.add_argument(
        "--url", default=client.DEFAULT_URL, metavar="URL", help="node (default: %(default)s)"
    )
    parser.set_defaults(expected=EXPECTED)


def add_wait_flag(parser: argparse.ArgumentParser) -> None:
    """`--wait`."""
    parser.add_argument(
        "--wait",
        choices=("in-block", "finalized"),
        default="finalized",
        help="return when the transaction is in a block, or when the block is final (default: %(default)s)",
    )


def ask(args: argparse.Namespace, work: Callable[[Client], Awaitable[Answer]]) -> Answer:
    """Connect to the node of `--url` and do `work` with it. Raises `ClientError`, `UsageFault`."""

    async def working() -> Answer:
        try:
            node = await client.connect(args.url)
        except ValueError as error:
            raise UsageFault(str(error)) from error
        async with node:
            return await work(node)

    return asyncio.run(working())


def identifier(text: str) -> bytes:
    """The 32 bytes of a model's or receipt's id. Raises `CommandFailed`."""
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise CommandFailed(f"{text!r} is no id: an id has 64 hexadecimal digits")
    return found
