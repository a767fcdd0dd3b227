"""Driving the node's core: one event at a time on the writer thread, effects back on the event loop.

The database has one writer, and the loop never waits for a block. Slots, timers and requests of this node's
own go before what peers say, and blocks that wait to be imported come last, one by one: so neither a long
synchronisation nor a talkative peer makes an author miss its slot.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from chain.core import Continue, Continued, NodeCore, NodeEffect, NodeInput, WakeAt, Woke
from chain.importing import RejectedBlock

MAX_WAITING_PEER_EVENTS = 4_096
"""Messages of peers that wait for the core. The network floor stops reading from a peer long before; this
bounds the sum over all of them. What comes on top is lost, which every protocol here survives.
"""

_Answer = asyncio.Future[list[NodeEffect]]


class CoreDriver:
    """Runs `core`; `carry_out` performs each effect, on the loop's thread."""

    def __init__(
        self,
        core: NodeCore,
        carry_out: Callable[[NodeEffect], None],
        now_ms: Callable[[], int],
        timed: Callable[[NodeInput, list[NodeEffect], float], None] = lambda event, effects, seconds: None,
    ) -> None:
        """`timed` hears how long the core took for each event."""
        self._core = core
        self._carry_out = carry_out
        self._now = now_ms
        self._timed = timed
        self._own = deque[tuple[NodeInput, _Answer | None]]()
        self._peers = deque[tuple[NodeInput, Callable[[], None]]]()
        self._continue = False
        self._work = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._writer = ThreadPoolExecutor(1, "writer")
        self.lost = 0

    async def run(self) -> None:
        """Work until cancelled. Raises what the core raises: `EnvironmentFault`, or a bug."""
        loop = asyncio.get_running_loop()
        try:
            self._perform(await loop.run_in_executor(self._writer, lambda: self._core.start(self._now())))
            while True:
                await self._work.wait()
                await self._step()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for _, answer in self._own:
                if answer is not None and not answer.done():
                    answer.cancel()
            self._writer.shutdown()

    async def ask(self, event: NodeInput) -> list[NodeEffect]:
        """Let the core handle an own event; its effects, once they are carried out. Raises `RejectedBlock`,
        and what stops the node.
        """
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._own.append((event, answer))
        self._work.set()
        return await answer

    def hear(self, event: NodeInput, done: Callable[[], None] = lambda: None) -> None:
        """Queue what the network brought; `done` is called when it was handled."""
        if len(self._peers) >= MAX_WAITING_PEER_EVENTS:
            self.lost += 1
            done()
            return
        self._peers.append((event, done))
        self._work.set()

    async def _step(self) -> None:
        if self._own:
            event, answer = self._own.popleft()
            await self._handle_own(event, answer)
        elif self._peers:
            event, done = self._peers.popleft()
            try:
                self._perform(await self._handle(event))
            finally:
                done()
        elif self._continue:
            self._continue = False
            self._perform(await self._handle(Continued()))
        else:
            self._work.clear()

    async def _handle_own(self, event: NodeInput, answer: _Answer | None) -> None:
        try:
            effects = await self._handle(event)
        except BaseException as error:
            if answer is not None and not answer.done():
                answer.set_exception(error)
                answer.exception()
            if isinstance(error, RejectedBlock):
                return
            raise
        self._perform(effects)
        if answer is not None and not answer.done():
            answer.set_result(effects)

    async def _handle(self, event: NodeInput) -> list[NodeEffect]:
        loop = asyncio.get_running_loop()
        started = perf_counter()
        effects = await loop.run_in_executor(self._writer, lambda: self._core.handle(event, self._now()))
        self._timed(event, effects, perf_counter() - started)
        return effects

    def _perform(self, effects: list[NodeEffect]) -> None:
        for effect in effects:
            match effect:
                case WakeAt(unix_ms):
                    self._wake_at(unix_ms)
                case Continue():
                    self._continue = True
                    self._work.set()
                case _:
                    self._carry_out(effect)

    def _wake_at(self, unix_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(unix_ms - self._now(), 0) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay, self._woke)

    def _woke(self) -> None:
        self._timer = None
        self._own.append((Woke(), None))
        self._work.set()
