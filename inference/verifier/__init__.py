"""Static checks: structure, worst-case ranges, cost and memory, all before anything runs."""

from inference.verifier.cost import Cost
from inference.verifier.intervals import Interval
from inference.verifier.verified import VerifiedProgram, verify, verify_bytes

__all__ = ["Cost", "Interval", "VerifiedProgram", "verify", "verify_bytes"]
