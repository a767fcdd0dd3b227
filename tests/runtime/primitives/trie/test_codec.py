"""The node codec: each kind of node there and back, and each malformed encoding by its reason."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.primitives.trie import InvalidNode, NodeFault, decode
from runtime.primitives.trie.codec import (
    HASHED_VALUE,
    INLINE_VALUE,
    MAX_PARTIAL_NIBBLES,
    NO_VALUE,
    Node,
    encode_branch,
    encode_header,
    encode_leaf,
    link_at,
    link_of,
    split_links,
)

HASH = bytes(range(32))
HASH_LINK = b"\x80" + HASH


def encode(node: Node) -> bytes:
    partial, kind, payload, bitmap, links = node
    return (
        encode_branch(partial, kind, payload, bitmap, links)
        if bitmap
        else encode_leaf(partial, kind, payload)
    )


def branch(kind: int, payload: bytes, links: dict[int, bytes], partial: str = "") -> bytes:
    bitmap = sum(1 << slot for slot in links)
    return encode_branch(partial, kind, payload, bitmap, joined(links))


def joined(links: dict[int, bytes]) -> bytes:
    return b"".join(link for _, link in sorted(links.items()))


partials = st.one_of(
    st.text("0123456789abcdef", max_size=70),
    st.sampled_from([14, 15, 16, 30, 31, 32, 62, 63, 64, 128, 129, 130, 269, 270, 286, 318, 319, 1500]).map(
        lambda length: ("0123456789abcdef" * 100)[:length]
    ),
)
links = st.one_of(
    st.just(HASH_LINK),
    st.binary(min_size=1, max_size=31).map(lambda merkle: bytes([len(merkle) << 2]) + merkle),
)


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    partial = draw(partials)
    children = draw(st.dictionaries(st.integers(0, 15), links))
    kinds = [INLINE_VALUE, HASHED_VALUE] + ([NO_VALUE] if len(children) > 1 else [])
    kind = draw(st.sampled_from(kinds))
    payload = {NO_VALUE: b"", HASHED_VALUE: HASH}.get(kind)
    if payload is None:
        payload = bytes(draw(st.sampled_from([0, 1, 31, 63, 64, 300, 16_383, 16_384])))
    bitmap = sum(1 << slot for slot in children)
    return partial, kind, payload, bitmap, joined(children)


@given(nodes())
@settings(deadline=None)
def test_a_node_decodes_to_what_was_encoded(node: Node) -> None:
    assert decode(encode(node)) == node


@given(st.dictionaries(st.integers(0, 15), links, min_size=1))
def test_each_link_is_found_in_the_joined_ones(children: dict[int, bytes]) -> None:
    bitmap = sum(1 << slot for slot in children)
    assert split_links(bitmap, joined(children)) == [children.get(slot, b"") for slot in range(16)]
    for slot, link in children.items():
        assert link_at(bitmap, joined(children), slot) == link


@given(nodes(), st.data())
@settings(deadline=None)
def test_a_shortened_or_lengthened_encoding_is_refused(node: Node, data: st.DataObject) -> None:
    encoding = encode(node)
    cut = data.draw(st.integers(0, len(encoding) - 1))
    for broken in (encoding[:cut], encoding + b"\x00"):
        with pytest.raises(InvalidNode):
            decode(broken)


@given(st.binary(max_size=120))
@settings(deadline=None)
def test_bytes_decode_canonically_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidNode):
        assert encode(decode(data)) == data


@pytest.mark.parametrize(
    ("is_branch", "kind", "nibbles", "header"),
    [
        (False, INLINE_VALUE, 0, "40"),
        (False, INLINE_VALUE, 62, "7e"),
        (False, INLINE_VALUE, 63, "7f00"),
        (False, INLINE_VALUE, 64, "7f01"),
        (False, INLINE_VALUE, 63 + 254, "7ffe"),
        (False, INLINE_VALUE, 63 + 255, "7fff00"),
        (False, INLINE_VALUE, 63 + 510, "7fffff00"),
        (True, NO_VALUE, 5, "85"),
        (True, INLINE_VALUE, 63, "ff00"),
        (False, HASHED_VALUE, 30, "3e"),
        (False, HASHED_VALUE, 31, "3f00"),
        (True, HASHED_VALUE, 14, "1e"),
        (True, HASHED_VALUE, 15, "1f00"),
    ],
)
def test_headers_hold_kind_and_length(is_branch: bool, kind: int, nibbles: int, header: str) -> None:
    assert encode_header(is_branch, kind, nibbles).hex() == header


def test_a_leaf_is_laid_out_as_specified() -> None:
    assert encode_leaf("abc", INLINE_VALUE, b"hi").hex() == "43" + "0abc" + "08" + b"hi".hex()
    assert encode_leaf("", HASHED_VALUE, HASH).hex() == "20" + HASH.hex()


def test_a_branch_is_laid_out_as_specified() -> None:
    encoding = branch(INLINE_VALUE, b"v", {1: b"\x0cabc", 15: HASH_LINK}, "f")
    assert encoding.hex() == "c1" + "0f" + "0280" + "0476" + "0c616263" + "80" + HASH.hex()


def test_encodings_below_32_bytes_are_their_own_merkle_value() -> None:
    assert link_of(bytes(31)) == b"\x7c" + bytes(31)
    assert len(link_of(bytes(32))) == 33
    assert link_of(bytes(32))[:1] == b"\x80"


MALFORMED = {
    "no bytes": (b"", NodeFault.EMPTY),
    "the empty trie as a node": (b"\x00", NodeFault.RESERVED_HEADER),
    "the escape of compact proofs": (b"\x01" + HASH, NodeFault.RESERVED_HEADER),
    "the last reserved header": (b"\x0f", NodeFault.RESERVED_HEADER),
    "no second header byte": (b"\x7f", NodeFault.TRUNCATED),
    "header bytes that never end": (b"\x7f" + b"\xff" * 20, NodeFault.TRUNCATED),
    "a partial key that is cut": (b"\x44\xab", NodeFault.TRUNCATED),
    "a partial key beyond any key": (
        encode_header(False, INLINE_VALUE, MAX_PARTIAL_NIBBLES + 1) + bytes(32_768) + b"\x00",
        NodeFault.PARTIAL_KEY_TOO_LONG,
    ),
    "a padding nibble that is not zero": (b"\x41\x1a\x00", NodeFault.NONZERO_PADDING),
    "no bitmap": (b"\x80", NodeFault.TRUNCATED),
    "an empty bitmap": (b"\xc0\x00\x00\x00", NodeFault.NO_CHILDREN),
    "a lone child": (b"\x80\x01\x00" + HASH_LINK, NodeFault.LONE_CHILD),
    "no value": (b"\x40", NodeFault.TRUNCATED),
    "a value that is cut": (b"\x40\x08a", NodeFault.TRUNCATED),
    "a value hash that is cut": (b"\x20" + HASH[:31], NodeFault.TRUNCATED),
    "a length in two bytes that fits in one": (b"\x40\x05\x00a", NodeFault.NON_CANONICAL_LENGTH),
    "a length in four bytes that fits in two": (b"\x40\x06\x00\x00\x00a", NodeFault.NON_CANONICAL_LENGTH),
    "a length in five bytes that fits in four": (
        b"\x40\x03\x01\x00\x00\x00a",
        NodeFault.NON_CANONICAL_LENGTH,
    ),
    "a length that is cut": (b"\x40\x02\x00", NodeFault.TRUNCATED),
    "a length beyond four bytes": (b"\x40\x07" + b"\x01" * 5, NodeFault.TRUNCATED),
    "children that are missing": (b"\x80\x03\x00" + HASH_LINK, NodeFault.TRUNCATED),
    "a last child that is cut": (b"\x80\x03\x00" + HASH_LINK + HASH_LINK[:-1], NodeFault.TRUNCATED),
    "a child without bytes": (b"\x80\x03\x00" + HASH_LINK + b"\x00", NodeFault.EMPTY_CHILD),
    "a child of 33 bytes": (b"\x80\x03\x00" + HASH_LINK + b"\x84" + bytes(33), NodeFault.LONG_CHILD),
    "a child length in two bytes": (b"\x80\x03\x00" + b"\x81\x00" + HASH, NodeFault.LONG_CHILD),
    "a byte too many in a leaf": (b"\x40\x04ab", NodeFault.TRAILING_BYTES),
    "a byte too many in a branch": (b"\x80\x03\x00" + HASH_LINK * 2 + b"\x00", NodeFault.TRAILING_BYTES),
}


@pytest.mark.parametrize(("data", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_node_is_refused_by_its_reason(data: bytes, reason: NodeFault) -> None:
    with pytest.raises(InvalidNode, match=reason.value) as refusal:
        decode(data)
    assert refusal.value.reason is reason
    assert refusal.value.data == data


def test_every_fault_of_an_encoding_has_a_case() -> None:
    covered = {reason for _, reason in MALFORMED.values()}
    assert covered == set(NodeFault) - {NodeFault.ODD_KEY}
