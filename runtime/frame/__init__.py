"""The pallet framework: storage items, calls, events, errors, origins, weights, extensions, composition."""
