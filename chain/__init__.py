"""The node: store, pool, import, authoring, RPC, command line; the only place that knows all parts."""
