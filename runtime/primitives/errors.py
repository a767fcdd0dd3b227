"""The common shape of "this data breaks a rule": an enum reason, a sentence and the offending value."""

from enum import Enum


class InvalidData(ValueError):
    """Data from outside breaks a rule of the protocol.

    `reason` is a member of the enum that the subclass names, for callers that branch; the message is for
    people and says what was wrong; `value` is what was refused, where it is small enough to keep.
    """

    def __init__(self, reason: Enum, detail: str, value: object = None) -> None:
        super().__init__(f"{reason.name.lower().replace('_', ' ')}: {detail}")
        self.reason = reason
        self.detail = detail
        self.value = value
