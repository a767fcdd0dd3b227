"""A connection to a node: calls, subscriptions, chain queries, transactions, models and inferences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from client import models, submission
from client.errors import WrongRuntime
from client.messages import Json
from client.reading import block_hash, read, unhex
from client.results import (
    Estimate,
    Inclusion,
    Inference,
    Model,
    Publication,
    Receipt,
    RuntimeVersion,
)
from client.schema import Schema
from client.tensors import Arrays
from client.transaction import DEFAULT_PERIOD, SigningContext, Transaction, sign
from client.transport import Subscription, Transport, open_transport
from runtime.configuration import VERSION
from runtime.frame.call import RuntimeCall
from runtime.primitives.era import Mortal
from runtime.primitives.keys import KeyPair

DEFAULT_URL = "ws://127.0.0.1:9944"
DEFAULT_SECONDS = 30.0
"""How long to wait for the answer to one call; a node answers in milliseconds, a dry run of a large model in
seconds."""

Wait = Literal["inBlock", "finalized"]
Progress = Callable[[str], None]
"""Told in a few words what a long operation is doing."""


async def connect(url: str = DEFAULT_URL, *, seconds: float = DEFAULT_SECONDS) -> Client:
    """Connect to a node: `ws://` for everything, `http://` for calls that watch nothing.

    `seconds` is the time each call may take. Raises `NodeUnreachable`, ValueError for an address of another
    kind.
    """
    return Client(await open_transport(url), seconds)


class Client:
    """Use as `async with await connect(url) as client`. All methods raise `ClientError`s."""

    def __init__(self, transport: Transport, seconds: float = DEFAULT_SECONDS) -> None:
        self._transport = transport
        self._seconds = seconds
        self._genesis: bytes | None = None
        self._version: RuntimeVersion | None = None
        self.schema = Schema()

    @property
    def url(self) -> str:
        """The node's address."""
        return self._transport.url

    async def close(self) -> None:
        """Leave the node."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- JSON-RPC

    async def call(self, method: str, *params: Json) -> Json:
        """Call any JSON-RPC method; bytes among the parameters go as hex."""
        return await self._transport.call(method, params, self._seconds)

    async def subscribe(self, method: str, *params: Json, unsubscribe: str) -> Subscription:
        """Open any subscription: `async with await client.subscribe(...) as values: async for value in
        values`."""
        return await self._transport.subscribe(method, params, unsubscribe, self._seconds)

    async def heads(self, kind: Literal["new", "finalized"] = "new") -> Subscription:
        """Headers as they become best, or final."""
        name = "NewHeads" if kind == "new" else "FinalizedHeads"
        return await self.subscribe(f"chain_subscribe{name}", unsubscribe=f"chain_unsubscribe{name}")

    # -- the chain

    async def genesis_hash(self) -> bytes:
        """Hash of block zero: which chain this is."""
        if self._genesis is None:
            self._genesis = read("chain_getBlockHash", block_hash, await self.call("chain_getBlockHash", 0))
        return self._genesis

    async def runtime_version(self) -> RuntimeVersion:
        """The rules in force at the best block."""
        answer = await self.call("state_getRuntimeVersion")
        return read("state_getRuntimeVersion", RuntimeVersion.from_json, answer)

    async def finalized(self) -> tuple[bytes, int]:
        """Hash and number of the last final block."""
        head = read("chain_getFinalizedHead", block_hash, await self.call("chain_getFinalizedHead"))
        header = await self.call("chain_getHeader", head)
        return head, read("chain_getHeader", lambda found: int(found["number"], 16), header)

    async def nonce(self, address: str) -> int:
        """The next nonce of an account, transactions in the node's pool counted."""
        return read("system_accountNextIndex", _nonce, await self.call("system_accountNextIndex", address))

    async def storage(self, key: bytes, at: bytes | None = None) -> bytes | None:
        """A value of the state at a block (the best one by default)."""
        value = await self.call("state_getStorage", key, at)
        return None if value is None else read("state_getStorage", unhex, value)

    # -- transactions

    def make_call(self, pallet: str, name: str, **arguments: Any) -> RuntimeCall:
        """A call by names: `make_call("System", "remark", remark=b"hello")`."""
        return self.schema.call(pallet, name, **arguments)

    async def sign(
        self,
        call: RuntimeCall | bytes,
        signer: KeyPair,
        *,
        tip: int = 0,
        nonce: int | None = None,
        period: int | None = DEFAULT_PERIOD,
    ) -> Transaction:
        """Sign a call with the account's next nonce, mortal from the last final block (`period=None`:
        immortal)."""
        version = await self._checked_version()
        genesis = await self.genesis_hash()
        context = SigningContext.immortal(version.spec_version, version.transaction_version, genesis)
        if period is not None:
            birth, number = await self.finalized()
            era = Mortal.at(number, period)
            if era.birth(number) != number:
                answer = await self.call("chain_getBlockHash", era.birth(number))
                birth = read("chain_getBlockHash", block_hash, answer)
            context = SigningContext(version.spec_version, version.transaction_version, genesis, era, birth)
        encoded = call if isinstance(call, bytes) else self.schema.encode(call)
        if nonce is None:
            nonce = await self.nonce(signer.address())
        return sign(encoded, signer, nonce, context, tip)

    async def send(self, transaction: Transaction) -> bytes:
        """Hand a transaction to the node's pool and do not wait; its hash."""
        answer = await self.call("author_submitExtrinsic", transaction.encoded)
        return read("author_submitExtrinsic", block_hash, answer)

    async def submit(
        self,
        call: RuntimeCall | bytes,
        signer: KeyPair,
        *,
        wait: Wait = "inBlock",
        tip: int = 0,
        nonce: int | None = None,
        progress: Progress | None = None,
    ) -> Inclusion:
        """Sign and send a call, and wait until it is in a block, or final. Raises `TransactionFailed` if it
        failed.

        Raises `CallRefused` (code 1010 and others) when the pool refuses it, `TransactionDropped` when the
        pool gives it up later.
        """
        transaction = await self.sign(call, signer, tip=tip, nonce=nonce)
        return await submission.watch(self, transaction, wait, progress or _silent)

    async def _checked_version(self) -> RuntimeVersion:
        """The node's version, if this client encodes calls as the node decodes them. Raises
        `WrongRuntime`."""
        version = await self.runtime_version()
        known = (VERSION.spec_name, VERSION.transaction_version)
        if (version.spec_name, version.transaction_version) != known:
            raise WrongRuntime(
                f"{self.url} runs {version.spec_name}, transaction version {version.transaction_version}; "
                f"this client knows {known[0]} with {known[1]}; use the fixpoint version that the node uses"
            )
        return version

    # -- models

    async def models(self) -> list[Model]:
        """All models on the chain, by id."""
        return [model async for model in models.every(self)]

    async def model(self, model: bytes) -> Model:
        """A model. Raises `ModelUnknown`."""
        return await models.get(self, model)

    async def artifact(self, model: bytes) -> bytes:
        """A model's bytes, checked against its id. Raises `ModelUnknown`."""
        return await models.artifact(self, model)

    async def publish(
        self, artifact: bytes, signer: KeyPair, *, wait: Wait = "inBlock", progress: Progress | None = None
    ) -> Publication:
        """Put a compiled model on chain: announce, upload, publish. Goes on where an earlier attempt
        stopped."""
        return await models.publish(self, artifact, signer, wait, progress or _silent)

    async def estimate(self, model: bytes, caller: KeyPair | None = None) -> Estimate:
        """What one inference costs in the next block, to the unit."""
        address = None if caller is None else caller.address()
        answer = await self.call("inference_estimate", model, address)
        return read("inference_estimate", Estimate.from_json, answer)

    async def dry_run(self, model: bytes, inputs: Arrays | Sequence[bytes]) -> dict[str, Any]:
        """What an inference would answer, without a transaction: real numbers by output name."""
        return await models.dry_run(self, model, inputs)

    async def infer(
        self,
        model: bytes,
        inputs: Arrays | Sequence[bytes],
        signer: KeyPair,
        *,
        max_fee: int | None = None,
        quantized: bool = False,
        wait: Wait = "inBlock",
        progress: Progress | None = None,
    ) -> Inference:
        """Have every validator run a model. `inputs` are real numbers by name, or raw tensors in order.

        `max_fee` bounds the fee for the model's work; by default twice the estimate, so that the fee
        multiplier may move meanwhile. Raises `InvalidInputs` before anything is sent.
        """
        return await models.infer(self, model, inputs, signer, max_fee, quantized, wait, progress or _silent)

    async def receipt(self, receipt: bytes) -> Receipt | None:
        """The receipt of an inference, or None where the node has none."""
        answer = await self.call("inference_receipt", receipt)
        return None if answer is None else read("inference_receipt", Receipt.from_json, answer)


def _nonce(answer: Json) -> int:
    nonce = int(answer)
    if not 0 <= nonce < 1 << 32:
        raise ValueError(f"{nonce} is no nonce")
    return nonce


def _silent(_: str) -> None:
    """Nobody wants to know."""
