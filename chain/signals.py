"""Stopping on request: SIGINT and SIGTERM cancel the node, which then closes everything in order."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def until_signalled(work: Coroutine[object, object, None]) -> None:
    """Run `work` until it ends, fails (the first error is raised) or a stop signal comes."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await task
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside nested groups: a node has one cause of death."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error
