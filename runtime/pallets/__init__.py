"""The pallets that `runtime.configuration` composes into the runtime."""
