"""Weights of Staking's calls: at least three times what one core of a 2-core Intel Xeon measured.

Without the trie, CPython 3.11: bond 35 us, bond_extra 53, unbond 51, rebond 37, withdraw 48, and 91 where
it removes the stash; validate 28, nominate 21 to 39, chill 39, kick 11 for each, chill_other 18, set_payee
15. A payout to a validator and 256 nominators took 18 ms and wrote 773 keys, at 40 us of trie for each. An
election of 4,000 nominators, each with 16 targets, and 1,000 candidates for 1,000 seats took 0.61 s and
0.04 s to encode 2,645 values; for 100 seats 0.22 s.
"""

from runtime.frame.weights import MICROSECOND, Pays, PostDispatchInfo, Weight

PROOF = 4_096
"""Bytes: a record, its key and its trie path."""

FREE = PostDispatchInfo(pays_fee=Pays.No)
"""What a call answers that cleans up or is the operators' duty, and succeeded."""

BOND = Weight(400 * MICROSECOND, 5 * PROOF)
BOND_EXTRA = Weight(350 * MICROSECOND, 4 * PROOF)
UNBOND = Weight(400 * MICROSECOND, 6 * PROOF)
SET_PAYEE = Weight(150 * MICROSECOND, 2 * PROOF)
SET_CONTROLLER = Weight(100 * MICROSECOND, PROOF)
REBOND = Weight(200 * MICROSECOND, 3 * PROOF)
VALIDATE = Weight(350 * MICROSECOND, 6 * PROOF)
CHILL = Weight(300 * MICROSECOND, 5 * PROOF)
CHILL_OTHER = Weight(350 * MICROSECOND, 8 * PROOF)
FORCE_APPLY_MIN_COMMISSION = Weight(150 * MICROSECOND, 2 * PROOF)
SET_VALUE = Weight(150 * MICROSECOND, PROOF)
"""A call of root that sets one value or a few."""


def _spans(count: int) -> Weight:
    return Weight(60 * MICROSECOND * count, 200 * count)


def withdraw(spans: int) -> Weight:
    """The weight of withdrawing; `spans` slashing spans are removed with the stash."""
    return Weight(600 * MICROSECOND, 10 * PROOF) + _spans(spans)


def reap(spans: int) -> Weight:
    """The weight of reaping a stash of so many slashing spans."""
    return Weight(500 * MICROSECOND, 10 * PROOF) + _spans(spans)


def nominate(targets: int) -> Weight:
    """The weight of nominating so many validators."""
    return Weight(350 * MICROSECOND, 6 * PROOF) + Weight(15 * MICROSECOND, PROOF) * targets


def kick(nominators: int) -> Weight:
    """The weight of kicking so many nominators."""
    return Weight(100 * MICROSECOND, PROOF) + Weight(90 * MICROSECOND, PROOF) * nominators


def payout(receivers: int) -> Weight:
    """The weight of paying a validator and so many nominators."""
    return Weight(600 * MICROSECOND, 8 * PROOF) + Weight(300 * MICROSECOND, 4 * PROOF) * receivers


def cancel(slashes: int) -> Weight:
    """The weight of cancelling so many deferred slashes."""
    return Weight(300 * MICROSECOND, 2 * PROOF) + Weight(40 * MICROSECOND, 1_024) * slashes


def election(nominators: int, candidates: int) -> Weight:
    """The weight of an election of so many, with the storing of what it found."""
    return (
        Weight(2_000 * MICROSECOND, 16 * PROOF)
        + Weight(110 * MICROSECOND, PROOF) * nominators
        + Weight(450 * MICROSECOND, 4 * PROOF) * candidates
    )
