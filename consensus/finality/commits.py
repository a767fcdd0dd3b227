"""Justifications from the votes of a round; and which of them to tell others, and when."""

from consensus.finality.chain import ChainView, Target
from consensus.finality.justification import MAX_ANCESTRY, MAX_GROUPS, Justification, assemble
from consensus.finality.messages import SignedVote
from consensus.finality.round import Round
from consensus.finality.scheme import SignatureScheme
from runtime.primitives.header import Header

MAX_HANDOVERS = 16
"""Justifications of past handovers kept for peers that lag; whoever lags further synchronises blocks, which
bring theirs along.
"""


def justify(
    finished: Round, target: Target, chain: ChainView, scheme: SignatureScheme
) -> Justification | None:
    """The justification that a round's precommits give for a block; None where they do not prove it within
    the limits of a justification.

    Targets with most weight come first, so that stray votes far above cost nobody a header.
    """
    groups = dict[Target, list[SignedVote]]()
    for signed in finished.precommits_for(target):
        voted = Target(signed.vote.target_hash, signed.vote.target_number)
        groups.setdefault(voted, []).append(signed)
    weights = {
        voted: sum(finished.voters.members[one.voter].weight for one in votes)
        for voted, votes in groups.items()
    }
    chosen, headers, weight = list[SignedVote](), dict[bytes, Header](), 0
    for voted in sorted(groups, key=lambda one: (-weights[one], one.number, one.hash))[:MAX_GROUPS]:
        link = _headers_between(voted, target, chain, headers)
        if link is not None and len(headers) + len(link) <= MAX_ANCESTRY:
            headers.update(link)
            chosen += groups[voted]
            weight += weights[voted]
    if weight < finished.voters.threshold:
        return None
    return assemble(target, chosen, finished.voters, list(headers.values()), scheme)


def _headers_between(
    upper: Target, lower: Target, chain: ChainView, known: dict[bytes, Header]
) -> dict[bytes, Header] | None:
    """Headers from `upper` down to the child of `lower`, without those known; None where one is missing."""
    link, current = dict[bytes, Header](), upper.hash
    while current != lower.hash and current not in known:
        header = chain.header(current)
        if header is None or len(link) == MAX_ANCESTRY:
            return None
        link[current] = header
        current = header.parent_hash
    return link


class Commits:
    """The newest justification, those of past handovers, and the one that waits to be told.

    All voters find a block final at about the same time. The round's primary tells at once; the others follow
    one by one, `step_ms` apart, unless they have heard of it by then.
    """

    def __init__(self, step_ms: int) -> None:
        self._step_ms = step_ms
        self._handovers = dict[int, Justification]()
        self.newest: Justification | None = None
        self._waiting: Justification | None = None
        self.tell_at: int | None = None

    def wait(self, justification: Justification, place: int, now: int) -> None:
        """Tell this one in its turn; `place` counts on from the primary."""
        self._waiting, self.tell_at = justification, now + place * self._step_ms

    def heard(self, justification: Justification) -> None:
        """The primary tells this one, or others know it already."""
        if self.newest is None or justification.target_number > self.newest.target_number:
            self.newest = justification
        if self.is_spared_by(justification):
            self._waiting = self.tell_at = None

    def is_spared_by(self, justification: Justification) -> bool:
        """Whether this one makes it needless to tell the one that waits."""
        return self._waiting is not None and justification.target_number >= self._waiting.target_number

    def due(self, now: int) -> Justification | None:
        """What has waited long enough."""
        if self.tell_at is None or now < self.tell_at:
            return None
        waiting, self._waiting, self.tell_at = self._waiting, None, None
        return waiting

    def hand_over(self, justification: Justification) -> None:
        """Keep the justification that ended its voter set."""
        self._handovers[justification.set_id] = justification
        if len(self._handovers) > MAX_HANDOVERS:
            del self._handovers[min(self._handovers)]

    def handover(self, set_id: int) -> Justification | None:
        """What a peer needs that still follows this set."""
        return self._handovers.get(set_id)
