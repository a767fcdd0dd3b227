"""From a chain specification to the first block: its state, and the header that commits to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from genesis.spec import ChainSpec, PlainGenesis, RawGenesis
from runtime.executive import Runtime
from runtime.primitives.header import Header
from runtime.primitives.trie import EMPTY_ROOT, build

STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class GenesisBlock:
    """Block 0: header, whole storage (key -> value), and the artifacts that the state names by hash."""

    header: Header
    storage: Mapping[bytes, bytes]
    artifacts: Mapping[bytes, bytes]


def build_genesis(spec: ChainSpec, runtime: Runtime) -> GenesisBlock:
    """The genesis block of a chain. Raises `InvalidGenesis` (plain form, with the JSON path)."""
    raw = raw_genesis(spec, runtime)
    root = build(sorted(raw.top.items()), STATE_VERSION)
    header = Header(parent_hash=bytes(32), number=0, state_root=root, extrinsics_root=EMPTY_ROOT)
    return GenesisBlock(header, raw.top, raw.artifacts)


def to_raw(spec: ChainSpec, runtime: Runtime) -> ChainSpec:
    """The same chain in raw form, which no later runtime can read in another way."""
    return replace(spec, genesis=raw_genesis(spec, runtime))


def raw_genesis(spec: ChainSpec, runtime: Runtime) -> RawGenesis:
    """The genesis state as keys and values: what the spec holds, or what the pallets make of its config."""
    match spec.genesis:
        case RawGenesis() as raw:
            return raw
        case PlainGenesis(config):
            state = runtime.genesis(config)
            return RawGenesis(state.storage, state.artifacts)
