"""Light proofs out of the database: what ended a voter set, and the newest proof of finality."""

from chain.finalising import handover_key
from chain.store import Store
from consensus.finality.changes import read_scheduled_change
from consensus.finality.handover import MAX_HANDOVER_HEADERS, FinalityProof, Handover
from consensus.finality.justification import Justification
from runtime.primitives.header import Header


def stored_handover(store: Store, set_id: int) -> Handover | None:
    """The handover that ended a voter set; None where it rules still, or is not known here."""
    enacting = store.aux(handover_key(set_id))
    justification = store.justification(enacting) if enacting is not None else None
    headers = _announced_to_enacted(store, enacting) if enacting is not None else None
    if justification is None or headers is None:
        return None
    return Handover(headers, Justification.decode(justification))


def newest_finality(store: Store) -> FinalityProof | None:
    """The proof of the last final block; None for genesis, which needs none."""
    block = store.finalized().hash
    header, justification = store.header(block), store.justification(block)
    if header is None or justification is None:
        return None
    return FinalityProof(header, Justification.decode(justification))


def _announced_to_enacted(store: Store, enacting: bytes) -> tuple[Header, ...] | None:
    """The headers from the block that announces the change which `enacting` enacts, up to that block.

    A branch announces nothing while a change waits, so the nearest announcement that fits is the one.
    """
    found = list[Header]()
    block = enacting
    while len(found) < MAX_HANDOVER_HEADERS:
        header = store.header(block)
        if header is None:
            return None
        found.append(header)
        change = read_scheduled_change(header)
        if change is not None and change.delay == len(found) - 1:
            return tuple(reversed(found))
        block = header.parent_hash
    return None
