"""Encodings, hashes, keys and block types shared by every floor above."""
