"""Opening a database: create it, or check that it is whole and of the right chain, and mend what lags."""

from chain.store.bulk import CHUNK, delete_all, write_flat, write_trie
from chain.store.errors import (
    DatabaseCorrupt,
    DatabaseEmpty,
    DatabaseUnavailable,
    PruningMismatch,
    WrongGenesis,
    WrongVersion,
)
from chain.store.kv import Batch, KeyValue
from chain.store.nodes import node_source
from chain.store.pruning import Pruning
from chain.store.records import Genesis
from chain.store.schema import (
    ARTIFACT,
    BODY,
    CANONICAL,
    FLAT,
    FORMAT_VERSION,
    HEADER,
    HEIGHT,
    LEAF,
    META_BUILDING,
    META_FLAT,
    META_GENESIS,
    META_HEADS,
    META_PRUNING,
    META_VERSION,
    NODE,
    OUTCOME,
    BlockRef,
    Heads,
    number_key,
    pack,
)
from chain.store.state_import import complete_import
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale
from runtime.primitives.trie import EMPTY_ROOT, InvalidNode, MissingNode, iterate

MAX_LINKS_CHECKED = 1_024
"""Blocks from the best one down whose links are followed at opening; 10 us each."""


def open_database(
    kv: KeyValue, genesis: Genesis | None, pruning: Pruning | None
) -> tuple[bytes, Pruning, Heads]:
    """Create or check the database; returns genesis hash, pruning mode and heads.

    Raises `WrongVersion`, `WrongGenesis`, `PruningMismatch`, `DatabaseCorrupt`, `DatabaseEmpty`,
    `DatabaseUnavailable` (foreign content), `DatabaseWriteFailed`, and `ValueError` where the genesis header
    does not commit to the genesis state.
    """
    version = kv.get(META_VERSION)
    if version is None:
        _clear_unfinished(kv)
        if genesis is None:
            raise DatabaseEmpty(kv.path)
        _create(kv, genesis, pruning or Pruning.keep())
    elif version != number_key(FORMAT_VERSION):
        raise WrongVersion(kv.path, FORMAT_VERSION, int.from_bytes(version, "big"))
    genesis_hash = _required(kv, META_GENESIS, "the genesis hash")
    if genesis is not None and genesis.header.hash() != genesis_hash:
        raise WrongGenesis(kv.path, genesis.header.hash(), genesis_hash)
    stored = _stored_pruning(kv)
    if pruning is not None and pruning != stored:
        raise PruningMismatch(kv.path, str(pruning), str(stored))
    complete_import(kv)
    heads = Heads.decode(_required(kv, META_HEADS, "the record of the chain's heads"), kv.path)
    best = _check_chain(kv, heads)
    if kv.get(META_FLAT) != heads.best.hash:
        rebuild_flat(kv, heads.best.hash, best.state_root)
    return genesis_hash, stored, heads


def rebuild_flat(kv: KeyValue, block: bytes, root: bytes) -> None:
    """Write the flat state anew from the trie. After a crash the next opening repeats it."""
    kv.write({META_FLAT: b""}, sync=True)
    delete_all(kv, FLAT)
    try:
        write_flat(kv, iterate(root, node_source(kv, NODE)))
    except (MissingNode, InvalidNode) as error:
        raise DatabaseCorrupt(kv.path, f"the state of the best block: {error}") from error
    kv.write({META_FLAT: block}, sync=True)


def _create(kv: KeyValue, genesis: Genesis, pruning: Pruning) -> None:
    kv.write({META_BUILDING: b"1"}, sync=True)
    root = write_trie(kv, sorted(genesis.storage.items()))
    header = genesis.header
    if header.number != 0 or header.state_root != root:
        raise ValueError(
            f"the genesis header does not commit to the genesis state, whose root is 0x{root.hex()}"
        )
    write_flat(kv, genesis.storage.items())
    for content_hash, data in genesis.artifacts.items():
        kv.write({ARTIFACT + content_hash: data}, sync=False)
    if len(genesis.storage) > CHUNK:
        kv.compact()
    kv.write(_genesis_records(header, pruning), sync=True)


def _genesis_records(header: Header, pruning: Pruning) -> Batch:
    block, height = header.hash(), number_key(0)
    ref = BlockRef(0, block)
    return {
        HEADER + block: header.encode(),
        BODY + block: pack([]),
        OUTCOME + block: b"",
        HEIGHT + height + block: b"",
        LEAF + height + block: b"",
        CANONICAL + height: block,
        META_GENESIS: block,
        META_PRUNING: str(pruning).encode(),
        META_HEADS: Heads(ref, ref, 0).encode(),
        META_FLAT: block,
        META_VERSION: number_key(FORMAT_VERSION),
        META_BUILDING: None,
    }


def _clear_unfinished(kv: KeyValue) -> None:
    """Empty the database where a genesis was being written; refuse to touch anything else."""
    if next(kv.iterate(), None) is None:
        return
    if kv.get(META_BUILDING) is None:
        raise DatabaseUnavailable(
            kv.path, "it holds something that is not a Fixpoint chain; choose another path"
        )
    delete_all(kv, b"", spare=META_BUILDING)


def _required(kv: KeyValue, key: bytes, what: str) -> bytes:
    value = kv.get(key)
    if value is None:
        raise DatabaseCorrupt(kv.path, f"{what} is missing")
    return value


def _stored_pruning(kv: KeyValue) -> Pruning:
    text = _required(kv, META_PRUNING, "the pruning mode")
    try:
        return Pruning.parse(text.decode())
    except ValueError as error:
        raise DatabaseCorrupt(kv.path, "the pruning mode is unreadable") from error


def _check_chain(kv: KeyValue, heads: Heads) -> Header:
    """Follow the best chain down and look for the roots that must be there; returns the best header."""
    if not heads.oldest_state <= heads.finalized.number <= heads.best.number:
        raise DatabaseCorrupt(kv.path, "the heads contradict each other")
    best = _header(kv, heads.best)
    _require_root(kv, heads.best, best.state_root)
    _require_root(kv, heads.finalized, _header(kv, heads.finalized).state_root)
    below, lowest = best, max(heads.finalized.number, heads.best.number - MAX_LINKS_CHECKED)
    while below.number > lowest:
        below = _header(kv, BlockRef(below.number - 1, below.parent_hash))
    return best


def _header(kv: KeyValue, ref: BlockRef) -> Header:
    """The header of a block that must be on the best chain."""
    if kv.get(CANONICAL + number_key(ref.number)) != ref.hash:
        raise DatabaseCorrupt(kv.path, f"block {ref.number} is not where the best chain should have it")
    try:
        header = Header.decode(_required(kv, HEADER + ref.hash, f"the header of block {ref.number}"))
    except InvalidScale as error:
        raise DatabaseCorrupt(kv.path, f"the header of block {ref.number} is malformed") from error
    if header.number != ref.number or header.hash() != ref.hash:
        raise DatabaseCorrupt(kv.path, f"the header of block {ref.number} is another block's")
    return header


def _require_root(kv: KeyValue, ref: BlockRef, root: bytes) -> None:
    if root != EMPTY_ROOT:
        _required(kv, NODE + root, f"the state root of block {ref.number}")
