"""A validator's journal between its database and the document that moves with its keys.

The database holds one claim and one round record, whichever key made them: the highest binds them all. So the
document names every key of the keystore, and what comes in binds every key here.
"""

from chain.authoring.author import CLAIM_KEY
from chain.finalising import VOTE_RECORD
from chain.keystore import Keystore
from chain.store import Store
from consensus.authoring import CLAIM_RECORD
from consensus.finality.journal import ROUND_RECORD
from consensus.journal_export import SigningJournal, merge_journals


def read_journal(store: Store, keystore: Keystore) -> SigningJournal:
    """What the keys of the keystore may no longer sign. Raises `KeystoreFault`."""
    claim, record = store.aux(CLAIM_KEY), store.aux(VOTE_RECORD)
    claims = {key.public: CLAIM_RECORD.decode(claim) for key in keystore.block_keys()} if claim else {}
    rounds = {key.public: ROUND_RECORD.decode(record) for key in keystore.finality_keys()} if record else {}
    return SigningJournal(store.genesis_hash, claims, rounds)


def write_journal(store: Store, keystore: Keystore, journal: SigningJournal) -> SigningJournal:
    """Make the database forbid what the document forbids, durably; the journal that then holds.

    Raises `InvalidJournal` where both contradict each other: then a key has signed twice already.
    """
    own = read_journal(store, keystore)
    merged = merge_journals(own, journal)
    changes = dict[bytes, bytes | None]()
    claim = max(merged.claims.values(), key=lambda one: one.slot, default=None)
    record = max(
        merged.rounds.values(), key=lambda one: (one.set_id, one.round, len(one.votes)), default=None
    )
    if claim is not None:
        changes[CLAIM_KEY] = CLAIM_RECORD.encode(claim)
    if record is not None:
        changes[VOTE_RECORD] = ROUND_RECORD.encode(record)
    store.write_aux(changes, sync=True)
    return merged
