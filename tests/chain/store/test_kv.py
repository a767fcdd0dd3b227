"""One contract, two databases."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.store import MemoryKeyValue
from chain.store.kv import KeyValue, prefix_end

KEYS = st.binary(max_size=3)


def test_a_written_batch_is_read_back_and_a_deleted_key_is_gone(kv: KeyValue) -> None:
    kv.write({b"a": b"1", b"b": b"", b"c": b"3"}, sync=False)
    kv.write({b"a": None, b"absent": None}, sync=True)
    assert kv.multi_get([b"c", b"a", b"b"]) == [b"3", None, b""]
    assert kv.get(b"c") == b"3"


def test_compacting_moves_everything_into_tables_and_changes_nothing(
    kv: KeyValue, reopen: Callable[[KeyValue], KeyValue]
) -> None:
    kv.write({bytes([n]): bytes([n]) * 9 for n in range(1, 255)}, sync=False)
    before = list(kv.iterate())
    kv.compact()
    assert list(kv.iterate()) == before
    assert isinstance(kv, MemoryKeyValue) or len(list(Path(kv.path).glob("*.ldb"))) == 1
    assert list(reopen(kv).iterate()) == before


def test_only_synced_writes_are_counted_as_fsyncs(kv: KeyValue) -> None:
    kv.write({b"a": b"1"}, sync=False)
    assert kv.fsyncs == 0
    kv.write({b"a": b"2"}, sync=True)
    assert kv.fsyncs == 1


def test_iteration_stays_within_its_prefix_and_begins_beyond_its_start(kv: KeyValue) -> None:
    kv.write(dict.fromkeys((b"a", b"b", b"b1", b"b2", b"b3", b"c", b"\xff\xff", b"\xff"), b""), sync=False)

    def keys(*arguments: bytes, reverse: bool = False) -> list[bytes]:
        return [key for key, _ in kv.iterate(*arguments, reverse=reverse)]

    assert keys(b"b") == [b"b", b"b1", b"b2", b"b3"]
    assert keys(b"b", b"b1") == [b"b2", b"b3"]
    assert keys(b"b", reverse=True) == [b"b3", b"b2", b"b1", b"b"]
    assert keys(b"b", b"b2", reverse=True) == [b"b1", b"b"]
    assert keys(b"b", b"a") == keys(b"b")
    assert keys(b"b", b"c") == []
    assert keys(b"\xff") == [b"\xff", b"\xff\xff"]
    assert keys(b"\xff", b"\xff", reverse=False) == [b"\xff\xff"]


def test_an_iteration_and_a_snapshot_do_not_see_later_writes(kv: KeyValue) -> None:
    kv.write({b"a": b"1", b"b": b"2"}, sync=False)
    pairs = kv.iterate()
    snapshot = kv.snapshot()
    kv.write({b"a": b"9", b"b": None, b"c": b"3"}, sync=False)
    assert list(pairs) == [(b"a", b"1"), (b"b", b"2")]
    assert snapshot.get(b"a") == b"1"
    assert snapshot.multi_get([b"b", b"c"]) == [b"2", None]
    assert list(snapshot.iterate(b"b")) == [(b"b", b"2")]
    snapshot.close()


def test_what_was_written_is_there_after_reopening(
    kv: KeyValue, reopen: Callable[[KeyValue], KeyValue]
) -> None:
    kv.write({b"a": b"1"}, sync=False)
    again = reopen(kv)
    assert again.get(b"a") == b"1"
    again.close()


@pytest.mark.parametrize(
    ("prefix", "end"), [(b"", None), (b"\xff\xff", None), (b"a", b"b"), (b"a\xff", b"b"), (b"\x00", b"\x01")]
)
def test_the_end_of_a_prefix_is_the_least_key_beyond_it(prefix: bytes, end: bytes | None) -> None:
    assert prefix_end(prefix) == end


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(KEYS, st.none() | st.binary(max_size=2), max_size=6), max_size=4),
    KEYS,
    st.none() | KEYS,
    st.booleans(),
)
def test_any_writes_and_iteration_agree_with_a_dictionary(
    kv: KeyValue,
    batches: list[dict[bytes, bytes | None]],
    prefix: bytes,
    start_after: bytes | None,
    reverse: bool,
) -> None:
    kv.write({key: None for key, _ in kv.iterate()}, sync=False)
    model: dict[bytes, bytes] = {}
    for batch in batches:
        kv.write(batch, sync=False)
        model.update({key: value for key, value in batch.items() if value is not None})
        for key in (key for key, value in batch.items() if value is None):
            model.pop(key, None)
    expected = [
        (key, model[key])
        for key in sorted(model, reverse=reverse)
        if key.startswith(prefix)
        and (start_after is None or (key < start_after if reverse else key > start_after))
    ]
    assert list(kv.iterate(prefix, start_after, reverse=reverse)) == expected
