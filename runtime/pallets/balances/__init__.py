"""Balances: the chain's own currency."""

from runtime.pallets.balances.pallet import Balances
from runtime.pallets.balances.types import Preservation

__all__ = ["Balances", "Preservation"]
