"""Real chains in memory for the tests above the store: the development genesis, Alice's keys, no disk."""

from dataclasses import dataclass, field, replace
from typing import Any

from chain.authoring import Author, Authored, Proposer
from chain.finalising import BlockFinalised, Finaliser
from chain.importing import Received
from chain.keystore import Keystore
from chain.opening import Chain, assemble
from chain.pool import PoolTransaction
from chain.store import KeyValue, MemoryKeyValue, Pruning
from client.transaction import SigningContext, Transaction, sign
from consensus.finality.events import BestBlock
from consensus.ownership import BlsCrypto
from genesis.authority import block_key
from genesis.build import GenesisBlock, build_genesis
from genesis.presets import dev
from genesis.timing import runtime_of
from runtime.executive import Runtime
from runtime.frame.call import RuntimeCall
from runtime.inference_engine import LocalEngine
from runtime.primitives.keys import KeyPair, Scheme
from runtime.primitives.multiaddress import Id

START_SLOT = 1_700_000_000
NOW = START_SLOT * 1000
RUNTIME: Runtime = runtime_of(dev(), LocalEngine(), BlsCrypto())
GENESIS: GenesisBlock = build_genesis(dev(), RUNTIME)
ALICE = KeyPair.from_uri("//Alice", Scheme.SR25519)
BOB = KeyPair.from_uri("//Bob", Scheme.ED25519)
ALICE_BLOCK_KEY = block_key("//Alice")
ALICE_KEYS = Keystore(None, ("//Alice",))
"""Alice's session keys, in memory."""


@dataclass
class World:
    """A chain with everything that authors and finalises on it; slots are taken one after the other."""

    kv: KeyValue = field(default_factory=MemoryKeyValue)
    pruning: Pruning | None = None
    slot: int = START_SLOT
    finalised: list[BlockFinalised] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chain: Chain = assemble(self.kv, GENESIS, RUNTIME, self.pruning)
        self.store = self.chain.store
        self.importer = self.chain.importer
        self.author = self.make_author()
        self.finaliser: Finaliser = self.chain.finaliser(ALICE_KEYS)

    def make_author(self) -> Author:
        """A new author over the same database, as after a restart."""
        proposer = Proposer(self.store, RUNTIME)
        return Author(self.store, self.importer, proposer, self.chain.checker, ALICE_KEYS)

    def now(self) -> int:
        """The start of the current slot in milliseconds."""
        return self.slot * 1000

    def build(self, *transactions: Transaction) -> Authored:
        """Author the next block with these transactions, as far as they are valid."""
        self.slot += 1
        pool = [PoolTransaction(one.hash, one.encoded, 1, (), (one.hash,), 2**32) for one in transactions]
        authored = self.author.author(self.slot, self.now, lambda: pool)
        assert authored is not None
        return authored

    def finalise(self, authored: Authored) -> None:
        """Vote for the block."""
        self.vote_for(authored.stored.hash, authored.stored.number)

    def vote_for(self, block_hash: bytes, number: int) -> None:
        """Vote for a stored block, as the head of the best chain."""
        outcomes = self.finaliser.handle(BestBlock(block_hash, number), self.now())
        self.finalised += [one for one in outcomes if isinstance(one, BlockFinalised)]

    def received(self, block_hash: bytes, **changes: Any) -> Received:
        """The block as another node would receive it, outcome included."""
        header, body = self.store.header(block_hash), self.store.body(block_hash)
        assert header is not None
        assert body is not None
        block = Received(header, body, self.store.justification(block_hash), self.store.outcome(block_hash))
        return replace(block, **changes)

    def sign(self, call: RuntimeCall, signer: KeyPair = ALICE, nonce: int = 0, tip: int = 0) -> Transaction:
        """An immortal transaction."""
        version = RUNTIME.version
        context = SigningContext.immortal(
            version.spec_version, version.transaction_version, GENESIS.header.hash()
        )
        return sign(RUNTIME.encode_call(call), signer, nonce, context, tip)

    def transfer(
        self, amount: int = 10**12, signer: KeyPair = ALICE, nonce: int = 0, tip: int = 0
    ) -> Transaction:
        """A transfer to Bob."""
        call = RUNTIME.call("Balances", "transfer_keep_alive", dest=Id(BOB.public), value=amount)
        return self.sign(call, signer, nonce, tip)

    def remark(self, text: bytes, signer: KeyPair = ALICE, nonce: int = 0) -> Transaction:
        """A remark, which changes nothing but nonce and fees."""
        return self.sign(RUNTIME.call("System", "remark", remark=text), signer, nonce)
