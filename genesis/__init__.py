"""Chain specifications and genesis state."""
