"""A node in miniature behind a real server: the real runtime, a block for every transaction, a toy engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from client import Client, connect
from network.rpc import Json, MethodTable, RpcConfig, RpcServer, errors, method, subscription
from network.rpc.parameters import U32, Account, BlockHash, Hex, NumberOrHex
from runtime.frame.engine import ArtifactRefused, ElementType, ModelSummary, TensorSpec
from runtime.frame.errors import InvalidTransaction
from runtime.pallets.inference import Inference
from runtime.pallets.models import ModelRecord, Models
from runtime.pallets.system import System
from runtime.primitives.extrinsic import extrinsic_hash
from runtime.primitives.keys import ss58
from runtime.primitives.scale import InvalidScale
from tests.runtime.helpers import KEYS, World

SIDE = 2
SUMMARY = ModelSummary(
    inputs=(TensorSpec("image", ElementType.U8, (1, SIDE, SIDE), 1, 4, 0),),
    outputs=(TensorSpec("score", ElementType.I16, (1, SIDE * SIDE), 1, 4, 0),),
    op_counts=(("Rescale", 1),),
    peak_memory=64,
    ref_time=1_000_000,
    proof_size=0,
    opset=1,
    verification_time=1_000_000,
)


class Doubler:
    """An engine whose every model doubles its input; artifacts start with "double"."""

    def inspect(self, artifact: bytes) -> ModelSummary:
        if not artifact.startswith(b"double"):
            raise ArtifactRefused("NOT_DOUBLE", "a toy artifact starts with 'double'")
        return SUMMARY

    def run(
        self, artifact_id: bytes, artifact: Callable[[], bytes], inputs: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        return (b"".join((2 * value).to_bytes(2, "little") for value in inputs[0]),)


class ToyNode:
    """Handlers over a `World`; `statuses` overrides what a watched transaction is told."""

    def __init__(self) -> None:
        self.world = World(engine=Doubler())
        self.blocks: list[tuple[bytes, Any, tuple[bytes, ...], Any]] = []
        self.statuses: list[Json] | None = None
        self.spec_name = "fixpoint"
        self.receipts: dict[bytes, tuple[int, bytes]] = {}
        self._remember(())

    def _remember(self, extrinsics: tuple[bytes, ...]) -> None:
        self.blocks.append((self.world.head.hash(), self.world.head, extrinsics, self.world.state))

    def _at(self, block_hash: bytes | None) -> tuple[bytes, Any, tuple[bytes, ...], Any]:
        if block_hash is None:
            return self.blocks[-1]
        for block in self.blocks:
            if block[0] == block_hash:
                return block
        raise errors.unknown_block(f"Header was not found in the database: 0x{block_hash.hex()}")

    def _pallet(self, pallet: type[Any], at: bytes | None = None) -> Any:
        return self.world.runtime.view(self._at(at)[3]).pallet(pallet)

    def author(self, extrinsic: bytes) -> bytes:
        """A block with this transaction."""
        runtime, world = self.world.runtime, self.world
        try:
            runtime.validate_transaction(extrinsic, world.state, world.head.hash())
            block, _, _ = world.build(extrinsic)
        except InvalidTransaction as invalid:
            raise errors.invalid_transaction(invalid.text) from invalid
        except InvalidScale as fault:
            raise errors.bad_format(str(fault)) from fault
        world.commit(block, runtime.execute_block(block, world.state))
        self._remember(tuple(block.extrinsics))
        return self.blocks[-1][0]

    @method("chain_getBlockHash")
    def block_hash(self, number: NumberOrHex | None = None) -> Json:
        return self.blocks[-1 if number is None else number][0]

    @method("chain_getFinalizedHead")
    def finalized_head(self) -> Json:
        return self.blocks[-1][0]

    @method("chain_getHeader")
    def header(self, hash: BlockHash | None = None) -> Json:
        return {"number": hex(self._at(hash)[1].number)}

    @method("chain_getBlock")
    def block(self, hash: BlockHash | None = None) -> Json:
        return {"block": {"extrinsics": self._at(hash)[2]}, "justifications": None}

    @method("state_getRuntimeVersion")
    def version(self) -> Json:
        version = self.world.runtime.version
        return {
            "specName": self.spec_name,
            "specVersion": version.spec_version,
            "transactionVersion": version.transaction_version,
        }

    @method("state_getStorage")
    def storage(self, key: Hex, at: BlockHash | None = None) -> Json:
        return self._at(at)[3].get(key)

    @method("system_accountNextIndex")
    def next_index(self, account: Account) -> Json:
        return self._pallet(System).account.get(account).nonce

    @method("author_submitExtrinsic")
    def submit(self, extrinsic: Hex) -> Json:
        self.author(extrinsic)
        return extrinsic_hash(extrinsic)

    @subscription(
        "author_submitAndWatchExtrinsic",
        unsubscribe="author_unwatchExtrinsic",
        notification="author_extrinsicUpdate",
    )
    async def watch(self, extrinsic: Hex) -> AsyncIterator[Json]:
        statuses = self.statuses
        if statuses is None:
            block_hash = self.author(extrinsic)
            statuses = ["ready", {"broadcast": ["peer"]}, {"inBlock": block_hash}, {"finalized": block_hash}]
        return told(statuses)

    @subscription(
        "chain_subscribeNewHeads", unsubscribe="chain_unsubscribeNewHeads", notification="chain_newHead"
    )
    async def heads(self) -> AsyncIterator[Json]:
        yield self.header()
        await asyncio.Event().wait()

    @method("models_get")
    def model(self, model: Hex, at: BlockHash | None = None) -> Json:
        record = self._pallet(Models, at).records.get(model)
        return None if record is None else describe(model, record)

    @method("models_list")
    def models(self, start: Hex | None = None, count: U32 = 1000, at: BlockHash | None = None) -> Json:
        items = sorted(self._pallet(Models, at).records.items())
        return [describe(key, record) for key, record in items if start is None or key > start][:count]

    @method("models_artifact")
    def artifact(self, model: Hex, at: BlockHash | None = None) -> Json:
        models = self._pallet(Models, at)
        return models.artifact(model) if models.records.contains(model) else None

    @method("inference_estimate")
    def estimate(self, model: Hex, caller: Account | None = None) -> Json:
        estimate = self._pallet(Inference).estimate(model)
        return {
            "weight": {"refTime": estimate.weight.ref_time, "proofSize": estimate.weight.proof_size},
            "inferenceFee": str(estimate.inference_fee),
            "partialFee": str(estimate.inference_fee + 1),
        }

    @method("inference_dryRun")
    def dry_run(self, model: Hex, inputs: list[Hex]) -> Json:
        return {"output": self._pallet(Inference).dry_run(model, tuple(inputs)).output}

    @method("inference_receipt")
    def receipt(self, receipt: Hex) -> Json:
        found = self._pallet(Inference).receipts.get(receipt)
        if found is None:
            return None
        return {
            "id": receipt,
            "model": found.model,
            "caller": ss58.encode(found.caller),
            "inputHash": found.input_hash,
            "output": found.output,
            "block": found.block,
            "blockHash": self.blocks[found.block][0],
            "extrinsic": found.extrinsic,
            "opset": found.opset,
            "finalized": True,
        }

    @method("sleep")
    async def sleep(self) -> Json:
        await asyncio.sleep(30)

    @method("fail")
    def fail(self, data: Json = None) -> Json:
        raise errors.invalid_params(data)


async def told(statuses: list[Json]) -> AsyncIterator[Json]:
    for status in statuses:
        yield status


def describe(model: bytes, record: ModelRecord) -> Json:
    def tensor(spec: TensorSpec) -> Json:
        return {
            "name": spec.name,
            "dtype": spec.dtype.name.lower(),
            "shape": spec.shape,
            "scale": [spec.scale_numerator, spec.scale_denominator],
            "zeroPoint": spec.zero_point,
        }

    return {
        "id": model,
        "owner": ss58.encode(record.owner),
        "status": record.status.name,
        "published": record.published,
        "size": record.size,
        "refTime": record.summary.ref_time,
        "inputs": [tensor(spec) for spec in record.summary.inputs],
        "outputs": [tensor(spec) for spec in record.summary.outputs],
    }


@pytest.fixture
def alice() -> Any:
    return KEYS["Alice"]


@pytest.fixture
async def node() -> AsyncIterator[Any]:
    """A `ToyNode` with `.server`."""
    toy = ToyNode()
    server = RpcServer(MethodTable(toy), RpcConfig(port=0))
    await server.start()
    toy.server = server  # type: ignore[attr-defined]
    yield toy
    await server.stop()


@pytest.fixture
async def client(node: Any) -> AsyncIterator[Client]:
    async with await connect(f"ws://127.0.0.1:{node.server.port}", seconds=5) as connected:
        yield connected
