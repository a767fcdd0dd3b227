"""Saying what differs between the events that a block came with and those that execution gives."""

from dataclasses import fields, is_dataclass
from typing import Any

from runtime.executive import Runtime
from runtime.frame.events import EventRecord
from runtime.primitives.scale import InvalidScale


def describe_difference(runtime: Runtime, claimed: bytes, executed: bytes) -> str:
    """The first difference between two `System.Events` values, in words; they must not be equal.

    Names the event by index, extrinsic, pallet and variant, and its first differing field; for bytes (such as
    a model's output) the position of the first differing byte.
    """
    actual = runtime.composition.events.decode(executed)
    try:
        said = runtime.composition.events.decode(claimed)
    except InvalidScale as error:
        return f"the claimed events cannot be decoded: {error}"
    for index, (left, right) in enumerate(zip(said, actual, strict=False)):
        if left != right:
            return f"event {index}{_place(right)} {_compare(runtime, left, right)}"
    return f"{len(said)} events claimed, execution gives {len(actual)}"


def _place(record: EventRecord) -> str:
    index = getattr(record.phase, "index", None)
    return f" (extrinsic {index})" if index is not None else ""


def _compare(runtime: Runtime, said: EventRecord, actual: EventRecord) -> str:
    name = _name(runtime, actual)
    if _name(runtime, said) != name:
        return f"is {_name(runtime, said)} in the claim and {name} in execution"
    if said.phase != actual.phase:
        return f"{name}: phase {said.phase} in the claim and {actual.phase} in execution"
    return f"{name}{_first_field(said.event, actual.event)}"


def _name(runtime: Runtime, record: EventRecord) -> str:
    pallet = next(each for each in runtime.composition.pallets if each.index == record.pallet)
    return f"{pallet.name}.{type(record.event).__name__}"


def _first_field(said: Any, actual: Any) -> str:
    if is_dataclass(said) and type(said) is type(actual):
        for one in fields(said):
            left, right = getattr(said, one.name), getattr(actual, one.name)
            if left != right:
                return f".{one.name}{_first_field(left, right)}"
    if isinstance(said, tuple) and isinstance(actual, tuple) and len(said) == len(actual):
        for index, (left, right) in enumerate(zip(said, actual, strict=True)):
            if left != right:
                return f"[{index}]{_first_field(left, right)}"
    if isinstance(said, bytes) and isinstance(actual, bytes) and len(said) == len(actual):
        index = next(i for i, (left, right) in enumerate(zip(said, actual, strict=True)) if left != right)
        return f": byte {index} is 0x{said[index]:02x} in the claim and 0x{actual[index]:02x} in execution"
    return f": {_show(said)} in the claim and {_show(actual)} in execution"


def _show(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else repr(value)
