"""How a command fails: one line on standard error that says what to do, and an exit code."""

OK, FAILED, USAGE = 0, 1, 2
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


class CommandFailed(Exception):
    """The command could not do its work (exit code 1)."""


class UsageFault(Exception):
    """The command was called in a way that means nothing (exit code 2)."""
