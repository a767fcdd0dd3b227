"""Transaction extensions: what is checked, charged and settled around every signed call.

An extension has a part in the transaction (`extra`) and a part that is signed but not sent (`implicit`), both
in the order of the list. A transaction goes through

    check     may it enter a block here? raises `InvalidTransaction`; writes nothing
    describe  for the pool only: priority, tags, longevity
    prepare   before the call: nonce, fee, block weight
    settle    after the call: refunds and events

which are `validate`, `prepare` and `post_dispatch` of Substrate's `TransactionExtension`, the tags taken
out of the path of a block.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from runtime.frame.call import RuntimeCall
from runtime.frame.environment import Environment
from runtime.frame.errors import DispatchError
from runtime.frame.validity import MAX_U64, VALID, ValidTransaction
from runtime.frame.weights import DispatchInfo, PostDispatchInfo
from runtime.primitives.scale import Codec, codec

__all__ = ["MAX_U64", "VALID", "Extension", "Pipeline", "Transaction", "ValidTransaction"]


class Transaction:
    """A signed call on its way into a block.

    `length` counts the encoded bytes with the length prefix; `fee` and `tip` are what was paid, once settled.
    """

    __slots__ = ("call", "env", "fee", "info", "length", "tip", "who")

    def __init__(
        self, env: Environment, who: bytes, call: RuntimeCall, info: DispatchInfo, length: int
    ) -> None:
        self.env = env
        self.who = who
        self.call = call
        self.info = info
        self.length = length
        self.fee = 0
        self.tip = 0


class Extension:
    """Base of all extensions; every hook does nothing unless overridden.

    `extra` and `implicit` are annotations, or None where the extension carries no such data. For metadata:
    `path` names the extension's type, `field` its one field where that has a name, and `described` the
    field's type where `extra` alone does not tell it.
    """

    identifier: ClassVar[str]
    extra: ClassVar[Any] = None
    implicit: ClassVar[Any] = None
    path: ClassVar[str] = ""
    field: ClassVar[str | None] = None
    described: ClassVar[Any] = None

    def implicit_bytes(self, env: Environment, extra: Any) -> bytes:
        """SCALE of what is signed but not sent; `InvalidTransaction` where it can not be told."""
        return b""

    def check(self, transaction: Transaction, extra: Any) -> Any:
        """Refuse the transaction by `InvalidTransaction`, or answer what `prepare` needs."""
        return None

    def describe(self, transaction: Transaction, extra: Any, checked: Any) -> ValidTransaction:
        """What this extension tells the pool."""
        return VALID

    def prepare(self, transaction: Transaction, extra: Any, checked: Any) -> Any:
        """Write what holds whether or not the call succeeds; the answer goes to `settle`."""
        return None

    def settle(
        self,
        transaction: Transaction,
        prepared: Any,
        post: PostDispatchInfo,
        error: DispatchError | None,
    ) -> None:
        """Correct what was charged in advance."""


class Pipeline:
    """The extensions of a runtime, in order."""

    def __init__(self, extensions: Sequence[Extension]) -> None:
        self.extensions = tuple(extensions)
        carrying = [each for each in extensions if each.extra is not None]
        position = {each.identifier: index for index, each in enumerate(carrying)}
        self._position = position
        if len({each.identifier for each in extensions}) != len(self.extensions):
            raise TypeError("two extensions share an identifier")
        self.codec: Codec[Any] = codec(tuple[tuple(each.extra for each in carrying)])  # type: ignore[misc]
        self._implicit = self._overriding("implicit_bytes", position)
        self._check = self._overriding("check", position)
        self._describe = self._overriding("describe", position)
        self._prepare = self._overriding("prepare", position)
        self._settle = [index for index, each in enumerate(self.extensions) if _overrides(each, "settle")]

    def _overriding(self, hook: str, position: dict[str, int]) -> list[tuple[int, Extension, int | None]]:
        """(place in the list, extension, place of its data) of the extensions that implement a hook."""
        return [
            (index, each, position.get(each.identifier))
            for index, each in enumerate(self.extensions)
            if _overrides(each, hook)
        ]

    def part(self, identifier: str, extra: tuple[Any, ...]) -> Any:
        """What a transaction's `extra` holds for one extension, such as the nonce for `CheckNonce`."""
        return extra[self._position[identifier]]

    def implicit_bytes(self, env: Environment, extra: tuple[Any, ...]) -> bytes:
        """What is signed behind call and extra."""
        return b"".join(
            [
                each.implicit_bytes(env, None if place is None else extra[place])
                for _, each, place in self._implicit
            ]
        )

    def check(self, transaction: Transaction, extra: tuple[Any, ...]) -> list[Any]:
        """Run all checks; the answer holds one value per extension."""
        checked: list[Any] = [None] * len(self.extensions)
        for index, each, place in self._check:
            checked[index] = each.check(transaction, None if place is None else extra[place])
        return checked

    def describe(
        self, transaction: Transaction, extra: tuple[Any, ...], checked: list[Any]
    ) -> ValidTransaction:
        """What the pool must know."""
        result = VALID
        for index, each, place in self._describe:
            data = None if place is None else extra[place]
            result = result.combined(each.describe(transaction, data, checked[index]))
        return result

    def prepare(self, transaction: Transaction, extra: tuple[Any, ...], checked: list[Any]) -> list[Any]:
        """Charge in advance; the answer holds one value per extension."""
        prepared: list[Any] = [None] * len(self.extensions)
        for index, each, place in self._prepare:
            data = None if place is None else extra[place]
            prepared[index] = each.prepare(transaction, data, checked[index])
        return prepared

    def settle(
        self,
        transaction: Transaction,
        prepared: list[Any],
        post: PostDispatchInfo,
        error: DispatchError | None,
    ) -> None:
        """Correct what was charged."""
        for index in self._settle:
            self.extensions[index].settle(transaction, prepared[index], post, error)


def _overrides(extension: Extension, hook: str) -> bool:
    return getattr(type(extension), hook) is not getattr(Extension, hook)
