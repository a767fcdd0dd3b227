"""What must hold in every run, judged outside the nodes by what they do."""

from consensus.authorities import VoterSet
from consensus.finality.changes import AuthorityRecord
from consensus.finality.journal import RoundRecord
from consensus.finality.justification import InvalidJustification, Justification, verify_justification
from consensus.finality.messages import Stage, Vote, unpack_signers
from consensus.finality.scheme import SignatureScheme
from runtime.primitives.header import Header


class Violation(AssertionError):
    """A promise of the protocol is broken."""


class Checkers:
    """Agreement, validity, no double signature by a correct voter, and names for whoever broke agreement.

    With `accountable`, more than the tolerated weight misbehaves: agreement may break, but then at least a
    third of the weight must stand convicted.
    """

    def __init__(
        self, scheme: SignatureScheme, first: VoterSet, genesis: Header, *, accountable: bool
    ) -> None:
        self._scheme = scheme
        self._accountable = accountable
        self.sets = {first.set_id: first}
        self.headers = {genesis.hash(): genesis}
        self.final = {0: genesis.hash()}
        self.convicted = dict[int, set[int]]()
        self.conflicts = 0
        self._said = dict[tuple[int, int, Stage, int], Vote]()
        self._signed = dict[tuple[int, int, Stage, int], set[Vote]]()
        self._verified = set[bytes]()

    def block(self, header: Header, block_hash: bytes) -> None:
        self.headers[block_hash] = header

    def signed(self, vote: Vote, voter: int, *, correct: bool) -> None:
        """A voter signed something, whoever was told of it."""
        if vote.stage is Stage.PROPOSAL:
            return
        slot = (vote.set_id, vote.round, vote.stage, voter)
        self._signed.setdefault(slot, set()).add(vote)
        first = self._said.setdefault((vote.set_id, vote.round, vote.stage, voter), vote)
        if first != vote:
            if correct:
                raise Violation(f"correct voter {voter} signed {first} and {vote}")
            self.convicted.setdefault(vote.set_id, set()).add(voter)

    def journaled(self, vote: Vote, voter: int, is_durable: bool, journal: RoundRecord | None) -> None:
        """A correct voter is about to sign."""
        if not is_durable or journal is None or vote not in journal.votes:
            raise Violation(f"correct voter {voter} signs {vote}, which is not in its journal")

    def finalised(
        self,
        node: int,
        justification: Justification,
        authorities: AuthorityRecord | None,
        *,
        correct: bool,
    ) -> None:
        """A node made a block final, and may have learnt who rules next."""
        if authorities is not None:
            known = self.sets.setdefault(authorities.set_id, authorities.voters())
            if correct and known.members != authorities.members:
                raise Violation(f"node {node} knows another voter set {authorities.set_id}")
        if not correct:
            return
        voters = self.sets[justification.set_id]
        encoded = justification.encode()
        if encoded not in self._verified:
            try:
                verify_justification(justification, voters, self._scheme)
            except InvalidJustification as error:
                raise Violation(f"node {node} finalised with an invalid justification: {error}") from error
            self._check_said(node, justification, voters)
            self._verified.add(encoded)
        number, block_hash = justification.target_number, justification.target_hash
        while number not in self.final:
            self.final[number] = block_hash
            block_hash, number = self.headers[block_hash].parent_hash, number - 1
        if self.final[number] != block_hash:
            self._conflict(node, number, voters)

    def _check_said(self, node: int, justification: Justification, voters: VoterSet) -> None:
        """Every vote that a justification counts was signed by somebody: an aggregate must not lie."""
        for group in justification.groups:
            for voter in unpack_signers(group.signers, len(voters)) or ():
                slot = (justification.set_id, justification.round, Stage.PRECOMMIT, voter)
                vote = Vote(Stage.PRECOMMIT, group.target_hash, group.target_number, slot[1], slot[0])
                if vote not in self._signed.get(slot, ()):
                    raise Violation(f"node {node} finalised with a vote that voter {voter} never signed")

    def _conflict(self, node: int, number: int, voters: VoterSet) -> None:
        self.conflicts += 1
        if not self._accountable:
            raise Violation(f"node {node} finalised another block {number}")
        convicted = sorted(self.convicted.get(voters.set_id, set()))
        weight = sum(voters.members[voter].weight for voter in convicted)
        if weight <= voters.total_weight - voters.threshold:
            raise Violation(f"block {number} conflicts, but only {convicted} stand convicted")
