"""Peers and RPC: pure framing machines under thin transport shells."""
