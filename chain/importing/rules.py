"""The consensus rules that a state prescribes: its authorities, its randomness, the length of its slots."""

from typing import TypeVar

from chain.importing.checker import HeaderChecker
from consensus.authorities import Authority, AuthoritySet, Voter, VoterSet
from consensus.epoch import Epoch
from consensus.finality.changes import AuthorityRecord
from consensus.slots import check_slot_duration
from runtime.frame.storage import StorageValue
from runtime.pallets.authorities import Authorities
from runtime.primitives.state import StateReader

T = TypeVar("T")

EPOCH_SLOTS = 2_400
"""Slots of an epoch: Polkadot's four hours of 6 s slots. While one authority set lasts for ever, epochs only
enter the lottery's input, so that no claim is valid twice."""


def header_checker(state: StateReader) -> HeaderChecker:
    """The rules for all descendants of a genesis state.

    Raises `InvalidAuthorities` where the chain names none or an unusable key, `InvalidSlot` for a slot
    duration that no clock can follow.
    """
    validators = _value(state, Authorities.validators)
    duration = _value(state, Authorities.slot_duration)
    check_slot_duration(duration)
    authors = AuthoritySet(tuple(Authority(one.block_key, one.weight) for one in validators))
    epoch = Epoch(
        index=0,
        start_slot=0,
        duration=EPOCH_SLOTS,
        authorities=authors,
        randomness=_value(state, Authorities.randomness),
    )
    return HeaderChecker(epoch, duration)


def authorities_at(state: StateReader) -> AuthorityRecord:
    """Who finalises, by a genesis state. Raises `InvalidAuthorities`."""
    validators = _value(state, Authorities.validators)
    voters = VoterSet(
        _value(state, Authorities.set_id),
        tuple(Voter(one.finality_key, one.weight) for one in validators),
    )
    return AuthorityRecord(voters.set_id, voters.members)


def _value(state: StateReader, item: StorageValue[T]) -> T:
    raw = state.get(item.key())
    value: T = item.default if raw is None else item.codec.decode(raw)
    return value
