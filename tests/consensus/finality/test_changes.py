from dataclasses import replace

import pytest

from consensus.authorities import Voter
from consensus.digest import FRNK
from consensus.faults import HeaderFault, InvalidHeader
from consensus.finality.chain import ChainView, Target
from consensus.finality.changes import (
    AUTHORITY_RECORD,
    AuthorityRecord,
    PendingChanges,
    ScheduledChange,
    VoterDisabled,
    finality_item,
    find_scheduled_change,
)
from consensus.fork_tree import BlockRef, ForkTree
from runtime.primitives.digest import Consensus, DigestItem
from tests.consensus.builders import GENESIS, bls_key, chain, child

OLD, NEW, OTHER = ((Voter(bls_key(number).public, 1),) for number in (1, 2, 3))
MAIN = chain(6)
FORK = chain(4, parent=MAIN[0], state=9)


def at(number: int) -> Target:
    header = MAIN[number - 1]
    return Target(header.hash(), header.number)


class Announced:
    def __init__(self, record: AuthorityRecord | None = None, root: int = 0) -> None:
        headers = [GENESIS, *MAIN]
        refs = [BlockRef(one.hash(), one.number, one.parent_hash, False) for one in [*headers, *FORK]]
        self.tree = ForkTree(refs[root])
        for ref in refs[root + 1 :]:
            if ref.parent_hash in self.tree:
                self.tree.insert(ref)
        self.view = ChainView(self.tree, lambda _: None)
        self.changes = PendingChanges(record or AuthorityRecord(5, OLD))

    def announce(self, block: Target, delay: int, voters: tuple[Voter, ...] = NEW) -> None:
        self.changes.announce(block, ScheduledChange(voters, delay), self.view)

    def limit(self, block: Target) -> int:
        return self.changes.limit(block, self.view).number

    def finalise(self, block: Target) -> AuthorityRecord | None:
        record = self.changes.finalise(block, self.view)
        self.tree.finalise(block.hash)
        return record


def test_nobody_votes_beyond_the_block_that_enacts_a_change() -> None:
    announced = Announced()
    announced.announce(at(2), delay=2)
    assert [announced.limit(at(number)) for number in range(1, 7)] == [1, 2, 3, 4, 4, 4]
    assert not announced.changes.crosses(at(4), announced.view)
    assert announced.changes.crosses(at(5), announced.view)
    fork = Target(FORK[-1].hash(), FORK[-1].number)
    assert announced.limit(fork) == fork.number


def test_the_set_changes_when_the_enacting_block_is_final() -> None:
    announced = Announced()
    announced.announce(at(2), delay=2)
    assert announced.finalise(at(1)) is None
    waiting = announced.finalise(at(3))
    assert waiting is not None
    assert (waiting.set_id, waiting.pending and waiting.pending.enacted_at) == (5, 4)
    assert announced.limit(at(6)) == 4
    assert announced.finalise(at(4)) == AuthorityRecord(6, NEW, 4)
    assert announced.limit(at(6)) == 6


def test_a_restart_with_the_record_goes_on_where_it_was() -> None:
    announced = Announced()
    announced.announce(at(2), delay=2)
    waiting = announced.finalise(at(3))
    assert waiting is not None
    restarted = Announced(AUTHORITY_RECORD.decode(AUTHORITY_RECORD.encode(waiting)), root=3)
    assert restarted.limit(at(6)) == 4
    assert restarted.finalise(at(4)) == AuthorityRecord(6, NEW, 4)


def test_a_change_announced_before_an_earlier_one_is_enacted_does_not_count() -> None:
    announced = Announced()
    announced.announce(at(2), delay=2)
    announced.announce(at(2), delay=2)
    announced.announce(at(4), delay=0, voters=OTHER)
    assert announced.finalise(at(4)) == AuthorityRecord(6, NEW, 4)
    announced.announce(at(4), delay=2, voters=OTHER)
    assert announced.limit(at(6)) == 6


def test_a_change_announced_after_the_enacting_block_waits_behind_it() -> None:
    announced = Announced()
    announced.announce(at(2), delay=0)
    announced.announce(at(3), delay=1, voters=OTHER)
    assert announced.limit(at(6)) == 2
    assert announced.finalise(at(2)) == AuthorityRecord(6, NEW, 2)
    assert announced.finalise(at(4)) == AuthorityRecord(7, OTHER, 4)


def test_a_change_on_a_branch_that_loses_is_forgotten() -> None:
    announced = Announced()
    announced.announce(Target(FORK[0].hash(), FORK[0].number), delay=5)
    assert announced.finalise(at(2)) is None
    assert announced.limit(at(6)) == 6


def found(*logs: DigestItem) -> ScheduledChange | None:
    return find_scheduled_change(child(GENESIS, *logs))


def test_a_header_announces_at_most_one_change_that_can_be_read_and_used() -> None:
    change = ScheduledChange(NEW, 3)
    assert found() is None
    assert found(finality_item(VoterDisabled(1)), Consensus(b"BABE", b"?"), finality_item(change)) == change
    empty = replace(change, next_voters=())
    twice = (finality_item(change), finality_item(change))
    cases = [
        ((Consensus(FRNK, b"\x09"),), HeaderFault.LOG_MALFORMED),
        ((finality_item(empty),), HeaderFault.LOG_MALFORMED),
        (twice, HeaderFault.LOG_REPEATED),
    ]
    for logs, fault in cases:
        with pytest.raises(InvalidHeader) as caught:
            found(*logs)
        assert caught.value.reason is fault
