"""The table of rewriting rules, and the pass that applies them.

After it a graph holds only canonical operators: matrix product, convolution, pools, element-wise arithmetic,
functions, comparisons, four reductions, layout, gathers and raw tree sums. It is still valid ONNX (opset
20), so the same float runtime that runs the original can check the rewriting and calibrate it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from inference.compiler.errors import UnsupportedModel
from inference.compiler.graph import Graph, Node
from inference.compiler.rewrite import (
    activations,
    attention,
    classical,
    dense,
    einsum,
    elementwise,
    integers,
    layout,
    powers,
    products,
    quantised,
    recurrent,
    resampling,
    sampling,
    scatter,
    signals,
    trees,
    windows,
)
from inference.compiler.rewrite.rewriter import CANONICAL_OPSET, FLOAT, Rewriter

Rule = Callable[[Rewriter, Node], str | tuple[str, ...]]

_CANONICAL_ML = 3

_ORDERED = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "MaxPool", "Identity"})
"""Operators that give the same before and after quantisation, because they move or compare elements."""

_FUNCTIONS = (
    "Abs",
    "Atan",
    "Ceil",
    "Cos",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "Log",
    "Neg",
    "Not",
    "Reciprocal",
    "Relu",
    "Round",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softplus",
    "Sqrt",
    "Tanh",
)

_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_FUNCTIONS, elementwise.plain),
    "Identity": elementwise.same,
    "Dropout": signals.dropout,
    **dict.fromkeys(
        (
            "Add",
            "Sub",
            "Mul",
            "Div",
            "Equal",
            "Less",
            "LessOrEqual",
            "Greater",
            "GreaterOrEqual",
            "And",
            "Or",
            "Xor",
        ),
        elementwise.binary,
    ),
    **dict.fromkeys(("Sum", "Max", "Min", "Mean"), elementwise.nary),
    **dict.fromkeys(
        [
            "ReduceSum",
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
            "ReduceLogSum",
            "ReduceLogSumExp",
        ],
        elementwise.reduction,
    ),
    "Elu": activations.elu,
    "Celu": activations.celu,
    "Selu": activations.selu,
    "LeakyRelu": activations.leaky_relu,
    "HardSigmoid": activations.hard_sigmoid,
    "HardSwish": activations.hard_swish,
    "Swish": activations.swish,
    "Mish": activations.mish,
    "Softsign": activations.softsign,
    "ThresholdedRelu": activations.thresholded_relu,
    "Shrink": activations.shrink,
    "Tan": activations.tangent,
    **dict.fromkeys(("Sinh", "Cosh"), activations.hyperbolic),
    **dict.fromkeys(("Asin", "Acos"), activations.inverse_sine),
    **dict.fromkeys(("Asinh", "Acosh", "Atanh"), activations.inverse_hyperbolic),
    "Where": elementwise.plain,
    "Clip": elementwise.clip,
    "Pow": powers.power,
    "PRelu": elementwise.prelu,
    "Softmax": elementwise.softmax,
    "LogSoftmax": elementwise.log_softmax,
    "Hardmax": elementwise.hardmax,
    "Cast": elementwise.cast,
    "CastLike": elementwise.cast,
    "ArgMax": elementwise.arg_extreme,
    "ArgMin": elementwise.arg_extreme,
    "Trilu": elementwise.trilu,
    "QuantizeLinear": quantised.quantize,
    "DequantizeLinear": quantised.dequantize,
    "QLinearConv": quantised.qlinear_conv,
    "QLinearMatMul": quantised.qlinear_matmul,
    "ConvInteger": products.conv_integer,
    "MatMulInteger": products.matmul_integer,
    "DynamicQuantizeLinear": products.dynamic_quantize,
    "Einsum": einsum.einsum,
    "Gemm": dense.gemm,
    "MatMul": dense.matmul,
    "Conv": windows.conv,
    "ConvTranspose": dense.conv_transpose,
    "MaxPool": windows.max_pool,
    "AveragePool": windows.average_pool,
    **dict.fromkeys(("LpPool", "GlobalLpPool"), windows.lp_pool),
    "MaxUnpool": windows.max_unpool,
    "Col2Im": windows.col2im,
    "LRN": windows.local_response,
    "DFT": signals.fourier,
    "STFT": signals.short_time_fourier,
    "TfIdfVectorizer": signals.tf_idf,
    "CenterCropPad": signals.center_crop_pad,
    "SwiGLU": signals.swiglu,
    "GlobalAveragePool": dense.global_pool,
    "GlobalMaxPool": dense.global_pool,
    "BatchNormalization": dense.batch_norm,
    "InstanceNormalization": dense.instance_norm,
    "LayerNormalization": dense.layer_norm,
    "RMSNormalization": dense.rms_norm,
    "GroupNormalization": dense.group_norm,
    "MeanVarianceNormalization": dense.mean_variance_norm,
    "LpNormalization": dense.lp_norm,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), layout.reshaped),
    "Transpose": layout.transpose,
    "Concat": layout.concat,
    "Slice": layout.slice_,
    "Split": layout.split,
    "Pad": layout.pad,
    "Expand": layout.expand,
    "Tile": layout.tile,
    "Gather": layout.gather,
    "GatherElements": layout.gather_elements,
    "GatherND": scatter.gather_nd,
    **dict.fromkeys(("ScatterElements", "Scatter"), scatter.scatter_elements),
    "ScatterND": scatter.scatter_nd,
    "TensorScatter": scatter.tensor_scatter,
    "ReverseSequence": scatter.reverse_sequence,
    "Attention": attention.attention,
    "LinearAttention": attention.linear_attention,
    "CausalConvWithState": attention.causal_convolution,
    "RotaryEmbedding": attention.rotary_embedding,
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"), integers.bitwise),
    "BitShift": integers.shift,
    "Mod": integers.modulo,
    **dict.fromkeys(("CumSum", "CumProd"), integers.running),
    "Det": integers.determinant,
    "OneHot": layout.one_hot,
    "DepthToSpace": layout.depth_to_space,
    "SpaceToDepth": layout.space_to_depth,
    **dict.fromkeys(("Resize", "Upsample"), resampling.resize),
    "GridSample": sampling.grid_sample,
    "AffineGrid": sampling.affine_grid,
    "RoiAlign": sampling.roi_align,
    "DeformConv": sampling.deformed_convolution,
    "TopK": layout.top_k,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent.recurrent),
    "ai.onnx.ml::LinearRegressor": classical.linear_regressor,
    "ai.onnx.ml::LinearClassifier": classical.linear_classifier,
    "ai.onnx.ml::SVMRegressor": classical.svm_regressor,
    "ai.onnx.ml::SVMClassifier": classical.svm_classifier,
    "ai.onnx.ml::Scaler": classical.scaler,
    "ai.onnx.ml::Normalizer": classical.normalizer,
    "ai.onnx.ml::Imputer": classical.imputer,
    "ai.onnx.ml::Binarizer": classical.binarizer,
    "ai.onnx.ml::OneHotEncoder": classical.one_hot_encoder,
    "ai.onnx.ml::LabelEncoder": classical.label_encoder,
    "ai.onnx.ml::ArrayFeatureExtractor": classical.array_feature_extractor,
    "ai.onnx.ml::FeatureVectorizer": classical.feature_vectorizer,
    "ai.onnx.ml::TreeEnsembleRegressor": trees.tree_regressor,
    "ai.onnx.ml::TreeEnsembleClassifier": trees.tree_classifier,
    "ai.onnx.ml::TreeEnsemble": trees.tree_ensemble,
}


def supported_operators() -> tuple[str, ...]:
    """Names of all operators that can be compiled, sorted."""
    return tuple(sorted(_RULES))


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A canonical graph; class texts by label output; and (scale, zero) of bytes that the file itself
    quantises to.
    """

    graph: Graph
    classes: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, tuple[float, int]]


def canonical_graph(graph: Graph) -> Rewriting:
    """The canonical form of a graph.

    Raises `UnsupportedModel` naming the first operator without a rule or outside what its rule covers.
    """
    rewriter = Rewriter(_in_single_precision(graph))
    aliases: dict[str, str] = {}
    for node in graph.nodes:
        rule = _RULES.get(node.op)
        if rule is None:
            raise UnsupportedModel(node.op, node.name, "replace it by operators of docs/operators.md")
        rewriter.stem, rewriter.wide = node.name, False
        ready = replace(node, inputs=tuple(aliases.get(name, name) for name in node.inputs))
        made = rule(rewriter, ready)
        if node.op in _ORDERED and isinstance(made, str) and ready.inputs[0] in rewriter.quantised:
            _quantised_later(rewriter, rule, ready, made)
        results = made if isinstance(made, tuple) else (made,)
        aliases.update((name, result) for name, result in zip(node.outputs, results, strict=False) if name)
    outputs = tuple(aliases.get(name, name) for name in graph.outputs)
    classes = {aliases.get(name, name): texts for name, texts in rewriter.classes.items()}
    made_graph = replace(rewriter.finish(outputs), opset=CANONICAL_OPSET, ml_opset=_CANONICAL_ML)
    return Rewriting(made_graph, classes, rewriter.levels)


def _quantised_later(rewriter: Rewriter, rule: Rule, node: Node, result: str) -> None:
    """Also does the operator on the real value, so that a DequantizeLinear of the result finds it there."""
    held, scale, zero = rewriter.quantised[node.inputs[0]]
    moved = rule(rewriter, replace(node, inputs=(held, *node.inputs[1:])))
    assert isinstance(moved, str)
    rewriter.quantised[result] = (moved, scale, zero)
    rewriter.levels[moved] = rewriter.levels[held]


def _in_single_precision(graph: Graph) -> Graph:
    """Halves and doubles as float32: one float type in the canonical graph."""
    types = {
        name: replace(kind, dtype=FLOAT) if kind.is_float else kind for name, kind in graph.types.items()
    }
    constants = {
        name: value.astype(FLOAT) if value.dtype.kind == "f" else value
        for name, value in graph.constants.items()
    }
    return replace(graph, types=types, constants=constants)
