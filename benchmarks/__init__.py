"""Speed and memory of what Fixpoint exists for, each beside something a user would pick instead."""
