"""Authorship: who authored the block, for fees and era points."""

from runtime.frame.pallet import Pallet, Uses
from runtime.frame.storage import StorageValue
from runtime.frame.weights import MICROSECOND, Weight
from runtime.pallets.babe import Babe
from runtime.pallets.session import AuthorshipHandler, Session
from runtime.primitives.types import AccountId

ON_INITIALIZE = Weight(80 * MICROSECOND)


class Authorship(Pallet, index=3):
    """Finds the author of the block by its slot claim.

    It stands behind Session in the composition: the claim of a session's first block counts validators of
    that session.
    """

    author_account: StorageValue[AccountId | None] = StorageValue(
        name="Author", doc="Author of current block."
    )

    babe = Uses(Babe)
    session = Uses(Session)

    def on_initialize(self, number: int) -> Weight:
        """Note the author, and tell those who count."""
        claim = self.babe.claim()
        validators = self.session.validators.get() if claim is not None else ()
        if claim is None or claim.authority_index >= len(validators):
            self.author_account.kill()
            return ON_INITIALIZE
        author = validators[claim.authority_index]
        self.author_account.put(author)
        for handler in self.env.roles(AuthorshipHandler):
            handler.note_author(author)
        return ON_INITIALIZE

    def author(self) -> bytes | None:
        """The account of the current block's author, where its digest names one."""
        return self.author_account.get()
