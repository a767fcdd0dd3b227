"""A chain of two validators of which one leaves, and whoever signs makes a chosen block final."""

from collections.abc import Sequence

from chain.authoring import Author, Proposer
from chain.finalising import Finaliser
from chain.keystore import Keystore
from chain.opening import Chain, assemble
from chain.pool import PoolTransaction
from chain.store import MemoryKeyValue
from client.transaction import SigningContext, sign
from consensus.finality.events import BlockStored
from consensus.finality.justification import assemble as justify
from consensus.finality.messages import SignedVote, Stage, Vote
from consensus.ownership import BlsCrypto
from genesis.authority import finality_key
from genesis.build import build_genesis
from genesis.presets import testnet as network_of
from genesis.timing import runtime_of
from runtime.inference_engine import LocalEngine
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import KeyPair

EPOCH = 4
HANDOVER = 2 * EPOCH + 1
SPEC = network_of(2, 1_000, EPOCH)
RUNTIME = runtime_of(SPEC, LocalEngine(), BlsCrypto())
GENESIS = build_genesis(SPEC, RUNTIME)
URIS = ("//Validator//0", "//Validator//1")
FIRST_SLOT = 1_700_000_001


class Line:
    """A chain of which `voters` make a chosen block final."""

    def __init__(self) -> None:
        self.chain: Chain = assemble(MemoryKeyValue(), GENESIS, RUNTIME)
        self.finaliser: Finaliser = self.chain.observer()
        store = self.chain.store
        self._author = Author(
            store, self.chain.importer, Proposer(store, RUNTIME), self.chain.checker, Keystore(None, URIS)
        )

    def grow(self, blocks: int, *pool: PoolTransaction) -> None:
        for _ in range(blocks):
            slot = FIRST_SLOT + self.chain.store.best().number
            authored = self._author.author(slot, lambda: slot * 1000, lambda: list(pool))  # noqa: B023
            assert authored is not None
            header = self.chain.store.header(authored.stored.hash)
            assert header is not None
            self.finaliser.handle(BlockStored(header), slot * 1000)
            pool = ()

    def finalise(self, number: int, set_id: int, uris: Sequence[str]) -> None:
        voters = self.chain.voters_of(set_id)
        block = self.chain.store.block_hash(number)
        assert block is not None
        vote = Vote(Stage.PRECOMMIT, block, number, 1, set_id)
        votes = list[SignedVote]()
        for key in map(finality_key, uris):
            index = voters.index_of(key.public)
            assert index is not None
            votes.append(SignedVote(vote, index, key.sign(vote.payload())))
        encoded = justify((block, number), votes, voters).encode()
        self.finaliser.justify(encoded, number, block, (FIRST_SLOT + number) * 1000)


def submitted(validator: int, nonce: int, call: str, **arguments: object) -> PoolTransaction:
    """A validator's transaction."""
    version = RUNTIME.version
    context = SigningContext.immortal(
        version.spec_version, version.transaction_version, GENESIS.header.hash()
    )
    encoded = RUNTIME.encode_call(RUNTIME.call(*call.split("."), **arguments))
    made = sign(encoded, KeyPair.from_uri(URIS[validator]), nonce, context, 0)
    return PoolTransaction(made.hash, made.encoded, 1, (), (made.hash,), 2**32)


def leaving() -> PoolTransaction:
    """The second validator purges its keys."""
    return submitted(1, 0, "Session.purge_keys")


ARTIFACT = b"the first and only piece of a model"


def uploading() -> list[PoolTransaction]:
    """The first validator uploads a piece of a model."""
    model = blake2_256(ARTIFACT)
    return [
        submitted(0, 0, "Models.create", model=model, size=len(ARTIFACT)),
        submitted(0, 1, "Models.upload_chunk", model=model, index=0, data=ARTIFACT),
    ]
