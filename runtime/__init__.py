"""The state transition: primitives, pallet framework, pallets and the executive; pure."""
