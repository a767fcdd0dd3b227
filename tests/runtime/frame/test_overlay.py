"""The overlay: typed values over a frozen state, nested rollback, exact changes."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.frame.overlay import ABSENT, RAW, Overlay
from runtime.primitives.hashing import blake2_256
from runtime.primitives.integers import U32
from runtime.primitives.scale import codec
from runtime.primitives.state import MemoryState

NUMBER = codec(U32)


def test_a_value_is_decoded_once_and_encoded_only_if_written() -> None:
    overlay = Overlay(MemoryState({b"a": NUMBER.encode(7), b"b": NUMBER.encode(8)}))
    assert overlay.get(b"a", NUMBER) == 7
    assert overlay.changes() == {}
    overlay.put(b"b", NUMBER, 9)
    assert overlay.changes() == {b"b": NUMBER.encode(9)}


def test_a_deletion_is_a_change_only_where_the_parent_holds_the_key() -> None:
    overlay = Overlay(MemoryState({b"a": b"1"}))
    overlay.put(b"a", RAW, ABSENT)
    overlay.put(b"new", RAW, b"x")
    overlay.put(b"new", RAW, ABSENT)
    assert overlay.changes() == {b"a": None}


def test_one_key_may_be_read_raw_and_typed() -> None:
    overlay = Overlay(MemoryState())
    overlay.put(b"a", NUMBER, 5)
    assert overlay.get(b"a", RAW) == NUMBER.encode(5)
    overlay.put(b"a", RAW, NUMBER.encode(6))
    assert overlay.get(b"a", NUMBER) == 6
    assert overlay.changes() == {b"a": NUMBER.encode(6)}


def test_bytes_of_another_type_read_as_absent_and_can_be_repaired() -> None:
    overlay = Overlay(MemoryState({b"a": b"xy"}))
    assert overlay.get(b"a", NUMBER) is ABSENT
    assert repr(ABSENT) == "ABSENT"
    overlay.put(b"a", NUMBER, 1)
    assert overlay.get(b"a", NUMBER) == 1


def test_a_rollback_restores_values_artifacts_and_the_absence_of_both() -> None:
    overlay = Overlay(MemoryState({b"a": b"old"}))
    overlay.put(b"b", RAW, b"kept")
    overlay.begin()
    overlay.put(b"a", RAW, b"new")
    overlay.put(b"b", RAW, b"lost")
    lost = overlay.store_artifact(b"chunk")
    overlay.begin()
    overlay.put(b"c", RAW, b"inner")
    overlay.commit()
    assert overlay.get(b"c", RAW) == b"inner"
    overlay.rollback()
    assert overlay.changes() == {b"b": b"kept"}
    assert overlay.artifact(lost) is None
    assert overlay.artifacts() == {}


def test_an_artifact_is_found_under_its_hash_in_the_block_and_in_the_parent() -> None:
    parent = MemoryState(artifacts={blake2_256(b"old"): b"old"})
    overlay = Overlay(parent)
    assert overlay.store_artifact(b"new") == blake2_256(b"new")
    assert overlay.store_artifact(b"new") == blake2_256(b"new")
    assert overlay.artifact(blake2_256(b"new")) == b"new"
    assert overlay.artifact(blake2_256(b"old")) == b"old"
    assert overlay.artifacts() == {blake2_256(b"new"): b"new"}


KEYS = st.sampled_from([bytes([a, b]) for a in range(3) for b in range(3)])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.binary(max_size=2)),
        st.tuples(st.just("kill"), KEYS, st.just(b"")),
        st.tuples(st.sampled_from(["begin", "commit", "rollback"]), KEYS, st.just(b"")),
    ),
    max_size=40,
)


@given(st.dictionaries(KEYS, st.binary(max_size=2)), ACTIONS)
def test_any_sequence_equals_a_stack_of_dictionaries(
    base: dict[bytes, bytes], actions: list[tuple[str, bytes, bytes]]
) -> None:
    overlay = Overlay(MemoryState(base))
    stack: list[dict[bytes, bytes]] = [dict(base)]
    for action, key, value in actions:
        if action == "put":
            overlay.put(key, RAW, value)
            stack[-1][key] = value
        elif action == "kill":
            overlay.put(key, RAW, ABSENT)
            stack[-1].pop(key, None)
        elif action == "begin":
            overlay.begin()
            stack.append(dict(stack[-1]))
        elif len(stack) > 1 and action == "commit":
            overlay.commit()
            stack[-2:] = stack[-1:]
        elif len(stack) > 1:
            overlay.rollback()
            stack.pop()
        for prefix in (b"", b"\1"):
            expected = sorted(each for each in stack[-1] if each.startswith(prefix))
            assert list(overlay.keys(prefix)) == expected
            assert list(overlay.keys(prefix, b"\1\1")) == [each for each in expected if each > b"\1\1"]
        assert overlay.get(key, RAW) == stack[-1].get(key, ABSENT)
    while len(stack) > 1:
        overlay.commit()
        stack[-2:] = stack[-1:]
    result = dict(base)
    for key, change in overlay.changes().items():
        if change is None:
            del result[key]
        else:
            result[key] = change
    assert result == stack[0]
