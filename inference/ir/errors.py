"""The ways in which artifact bytes, programs and inputs can be wrong."""

from enum import Enum


class ArtifactFault(Enum):
    """Why an artifact is refused. The value is the text that users and logs see."""

    TOO_LARGE = "the artifact is larger than the limit"
    MALFORMED = "the bytes are not the msgpack of an artifact"
    NOT_CANONICAL = "the bytes are not the canonical encoding of what they say"
    UNKNOWN_FORMAT = "the artifact has an unknown format or op-set version"
    UNKNOWN_OP = "an operation code is not in the op set"
    BAD_FIELD = "a field has the wrong type or lies outside its range"
    BAD_REFERENCE = "an operand refers to a value that is not defined before it"
    BAD_ARITY = "an operation has the wrong number of operands"
    BAD_TYPE = "an operand has a dtype or shape that the operation does not take"
    BAD_CONSTANT = "a constant breaks a rule of the operation that uses it"
    UNUSED_VALUE = "a constant or an operation's result is never used"
    LIMIT = "the program exceeds a limit"
    OVERFLOW = "a value or accumulator may leave its range"


class InvalidArtifact(ValueError):
    """An artifact or program that no node may run; `reason` says which rule it breaks."""

    def __init__(self, reason: ArtifactFault, detail: str) -> None:
        """Keep the reason and a detail that names the place and the offending value."""
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class InputFault(Enum):
    """Why the inputs of a call are refused."""

    WRONG_COUNT = "wrong number of inputs"
    WRONG_LENGTH = "an input has the wrong number of bytes"
    UNKNOWN_NAME = "the inputs' names are not those of the model"
    WRONG_SHAPE = "an input has the wrong shape"
    WRONG_DTYPE = "an input has a dtype that can not be taken"
    OUT_OF_RANGE = "an input value lies outside its dtype"
    NOT_FINITE = "an input holds NaN or infinity"


class InvalidInput(ValueError):
    """A call whose inputs do not fit the model: the caller's fault, never the node's."""

    def __init__(self, reason: InputFault, detail: str) -> None:
        """Keep the reason and a detail that names the input and what was expected."""
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
