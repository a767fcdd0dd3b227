"""A chain of two validators of which one leaves: blocks, announcements and replay follow the sets."""

from chain.authoring import Author, Authored, Proposer
from chain.importing.rules import voters_at
from chain.keystore import Keystore
from chain.opening import assemble
from chain.pool import PoolTransaction
from chain.replay import export_records, import_records
from chain.store import MemoryKeyValue
from client.transaction import SigningContext, sign
from consensus.digest import find_pre_digest
from consensus.finality.changes import find_scheduled_change
from consensus.ownership import BlsCrypto
from genesis.authority import finality_key
from genesis.build import build_genesis
from genesis.presets import testnet as network_of
from genesis.timing import runtime_of
from runtime.inference_engine import LocalEngine
from runtime.pallets.authorship import Authorship
from runtime.pallets.session import Session
from runtime.primitives.keys import KeyPair

EPOCH = 6
SPEC = network_of(2, 1_000, EPOCH)
RUNTIME = runtime_of(SPEC, LocalEngine(), BlsCrypto())
GENESIS = build_genesis(SPEC, RUNTIME)
URIS = ("//Validator//0", "//Validator//1")
ACCOUNTS = [KeyPair.from_uri(uri) for uri in URIS]
FIRST_SLOT = 1_700_000_001


def leaving() -> PoolTransaction:
    """The second validator purges its keys."""
    version = RUNTIME.version
    context = SigningContext.immortal(
        version.spec_version, version.transaction_version, GENESIS.header.hash()
    )
    call = RUNTIME.encode_call(RUNTIME.call("Session", "purge_keys"))
    made = sign(call, ACCOUNTS[1], 0, context, 0)
    return PoolTransaction(made.hash, made.encoded, 1, (), (made.hash,), 2**32)


def test_a_validator_that_leaves_authors_no_more_and_hands_its_vote_over() -> None:
    chain = assemble(MemoryKeyValue(), GENESIS, RUNTIME)
    author = Author(
        chain.store, chain.importer, Proposer(chain.store, RUNTIME), chain.checker, Keystore(None, URIS)
    )
    made = list[Authored]()
    for slot in range(FIRST_SLOT, FIRST_SLOT + 4 * EPOCH):
        pool = [leaving()] if not made else []
        built = author.author(slot, lambda: slot * 1000, lambda: pool)  # noqa: B023 - called at once
        assert built is not None
        made.append(built)
    headers = [one.proposal.header for one in made]
    authors = [find_pre_digest(header).authority_index for header in headers]
    assert sorted({*authors[: 2 * EPOCH]}) == [0, 1]
    assert {*authors[2 * EPOCH :]} == {0}
    announced = [header.number for header in headers if find_scheduled_change(header) is not None]
    assert announced == [2 * EPOCH + 1]
    before, behind = (chain.store.state_at(made[2 * EPOCH + step].stored.hash) for step in (-1, 0))
    assert [one.key for one in voters_at(before).members] == [finality_key(uri).public for uri in URIS]
    assert [one.key for one in voters_at(behind).members] == [finality_key(URIS[0]).public]
    assert (voters_at(before).set_id, voters_at(behind).set_id) == (0, 1)
    assert RUNTIME.view(behind).pallet(Session).validators.get() == (ACCOUNTS[0].public,)
    for index, one in enumerate(made[: 2 * EPOCH]):
        view = RUNTIME.view(chain.store.state_at(one.stored.hash))
        assert view.pallet(Authorship).author() == ACCOUNTS[authors[index]].public
    copy = assemble(MemoryKeyValue(), GENESIS, RUNTIME)
    last = chain.store.best().number
    summary = import_records(copy, export_records(chain.store, 1, last), lambda: 10**15)
    assert summary.state_root == chain.store.state_root(chain.store.best().hash)
