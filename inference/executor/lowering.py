"""Which ONNX kernels compute an operation exactly, by the verifier's proof (README, "Fast executor").

Every rule either adds nodes to the graph and answers True, or answers False before adding any: then the
operation runs in numpy.
"""

from collections.abc import Callable, Collection

from inference.executor import lowering_arithmetic as arithmetic
from inference.executor import lowering_functions as functions
from inference.executor import lowering_products as products
from inference.executor.graph import Graph
from inference.executor.lowering_movement import lower_movement
from inference.executor.lowering_trees import tree_ensemble
from inference.ir import ops
from inference.ir.program import Node
from inference.verifier.cost import EXACT_SINGLE

Rule = Callable[[Graph, int, Node, int], bool]


def lower(graph: Graph, value: int, node: Node, bound: int, disabled: Collection[str]) -> bool:
    """Add the node that gives `value` to the graph, unless there is no kernel that may be used."""
    rules = _RULES.get(type(node.op))
    if _clips_to_one_far_value(node.op):
        return False
    if rules is None:
        return "movement" not in disabled and lower_movement(graph, value, node)
    return any(name not in disabled and rule(graph, value, node, bound) for name, rule in rules)


def _clips_to_one_far_value(op: ops.Op) -> bool:
    """Do bounds leave a single value that binary32 may not hold, whatever is computed?"""
    out = getattr(op, "out", None)
    return isinstance(out, ops.Requantize) and (out.low > EXACT_SINGLE or out.high < -EXACT_SINGLE)


#: Kernels per operation, best first, each under the name by which the probe may disable it.
_RULES: dict[type[ops.Op], tuple[tuple[str, Rule], ...]] = {
    ops.Conv: (
        ("byte_conv", products.byte_conv),
        ("float_conv", products.float_conv),
        ("double_conv", products.double_conv),
    ),
    ops.MatMul: (("byte_matmul", products.byte_matmul), ("float_matmul", products.float_matmul)),
    ops.Add: (("byte_add", arithmetic.byte_add), ("float_pointwise", arithmetic.float_pointwise)),
    ops.Mul: (("float_pointwise", arithmetic.float_pointwise),),
    ops.Rescale: (("float_pointwise", arithmetic.float_pointwise),),
    ops.Div: (("float_div", arithmetic.float_div),),
    ops.ReduceSum: (("float_sum", arithmetic.float_sum),),
    ops.AveragePool: (("byte_average", arithmetic.byte_average), ("float_average", arithmetic.float_average)),
    ops.MaxPool: (("max_pool", arithmetic.max_pool),),
    ops.Lookup: (("table", functions.lookup_table),),
    ops.Trees: (("tree_ensemble", tree_ensemble),),
    ops.Function: (
        ("table", functions.function_table),
        ("exponential", functions.exponential),
        ("square_root", functions.square_root),
    ),
}

#: The kernel that turns reals into integers inside a session.
ENTRY = "entry"

#: Every kernel's name.
KERNELS = (*dict.fromkeys(name for rules in _RULES.values() for name, _ in rules), "movement", ENTRY)
