"""Files of blocks: what is written is read back, and whatever else is refused with its record's number."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import exchange
from chain.exchange import BlockRecord, ExchangeFault, InvalidExchange

GENESIS = b"g" * 32
records = st.lists(
    st.builds(
        BlockRecord,
        st.binary(max_size=40),
        st.lists(st.binary(max_size=20), max_size=4).map(tuple),
        st.none() | st.binary(max_size=20),
        st.binary(max_size=20),
    ),
    max_size=5,
)


def written(blocks: list[BlockRecord], *, binary: bool) -> bytes:
    out = io.BytesIO()
    assert exchange.write(out, GENESIS, blocks, binary=binary) == len(blocks)
    return out.getvalue()


def read(data: bytes) -> list[BlockRecord]:
    genesis, blocks = exchange.read(io.BytesIO(data))
    assert genesis == GENESIS
    return list(blocks)


@given(records, st.booleans())
def test_what_is_written_is_read_back(blocks: list[BlockRecord], binary: bool) -> None:
    assert read(written(blocks, binary=binary)) == blocks


@pytest.mark.parametrize("binary", [True, False])
@given(data=st.data())
def test_a_file_cut_anywhere_ends_at_a_record_or_says_where_it_broke(
    data: st.DataObject, binary: bool
) -> None:
    whole = written([BlockRecord(b"h", (b"x", b"y"), None, b"o")] * 2, binary=binary)
    cut = data.draw(st.integers(0, len(whole) - 1))
    outcome: list[BlockRecord] | ExchangeFault
    try:
        outcome = read(whole[:cut])
    except InvalidExchange as error:
        outcome = error.reason
    if isinstance(outcome, list):
        assert len(outcome) < 2
    else:
        assert outcome in (ExchangeFault.TRUNCATED, ExchangeFault.NOT_THIS_FORMAT)


@pytest.mark.parametrize(
    "noise", [b"", b"PK\x03\x04 a zip file", b"{}\n", b"[1, 2, 3]\n", b'{"format": "other"}\n']
)
def test_another_kind_of_file_is_not_read(noise: bytes) -> None:
    with pytest.raises(InvalidExchange) as refused:
        read(noise)
    assert refused.value.reason is ExchangeFault.NOT_THIS_FORMAT


def test_another_version_is_named() -> None:
    head = {"format": exchange.FORMAT, "version": 2, "genesis": "0x" + GENESIS.hex()}
    with pytest.raises(InvalidExchange, match="version 2, this node reads 1"):
        read(json.dumps(head).encode() + b"\n")


def test_a_short_genesis_hash_is_malformed() -> None:
    head = {"format": exchange.FORMAT, "version": 1, "genesis": "0x00"}
    with pytest.raises(InvalidExchange, match="'genesis' must be 32 bytes"):
        read(json.dumps(head).encode() + b"\n")


GOOD = {"header": "0x01", "extrinsics": ["0x02"], "justification": None, "outcome": "0x"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"header": 5}, "'header' must be bytes"),
        ({"outcome": None}, "'outcome' must be bytes"),
        ({"extrinsics": "0x"}, "'extrinsics' must be a list"),
        ({"extrinsics": [1]}, "'extrinsics' must be a list"),
        ({"justification": 1}, "'justification' must be bytes or absent"),
        ({"more": 1}, "needs exactly"),
        ({"header": "0xzz"}, "malformed record"),
    ],
)
def test_a_malformed_record_is_refused_with_its_number(change: dict[str, object], complaint: str) -> None:
    data = written([], binary=False) + json.dumps(GOOD | change).encode() + b"\n"
    with pytest.raises(InvalidExchange, match=complaint) as refused:
        read(data)
    assert refused.value.reason is ExchangeFault.MALFORMED
    assert refused.value.record == 1


def test_a_record_that_claims_to_be_huge_is_refused_before_it_is_read() -> None:
    data = written([], binary=True) + (exchange.MAX_RECORD_BYTES + 1).to_bytes(4, "big")
    with pytest.raises(InvalidExchange) as refused:
        read(data)
    assert refused.value.reason is ExchangeFault.TOO_LARGE


def test_a_record_that_is_no_msgpack_is_malformed() -> None:
    with pytest.raises(InvalidExchange) as refused:
        read(written([], binary=True) + b"\0\0\0\1\xc1")
    assert refused.value.reason is ExchangeFault.MALFORMED
