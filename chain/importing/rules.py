"""The consensus rules that a state prescribes: who may author which slot behind it, who votes, how fast."""

from dataclasses import dataclass
from typing import TypeVar

from consensus.authorities import Authority, AuthoritySet, Voter, VoterSet
from consensus.epoch import Epoch
from consensus.finality.changes import AuthorityRecord
from consensus.slots import check_slot_duration
from runtime.frame.storage import StorageValue
from runtime.frame.timing import ChainTiming
from runtime.pallets.babe import Babe
from runtime.pallets.babe.epochs import epoch_index, epoch_start
from runtime.pallets.babe.types import DEFAULT_CONFIGURATION
from runtime.pallets.grandpa import Grandpa
from runtime.pallets.session import Session
from runtime.primitives.babe import AllowedSlots
from runtime.primitives.state import StateReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EpochSource:
    """An epoch as a state has it: `authorities` is still SCALE, since decoding a large set takes a while."""

    index: int
    start_slot: int
    duration: int
    authorities: bytes
    randomness: bytes
    c: tuple[int, int]
    allowed_slots: int

    def epoch(self) -> Epoch:
        """The decoded epoch. Raises `InvalidAuthorities` where the chain names none."""
        listed = Babe.authorities.codec.decode(self.authorities) if self.authorities else ()
        return Epoch(
            index=self.index,
            start_slot=self.start_slot,
            duration=self.duration,
            authorities=AuthoritySet(tuple(Authority(key, weight) for key, weight in listed)),
            randomness=self.randomness,
            c=self.c,
            allowed_slots=AllowedSlots(self.allowed_slots),
        )


def epoch_source(parent: StateReader, slot: int) -> EpochSource:
    """What the block of `slot` is checked by, whose parent's state this is; cheap.

    The first block behind genesis starts the first epoch with its own slot. A slot behind the parent's epoch
    belongs to the epoch that was announced, however many epochs passed without a block.
    """
    duration = timing_at(parent).epoch_slots
    config = _value(parent, Babe.epoch_config) or DEFAULT_CONFIGURATION
    genesis_slot = _value(parent, Babe.genesis_slot)
    index = _value(parent, Babe.epoch_index)
    start = epoch_start(index, genesis_slot, duration) if genesis_slot else slot
    if slot < start + duration:
        authorities, randomness = Babe.authorities, _value(parent, Babe.randomness)
    else:
        index = epoch_index(slot, genesis_slot, duration)
        start = epoch_start(index, genesis_slot, duration)
        authorities, randomness = Babe.next_authorities, _value(parent, Babe.next_randomness)
        config = _value(parent, Babe.next_epoch_config) or config
    raw = parent.get(authorities.key()) or b""
    return EpochSource(index, start, duration, raw, randomness, config.c, config.allowed_slots)


def epoch_for(parent: StateReader, slot: int) -> Epoch:
    """The epoch of the block of `slot` on the block whose state this is. Raises `InvalidAuthorities`."""
    return epoch_source(parent, slot).epoch()


def disabled_authors(parent: StateReader, slot: int) -> tuple[int, ...]:
    """The places of authorities whose blocks in `slot` are refused, on the block whose state this is."""
    source = epoch_source(parent, slot)
    current = source.index == _value(parent, Babe.epoch_index)
    if not current and _value(parent, Session.queued_changed):
        return ()
    return _value(parent, Session.disabled_validators)


def voters_at(state: StateReader) -> VoterSet:
    """Who votes on blocks behind the one whose state this is. Raises `InvalidAuthorities`."""
    # A scheduled change has counted its set already, and its voters do not rule yet.
    waiting = state.get(Grandpa.pending_change.key()) is not None
    voters = tuple(Voter(key, weight) for key, weight in _value(state, Grandpa.authorities))
    return VoterSet(_value(state, Grandpa.current_set_id) - waiting, voters)


def authorities_at(state: StateReader) -> AuthorityRecord:
    """Who finalises, by a genesis state. Raises `InvalidAuthorities`."""
    voters = voters_at(state)
    return AuthorityRecord(voters.set_id, voters.members)


def timing_at(state: StateReader) -> ChainTiming:
    """The lengths of slots and epochs that the chain's genesis fixed."""
    return _value(state, Babe.timing)


def slot_duration_at(state: StateReader) -> int:
    """Milliseconds of a slot. Raises `InvalidSlot` for a duration that no clock can follow."""
    return check_slot_duration(timing_at(state).slot_ms)


def _value(state: StateReader, item: StorageValue[T]) -> T:
    raw = state.get(item.key())
    value: T = item.default if raw is None else item.codec.decode(raw)
    return value
