"""The chain that the crash campaign works on: transfers, failing ones, models, inferences, forks.

Slots lie in the past and are taken as fast as blocks can be made, so that every command of the node accepts
the blocks afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chains import context
from chain import exchange
from chain.authoring import Author, Authored, Proposer
from chain.exchange import BlockRecord
from chain.finalising import BlockFinalised
from chain.importing import Received
from chain.keystore import Keystore
from chain.opening import Chain, assemble
from chain.pool import PoolTransaction
from chain.store import KeyValue, MemoryKeyValue, Pruning
from client.transaction import Transaction, sign
from consensus.digest import slot_of_header
from consensus.finality.events import BestBlock
from consensus.ownership import BlsCrypto
from genesis.build import build_genesis
from genesis.presets import dev
from genesis.timing import runtime_of
from inference.ir import DType, Quantization, ops
from inference.ir.artifact import artifact_id, encode_program
from inference.ir.builder import ProgramBuilder
from runtime.frame.call import RuntimeCall
from runtime.inference_engine import LocalEngine
from runtime.pallets.system import System
from runtime.primitives.hashing import blake2_256
from runtime.primitives.header import Header
from runtime.primitives.keys import DEVELOPMENT_NAMES, KeyPair, Scheme
from runtime.primitives.multiaddress import Id

RUNTIME = runtime_of(dev(), LocalEngine(), BlsCrypto())
GENESIS = build_genesis(dev(), RUNTIME)
PRUNING = Pruning.keep(8)
"""Few states, so that every finalised block also prunes one."""

START_SLOT = 1_700_000_000
SENDERS = [KeyPair.from_uri(f"//{name}", Scheme.ED25519) for name in DEVELOPMENT_NAMES]
STRANGERS = 200
"""Accounts that transfers go to: the state must be small enough to be audited after every kill."""
PUBLISH_EVERY = 16
MODELS = 6
FINALISE_EVERY = 3
FORK_EVERY = 7
KEYS = Keystore(None, ("//Alice",))


def open_on(kv: KeyValue, pruning: Pruning | None = PRUNING) -> Chain:
    """The campaign's chain over a database; `pruning` None: as it was made."""
    return assemble(kv, GENESIS, RUNTIME, pruning)


def artifact(number: int) -> bytes:
    """A model that multiplies four bytes by a number."""
    builder = ProgramBuilder()
    x = builder.input("x", DType.U8, (1, 4), Quantization(1, 2, 0))
    out = ops.Requantize.to(DType.I32)
    y = builder.emit(ops.Rescale(x_zero=0, multiplier=number + 1, out=out), x)
    builder.output(y, "y", Quantization(1, 1, 0))
    return encode_program(builder.build({}))


ARTIFACTS = [artifact(number) for number in range(MODELS)]


class Builder:
    """Authors blocks on a chain, and makes every third final: `finalised` lists those."""

    def __init__(self, chain: Chain, finalised: list[BlockFinalised]) -> None:
        proposer = Proposer(chain.store, RUNTIME)
        self._chain = chain
        self._author = Author(chain.store, chain.importer, proposer, chain.checker, KEYS)
        self._finaliser = chain.finaliser(KEYS)
        self._finalised = finalised

    def build(self, skipped_slots: int = 0) -> Authored:
        """The next block on the best one, some slots after it."""
        store = self._chain.store
        best = store.header(store.best().hash)
        assert best is not None
        taken = slot_of_header(best)
        slot = START_SLOT if taken is None else taken + 1 + skipped_slots
        pool = [_pooled(one) for one in transactions(self._chain)]
        authored = self._author.author(slot, lambda: 0, lambda: pool)
        assert authored is not None
        return authored

    def finalise_best(self) -> None:
        """Vote for the best block."""
        best = self._chain.store.best()
        outcomes = self._finaliser.handle(BestBlock(best.hash, best.number), best.number)
        self._finalised += [one for one in outcomes if isinstance(one, BlockFinalised)]


def _pooled(one: Transaction) -> PoolTransaction:
    return PoolTransaction(one.hash, one.encoded, 1, (), (one.hash,), 1 << 32)


def transactions(chain: Chain) -> Iterator[Transaction]:
    """What the next block holds: it depends on its number and on the nonces alone."""
    best = chain.store.best()
    accounts = RUNTIME.view(chain.store.state_at(best.hash)).pallet(System).account
    signing = context(chain)
    for index, sender in enumerate(SENDERS):
        nonce = accounts.get(sender.public).nonce
        for offset, call in enumerate(_calls(best.number + 1, index)):
            yield sign(RUNTIME.encode_call(call), sender, nonce + offset, signing)


def _calls(number: int, sender: int) -> Iterator[RuntimeCall]:
    stranger = blake2_256(((number * 31 + sender * 17) % STRANGERS).to_bytes(8, "little"))
    value = 10**10 * (number + 1) if sender else 10**30  # The first sender's transfer always fails.
    yield RUNTIME.call("Balances", "transfer_allow_death", dest=Id(stranger), value=value)
    newest = number // PUBLISH_EVERY - 1
    if sender == 1 and number % PUBLISH_EVERY == 0 and newest < MODELS:
        yield _publication(ARTIFACTS[newest])
    elif sender == 2 and newest >= 0:
        model = artifact_id(ARTIFACTS[min(newest, MODELS - 1)])
        pixels = bytes((number >> shift) & 255 for shift in (0, 2, 4, 8))
        yield RUNTIME.call("Inference", "infer", model=model, inputs=(pixels,), max_fee=10**18)


def _publication(content: bytes) -> RuntimeCall:
    model, size = artifact_id(content), len(content)
    calls = [
        RUNTIME.call("Models", "create", model=model, size=size),
        RUNTIME.call("Models", "upload_chunk", model=model, index=0, data=content),
        RUNTIME.call("Models", "publish", model=model, size=size),
    ]
    return RUNTIME.call("Utility", "batch_all", calls=calls)


@dataclass(frozen=True, slots=True)
class BlockFile:
    """Blocks in the order in which a node hears of them; `forks` of them lose."""

    path: Path
    blocks: int
    forks: int


def prepare_blocks(path: Path, count: int) -> tuple[BlockFile, Chain]:
    """A file of `count` blocks and the chain that it must lead to.

    Every seventh block has a sibling that an importing node hears of first, so that it reorganises.
    """
    chain, twin = open_on(MemoryKeyValue()), open_on(MemoryKeyValue())
    finalised: list[BlockFinalised] = []
    builder, other = Builder(chain, finalised), Builder(twin, [])
    records: list[BlockRecord] = []
    while chain.store.best().number < count:
        number = chain.store.best().number + 1
        heights = 2 if number % FORK_EVERY == 0 else 1
        if heights == 2:
            records.append(_record(twin, other.build(skipped_slots=2).stored.hash))
        for _ in range(heights):
            _hand_over(chain, builder, twin, records)
        if number % FINALISE_EVERY == 0:
            builder.finalise_best()
            best = chain.store.best()
            records[-1] = _record(chain, best.hash)
            twin.importer.tree.finalise(best.hash)
            twin.store.finalize(best.hash, None)
    with path.open("wb") as out:
        exchange.write(out, chain.store.genesis_hash, records, binary=True)
    blocks = chain.store.best().number
    return BlockFile(path, blocks, len(records) - blocks), chain


def _hand_over(chain: Chain, builder: Builder, twin: Chain, records: list[BlockRecord]) -> None:
    authored = builder.build()
    record = _record(chain, authored.stored.hash)
    header = Header.decode(record.header)
    twin.importer.import_block(Received(header, record.extrinsics), START_SLOT * 2_000)
    records.append(record)


def _record(chain: Chain, block_hash: bytes) -> BlockRecord:
    store = chain.store
    header, body = store.header(block_hash), store.body(block_hash)
    assert header is not None
    assert body is not None
    return BlockRecord(
        header.encode(), body, store.justification(block_hash), store.outcome(block_hash) or b""
    )
