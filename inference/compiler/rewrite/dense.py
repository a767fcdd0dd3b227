"""Matrix products, convolutions and pools: attributes made explicit, batch norm as multiply and add."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Node
from inference.compiler.rewrite.rewriter import Rewriter

_LEAST_NORM = 1e-30


def gemm(r: Rewriter, node: Node) -> str:
    """alpha * A' B' + beta * C."""
    a, b = node.inputs[0], node.inputs[1]
    if node.attributes.get("transA", 0):
        a = r.transpose(a, (1, 0))
    if node.attributes.get("transB", 0):
        b = r.transpose(b, (1, 0))
    result = r.scaled(r.matmul(a, b), node.attributes.get("alpha", 1.0))
    if node.input(2):
        result = r.binary("Add", result, r.scaled(node.inputs[2], node.attributes.get("beta", 1.0)))
    return result


def matmul(r: Rewriter, node: Node) -> str:
    """Vectors get the axis that numpy.matmul would add for them."""
    a, b = node.inputs[0], node.inputs[1]
    if r.rank(a) == 1:
        a = r.reshape(a, (1, *r.shape(a)))
    if r.rank(b) == 1:
        b = r.reshape(b, (*r.shape(b), 1))
    return r.reshape(r.matmul(a, b), r.shape(node.output))


def batch_norm(r: Rewriter, node: Node) -> str:
    """One multiply and one add per channel, which later folds into the layer before."""
    if node.attributes.get("training_mode", 0):
        raise UnsupportedModel(node.op, node.name, "export the model in inference mode")
    scale, shift, mean, variance = (
        r.need(node, index, "batch norm's statistics").astype(np.float64) for index in range(1, 5)
    )
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    spread = (-1,) + (1,) * (r.rank(node.inputs[0]) - 2)
    scaled = r.binary("Mul", node.inputs[0], r.value(factor.reshape(spread)))
    return r.binary("Add", scaled, r.value((shift - mean * factor).reshape(spread)))


def window(r: Rewriter, node: Node, kernel: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Strides, dilations and explicit pads (begins, then ends) of a conv or pool, from auto_pad and
    ceil_mode too.
    """
    size, made = r.shape(node.inputs[0])[2:], r.shape(node.output)[2:]
    dims = len(kernel)
    strides = list(node.attributes.get("strides", (1,) * dims))
    dilations = list(node.attributes.get("dilations", (1,) * dims))
    pads = list(node.attributes.get("pads", (0,) * (2 * dims)))
    mode = node.attributes.get("auto_pad", "NOTSET")
    for axis in range(dims):
        reach = (made[axis] - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1
        if mode == "VALID":
            pads[axis] = pads[axis + dims] = 0
        elif mode in ("SAME_UPPER", "SAME_LOWER"):
            total = max(reach - size[axis], 0)
            small, large = total // 2, total - total // 2
            pads[axis], pads[axis + dims] = (small, large) if mode == "SAME_UPPER" else (large, small)
        else:
            # The end pad that exactly reaches the last window: what ceil_mode adds or a stride leaves over.
            pads[axis + dims] = reach - size[axis] - pads[axis]
    return strides, dilations, pads


def conv(r: Rewriter, node: Node) -> str:
    """Convolution with explicit pads and kernel."""
    x, weight = node.inputs[0], node.inputs[1]
    kernel = r.shape(weight)[2:]
    strides, dilations, pads = window(r, node, kernel)
    x, pads = _cropped(r, x, pads)
    operands = [x, weight, *node.inputs[2:3]]
    return r.emit(
        "Conv",
        [name for name in operands if name],
        r.types[x].dtype,
        r.shape(node.output),
        kernel_shape=tuple(kernel),
        strides=tuple(strides),
        dilations=tuple(dilations),
        pads=tuple(pads),
        group=node.attributes.get("group", 1),
    )


def _cropped(r: Rewriter, x: str, pads: list[int]) -> tuple[str, list[int]]:
    """Negative pads as a slice of the input."""
    dims = len(pads) // 2
    full = r.shape(x)
    begins = [max(-pads[axis], 0) for axis in range(dims)]
    ends = [max(-pads[axis + dims], 0) for axis in range(dims)]
    if not any(begins) and not any(ends):
        return x, pads
    sizes = [full[axis + 2] - begins[axis] - ends[axis] for axis in range(dims)]
    x = r.slice(x, [0, 0, *begins], [*full[:2], *sizes], [1] * len(full))
    return x, [max(pad, 0) for pad in pads]


def conv_transpose(r: Rewriter, node: Node) -> str:
    """Transposed convolution: kept, with the pads that its output shape implies."""
    x, weight = node.inputs[0], r.need(node, 1, "the weight of a transposed convolution")
    kernel = weight.shape[2:]
    dims = len(kernel)
    strides = list(node.attributes.get("strides", (1,) * dims))
    dilations = list(node.attributes.get("dilations", (1,) * dims))
    pads = list(node.attributes.get("pads", (0,) * (2 * dims)))
    extra = list(node.attributes.get("output_padding", (0,) * dims))
    made, size = r.shape(node.output)[2:], r.shape(x)[2:]
    mode = node.attributes.get("auto_pad", "NOTSET")
    for axis in range(dims):
        total = (
            strides[axis] * (size[axis] - 1)
            + extra[axis]
            + dilations[axis] * (kernel[axis] - 1)
            + 1
            - made[axis]
        )
        if mode.startswith("SAME") or "output_shape" in node.attributes:
            half = total // 2
            pads[axis], pads[axis + dims] = (
                (half, total - half) if mode == "SAME_UPPER" else (total - half, half)
            )
    return r.emit(
        "ConvTranspose",
        [name for name in node.inputs if name],
        r.types[x].dtype,
        r.shape(node.output),
        kernel_shape=tuple(kernel),
        strides=tuple(strides),
        dilations=tuple(dilations),
        pads=tuple(pads),
        output_padding=tuple(extra),
        group=node.attributes.get("group", 1),
    )


def max_pool(r: Rewriter, node: Node) -> str:
    """Max pool with explicit pads, without the places of the maxima."""
    return _pool(r, node, "MaxPool", {})


def average_pool(r: Rewriter, node: Node) -> str:
    """Average pool with explicit pads."""
    return _pool(r, node, "AveragePool", {"count_include_pad": node.attributes.get("count_include_pad", 0)})


def _pool(r: Rewriter, node: Node, op: str, more: dict[str, Any]) -> str:
    x = node.inputs[0]
    kernel = list(node.attributes["kernel_shape"])
    strides, dilations, pads = window(r, node, kernel)
    x, pads = _cropped(r, x, pads)
    if any(size > 1 for size in dilations):
        more = {**more, "dilations": tuple(dilations)}
    return r.emit(
        op,
        (x,),
        r.types[x].dtype,
        r.shape(node.output),
        kernel_shape=tuple(kernel),
        strides=tuple(strides),
        pads=tuple(pads),
        **more,
    )


def global_pool(r: Rewriter, node: Node) -> str:
    """A pool over all places: a reduction."""
    x = node.inputs[0]
    op = "ReduceMean" if node.op == "GlobalAveragePool" else "ReduceMax"
    return r.reduce(op, x, range(2, r.rank(x)))


def instance_norm(r: Rewriter, node: Node) -> str:
    """Each channel of each sample normalised over its places."""
    x = node.inputs[0]
    spread = (-1,) + (1,) * (r.rank(x) - 2)
    body = r.normalised(x, range(2, r.rank(x)), node.attributes.get("epsilon", 1e-5))
    scaled = r.binary("Mul", body, r.reshape(node.inputs[1], (r.shape(x)[1], *spread[1:])))
    return r.binary("Add", scaled, r.reshape(node.inputs[2], (r.shape(x)[1], *spread[1:])))


def layer_norm(r: Rewriter, node: Node) -> tuple[str, ...]:
    """Normalised over the last axes, scaled and shifted; mean and inverse deviation if asked for."""
    x = node.inputs[0]
    axes = range(node.attributes.get("axis", -1) % r.rank(x), r.rank(x))
    epsilon = node.attributes.get("epsilon", 1e-5)
    scaled = r.binary("Mul", r.normalised(x, axes, epsilon), node.inputs[1])
    result = r.binary("Add", scaled, node.inputs[2]) if node.input(2) else scaled
    if not any(node.outputs[1:]):
        return (result,)
    r.wide = True
    mean = r.reduce("ReduceMean", x, axes)
    distance = r.binary("Sub", x, mean)
    variance = r.reduce("ReduceMean", r.binary("Mul", distance, distance), axes)
    root = r.unary("Sqrt", r.binary("Add", variance, r.value(epsilon)))
    return result, mean, r.unary("Reciprocal", root)


def rms_norm(r: Rewriter, node: Node) -> str:
    """Root-mean-square norm over the last axes."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", -1) % r.rank(x)
    body = r.normalised(x, range(axis, r.rank(x)), node.attributes.get("epsilon", 1e-5), centred=False)
    return r.binary("Mul", body, node.inputs[1])


def group_norm(r: Rewriter, node: Node) -> str:
    """Groups of channels normalised together."""
    x = node.inputs[0]
    full = r.shape(x)
    groups = node.attributes["num_groups"]
    grouped = r.reshape(x, (full[0], groups, -1 if 0 in full else int(np.prod(full[1:])) // groups))
    body = r.reshape(r.normalised(grouped, (2,), node.attributes.get("epsilon", 1e-5)), full)
    spread = (full[1],) + (1,) * (len(full) - 2)
    scale, shift = node.inputs[1], node.inputs[2]
    if r.shape(scale)[0] == groups != full[1]:
        repeat = np.repeat(np.arange(groups), full[1] // groups)
        scale, shift = r.gather(scale, repeat, 0), r.gather(shift, repeat, 0)
    return r.binary("Add", r.binary("Mul", body, r.reshape(scale, spread)), r.reshape(shift, spread))


def mean_variance_norm(r: Rewriter, node: Node) -> str:
    """MeanVarianceNormalization over its axes."""
    return r.normalised(node.inputs[0], node.attributes.get("axes", (0, 2, 3)), 1e-9)


def lp_norm(r: Rewriter, node: Node) -> str:
    """LpNormalization: x over its L1 or L2 norm along an axis."""
    x = node.inputs[0]
    axis = node.attributes.get("axis", -1)
    r.wide = True
    if node.attributes.get("p", 2) == 1:
        norm = r.reduce("ReduceSum", r.unary("Abs", x), (axis,))
    else:
        norm = r.unary("Sqrt", r.reduce("ReduceSum", r.binary("Mul", x, x), (axis,)))
    # Zeros have no direction: they stay zeros.
    return r.binary("Div", x, r.binary("Max", norm, r.value(_LEAST_NORM)))
