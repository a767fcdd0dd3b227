"""Importing blocks full of inference transactions, beside calling the float32 original in onnxruntime.

The model has the size of the classic MNIST network (two convolutions, two pools, one dense layer on 28x28);
its weights are drawn from a seed, since only the time counts here.
"""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.chains import author_blocks, chain_with, context, fresh_chain, import_all, signers
from benchmarks.harness import median_seconds, seconds, show
from chain.opening import Chain
from client.transaction import Transaction, sign
from inference.compiler import compile_model
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import KeyPair

CALLS = 1_000
PER_BLOCK = 500
"""Calls of this model that fit into a block's weight."""


def run() -> None:
    """Print calls a second through a block, and through the float32 session alone."""
    original = mnist_sized_model()
    images = np.random.default_rng(1).integers(0, 256, (CALLS, 1, 1, 28, 28)).astype(np.float32)
    artifact = compile_model(original, calibration=images[:64, 0], precision="int8").to_bytes()
    caller = signers(1)[0]
    spec = chain_with([caller.public])
    with fresh_chain(spec) as chain:
        batches = [publication(chain, caller, artifact)]
        calls = [inference(chain, caller, artifact, image, 1 + i) for i, image in enumerate(images)]
        batches += [calls[i : i + PER_BLOCK] for i in range(0, CALLS, PER_BLOCK)]
        made = author_blocks(chain, batches)
    with fresh_chain(spec) as chain:
        import_all(chain, made[:1])
        elapsed = seconds(lambda: import_all(chain, made[1:]))
    float_time = _float32(original, images)
    rows = [
        ["imported blocks: signature, fee, model, receipt, trie, sync", f"{CALLS / elapsed:,.0f}/s", "1.00"],
        [
            "onnxruntime float32, the model alone",
            f"{1 / float_time:,.0f}/s",
            f"{elapsed / CALLS / float_time:.1f}",
        ],
    ]
    show("An MNIST-sized CNN", ["inference calls", "rate", "/ block"], rows)


def mnist_sized_model() -> bytes:
    """The network as an ONNX file."""
    draw = np.random.default_rng(0)
    shapes = {"k1": (8, 1, 5, 5), "b1": (8,), "k2": (16, 8, 5, 5), "b2": (16,), "w": (256, 10), "b": (10,)}
    weights = [
        numpy_helper.from_array((draw.standard_normal(shape) / 8).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "k1", "b1"], ["c1"], auto_pad="SAME_UPPER"),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "k2", "b2"], ["c2"], auto_pad="SAME_UPPER"),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["p2"], kernel_shape=[3, 3], strides=[3, 3]),
        helper.make_node("Flatten", ["p2"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mnist_sized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def publication(chain: Chain, owner: KeyPair, artifact: bytes) -> list[Transaction]:
    """One transaction that creates, uploads and publishes a model of a single chunk."""
    runtime = chain.runtime
    model = blake2_256(artifact)
    calls = [
        runtime.call("Models", "create", model=model, size=len(artifact)),
        runtime.call("Models", "upload_chunk", model=model, index=0, data=artifact),
        runtime.call("Models", "publish", model=model, size=len(artifact)),
    ]
    batch = runtime.encode_call(runtime.call("Utility", "batch_all", calls=calls))
    return [sign(batch, owner, 0, context(chain))]


def inference(chain: Chain, caller: KeyPair, artifact: bytes, image: np.ndarray, nonce: int) -> Transaction:
    """A signed call of the model on one image of u8 pixels."""
    call = chain.runtime.call(
        "Inference",
        "infer",
        model=blake2_256(artifact),
        inputs=(image.astype(np.uint8).tobytes(),),
        max_fee=10**15,
    )
    return sign(chain.runtime.encode_call(call), caller, nonce, context(chain))


def _float32(original: bytes, images: np.ndarray) -> float:
    """Seconds of one call of the original, one thread, as in a block."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(original, options, providers=["CPUExecutionProvider"])

    def work() -> None:
        for image in images:
            session.run(None, {"x": image})

    return median_seconds(work, 3) / len(images)
