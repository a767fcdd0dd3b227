"""What happens to a stash's ledger: pure steps from one `StakingLedger` to the next."""

from dataclasses import replace

from runtime.pallets.staking.types import StakingLedger, UnlockChunk


def unlock(ledger: StakingLedger, value: int, era: int, minimum: int) -> tuple[StakingLedger, int]:
    """Move up to `value` from active to unlocking until `era`; the second answer is how much was moved.

    Less than `minimum` does not stay active: it goes too.
    """
    moved = min(value, ledger.active)
    if ledger.active - moved < minimum:
        moved = ledger.active
    if not moved:
        return ledger, 0
    chunks = ledger.unlocking
    if chunks and chunks[-1].era == era:
        chunks = (*chunks[:-1], UnlockChunk(chunks[-1].value + moved, era))
    else:
        chunks = (*chunks, UnlockChunk(moved, era))
    return replace(ledger, active=ledger.active - moved, unlocking=chunks), moved


def consolidate(ledger: StakingLedger, era: int) -> StakingLedger:
    """Without the chunks that may be withdrawn in `era`."""
    kept = tuple(chunk for chunk in ledger.unlocking if chunk.era > era)
    return replace(ledger, total=ledger.active + sum(chunk.value for chunk in kept), unlocking=kept)


def rebond(ledger: StakingLedger, value: int) -> tuple[StakingLedger, int]:
    """Move up to `value` back from unlocking to active, the latest chunks first; and how much was moved."""
    chunks = list(ledger.unlocking)
    left = value
    while chunks and left:
        last = chunks.pop()
        taken = min(left, last.value)
        left -= taken
        if taken < last.value:
            chunks.append(UnlockChunk(last.value - taken, last.era))
    moved = value - left
    return replace(ledger, active=ledger.active + moved, unlocking=tuple(chunks)), moved


def slash(ledger: StakingLedger, amount: int, minimum: int, unlocks_from: int) -> tuple[StakingLedger, int]:
    """Take `amount` for an offence; the second answer is how much was taken.

    Chunks that unlock in era `unlocks_from` or later were at stake when it happened: they and what is active
    pay in proportion, rounded up. What remains, where those are not enough, comes from the other chunks,
    latest first. A part that falls to `minimum` or below is taken whole, as dust.
    """
    chunks = list(ledger.unlocking)
    first = next((i for i, chunk in enumerate(chunks) if chunk.era >= unlocks_from), len(chunks))
    order = [*range(first, len(chunks)), *reversed(range(first))]
    affected = ledger.active + sum(chunk.value for chunk in chunks[first:])
    proportional = first < len(chunks) and affected > 0
    left = amount

    def take(part: int) -> int:
        nonlocal left
        wanted = -(-part * amount // affected) if proportional else left
        taken = min(wanted, part, left)
        if taken and part - taken <= minimum:
            taken = part
        left = max(left - taken, 0)
        return taken

    active = ledger.active - take(ledger.active)
    for place in order:
        if not left:
            break
        chunk = chunks[place]
        chunks[place] = UnlockChunk(chunk.value - take(chunk.value), chunk.era)
    kept = tuple(chunk for chunk in chunks if chunk.value)
    total = active + sum(chunk.value for chunk in kept)
    return replace(ledger, active=active, unlocking=kept, total=total), ledger.total - total
