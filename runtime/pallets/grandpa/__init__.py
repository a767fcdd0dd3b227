"""Grandpa: who votes for finality, announced in headers, and reports of double votes."""

from runtime.pallets.grandpa.pallet import Grandpa

__all__ = ["Grandpa"]
