"""A node that answers garbage: a real server over the real runtime, one of whose methods lies."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from network.rpc import MethodTable, RpcConfig, RpcServer
from network.rpc.methods import Method, Subscribe
from runtime.frame.call import RuntimeCall
from runtime.inference_engine import LocalEngine
from runtime.primitives.hashing import blake2_256
from tests.client.conftest import ToyNode
from tests.runtime.helpers import ALICE, World

PATIENCE = 20.0


def publication(world: World, artifact: bytes) -> RuntimeCall:
    """One transaction that publishes a small artifact."""
    model, size = blake2_256(artifact), len(artifact)
    calls = [
        world.make("Models.create", model=model, size=size),
        world.make("Models.upload_chunk", model=model, index=0, data=artifact),
        world.make("Models.publish", model=model, size=size),
    ]
    return world.make("Utility.batch_all", calls=calls)


class Liar(ToyNode):
    """A node with a published model and an inference; it starts from there with every `truth`."""

    def __init__(self, artifact: bytes, inputs: bytes) -> None:
        super().__init__()
        self.world = World(engine=LocalEngine())
        self.blocks = []
        self._remember(())
        self.author(self.world.sign(ALICE, publication(self.world, artifact)))
        infer = self.world.make(
            "Inference.infer", model=blake2_256(artifact), inputs=(inputs,), max_fee=10**18
        )
        self.author(self.world.sign(ALICE, infer))
        self.start = list(self.blocks), self.world.head, self.world.state
        self.table = MethodTable(self)
        self.methods: dict[str, Any] = dict(self.table._methods)
        self.asked: list[str] = []

    def tell(self, name: str | None = None, lie: Any = None) -> None:
        """Forget what happened, and from now on answer `name` with `lie` (or everything as it is)."""
        self.blocks, self.world.head, self.world.state = list(self.start[0]), self.start[1], self.start[2]
        self.asked = []
        for each, method in self.methods.items():
            if isinstance(method, Method):
                self.table._methods[each] = replace(method, handler=self._noted(method, each == name, lie))

    def _noted(self, method: Method, lies: bool, lie: Any) -> Callable[..., Any]:
        def note(*arguments: Any) -> Any:
            self.asked.append(method.name)
            if not lies:
                return method.handler(*arguments)
            return repeated(lie) if isinstance(method, Subscribe) else lie

        return note


async def repeated(lie: Any) -> AsyncIterator[Any]:
    """The lie, then the truth's last word."""
    yield lie
    yield "dropped"


@contextmanager
def in_background(start: Callable[[], Any]) -> Iterator[Any]:
    """Run an event loop in a thread; `start` makes something with `stop` on it, which the block gets."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.stop(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


@contextmanager
def serving(liar: Liar) -> Iterator[str]:
    """The liar's address."""

    async def start() -> RpcServer:
        server = RpcServer(liar.table, RpcConfig(port=0))
        await server.start()
        return server

    with in_background(start) as server:
        yield f"127.0.0.1:{server.port}"


class Babbler:
    """A server that sends the same bytes to whoever connects, and hangs up."""

    def __init__(self, words: bytes) -> None:
        self.words = words
        self._server: asyncio.Server | None = None

    async def start(self) -> "Babbler":
        """Listen."""
        self._server = await asyncio.start_server(self._babble, "127.0.0.1", 0)
        return self

    @property
    def port(self) -> int:
        """Where."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()

    async def _babble(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(65_536)
            writer.write(self.words)
            await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()
