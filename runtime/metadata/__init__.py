"""Metadata: what a client must know to read and write this chain, derived from the composed runtime."""

from runtime.metadata.describe import describe
from runtime.metadata.encode import MAGIC, VERSIONS, encode
from runtime.metadata.form import Metadata

__all__ = ["MAGIC", "VERSIONS", "Metadata", "describe", "encode"]
