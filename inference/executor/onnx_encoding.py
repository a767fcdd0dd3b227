"""A very small writer of ONNX protobuf: just what a session of exact kernels needs.

Pure block code may not import `onnx`; the wire format (protobuf encoding, onnx.proto 1.13 and later) is
simple enough to write. Field numbers stand beside each message.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: onnx.TensorProto.DataType
FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, DOUBLE = 1, 2, 3, 4, 5, 6, 7, 9, 11

#: Element types by numpy name.
ELEMENT_TYPES = {
    "float32": FLOAT,
    "uint8": UINT8,
    "int8": INT8,
    "uint16": UINT16,
    "int16": INT16,
    "int32": INT32,
    "int64": INT64,
    "bool": BOOL,
    "float64": DOUBLE,
}

#: Versions: the IR and op sets that onnxruntime 1.22 and later all know.
_IR_VERSION = 8
_OPSETS = (("", 17), ("com.microsoft", 1), ("ai.onnx.ml", 3))

Attribute = int | str | Sequence[int] | Sequence[str] | NDArray[np.float32]


def varint(value: int) -> bytes:
    """A protobuf varint; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value)


def block(field: int, data: bytes | str) -> bytes:
    """A length-delimited field: bytes, text, a message, or packed numbers."""
    raw = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def tensor(name: str, array: NDArray[np.generic]) -> bytes:
    """TensorProto: dims 1, data_type 2, name 8, raw_data 9."""
    dims = b"".join(number(1, n) for n in array.shape)
    kind = number(2, ELEMENT_TYPES[array.dtype.name])
    return dims + kind + block(8, name) + block(9, np.ascontiguousarray(array).tobytes())


def attribute(name: str, value: Attribute) -> bytes:
    """AttributeProto: name 1, f 2, i 3, s 4, floats 7, ints 8, strings 9, type 20."""
    head = block(1, name)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return head + block(4, value) + number(20, 3)
    if isinstance(value, np.ndarray):
        return head + block(7, struct.pack(f"<{len(value)}f", *value.tolist())) + number(20, 6)
    if value and isinstance(value[0], str):
        return head + b"".join(block(9, str(v)) for v in value) + number(20, 8)
    return head + block(8, b"".join(varint(int(v)) for v in value)) + number(20, 7)


def node(
    kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Attribute], domain: str
) -> bytes:
    """NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7."""
    return (
        b"".join(block(1, name) for name in inputs)
        + block(2, output)
        + block(4, kind)
        + b"".join(block(5, attribute(name, value)) for name, value in attributes.items())
        + block(7, domain)
    )


def port(name: str, element_type: int, shape: Sequence[int | str]) -> bytes:
    """ValueInfoProto: name 1, type 2 {tensor_type 1 {elem_type 1, shape 2 {dim 1 {value 1, param 2}}}}."""
    dims = b"".join(block(1, block(2, n) if isinstance(n, str) else number(1, n)) for n in shape)
    return block(1, name) + block(2, block(1, number(1, element_type) + block(2, dims)))


def model(
    nodes: Sequence[bytes], initializers: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """ModelProto: ir_version 1, graph 7 {node 1, name 2, tensor 5, input 11, output 12}, opset_import 8."""
    graph = b"".join(
        block(field, item)
        for field, items in ((1, nodes), (2, [b"exact"]), (5, initializers), (11, inputs), (12, outputs))
        for item in items
    )
    opsets = b"".join(block(8, block(1, domain) + number(2, version)) for domain, version in _OPSETS)
    return number(1, _IR_VERSION) + block(7, graph) + opsets
