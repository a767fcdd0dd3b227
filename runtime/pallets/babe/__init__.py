"""Babe: slots and epochs on chain, their randomness, and reports of double blocks."""

from runtime.pallets.babe.pallet import Babe
from runtime.pallets.babe.types import BabeConfiguration, Epoch, EpochConfiguration

__all__ = ["Babe", "BabeConfiguration", "Epoch", "EpochConfiguration"]
