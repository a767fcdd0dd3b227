"""A chain specification as data, and its JSON form (Substrate's field names, plain and raw)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from runtime.primitives.hashing import blake2_256

MAX_SPEC_BYTES = 512 * 1024 * 1024
"""Kusama's raw genesis is 1.5 MB; a chain restarted from a large exported state may need a few hundred."""

CHAIN_TYPES = ("Development", "Local", "Live")

_FIELDS = (
    "name",
    "id",
    "chainType",
    "bootNodes",
    "telemetryEndpoints",
    "protocolId",
    "forkId",
    "properties",
    "codeSubstitutes",
    "genesis",
)


class SpecFault(Enum):
    """What is wrong with a chain specification."""

    NOT_JSON = "not JSON"
    MISSING = "missing"
    WRONG_TYPE = "wrong type"
    BAD_VALUE = "bad value"
    UNKNOWN_FIELD = "unknown field"
    TOO_LARGE = "too large"


class InvalidSpec(Exception):
    """A chain specification that cannot be used: why (`reason`), where (`path`) and what to write instead."""

    def __init__(self, reason: SpecFault, path: str, detail: str) -> None:
        super().__init__(f"chain spec: {path}: {detail}")
        self.reason = reason
        self.path = path
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PlainGenesis:
    """Genesis as the pallets' own configuration: `{"balances": {"balances": [...]}, ...}`."""

    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawGenesis:
    """Genesis as the key-value pairs of the state itself, and the artifacts that the state names."""

    top: Mapping[bytes, bytes]
    artifacts: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """What a node must know to join a chain: who it is called, how it began, where its peers are.

    Nothing here but the genesis decides validity: nodes with the same genesis agree whatever else differs.
    """

    name: str
    id: str
    chain_type: str
    genesis: PlainGenesis | RawGenesis
    boot_nodes: tuple[str, ...] = ()
    protocol_id: str | None = None
    fork_id: str | None = None
    properties: Mapping[str, Any] = field(
        default_factory=lambda: {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "FIX"}
    )

    def with_raw(self, raw: RawGenesis) -> "ChainSpec":
        """The same chain with its genesis in raw form."""
        return replace(self, genesis=raw)


def to_json(spec: ChainSpec) -> dict[str, Any]:
    """The JSON object that `from_json` reads back."""
    out: dict[str, Any] = {
        "name": spec.name,
        "id": spec.id,
        "chainType": spec.chain_type,
        "bootNodes": list(spec.boot_nodes),
        "telemetryEndpoints": None,
        "protocolId": spec.protocol_id,
        "properties": dict(spec.properties),
        "codeSubstitutes": {},
    }
    if spec.fork_id is not None:
        out["forkId"] = spec.fork_id
    match spec.genesis:
        case PlainGenesis(config):
            out["genesis"] = {"runtimeGenesis": {"config": dict(config)}}
        case RawGenesis(top, artifacts):
            raw: dict[str, Any] = {"top": _hex_map(top), "childrenDefault": {}}
            if artifacts:
                raw["artifacts"] = [_hex(artifacts[key]) for key in sorted(artifacts)]
            out["genesis"] = {"raw": raw}
    return out


def dumps(spec: ChainSpec) -> str:
    """The JSON text of a specification: stable, indented, ready for a file."""
    return json.dumps(to_json(spec), indent=2, ensure_ascii=False) + "\n"


def loads(text: str | bytes) -> ChainSpec:
    """Read a specification from JSON text. Raises `InvalidSpec`."""
    if len(text) > MAX_SPEC_BYTES:
        raise InvalidSpec(SpecFault.TOO_LARGE, "$", f"{len(text)} bytes, at most {MAX_SPEC_BYTES}")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSpec(SpecFault.NOT_JSON, "$", f"not a JSON document: {error}") from error
    return from_json(parsed)


def from_json(value: object) -> ChainSpec:
    """Read a specification from its JSON object. Raises `InvalidSpec` with the path of the fault."""
    top = _Object(value, "$")
    top.only(_FIELDS)
    chain_type = top.optional("chainType", str) or "Live"
    if chain_type not in CHAIN_TYPES:
        raise InvalidSpec(
            SpecFault.BAD_VALUE, "$.chainType", f"{chain_type!r} is none of {', '.join(CHAIN_TYPES)}"
        )
    boot_nodes = top.optional("bootNodes", list) or []
    for index, address in enumerate(boot_nodes):
        if not isinstance(address, str):
            raise InvalidSpec(SpecFault.WRONG_TYPE, f"$.bootNodes[{index}]", "must be a string")
    if top.optional("codeSubstitutes", dict):
        detail = "the runtime is native: versions are chosen by spec_version, not by code"
        raise InvalidSpec(SpecFault.BAD_VALUE, "$.codeSubstitutes", detail)
    return ChainSpec(
        name=top.required("name", str),
        id=_identifier(top.required("id", str)),
        chain_type=chain_type,
        genesis=_genesis(_Object(top.required("genesis", dict), "$.genesis")),
        boot_nodes=tuple(boot_nodes),
        protocol_id=top.optional("protocolId", str),
        fork_id=top.optional("forkId", str),
        properties=_properties(top.optional("properties", dict)),
    )


def _genesis(value: "_Object") -> PlainGenesis | RawGenesis:
    value.only(["raw", "runtimeGenesis"])
    if value.has("raw") == value.has("runtimeGenesis"):
        raise InvalidSpec(SpecFault.MISSING, value.path, "needs either 'raw' or 'runtimeGenesis'")
    if value.has("runtimeGenesis"):
        plain = _Object(value.required("runtimeGenesis", dict), f"{value.path}.runtimeGenesis")
        plain.only(["config", "code"])
        return PlainGenesis(plain.required("config", dict))
    raw = _Object(value.required("raw", dict), f"{value.path}.raw")
    raw.only(["top", "childrenDefault", "artifacts"])
    if raw.optional("childrenDefault", dict):
        raise InvalidSpec(SpecFault.BAD_VALUE, f"{raw.path}.childrenDefault", "this chain has no child tries")
    top_path = f"{raw.path}.top"
    top = {
        _bytes(key, f"{top_path} (a key)"): _bytes(item, f"{top_path}[{key!r}]")
        for key, item in raw.required("top", dict).items()
    }
    artifacts = {}
    for index, text in enumerate(raw.optional("artifacts", list) or []):
        content = _bytes(text, f"{raw.path}.artifacts[{index}]")
        artifacts[blake2_256(content)] = content
    return RawGenesis(top, artifacts)


def _properties(value: dict[str, Any] | None) -> dict[str, Any]:
    given = {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "FIX"} | (value or {})
    for name, kind in (("ss58Format", int), ("tokenDecimals", int), ("tokenSymbol", str)):
        if not isinstance(given[name], kind):
            raise InvalidSpec(SpecFault.WRONG_TYPE, f"$.properties.{name}", f"must be {_NAMES[kind]}")
    return given


def _identifier(text: str) -> str:
    """The id names a folder on disk, so it must be a plain file name."""
    if not text or len(text) > 64 or not all(c.isalnum() or c in "-_." for c in text) or text[0] == ".":
        detail = f"{text!r}: 1 to 64 letters, digits, '-', '_' or '.', not beginning with '.'"
        raise InvalidSpec(SpecFault.BAD_VALUE, "$.id", detail)
    return text


def _bytes(text: object, path: str) -> bytes:
    if not isinstance(text, str) or not text.startswith("0x"):
        raise InvalidSpec(SpecFault.WRONG_TYPE, path, "must be a hex string that begins with 0x")
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise InvalidSpec(
            SpecFault.BAD_VALUE, path, "has an odd length or characters that are no hex"
        ) from error


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _hex_map(entries: Mapping[bytes, bytes]) -> dict[str, str]:
    return {_hex(key): _hex(entries[key]) for key in sorted(entries)}


_NAMES = {str: "a string", int: "a whole number", list: "an array", dict: "an object"}


class _Object:
    """A JSON object with its path, so that every fault names where it lies."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise InvalidSpec(SpecFault.WRONG_TYPE, path, "must be an object")
        self._value = value
        self.path = path

    def has(self, name: str) -> bool:
        return name in self._value

    def only(self, names: Iterable[str]) -> None:
        for name in self._value:
            if name not in names:
                detail = f"is not a field here; fields are {', '.join(names)}"
                raise InvalidSpec(SpecFault.UNKNOWN_FIELD, f"{self.path}.{name}", detail)

    def required(self, name: str, kind: type) -> Any:
        found = self.optional(name, kind)
        if found is None:
            raise InvalidSpec(SpecFault.MISSING, f"{self.path}.{name}", f"is missing; must be {_NAMES[kind]}")
        return found

    def optional(self, name: str, kind: type) -> Any:
        found = self._value.get(name)
        if found is not None and (not isinstance(found, kind) or isinstance(found, bool)):
            raise InvalidSpec(SpecFault.WRONG_TYPE, f"{self.path}.{name}", f"must be {_NAMES[kind]}")
        return found
