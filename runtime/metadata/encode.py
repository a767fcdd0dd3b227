"""The encoders by version, and the frame that all versions share."""

from collections.abc import Callable

from runtime.metadata import v14, v15, v16
from runtime.metadata.form import Metadata

MAGIC = b"meta"
"""What every encoded metadata opens with, before the byte of its version."""

_ENCODERS: dict[int, Callable[[Metadata], bytes]] = {
    module.VERSION: module.encode for module in (v14, v15, v16)
}

VERSIONS = tuple(_ENCODERS)


def encode(metadata: Metadata, version: int) -> bytes:
    """The metadata in the layout of `version`, one of `VERSIONS`; `LookupError` for any other."""
    return MAGIC + bytes([version]) + _ENCODERS[version](metadata)
