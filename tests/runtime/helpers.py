"""A small world for runtime tests: a composed runtime, a state, accounts, and ways to make blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from runtime.configuration import CONSTANTS, UNIT, build_runtime
from runtime.executive import Execution, ExtrinsicOutcome, Runtime
from runtime.frame.call import RuntimeCall
from runtime.frame.engine import InferenceEngine, NoEngine
from runtime.frame.environment import Environment
from runtime.frame.errors import CallFailed, DispatchError, ErrorEnum, Token, TokenError
from runtime.frame.inherents import InherentData
from runtime.frame.origin import Origin, Signed
from runtime.frame.timing import DEFAULT_TIMING, ChainTiming
from runtime.pallets.balances import Balances
from runtime.pallets.system import System
from runtime.pallets.system.account import AccountData
from runtime.primitives.block import Block
from runtime.primitives.digest import Digest, PreRuntime
from runtime.primitives.era import IMMORTAL
from runtime.primitives.extrinsic import SignedExtrinsic, signing_payload
from runtime.primitives.header import Header
from runtime.primitives.keys.accounts import KeyPair, Scheme
from runtime.primitives.multiaddress import Id
from runtime.primitives.state import MemoryState

ED = CONSTANTS[Balances]["existential_deposit"]
SLOT = 6_000
START = 1_700_000_000_000 // SLOT * SLOT

KEYS = {name: KeyPair.from_uri(f"//{name}", Scheme.ED25519) for name in ("Alice", "Bob", "Charlie", "Dave")}
ALICE, BOB, CHARLIE, DAVE = (KEYS[name].public for name in ("Alice", "Bob", "Charlie", "Dave"))
SIGNERS = {pair.public: pair for pair in KEYS.values()}
DAVE_ADDRESS = KEYS["Dave"].address()
DAVE_KEYS = {"babe": "0x" + "11" * 32, "grandpa": "0x" + "22" * 48}
NEWCOMER = bytes([7]) * 32


def config(**changes: Any) -> dict[str, Any]:
    """A genesis in which Alice, Bob and Charlie have 1,000 FIX, Alice is sudo and Dave is the validator."""
    base: dict[str, Any] = {
        "balances": {
            "balances": [[KEYS[name].address(), 1_000 * UNIT] for name in ("Alice", "Bob", "Charlie")]
        },
        "sudo": {"key": KEYS["Alice"].address()},
        "session": {"keys": [[DAVE_ADDRESS, DAVE_ADDRESS, DAVE_KEYS]]},
    }
    return base | changes


def claim(slot: int, author: int = 0) -> Digest:
    """A digest with a secondary slot claim."""
    data = b"\2" + author.to_bytes(4, "little") + slot.to_bytes(8, "little")
    return Digest((PreRuntime(b"BABE", data),))


@dataclass
class World:
    """A chain of one fork, built and imported in memory; `env` is for calls without a block."""

    genesis_config: Mapping[str, Any] = field(default_factory=config)
    engine: InferenceEngine = field(default_factory=NoEngine)
    timing: ChainTiming = DEFAULT_TIMING
    runtime: Runtime = field(init=False)
    state: MemoryState = field(init=False)
    head: Header = field(init=False)
    env: Environment = field(init=False)

    def __post_init__(self) -> None:
        self.runtime = build_runtime(self.engine, timing=self.timing)
        genesis = self.runtime.genesis(self.genesis_config)
        self.state = MemoryState(genesis.storage, genesis.artifacts)
        self.head = Header(bytes(32), 0, bytes(32), bytes(32), Digest())
        self.env = self.runtime.view(self.state)

    # Calls outside of blocks.

    def make(self, name: str, **arguments: Any) -> RuntimeCall:
        """A call such as `make("Balances.burn", value=1, keep_alive=True)`."""
        pallet, _, method = name.partition(".")
        return self.runtime.call(pallet, method, **arguments)

    def dispatch(self, origin: Origin, call: RuntimeCall) -> None:
        """Run a call on `env`."""
        self.env.dispatch(call, origin)

    def funds(self, who: bytes) -> AccountData:
        """Funds of an account in `env`."""
        return self.env.pallet(System).account.get(who).data

    def free(self, who: bytes) -> int:
        """Free balance of an account in `env`."""
        return self.funds(who).free

    def reported(self) -> list[Any]:
        """Events of `env` so far, which are forgotten."""
        found = [record.event for record in self.env.events]
        self.env.events.clear()
        return found

    def assert_noop(self, origin: Origin, call: RuntimeCall, error: DispatchError | ErrorEnum) -> None:
        """The call fails with this error and changes nothing."""
        before, events = self.env.overlay.changes(), list(self.env.events)
        with pytest.raises(CallFailed) as caught:
            self.env.dispatch(call, origin)
        assert caught.value.error == error
        assert type(caught.value.error) is type(error)
        assert self.env.overlay.changes() == before
        assert self.env.events == events

    # Blocks.

    def sign(
        self,
        who: bytes,
        call: RuntimeCall,
        *,
        nonce: int | None = None,
        tip: int = 0,
        era: Any = IMMORTAL,
        mode: int = 0,
        birth: bytes | None = None,
        **wrong: Any,
    ) -> bytes:
        """A signed extrinsic; `wrong` replaces parts of the implicit data (genesis, spec, tx)."""
        if nonce is None:
            nonce = self.runtime.view(self.state).pallet(System).account.get(who).nonce
        encoded = self.runtime.encode_call(call)
        extra = (era, nonce, tip, mode)
        extra_bytes = self.runtime.pipeline.codec.encode(extra)
        version = self.runtime.version
        genesis = wrong.get("genesis", self.genesis_hash)
        implicit = (
            wrong.get("spec", version.spec_version).to_bytes(4, "little")
            + wrong.get("tx", version.transaction_version).to_bytes(4, "little")
            + genesis
            + (birth if birth is not None else genesis)
            + b"\0"
        )
        signature = SIGNERS[who].sign(signing_payload(encoded, extra_bytes, implicit))
        return SignedExtrinsic(Id(who), signature, extra, extra_bytes, encoded).encode()

    @property
    def genesis_hash(self) -> bytes:
        """Hash of block zero."""
        if self.head.number == 0:
            return self.head.hash()
        return self.runtime.view(self.state).pallet(System).block_hash.get(0)

    def timestamp(self, number: int) -> int:
        """When block `number` is due."""
        return START + number * SLOT

    def digest(self, number: int) -> Digest:
        """The slot claim of block `number`."""
        return claim(self.timestamp(number) // SLOT)

    def build(self, *extrinsics: bytes) -> tuple[Block, Execution, list[ExtrinsicOutcome]]:
        """A block on the head with these transactions."""
        number = self.head.number + 1
        builder = self.runtime.begin_block(self.head, self.digest(number), self.state)
        builder.inherents(InherentData(self.timestamp(number)))
        outcomes = [builder.apply(each) for each in extrinsics]
        included, execution = builder.finish()
        header = Header(self.head.hash(), number, bytes(32), execution.extrinsics_root, execution.digest)
        return Block(header, included), execution, outcomes

    def advance(self, *extrinsics: bytes) -> Execution:
        """Build a block, execute it again as an importer would, demand equality, and make it the head."""
        block, built, _ = self.build(*extrinsics)
        executed = self.runtime.execute_block(block, self.state)
        assert executed == built
        self.commit(block, executed)
        return executed

    def commit(self, block: Block, execution: Execution) -> None:
        """Make an executed block the head."""
        storage = dict(self.state.storage)
        for key, value in execution.changes.items():
            if value is None:
                del storage[key]
            else:
                storage[key] = value
        self.state = MemoryState(storage, dict(self.state.artifacts) | dict(execution.artifacts))
        self.head = block.header
        self.env = self.runtime.view(self.state)


def token(error: TokenError) -> Token:
    """A token error as calls report it."""
    return Token(error)


def signed(who: bytes) -> Signed:
    """The origin of an account."""
    return Signed(who)
