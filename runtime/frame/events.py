"""Events: what a block reports. `System.Events` holds all of a block's, in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from runtime.frame.weights import ApplyExtrinsic, Finalization, Initialization
from runtime.primitives.scale import (
    Codec,
    InvalidScale,
    ScalePath,
    ScaleReason,
    Vector,
    codec,
    decode_compact,
    encode_compact,
)
from runtime.primitives.types import H256

if TYPE_CHECKING:
    from runtime.frame.pallet import Pallet

Phase: TypeAlias = Annotated[ApplyExtrinsic | Finalization | Initialization, ScalePath("frame_system::Phase")]

_PHASE: Codec[Any] = codec(Phase)
_TOPICS: Codec[Any] = codec(Vector[H256])
_NO_TOPICS = b"\x00"


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event: when in the block, of which pallet (its index), and what happened.

    `event` is an instance of one of the pallet's event dataclasses. Topics are not used by this chain; they
    are in the encoding because every client expects them.
    """

    phase: ApplyExtrinsic | Finalization | Initialization
    pallet: int
    event: Any
    topics: tuple[bytes, ...] = ()


class EventCodec:
    """Encodes and decodes `Vec<EventRecord>` of a composed runtime."""

    def __init__(self, pallets: Sequence["type[Pallet]"]) -> None:
        self._codecs: dict[int, Codec[Any]] = {
            pallet.index: codec(pallet.events) for pallet in pallets if pallet.events is not None
        }
        self._tags = {index: bytes([index]) for index in self._codecs}

    def encode(self, records: Sequence[EventRecord]) -> bytes:
        """The value of `System.Events`."""
        return encode_compact(len(records)) + b"".join(self._encoded(records))

    def _encoded(self, records: Sequence[EventRecord]) -> Iterable[bytes]:
        phase: object = None
        head = b""
        for record in records:
            if record.phase is not phase:
                phase = record.phase
                head = _PHASE.encode(phase)
            topics = _TOPICS.encode(record.topics) if record.topics else _NO_TOPICS
            yield head + self._tags[record.pallet] + self._codecs[record.pallet].encode(record.event) + topics

    def decode(self, data: bytes) -> tuple[EventRecord, ...]:
        """The records of a `System.Events` value; `InvalidScale` where it is none."""
        count, offset = decode_compact(data, 0)
        records = []
        for _ in range(count):
            phase, offset = _PHASE.decode_from(data, offset)
            pallet = data[offset] if offset < len(data) else -1
            known = self._codecs.get(pallet)
            if known is None:
                raise InvalidScale(
                    ScaleReason.UNKNOWN_VARIANT, f"no pallet {pallet} with events", offset=offset
                )
            event, offset = known.decode_from(data, offset + 1)
            topics, offset = _TOPICS.decode_from(data, offset)
            records.append(EventRecord(phase, pallet, event, topics))
        if offset != len(data):
            raise InvalidScale(
                ScaleReason.TRAILING_BYTES, f"{len(data) - offset} bytes remain", offset=offset
            )
        return tuple(records)
