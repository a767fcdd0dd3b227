"""Models and inferences over RPC and transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from client import tensors
from client.errors import ClientError, ModelUnknown, ProtocolViolation
from client.reading import read, unhex
from client.results import Inclusion, Inference, Model, Publication
from client.tensors import Arrays
from runtime.pallets.inference.types import Completed
from runtime.pallets.models.pallet import Models
from runtime.pallets.models.types import CHUNK_SIZE, Upload
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import KeyPair
from runtime.primitives.scale import codec

if TYPE_CHECKING:
    from client.client import Client, Wait

_PAGE = 100
"""Models asked for at once: their descriptions stay far under the response limit."""

_FEE_MARGIN = 2
"""`max_fee` over the estimate: the fee multiplier moves by a fraction of a percent per block."""


async def every(client: Client) -> AsyncIterator[Model]:
    """All models, page by page."""
    start: bytes | None = None
    while True:
        page = read("models_list", _page, await client.call("models_list", start, _PAGE))
        for each in page:
            # A node that goes round in circles would be listened to for ever.
            if start is not None and each.id <= start:
                raise ProtocolViolation(f"{client.url} lists model 0x{each.id.hex()} out of order")
            start = each.id
            yield each
        if len(page) < _PAGE:
            return


def _page(answer: Any) -> list[Model]:
    return [Model.from_json(each) for each in answer]


async def get(client: Client, model: bytes) -> Model:
    """A model by id. Raises `ModelUnknown`."""
    answer = await client.call("models_get", model)
    if answer is None:
        raise ModelUnknown(model)
    return read("models_get", Model.from_json, answer)


async def artifact(client: Client, model: bytes) -> bytes:
    """The bytes of a model; a node cannot pass off others, because the id is their hash."""
    answer = await client.call("models_artifact", model)
    if answer is None:
        raise ModelUnknown(model)
    data = read("models_artifact", unhex, answer)
    if blake2_256(data) != model:
        raise ProtocolViolation(f"{client.url} sent other bytes than those of model 0x{model.hex()}")
    return data


async def publish(
    client: Client, data: bytes, signer: KeyPair, wait: Wait, progress: Callable[[str], None]
) -> Publication:
    """Announce, upload and publish an artifact; small ones in one transaction, which succeeds or leaves
    nothing."""
    model = blake2_256(data)
    answer = await client.call("models_get", model)
    if answer is not None and read("models_get", Model.from_json, answer).takes_calls:
        progress("already published")
        return Publication(model, None)
    chunks = [data[start : start + CHUNK_SIZE] for start in range(0, len(data), CHUNK_SIZE)]
    upload = await _upload(client, signer, model)
    create = client.make_call("Models", "create", model=model, size=len(data))
    last = client.make_call("Models", "publish", model=model, size=len(data))
    if upload is None and len(chunks) == 1:
        only = client.make_call("Models", "upload_chunk", model=model, index=0, data=chunks[0])
        batch = client.make_call("Utility", "batch_all", calls=[create, only, last])
        progress(f"publishing {len(data)} bytes in one transaction")
        return Publication(model, await client.submit(batch, signer, wait=wait, progress=progress))
    if upload is None:
        progress(f"announcing {len(data)} bytes in {len(chunks)} chunks")
        await client.submit(create, signer)
    for index in range(upload.received if upload else 0, len(chunks)):
        progress(f"uploading chunk {index + 1} of {len(chunks)}")
        chunk = client.make_call("Models", "upload_chunk", model=model, index=index, data=chunks[index])
        await client.submit(chunk, signer)
    progress("publishing: every validator verifies the model")
    return Publication(model, await client.submit(last, signer, wait=wait, progress=progress))


async def _upload(client: Client, signer: KeyPair, model: bytes) -> Upload | None:
    value = await client.storage(Models.uploads.key(signer.public, model))
    return None if value is None else read("state_getStorage", codec(Upload).decode, value)


async def dry_run(client: Client, model: bytes, inputs: Arrays | Sequence[bytes]) -> dict[str, Any]:
    """Real numbers by output name."""
    found = await get(client, model)
    raw, _ = tensors.pack(found.inputs, inputs)
    answer = await client.call("inference_dryRun", model, raw)
    outputs = read("inference_dryRun", lambda found: [unhex(each) for each in found["output"]], answer)
    integers = tensors.unpack(found.outputs, outputs)
    return tensors.to_real(found.outputs, integers)


async def infer(
    client: Client,
    model: bytes,
    inputs: Arrays | Sequence[bytes],
    signer: KeyPair,
    max_fee: int | None,
    quantized: bool,
    wait: Wait,
    progress: Callable[[str], None],
) -> Inference:
    """Send an inference and read its outputs from the block's events."""
    found = await get(client, model)
    raw, saturated = tensors.pack(found.inputs, inputs, quantized)
    for name, count in saturated.items():
        progress(f"{count} values of {name!r} lie outside the model's range and were clipped")
    if max_fee is None:
        max_fee = _FEE_MARGIN * (await client.estimate(model)).inference_fee
    call = client.make_call("Inference", "infer", model=model, inputs=tuple(raw), max_fee=max_fee)
    included: Inclusion = await client.submit(call, signer, wait=wait, progress=progress)
    completed = included.event(Completed)
    if completed is None:
        raise ClientError(f"block 0x{included.block_hash.hex()} reports no result of the inference")
    integers = tensors.unpack(found.outputs, completed.output)
    return Inference(
        receipt=completed.receipt,
        model=model,
        raw=tuple(completed.output),
        integers=integers,
        outputs=tensors.to_real(found.outputs, integers),
        saturated=saturated,
        inclusion=included,
    )
