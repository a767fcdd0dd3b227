"""Staking: funds at stake choose the validators, earn for their work and pay for their faults."""

from runtime.pallets.staking.pallet import Staking

__all__ = ["Staking"]
