"""Taking over a final block with its state, without the blocks below it: what warp synchronisation stores.

Entries of the state arrive in proved ranges and are staged beside the genesis state, with the place where
they go on in the same batch. When all are there, the block takes the place of genesis: genesis' state is
deleted, trie and flat state are built from the staged entries, and one last batch moves the heads. A crash
in the middle of that is finished by the next opening (`complete_import`); one before leaves genesis alone.

Blocks between genesis and the imported one are not there: `Store.block_hash` answers None for them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from chain.store.bulk import CHUNK, delete_all, write_flat, write_trie
from chain.store.errors import DatabaseCorrupt
from chain.store.kv import Batch, KeyValue
from chain.store.schema import (
    ARTIFACT,
    AUX,
    BODY,
    CANONICAL,
    CHILD,
    FLAT,
    HEADER,
    HEIGHT,
    JUSTIFICATION,
    LEAF,
    META,
    META_FLAT,
    META_GENESIS,
    META_HEADS,
    NODE,
    NODE_EXTRA,
    OUTCOME,
    BlockRef,
    Heads,
    number_key,
    pack,
    unpack,
)
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.scale import InvalidScale

META_IMPORT = META + b"import"
"""The block whose state is being imported (`ImportTarget`)."""
META_IMPORT_CURSOR = META + b"import cursor"
"""The last staged storage key, and whether the state ends there."""
META_IMPORT_PHASE = META + b"import phase"
"""`_BUILDING` or `_CLEARING`, once the state is complete."""
STAGED = b"w"
"""storage key -> value of the state that is being imported."""

_BUILDING, _CLEARING = b"building", b"clearing"


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """A block that is known to be final, complete but for its state.

    `aux`: records of other parts of the node that go with it. `ancestors`: blocks below it by SCALE header,
    with their justifications, of which only these two are stored.
    """

    header: Header
    body: tuple[bytes, ...]
    justification: bytes
    aux: Mapping[bytes, bytes] = field(default_factory=dict)
    ancestors: tuple[tuple[bytes, bytes | None], ...] = ()

    def encode(self) -> bytes:
        """As stored."""
        aux = dict(self.aux)
        return pack((self.header.encode(), self.body, self.justification, aux, self.ancestors))

    @classmethod
    def decode(cls, data: bytes, path: str) -> "ImportTarget":
        """Raises `DatabaseCorrupt`."""
        match unpack(data, path):
            case [bytes(header), list(body), bytes(justification), dict(aux), list(ancestors)]:
                linked = tuple((one, proof) for one, proof in ancestors)
                return cls(_header(header, path), tuple(body), justification, aux, linked)
        raise DatabaseCorrupt(path, "the record of the state import is malformed")


class StateImport:
    """The import under way in a database that holds nothing but genesis, if any.

    Only the thread that writes to the database may use it. After `activate` the database must be opened
    again: a `Store` that was open before still believes in genesis.
    """

    def __init__(self, kv: KeyValue) -> None:
        self._kv = kv
        data = kv.get(META_IMPORT)
        self.target = ImportTarget.decode(data, kv.path) if data is not None else None
        self.cursor: bytes | None = None
        """The last storage key that is staged."""
        self.is_complete = False
        match unpack(kv.get(META_IMPORT_CURSOR) or pack((None, False)), kv.path):
            case [bytes() | None as cursor, bool(complete)]:
                self.cursor, self.is_complete = cursor, complete
            case _:
                raise DatabaseCorrupt(kv.path, "the place where the state import stands is malformed")

    def begin(self, target: ImportTarget) -> None:
        """Import the state of `target`, in place of whatever was being imported. Raises `ValueError` where
        the database holds more than genesis.
        """
        heads = Heads.decode(self._kv.get(META_HEADS) or b"", self._kv.path)
        if heads.best.number != 0 or target.header.number == 0:
            raise ValueError("a state can be imported above genesis only, into a database that has no blocks")
        self.abandon()
        self._kv.write({META_IMPORT: target.encode()}, sync=True)
        self.target = target

    def abandon(self) -> None:
        """Forget the import and what is staged."""
        self._kv.write({META_IMPORT: None, META_IMPORT_CURSOR: None}, sync=True)
        delete_all(self._kv, STAGED)
        self.target, self.cursor, self.is_complete = None, None, False

    def add(self, entries: Mapping[bytes, bytes], *, complete: bool) -> None:
        """Stage the entries that follow the cursor, all of them up to the highest; `complete`: up to the end
        of the state.
        """
        assert self.target is not None, "entries belong to a target"
        cursor = max(entries, default=self.cursor)
        batch: Batch = {STAGED + key: value for key, value in entries.items()}
        batch[META_IMPORT_CURSOR] = pack((cursor, complete))
        self._kv.write(batch, sync=False)
        self.cursor, self.is_complete = cursor, complete

    def staged(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The staged entries below `prefix`, ascending by key."""
        return ((key[len(STAGED) :], value) for key, value in self._kv.iterate(STAGED + prefix))

    def has_artifact(self, content_hash: bytes) -> bool:
        """Whether the bytes are stored."""
        return self._kv.get(ARTIFACT + content_hash) is not None

    def put_artifact(self, content: bytes) -> None:
        """Store bytes that the state names by their hash; they stay even if the import is abandoned."""
        self._kv.write({ARTIFACT + blake2_256(content): content}, sync=False)

    def activate(self) -> None:
        """Put the block into the place of genesis. Raises `DatabaseCorrupt` where what is staged is not the
        block's state.
        """
        assert self.target is not None, "there is something to activate"
        assert self.is_complete, "all of the state is staged"
        self._kv.write({META_IMPORT_PHASE: _BUILDING}, sync=True)
        complete_import(self._kv)


def complete_import(kv: KeyValue) -> None:
    """Go on where an activation was interrupted, if one was. Raises `DatabaseCorrupt`."""
    phase = kv.get(META_IMPORT_PHASE)
    if phase == _BUILDING:
        data = kv.get(META_IMPORT)
        if data is None:
            raise DatabaseCorrupt(kv.path, "the record of the state import is missing")
        _build(kv, ImportTarget.decode(data, kv.path))
    if phase is not None:
        delete_all(kv, STAGED)
        kv.write({META_IMPORT_PHASE: None}, sync=True)


def _build(kv: KeyValue, target: ImportTarget) -> None:
    for column in (NODE, NODE_EXTRA, FLAT):
        delete_all(kv, column)
    root = write_trie(kv, _staged(kv))
    if root != target.header.state_root:
        detail = f"its root is 0x{root.hex()} instead of 0x{target.header.state_root.hex()}"
        raise DatabaseCorrupt(kv.path, f"the imported state of block {target.header.number}: {detail}")
    if write_flat(kv, _staged(kv)) > CHUNK:
        kv.compact()
    kv.write(_records(kv, target), sync=True)


def _staged(kv: KeyValue) -> Iterator[tuple[bytes, bytes]]:
    return ((key[len(STAGED) :], value) for key, value in kv.iterate(STAGED))


def _records(kv: KeyValue, target: ImportTarget) -> Batch:
    """The batch that makes the block the best and the final one, and ends the import."""
    header = target.header
    block, height = header.hash(), number_key(header.number)
    ref = BlockRef(header.number, block)
    batch: Batch = {
        HEADER + block: header.encode(),
        BODY + block: pack(list(target.body)),
        OUTCOME + block: b"",
        JUSTIFICATION + block: target.justification,
        HEIGHT + height + block: b"",
        LEAF + height + block: b"",
        LEAF + number_key(0) + (kv.get(META_GENESIS) or b""): None,
        CHILD + header.parent_hash + block: b"",
        CANONICAL + height: block,
        META_HEADS: Heads(ref, ref, header.number).encode(),
        META_FLAT: block,
        META_IMPORT: None,
        META_IMPORT_CURSOR: None,
        META_IMPORT_PHASE: _CLEARING,
    }
    for encoded, justification in target.ancestors:
        ancestor = _header(encoded, kv.path)
        batch[HEADER + ancestor.hash()] = encoded
        batch[CANONICAL + number_key(ancestor.number)] = ancestor.hash()
        if justification is not None:
            batch[JUSTIFICATION + ancestor.hash()] = justification
    for name, value in target.aux.items():
        batch[AUX + name] = value
    return batch


def _header(encoded: bytes, path: str) -> Header:
    try:
        return Header.decode(encoded)
    except InvalidScale as error:
        raise DatabaseCorrupt(path, "a header of the state import is malformed") from error
