"""What all tests share: the recursion limit of a node, and no deadlines on a busy machine."""

import sys

import hypothesis

# py_ecc, the oracle of the BLS tests, raises the limit of the whole process when it is imported. A node never
# imports it, and hostile nesting must meet the limit that a node has.
_LIMIT = sys.getrecursionlimit()
import py_ecc  # noqa: E402, F401

sys.setrecursionlimit(_LIMIT)

hypothesis.settings.register_profile("fixpoint", deadline=None)
hypothesis.settings.load_profile("fixpoint")
