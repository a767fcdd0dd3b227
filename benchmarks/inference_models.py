"""Networks of well-known shapes as ONNX files, their weights drawn from a seed: no download, no training.

What an inference costs depends on shapes alone, and what an executor must get right on integers alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Network:
    """A float32 ONNX file and the shape of its one input; `low` and `high` bound the inputs drawn for it."""

    name: str
    model: bytes
    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0

    def inputs(self, count: int, seed: int = 1) -> Floats:
        """`count` inputs, stacked along a new first axis."""
        drawn = np.random.default_rng(seed).uniform(self.low, self.high, (count, *self.shape))
        return drawn.astype(np.float32)


@dataclass(slots=True)
class Layers:
    """Collects nodes and weights; each method adds one layer and returns the name of its result."""

    shape: tuple[int, ...]
    seed: int = 0
    nodes: list[NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One node."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def given(self, values: NDArray[np.generic]) -> str:
        """A constant."""
        name = f"w{len(self.weights)}"
        self.weights[name] = values
        return name

    def drawn(self, *shape: int, fan_in: int = 0) -> str:
        """Normal weights that keep the variance (He et al., 2015); small biases where nothing fans in."""
        draw = np.random.default_rng([self.seed, len(self.weights)])
        size = np.sqrt(2 / fan_in) if fan_in else 0.05
        return self.given((draw.standard_normal(shape) * size).astype(np.float32))

    def conv(
        self, x: str, channels: int, count: int, kernel: int, stride: int = 1, groups: int = 1, pad: int = -1
    ) -> str:
        """A convolution with bias; `pad` keeps the size unless it is given."""
        per_group = channels // groups
        weight = self.drawn(count, per_group, kernel, kernel, fan_in=per_group * kernel * kernel)
        side = kernel // 2 if pad < 0 else pad
        window: dict[str, Any] = {
            "kernel_shape": [kernel] * 2,
            "strides": [stride] * 2,
            "pads": [side] * 4,
            "group": groups,
        }
        return self.add("Conv", x, weight, self.drawn(count), **window)

    def dense(self, x: str, width: int, count: int) -> str:
        """A matrix product with bias, on the last axis."""
        return self.add(
            "Add", self.add("MatMul", x, self.drawn(width, count, fan_in=width)), self.drawn(count)
        )

    def relu6(self, x: str) -> str:
        """min(max(x, 0), 6)."""
        bounds = [self.given(np.array(v, np.float32)) for v in (0, 6)]
        return self.add("Clip", x, *bounds)

    def model(self, result: str, shape: tuple[int, ...]) -> bytes:
        """The file whose output is `result`."""
        used = [numpy_helper.from_array(values, name) for name, values in self.weights.items()]
        graph = helper.make_graph(
            self.nodes,
            "drawn",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, shape)],
            used,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def resnet18() -> Network:
    """He et al., "Deep residual learning", 18 layers, 224 x 224 (batch norms folded)."""
    net = Layers((1, 3, 224, 224))
    x = net.add("Relu", net.conv("x", 3, 64, 7, 2))
    x = net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for count, blocks in ((64, 2), (128, 2), (256, 2), (512, 2)):
        for block in range(blocks):
            stride = 2 if block == 0 and count > 64 else 1
            y = net.add("Relu", net.conv(x, channels, count, 3, stride))
            y = net.conv(y, count, count, 3)
            if stride == 2:
                x = net.conv(x, channels, count, 1, stride, pad=0)
            x, channels = net.add("Relu", net.add("Add", x, y)), count
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    return Network("resnet18", net.model(net.dense(x, 512, 1000), (1, 1000)), net.shape)


def mobilenet_v2() -> Network:
    """Sandler et al., "MobileNetV2", width 1, 224 x 224 (batch norms folded)."""
    net = Layers((1, 3, 224, 224))
    x, channels = net.relu6(net.conv("x", 3, 32, 3, 2)), 32
    blocks = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2))
    for widen, count, repeats, first in (*blocks, (6, 320, 1, 1)):
        for block in range(repeats):
            stride, inner = first if block == 0 else 1, channels * widen
            y = net.relu6(net.conv(x, channels, inner, 1)) if widen > 1 else x
            y = net.relu6(net.conv(y, inner, inner, 3, stride, inner))
            y = net.conv(y, inner, count, 1)
            x = net.add("Add", x, y) if stride == 1 and channels == count else y
            channels = count
    x = net.relu6(net.conv(x, channels, 1280, 1))
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    return Network("mobilenet_v2", net.model(net.dense(x, 1280, 1000), (1, 1000)), net.shape)


def kws_dscnn() -> Network:
    """The keyword spotter of MLPerf Tiny: depthwise-separable convolutions on 49 x 10 features."""
    net = Layers((1, 1, 49, 10))
    weight, bias = net.drawn(64, 1, 10, 4, fan_in=40), net.drawn(64)
    window: dict[str, Any] = {"kernel_shape": [10, 4], "strides": [2, 2], "pads": [4, 1, 5, 1]}
    x = net.add("Relu", net.add("Conv", "x", weight, bias, **window))
    for _ in range(4):
        x = net.add("Relu", net.conv(x, 64, 64, 3, groups=64))
        x = net.add("Relu", net.conv(x, 64, 64, 1))
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    y = net.add("Softmax", net.dense(x, 64, 12), axis=1)
    return Network("kws_dscnn", net.model(y, (1, 12)), net.shape)


def mnist() -> Network:
    """The model zoo's digit reader: two convolutions, two pools, one dense layer on 28 x 28."""
    net = Layers((1, 1, 28, 28))
    x = net.add("Relu", net.conv("x", 1, 8, 5))
    x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("Relu", net.conv(x, 8, 16, 5))
    x = net.add("Flatten", net.add("MaxPool", x, kernel_shape=[3, 3], strides=[3, 3]))
    return Network("mnist", net.model(net.dense(x, 256, 10), (1, 10)), net.shape, 0.0, 1.0)


def mlp() -> Network:
    """Three dense layers, 784-512-256-10."""
    net = Layers((1, 784))
    x = net.add("Relu", net.dense("x", 784, 512))
    x = net.add("Relu", net.dense(x, 512, 256))
    return Network("mlp", net.model(net.dense(x, 256, 10), (1, 10)), net.shape, 0.0, 1.0)


def encoder(layers: int = 2, length: int = 64, width: int = 128, heads: int = 4) -> Network:
    """A transformer encoder (Vaswani et al.) with norms before attention, and a label per sequence."""
    net = Layers((1, length, width))
    x = "x"
    for _ in range(layers):
        x = net.add("Add", x, _attention(net, _norm(net, x, width), length, width, heads))
        y = _gelu(net, net.dense(_norm(net, x, width), width, 4 * width))
        x = net.add("Add", x, net.dense(y, 4 * width, width))
    x = net.add("ReduceMean", _norm(net, x, width), axes=[1], keepdims=0)
    return Network("encoder", net.model(net.dense(x, width, 10), (1, 10)), net.shape)


def _norm(net: Layers, x: str, width: int) -> str:
    scale, shift = net.given(np.ones(width, np.float32)), net.given(np.zeros(width, np.float32))
    return net.add("LayerNormalization", x, scale, shift, axis=-1)


def _gelu(net: Layers, x: str) -> str:
    root, one, half = (net.given(np.array(v, np.float32)) for v in (2**0.5, 1, 0.5))
    share = net.add("Add", net.add("Erf", net.add("Div", x, root)), one)
    return net.add("Mul", net.add("Mul", x, share), half)


def _attention(net: Layers, x: str, length: int, width: int, heads: int) -> str:
    split = net.given(np.array([1, length, heads, width // heads]))
    parts = [net.add("Reshape", net.dense(x, width, width), split) for _ in range(3)]
    queries, values = (net.add("Transpose", p, perm=[0, 2, 1, 3]) for p in (parts[0], parts[2]))
    keys = net.add("Transpose", parts[1], perm=[0, 2, 3, 1])
    scale = net.given(np.array((width // heads) ** 0.5, np.float32))
    scores = net.add("Div", net.add("MatMul", queries, keys), scale)
    mixed = net.add("MatMul", net.add("Softmax", scores, axis=-1), values)
    joined = net.add(
        "Reshape", net.add("Transpose", mixed, perm=[0, 2, 1, 3]), net.given(np.array([1, length, width]))
    )
    return net.dense(joined, width, width)


def forest(trees: int = 100, depth: int = 8, features: int = 32) -> Network:
    """A regressor of complete decision trees over standard features."""
    net = Layers((1, features))
    draw = np.random.default_rng(5)
    inner, total = 2**depth - 1, 2 ** (depth + 1) - 1
    ids = np.tile(np.arange(total), trees)
    owner, split = np.repeat(np.arange(trees), total), ids < inner
    leaves = np.tile(np.arange(inner, total), trees)
    y = net.add(
        "TreeEnsembleRegressor",
        "x",
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=owner.tolist(),
        nodes_nodeids=ids.tolist(),
        nodes_featureids=draw.integers(0, features, len(ids)).tolist(),
        nodes_modes=["BRANCH_LEQ" if s else "LEAF" for s in split],
        nodes_values=draw.normal(size=len(ids)).astype(np.float32).tolist(),
        nodes_truenodeids=np.where(split, 2 * ids + 1, 0).tolist(),
        nodes_falsenodeids=np.where(split, 2 * ids + 2, 0).tolist(),
        target_treeids=np.repeat(np.arange(trees), inner + 1).tolist(),
        target_nodeids=leaves.tolist(),
        target_ids=[0] * len(leaves),
        target_weights=draw.normal(size=len(leaves)).astype(np.float32).tolist(),
    )
    return Network("forest", net.model(y, (1, 1)), net.shape)


#: Every network by name.
NETWORKS: dict[str, Callable[[], Network]] = {
    "resnet18": resnet18,
    "mobilenet_v2": mobilenet_v2,
    "kws_dscnn": kws_dscnn,
    "mnist": mnist,
    "mlp": mlp,
    "encoder": encoder,
    "forest": forest,
}
