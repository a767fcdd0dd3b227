"""GRANDPA-shaped finality: BLS votes, justifications, and the core that turns best blocks into final ones."""
