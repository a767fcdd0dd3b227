"""System: accounts, block context, events, remarks, upgrades."""

from runtime.pallets.system.pallet import CODE_KEY, EXTRINSIC_INDEX_KEY, System

__all__ = ["CODE_KEY", "EXTRINSIC_INDEX_KEY", "System"]
