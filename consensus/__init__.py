"""Slots, claims, seals, fork choice and finality; sans-I/O."""
