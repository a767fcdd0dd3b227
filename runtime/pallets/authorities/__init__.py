"""Authorities: who may author and finalise blocks, and the slot of the block.

A fixed set from genesis, in the form that consensus needs; staking and sessions will choose it later.
"""

from dataclasses import dataclass
from typing import Annotated

from runtime.frame.errors import BlockReason, GenesisReason, InvalidBlock
from runtime.frame.genesis import GenesisReader
from runtime.frame.pallet import Pallet, Uses
from runtime.frame.storage import StorageValue
from runtime.frame.weights import MICROSECOND, Weight
from runtime.pallets.system import System
from runtime.pallets.timestamp import Timestamp
from runtime.primitives.digest import PreRuntime
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import MaxLen, Vector, scale_path
from runtime.primitives.types import AccountId, Bytes32, Bytes48

MAX_AUTHORITIES = 1_000
"""Validators of one set: what GRANDPA-like voting with aggregated signatures carries."""
DEFAULT_SLOT_DURATION = 6_000

BABE_ENGINE = b"BABE"
_CLAIMS = (1, 2, 3)
"""Variants of a BABE pre-digest: primary, secondary plain, secondary VRF; all open with index and slot."""

ON_INITIALIZE = Weight(50 * MICROSECOND)


@scale_path("fixpoint_authorities::Authority")
@dataclass(frozen=True, slots=True)
class Authority:
    """One validator: the account that is paid, its keys, its share of the vote.

    `block_key` is ed25519 (seals and slot claims), `finality_key` BLS12-381 in G1 (finality votes).
    """

    account: AccountId
    block_key: Bytes32
    finality_key: Bytes48
    weight: U64


class Authorities(Pallet, index=3):
    """The validators, the randomness of slot claims, and the slot of the current block."""

    validators: StorageValue[Annotated[Vector[Authority], MaxLen(MAX_AUTHORITIES)]] = StorageValue(
        default=(), doc="The validators, in the order in which claims and votes index them."
    )
    set_id: StorageValue[U64] = StorageValue(default=0, doc="How often the set of validators has changed.")
    randomness: StorageValue[Bytes32] = StorageValue(
        default=bytes(32), doc="What slot claims of this epoch are drawn from."
    )
    slot_duration: StorageValue[U64] = StorageValue(
        default=DEFAULT_SLOT_DURATION, doc="Length of a slot in milliseconds."
    )
    current_slot: StorageValue[U64] = StorageValue(default=0, doc="The slot of the current block.")
    author_index: StorageValue[U32 | None] = StorageValue(
        doc="Who authored the current block, by place among the validators."
    )

    system = Uses(System)
    timestamp = Uses(Timestamp)

    def on_initialize(self, number: int) -> Weight:
        """Take author and slot from the block's digest; slots only rise."""
        claim = self._claim()
        if claim is None:
            self.author_index.kill()
            return ON_INITIALIZE
        index, slot = claim
        previous = self.current_slot.get()
        if slot <= previous:
            raise InvalidBlock(BlockReason.DIGEST, f"slot {slot} does not follow slot {previous}", slot)
        self.current_slot.put(slot)
        self.author_index.put(index)
        return ON_INITIALIZE

    def on_finalize(self, number: int) -> None:
        """The timestamp lies in the slot that the author claimed."""
        if self.author_index.get() is None:
            return
        slot = self.timestamp.now.get() // self.slot_duration.get()
        if slot != self.current_slot.get():
            raise InvalidBlock(
                BlockReason.TIMESTAMP,
                f"timestamp {self.timestamp.now.get()} lies in slot {slot}, "
                f"the author claimed slot {self.current_slot.get()}",
            )

    def author(self) -> bytes | None:
        """The account of the current block's author, where its digest names one."""
        index = self.author_index.get()
        validators = self.validators.get()
        return validators[index].account if index is not None and index < len(validators) else None

    def genesis(self, config: GenesisReader) -> None:
        """`{"validators": [{account, blockKey, finalityKey, weight}], "slotDuration", "randomness"}`."""
        config.fields("validators", "slotDuration", "randomness")
        found: list[Authority] = []
        listed = config.get("validators")
        for entry in listed.items() if listed else ():
            found.append(_authority(entry))
            if any(found[-1].block_key == other.block_key for other in found[:-1]):
                raise entry.need("blockKey").refuse(GenesisReason.DUPLICATE, "this key stands twice")
        if len(found) > MAX_AUTHORITIES:
            raise config.need("validators").refuse(GenesisReason.OUT_OF_RANGE, f"at most {MAX_AUTHORITIES}")
        self.validators.put(tuple(found))
        duration = config.get("slotDuration")
        self.slot_duration.put(duration.integer(U64, minimum=1) if duration else DEFAULT_SLOT_DURATION)
        randomness = config.get("randomness")
        if randomness is not None:
            self.randomness.put(randomness.hexadecimal(32))

    def _claim(self) -> tuple[int, int] | None:
        """(author's index, slot) of the BABE pre-digest, or None where the block has none."""
        for item in self.system.digest.get().logs:
            if isinstance(item, PreRuntime) and item.engine == BABE_ENGINE:
                data = item.data
                if len(data) < 13 or data[0] not in _CLAIMS:
                    raise InvalidBlock(
                        BlockReason.DIGEST, f"the slot claim 0x{data.hex()} has an unknown form"
                    )
                return int.from_bytes(data[1:5], "little"), int.from_bytes(data[5:13], "little")
        return None


def _authority(entry: GenesisReader) -> Authority:
    entry.fields("account", "blockKey", "finalityKey", "weight")
    weight = entry.get("weight")
    return Authority(
        entry.need("account").account(),
        entry.need("blockKey").hexadecimal(32),
        entry.need("finalityKey").hexadecimal(48),
        weight.integer(U64, minimum=1) if weight else 1,
    )
