"""Chains for the benchmarks: a development chain with many accounts, and blocks authored on it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from chain.authoring import Author, Proposer
from chain.clock import unix_ms
from chain.config import ChainFolder, NodeConfig
from chain.importing import Received
from chain.keystore import Keystore
from chain.machine import settle_memory
from chain.opening import Chain, open_chain
from chain.pool import PoolTransaction
from client.transaction import SigningContext, Transaction, sign
from genesis.presets import dev
from genesis.spec import ChainSpec, PlainGenesis
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import KeyPair, Scheme
from runtime.primitives.multiaddress import Id

ENDOWMENT = 10**16
FAR_AHEAD_MS = 10**9
"""Blocks are authored in slots that run ahead of the clock; importing must not mind."""


def chain_with(accounts: Sequence[bytes]) -> ChainSpec:
    """The development chain with these accounts beside its own, which hold the stakes."""
    spec = dev()
    assert isinstance(spec.genesis, PlainGenesis)
    config = spec.genesis.config
    own = config["balances"]["balances"]
    balances = {"balances": [*own, *(["0x" + account.hex(), ENDOWMENT] for account in accounts)]}
    return replace(spec, genesis=PlainGenesis({**config, "balances": balances}))


@contextmanager
def fresh_chain(spec: ChainSpec) -> Iterator[Chain]:
    """A new LevelDB database for the chain, deleted at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_chain(NodeConfig(ChainFolder(spec, Path(folder)))) as chain,
    ):
        # As the node does when it starts.
        chain.store.warm_up()
        settle_memory()
        yield chain


def signers(count: int, scheme: Scheme = Scheme.ED25519) -> list[KeyPair]:
    """Key pairs from the numbers 1, 2, ..."""
    return [KeyPair.from_seed(number.to_bytes(32, "little"), scheme) for number in range(1, count + 1)]


def strangers(count: int) -> list[bytes]:
    """Accounts whose keys nobody has."""
    return [blake2_256(number.to_bytes(8, "little")) for number in range(count)]


def context(chain: Chain) -> SigningContext:
    """What immortal transactions on the chain are signed for."""
    version = chain.runtime.version
    return SigningContext.immortal(
        version.spec_version, version.transaction_version, chain.genesis.header.hash()
    )


def transfer(chain: Chain, signer: KeyPair, dest: bytes, nonce: int) -> Transaction:
    """A signed `transfer_keep_alive`."""
    call = chain.runtime.call("Balances", "transfer_keep_alive", dest=Id(dest), value=10**9)
    return sign(chain.runtime.encode_call(call), signer, nonce, context(chain))


def author_blocks(chain: Chain, batches: Sequence[Sequence[Transaction]]) -> list[Received]:
    """One block for each batch, all of which must fit; the answer is what another node would receive.

    Their slots lie behind the clock, so that every node accepts them.
    """
    store = chain.store
    keys = Keystore(None, ("//Alice",))
    author = Author(store, chain.importer, Proposer(store, chain.runtime), chain.checker, keys)
    slot = chain.checker.slot_at(unix_ms()) - len(batches)
    blocks = []
    for offset, batch in enumerate(batches):
        pool = [PoolTransaction(one.hash, one.encoded, 1, (), (one.hash,), 2**32) for one in batch]
        authored = author.author(slot + offset, lambda: 0, lambda pool=pool: pool)  # type: ignore[misc]
        assert authored is not None
        assert len(authored.proposal.included) == len(batch), f"{authored.proposal.ended}: lower the batch"
        block_hash = authored.stored.hash
        header, body = store.header(block_hash), store.body(block_hash)
        assert header is not None
        assert body is not None
        blocks.append(Received(header, body, None, store.outcome(block_hash)))
    return blocks


def import_all(chain: Chain, blocks: Sequence[Received]) -> None:
    """Import blocks as if they came from the network."""
    for block in blocks:
        chain.importer.import_block(block, unix_ms() + FAR_AHEAD_MS)
