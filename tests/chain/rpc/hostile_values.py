"""JSON values for parameters, good and bad, from a seed: what a schema asks for, and what it does not."""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from network.rpc.methods import Parameter

DEEP = 40
"""Levels of a nested parameter that is still read; the frame's own limit is tried by `depth_bomb`."""

MEGABYTE = 1_000_000

NUMBERS = (
    0,
    1,
    -1,
    2,
    255,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**63,
    2**64 - 1,
    2**64,
    2**128,
    -(2**64),
    10**400,
)

ODDITIES: tuple[Any, ...] = (
    *(None, True, False, "", " ", "0", "0x", "0X", "0x0", "0xzz", "0x 12", "12 34", "0x1_0", "1_000"),
    *(
        "null",
        "NaN",
        "-1",
        "0x-1",
        "٣",
        "0x٣٣",
        "\x00",
        "\ud800",
        "a\ud800b",
        "é" * 30,
        "𝔘𝔫𝔦",
        "\u202e//Alice",
        "\n",
    ),
    *("//" * 600, "//Alice///" + "x" * 3000, "5" * 48, "%s%n{}", "../../etc/passwd", "x" * 5000),
    *(1.5, -0.0, 1e308, 5e-324, math.nan, math.inf),
    *([], {}, [[]], [None], [[], {}], {"": ""}, {"hash": None}, {"\ud800": 1}),
)


class Values:
    """Draws values. `known` maps a parameter's name (or "" for any) to bytes or texts that mean something."""

    def __init__(self, source: random.Random, known: Mapping[str, Sequence[bytes | str]]) -> None:
        self._random = source
        self._known = known

    def know(self, name: str, values: Sequence[bytes | str]) -> None:
        """More values that mean something for a parameter of this name."""
        self._known = {**self._known, name: values}

    def arguments(self, parameters: Sequence[Parameter]) -> Any:
        """The member `params` of a call: mostly well-formed, often with one thing wrong, sometimes absurd."""
        draw = self._random.random()
        if draw < 0.03:
            return self.odd()
        values = [self.good(one.decoder.schema(), one.name) for one in parameters]
        if draw < 0.55:
            # Optional parameters are mostly left out by real clients.
            return values[: self._random.randint(0, len(values))] if self._random.random() < 0.4 else values
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            if values:
                self.spoil(values)
        if draw > 0.93:
            values += [self.odd() for _ in range(self._random.choice((1, 2, 500)))]
        return values

    def good(self, schema: Mapping[str, Any], name: str = "") -> Any:
        """A value that fits the schema; where the name says what it is about, one that means something."""
        options = schema.get("oneOf")
        if options is not None:
            return self.good(self._random.choice(options), name)
        match schema.get("type"):
            case "string":
                return self._text(schema.get("pattern", ""), name)
            case "integer":
                return self._integer(schema)
            case "boolean":
                return self._random.random() < 0.5
            case "array" if "prefixItems" in schema:
                return [self.good(item, name) for item in schema["prefixItems"]]
            case "array":
                count = self._random.choice((0, 1, 1, 2, 3, 40))
                return [self.good(schema["items"], name) for _ in range(count)]
            case "object":
                keys = self._random.sample(
                    ("hash", "extrinsic", "key", "type", "other"), self._random.choice((0, 1, 1, 2))
                )
                return {key: self.good(schema["additionalProperties"], key) for key in keys}
            case "null":
                return None
        return self.odd()

    def odd(self) -> Any:
        """A value of any kind."""
        makers: Sequence[Callable[[], Any]] = (
            lambda: self._oddity(),
            lambda: self._random.choice(NUMBERS),
            lambda: self._hex(self._random.randbytes(self._random.choice((0, 1, 31, 32, 33, 64, 200)))),
            lambda: self._random.choice(self._all_known()),
            lambda: repeated([self._oddity()], self._random.choice((1, 3, 2_000))),
            lambda: {str(index): self._oddity() for index in range(self._random.choice((1, 50)))},
            lambda: nested(self._random.randint(2, DEEP), self._oddity()),
        )
        return self._random.choice(makers)()

    def _oddity(self) -> Any:
        """A copy: what is drawn is spoilt in place."""
        return deepcopy(self._random.choice(ODDITIES))

    def spoil(self, values: list[Any]) -> None:
        """Put something wrong into a list that is not empty."""
        place = self._random.randrange(len(values))
        value = values[place]
        if isinstance(value, str) and self._random.random() < 0.5:
            values[place] = self._spoilt_text(value)
        elif isinstance(value, list) and value and self._random.random() < 0.5:
            self.spoil(value)
        elif self._random.random() < 0.1:
            del values[place]
        elif isinstance(value, list) and self._random.random() < 0.1:
            values[place] = repeated(value or [self.odd()], self._random.choice((101, 1_001, 10_001)))
        else:
            values[place] = self.odd()

    def _spoilt_text(self, text: str) -> str:
        place = self._random.randint(0, len(text))
        match self._random.randrange(8):
            case 0:
                return text[:place]
            case 1:
                return text[:place] + self._random.choice("0fF xgé\ud800\x00") + text[place:]
            case 2 if len(text) > 2:
                return text[:-2] + self._random.choice(("00", "ff", "gg"))
            case 3:
                return text.removeprefix("0x")
            case 4 | 5 | 6:
                return text[:place] + self._random.choice("048cf") + text[place + 1 :]
            case _:
                return text + text

    def _text(self, pattern: str, name: str) -> str:
        if not pattern:
            texts = [one for one in self._named(name) if isinstance(one, str)]
            return self._random.choice(texts or ["", "dev", "//Alice"])
        if pattern == "^0x[0-9a-fA-F]+$":
            return hex(self._random.choice((0, 1, 2, 3, 7, 2**31, 2**32 - 1)))
        length = int(pattern.partition("{")[2].partition("}")[0] or 0) // 2
        found = [one for one in self._named(name) if isinstance(one, bytes) and length in (0, len(one))]
        return self._hex(self._random.choice(found) if found else self._random.randbytes(length))

    def _integer(self, schema: Mapping[str, Any]) -> int:
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**64)
        fitting: list[int] = [number for number in (*range(6), 100, *NUMBERS, high) if low <= number <= high]
        return self._random.choice(fitting)

    def _named(self, name: str) -> Sequence[bytes | str]:
        return self._known.get(name) or self._known[""] if self._random.random() < 0.9 else self._known[""]

    def _all_known(self) -> list[str]:
        known = self._random.choice([*self._known.values()])
        return [one if isinstance(one, str) else self._hex(one) for one in known]

    def _hex(self, data: bytes) -> str:
        text = data.hex()
        return self._random.choice(("0x" + text,) * 6 + (text, "0x" + text.upper(), "0X" + text))


def repeated(values: list[Any], times: int) -> list[Any]:
    """The same again and again, up to about a megabyte of JSON."""
    return values * max(1, min(times, MEGABYTE // len(json.dumps(values))))


def nested(levels: int, core: Any) -> Any:
    """Arrays in objects in arrays."""
    for level in range(levels):
        core = [core] if level % 2 else {"a": core}
    return core


def spoilt_bytes(source: random.Random, message: bytes) -> bytes:
    """A message that was damaged on its way, or was never one."""
    place = source.randint(0, len(message))
    end = min(len(message), place + source.randint(1, 9))
    match source.randrange(9):
        case 0:
            return message[:place]
        case 1:
            return message[:place] + bytes([source.randrange(256)]) + message[end:]
        case 2:
            return (
                message[:place]
                + source.choice((b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\\ud800"))
                + message[end:]
            )
        case 3:
            return (
                message[:place] + source.choice((b"NaN", b"-Infinity", b"1e999", b"9" * 5000)) + message[end:]
            )
        case 4:
            return message[:place] + message[place:end] * source.randint(2, 50) + message[end:]
        case 5:
            return (
                source.choice((b"[", b'{"a":', b'[{"b":')) * source.choice((100, 129, 3000, 100_000))
                + message
            )
        case 6:
            return source.randbytes(source.randint(0, 300))
        case 7:
            times = min(source.choice((0, 1, 3, 1025)), MEGABYTE // (len(message) + 1))
            return b"[" + b",".join([message] * times) + b"]"
        case _:
            flipped = bytearray(message or b"\x00")
            flipped[source.randrange(len(flipped))] ^= 1 << source.randrange(8)
            return bytes(flipped)


def envelope(source: random.Random, method: str, params: Any) -> dict[str, Any]:
    """A request, with a fault in its frame now and then."""
    request: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": source.randrange(2**32),
        "method": method,
        "params": params,
    }
    draw = source.random()
    if draw < 0.02:
        del request[source.choice(tuple(request))]
    elif draw < 0.05:
        request[source.choice(("jsonrpc", "id", "params"))] = source.choice((*ODDITIES, *NUMBERS))
    return request


def encoded(request: Any) -> bytes:
    """JSON, or what Python takes for it (NaN); lone surrogates stay escaped."""
    return json.dumps(request).encode()
