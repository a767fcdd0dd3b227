"""A chain of several validators with real keys, short epochs, and a pallet that stands in for stake."""

from collections.abc import Sequence
from typing import Any

from consensus.authorities import Voter
from consensus.digest import pre_digest_item, proof_field
from consensus.finality.bls import BlsKey
from consensus.keys import SessionKey
from consensus.ownership import BlsCrypto, prove_ownership
from runtime.configuration import PALLETS, VERSION, constants, extensions
from runtime.executive import Runtime
from runtime.frame.compose import compose
from runtime.frame.engine import NoEngine
from runtime.frame.pallet import Pallet
from runtime.frame.storage import StorageMap
from runtime.frame.timing import ChainTiming
from runtime.pallets.liveness import Liveness
from runtime.pallets.offences import Offences
from runtime.pallets.session import (
    AuthorshipHandler,
    Offence,
    OffenceHandler,
    Session,
    SessionKeys,
    SessionManager,
    WeightedValidator,
)
from runtime.pallets.staking import Staking
from runtime.primitives.babe import PrimaryPreDigest, SecondaryPlainPreDigest
from runtime.primitives.digest import Digest
from runtime.primitives.header import Header
from runtime.primitives.integers import U32, U64
from runtime.primitives.scale import Vector
from runtime.primitives.state import MemoryState
from runtime.primitives.types import AccountId
from tests.runtime.helpers import KEYS, SLOT, START, World, config

EPOCH = 5
TIMING = ChainTiming(slot_ms=SLOT, epoch_slots=EPOCH, sessions_per_era=2, bonding_eras=2, slash_defer_eras=0)
NAMES = ("Alice", "Bob", "Charlie", "Dave")
ACCOUNTS = {name: KEYS[name].public for name in NAMES}
BLOCK_KEYS = {name: SessionKey.from_seed(name.encode().ljust(32)) for name in NAMES}
FINALITY_KEYS = {name: BlsKey.from_seed(name.encode().ljust(32)) for name in NAMES}
SESSION_KEYS = {name: SessionKeys(BLOCK_KEYS[name].public, FINALITY_KEYS[name].public) for name in NAMES}


def ownership(name: str, account: bytes | None = None) -> bytes:
    """A valid proof for the keys of `name`, registered by its own or another account."""
    return prove_ownership(BLOCK_KEYS[name], FINALITY_KEYS[name], account or ACCOUNTS[name])


class Stakes(Pallet, SessionManager, OffenceHandler, AuthorshipHandler, index=200):
    """Chooses the validators that a test wrote down, remembers offences, counts blocks."""

    plans: StorageMap[U32, Vector[tuple[AccountId, U64]] | None] = StorageMap()
    offences: StorageMap[tuple[bytes, bytes], Vector[AccountId]] = StorageMap(default=())
    sessions: StorageMap[tuple[bytes, bytes], U32] = StorageMap(default=0)
    reporters: StorageMap[tuple[bytes, bytes], Vector[AccountId]] = StorageMap(default=())
    blocks: StorageMap[AccountId, U32] = StorageMap(default=0)

    def new_session(self, index: int) -> Sequence[WeightedValidator] | None:
        plan = self.plans.get(index)
        return None if plan is None else [WeightedValidator(*each) for each in plan]

    def start_session(self, index: int) -> None:
        assert self.env.pallet(Session).current_index.get() == index

    def end_session(self, index: int) -> None:
        assert self.env.pallet(Session).current_index.get() == index

    def report_offence(self, reporters: Sequence[bytes], offence: Offence) -> bool:
        key = (offence.kind, offence.time_slot)
        fresh = [one for one in offence.offenders if one not in self.offences.get(key)]
        if not fresh:
            return False
        self.offences.insert(key, (*self.offences.get(key), *fresh))
        self.sessions.insert(key, offence.session_index)
        self.reporters.insert(key, tuple(reporters))
        return True

    def is_known_offence(self, kind: bytes, offenders: Sequence[bytes], time_slot: bytes) -> bool:
        return set(offenders) <= set(self.offences.get((kind, time_slot)))

    def note_author(self, author: bytes) -> None:
        self.blocks.insert(author, self.blocks.get(author) + 1)


def genesis(*names: str) -> dict[str, Any]:
    """These validators; all four people have funds."""
    listed = [
        [
            KEYS[name].address(),
            KEYS[name].address(),
            {
                "babe": "0x" + SESSION_KEYS[name].babe.hex(),
                "grandpa": "0x" + SESSION_KEYS[name].grandpa.hex(),
            },
        ]
        for name in names
    ]
    funds = [[KEYS[name].address(), 1_000 * 10**12] for name in NAMES]
    return config(session={"keys": listed}, balances={"balances": funds})


class Sessions(World):
    """A chain whose blocks are one slot apart, but where a test skips some; claims are plain by default."""

    def __init__(self, *names: str, punishes: bool = True) -> None:
        self.names = names or ("Alice", "Bob", "Charlie")
        self.skipped = 0
        self.author = 0
        self.lottery = False
        # Sessions on their own: what stake adds has tests of its own.
        pallets = [each for each in PALLETS if each not in (Staking, Offences, Liveness)]
        known = dict(constants(TIMING))
        if punishes:
            pallets.insert(pallets.index(Session), Stakes)
            known[Stakes] = {}
        composition = compose(VERSION, pallets, known, NoEngine(), BlsCrypto())
        self.runtime = Runtime(composition, extensions())
        state = self.runtime.genesis(genesis(*self.names))
        self.state = MemoryState(state.storage, state.artifacts)
        self.head = Header(bytes(32), 0, bytes(32), bytes(32), Digest())
        self.env = self.runtime.view(self.state)

    def timestamp(self, number: int) -> int:
        return START + (number + self.skipped) * SLOT

    def slot(self, number: int) -> int:
        """The slot of block `number`, where none is skipped before it any more."""
        return self.timestamp(number) // SLOT

    def digest(self, number: int) -> Digest:
        slot = self.slot(number)
        if not self.lottery:
            return Digest((pre_digest_item(SecondaryPlainPreDigest(self.author, slot)),))
        proof = BLOCK_KEYS[self.names[self.author]].prove(slot.to_bytes(8, "little"))
        claim = PrimaryPreDigest(self.author, slot, proof.gamma, proof_field(proof))
        return Digest((pre_digest_item(claim),))

    def run_to(self, number: int) -> None:
        """Make empty blocks up to this one."""
        while self.head.number < number:
            self.advance()

    def plan(self, session: int, **weights: int) -> None:
        """Write down the validators of a session."""
        entry = tuple((ACCOUNTS[name], weight) for name, weight in weights.items())
        key = Stakes.plans.key(session)
        self.state = MemoryState({**self.state.storage, key: Stakes.plans.codec.encode(entry)})
        self.env = self.runtime.view(self.state)


def voter(name: str, weight: int = 1) -> Voter:
    """A voter by name."""
    return Voter(SESSION_KEYS[name].grandpa, weight)
