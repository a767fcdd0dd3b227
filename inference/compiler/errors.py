"""What the compiler answers to a file that it can not take: always the place and what to change."""

from enum import Enum


class ModelFault(Enum):
    """Why a file is not a model that may be compiled."""

    UNREADABLE = "not an ONNX model"
    TOO_LARGE = "model too large"
    MALFORMED = "malformed graph"
    NOT_FINITE = "NaN or infinity in a weight"
    WRONG_TYPE = "types or shapes do not fit"
    NOT_STATIC = "shape is not static"
    BAD_CALIBRATION = "calibration data does not fit"
    BAD_OPTION = "compiler option does not fit"


class InvalidModel(Exception):
    """The file, the calibration data or an option is wrong; `reason` says in which way, `detail` where."""

    def __init__(self, reason: ModelFault, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class UnsupportedModel(Exception):
    """A well-formed model that uses something the engine has no integer form for.

    `operator` and `node` name the place; `advice` says what to change so that the model compiles.
    """

    def __init__(self, operator: str, node: str, advice: str) -> None:
        super().__init__(f"{operator} (node {node!r}) is not supported: {advice}")
        self.operator = operator
        self.node = node
        self.advice = advice
