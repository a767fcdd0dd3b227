"""What a class declares together with the parts that it inherits."""

from typing import Any


def declared(cls: type) -> dict[str, Any]:
    """The attributes of a class and of those that it inherits, bases first, in the order of declaration."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found.update(vars(base))
    return found
