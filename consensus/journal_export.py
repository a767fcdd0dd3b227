"""What a validator may no longer sign, as a document that moves with its keys (EIP-3076 in spirit).

Whoever moves a validator stops the old node, exports, imports on the new node, and only then starts it. The
document holds each block key's highest claim, and each finality key's whole round record: its own votes are
the low watermark, and the votes seen give the estimate that binds the next ones. A bare round number would
keep the key from voting twice, but not from voting against what it helped to decide.

Merging takes the maximum, so importing an old document, or one twice, frees nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from consensus.authoring import ClaimRecord
from consensus.finality.journal import ROUND_RECORD, RoundRecord
from runtime.primitives.errors import InvalidData
from runtime.primitives.scale import InvalidScale

FORMAT = "fixpoint-signing-journal"
VERSION = 1
MAX_KEYS = 64
"""Keys of one kind in a document: a machine holds a handful."""

MAX_DOCUMENT = 16 * 2**20
"""Characters of a document: with 1,000 voters a round record takes up to 2.5 million, with 100 a tenth."""

_U64 = 2**64


class JournalFault(Enum):
    """Why a document was refused."""

    MALFORMED = "not a signing journal"
    VERSION = "made by another version"
    OTHER_CHAIN = "made on another chain"
    TOO_LARGE = "more than one machine needs"
    CONFLICT = "the records of one round contradict each other: the key has signed twice"


class InvalidJournal(InvalidData):
    """A document that says nothing about this chain's keys."""

    reason: JournalFault


@dataclass(frozen=True, slots=True)
class SigningJournal:
    """Low watermarks of one chain (`genesis`: its first block's hash): block keys (32 bytes) to claims,
    finality keys (48 bytes) to round records.
    """

    genesis: bytes
    claims: Mapping[bytes, ClaimRecord]
    rounds: Mapping[bytes, RoundRecord]


def merge_journals(own: SigningJournal, other: SigningJournal) -> SigningJournal:
    """What either forbids; raises `InvalidJournal` where they are of two chains or contradict each other."""
    if own.genesis != other.genesis:
        raise InvalidJournal(
            JournalFault.OTHER_CHAIN, f"{other.genesis.hex()} instead of {own.genesis.hex()}"
        )
    claims, rounds = dict(own.claims), dict(own.rounds)
    for key in sorted(other.claims):
        claim = other.claims[key]
        if key not in claims or claims[key].slot < claim.slot:
            claims[key] = claim
    for key in sorted(other.rounds):
        rounds[key] = _newer(rounds[key], other.rounds[key]) if key in rounds else other.rounds[key]
    return SigningJournal(own.genesis, claims, rounds)


def _newer(left: RoundRecord, right: RoundRecord) -> RoundRecord:
    """The record that forbids more; two of one round grew from each other, unless a key was run twice."""
    if (left.set_id, left.round) != (right.set_id, right.round):
        return max(left, right, key=lambda one: (one.set_id, one.round))
    longer, shorter = (left, right) if len(left.votes) >= len(right.votes) else (right, left)
    if longer.votes[: len(shorter.votes)] != shorter.votes:
        raise InvalidJournal(JournalFault.CONFLICT, f"round {left.round} of set {left.set_id}")
    return longer


def to_json(journal: SigningJournal) -> str:
    """The document as text, keys and hashes as 0x-hex."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "genesis": _hex(journal.genesis),
        "blockKeys": [
            {"key": _hex(key), "slot": claim.slot, "preHash": _hex(claim.pre_hash)}
            for key, claim in sorted(journal.claims.items())
        ],
        "finalityKeys": [
            {
                "key": _hex(key),
                "setId": record.set_id,
                "round": record.round,
                "record": _hex(ROUND_RECORD.encode(record)),
            }
            for key, record in sorted(journal.rounds.items())
        ],
    }
    return json.dumps(document, indent=2)


def from_json(text: str, genesis: bytes) -> SigningJournal:
    """The document of a text, for the chain with this genesis hash; raises `InvalidJournal`."""
    if len(text) > MAX_DOCUMENT:
        raise InvalidJournal(JournalFault.TOO_LARGE, f"{len(text)} characters, allowed are {MAX_DOCUMENT}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidJournal(JournalFault.MALFORMED, str(error)) from error
    fields = _fields(document, ("format", "version", "genesis", "blockKeys", "finalityKeys"))
    if fields["format"] != FORMAT:
        raise InvalidJournal(JournalFault.MALFORMED, f"format {fields['format']!r}")
    if fields["version"] != VERSION:
        raise InvalidJournal(JournalFault.VERSION, f"{fields['version']!r}, this node reads {VERSION}")
    journal = SigningJournal(_bytes(fields["genesis"], 32), {}, {})
    for one in _entries(fields["blockKeys"], ("key", "slot", "preHash")):
        claim = ClaimRecord(_number(one["slot"]), _bytes(one["preHash"], 32))
        entry = SigningJournal(journal.genesis, {_bytes(one["key"], 32): claim}, {})
        journal = merge_journals(journal, entry)
    for one in _entries(fields["finalityKeys"], ("key", "setId", "round", "record")):
        entry = SigningJournal(journal.genesis, {}, {_bytes(one["key"], 48): _record(one)})
        journal = merge_journals(journal, entry)
    return merge_journals(SigningJournal(genesis, {}, {}), journal)


def _record(entry: dict[str, Any]) -> RoundRecord:
    """The round record of an entry, whose readable numbers must be the record's."""
    try:
        record: RoundRecord = ROUND_RECORD.decode(_bytes(entry["record"], None))
    except InvalidScale as error:
        raise InvalidJournal(JournalFault.MALFORMED, f"record: {error}") from error
    if (record.set_id, record.round) != (_number(entry["setId"]), _number(entry["round"])):
        raise InvalidJournal(
            JournalFault.MALFORMED, f"the record is of set {record.set_id}, round {record.round}"
        )
    return record


def _entries(value: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise InvalidJournal(JournalFault.MALFORMED, "keys are a list")
    if len(value) > MAX_KEYS:
        raise InvalidJournal(JournalFault.TOO_LARGE, f"{len(value)} keys, allowed are {MAX_KEYS}")
    return [_fields(entry, names) for entry in value]


def _fields(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise InvalidJournal(JournalFault.MALFORMED, f"needed are exactly the fields {', '.join(names)}")
    return value


def _bytes(value: Any, length: int | None) -> bytes:
    """What hex text says, which must be `length` bytes; None: any."""
    try:
        data = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else None
    except ValueError:
        data = None
    if data is None or length not in (None, len(data)):
        wanted = "hex" if length is None else f"{length} bytes of hex"
        raise InvalidJournal(JournalFault.MALFORMED, f"{str(value)[:80]!r} is not {wanted}")
    return data


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _U64:
        raise InvalidJournal(JournalFault.MALFORMED, f"{value!r} is no number below 2^64")
    return value


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
