"""Pallets: a class declares, an instance is bound to one execution.

    class Sudo(Pallet, index=30, events=SudoEvent, errors=SudoError):
        '''What the pallet is for; served to clients.'''

        key: StorageValue[AccountId | None] = StorageValue(doc="The account that may act as root.")
        balances = Uses(Balances)

        @call(0, weight=...)
        def sudo(self, origin: Origin, call: Call) -> PostDispatchInfo: ...

A large pallet is written in parts: classes that inherit `Pallet` without an index, each in a file of its own.
What they declare counts for the one pallet that inherits them.

Storage, calls, events, errors, constants and hold reasons are collected when the class is made, so that
execution and metadata read one declaration.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args, get_type_hints, overload

from runtime.frame.api import ApiMethod, apis_of
from runtime.frame.call import CallDeclaration, RuntimeCall, calls_of
from runtime.frame.errors import BlockReason, ErrorEnum, InvalidTransaction, TransactionKind
from runtime.frame.genesis import GenesisReader
from runtime.frame.holds import RuntimeHoldReason
from runtime.frame.inherents import InherentData
from runtime.frame.parts import declared
from runtime.frame.storage import StorageItem
from runtime.frame.weights import ZERO_WEIGHT, Weight

if TYPE_CHECKING:
    from runtime.frame.environment import Environment
    from runtime.frame.validity import TransactionSource, ValidTransaction

T = TypeVar("T")
P = TypeVar("P", bound="Pallet")


class Constant(Generic[T]):
    """A value that the runtime's composition fixes; on the class it is its declaration.

    existential_deposit: Constant[Balance] = Constant(doc="The minimum amount that keeps an account open.")

    `name` is for constants whose metadata name is not the attribute's in camel case, such as `SS58Prefix`.
    """

    def __init__(self, *, doc: str = "", name: str = "") -> None:
        self.doc = doc
        self.name = name
        self.type: Any = None

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute
        self.name = self.name or "".join(part.capitalize() for part in attribute.split("_"))

    @overload
    def __get__(self, instance: None, owner: type) -> "Constant[T]": ...
    @overload
    def __get__(self, instance: "Pallet", owner: type) -> T: ...
    def __get__(self, instance: "Pallet | None", owner: type) -> "Constant[T] | T":
        if instance is None:
            return self
        value = instance.env.constant(type(instance), self.attribute)
        instance.__dict__[self.attribute] = value
        return cast(T, value)


class Uses(Generic[P]):
    """Another pallet that this one calls: `system = Uses(System)`."""

    def __init__(self, pallet: type[P]) -> None:
        self.pallet = pallet

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    @overload
    def __get__(self, instance: None, owner: type) -> "Uses[P]": ...
    @overload
    def __get__(self, instance: "Pallet", owner: type) -> P: ...
    def __get__(self, instance: "Pallet | None", owner: type) -> "Uses[P] | P":
        if instance is None:
            return self
        used = instance.env.pallet(self.pallet)
        instance.__dict__[self.attribute] = used
        return used


def _snake(name: str) -> str:
    """`TransactionPayment` as Rust's modules spell it: `transaction_payment`."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


class Pallet:
    """Base of all pallets. Hooks do nothing unless a pallet overrides them.

    `module` opens the path of the types of calls and errors; Substrate's clients know its pallets by it.
    """

    name: ClassVar[str]
    index: ClassVar[int]
    module: ClassVar[str]
    config_name: ClassVar[str]
    storage: ClassVar[Mapping[str, StorageItem]]
    calls: ClassVar[Mapping[int, CallDeclaration]]
    constants: ClassVar[Mapping[str, Constant[Any]]]
    events: ClassVar[Any]
    errors: ClassVar[type[ErrorEnum] | None]
    holds: ClassVar[type[IntEnum] | None]
    apis: ClassVar[Mapping[str, ApiMethod]]

    def __init_subclass__(
        cls,
        *,
        index: int | None = None,
        name: str = "",
        module: str = "",
        events: Any = None,
        errors: type[ErrorEnum] | None = None,
        holds: type[IntEnum] | None = None,
    ) -> None:
        super().__init_subclass__()
        if index is None:
            return
        cls.name = name or cls.__name__
        cls.index = index
        cls.module = module or f"pallet_{_snake(cls.name)}"
        cls.config_name = cls.name[0].lower() + cls.name[1:]
        cls.events = events
        cls.errors = errors
        cls.holds = holds
        cls.calls = calls_of(cls)
        cls.apis = apis_of(cls)
        hints = get_type_hints(cls, include_extras=True)
        storage: dict[str, StorageItem] = {}
        constants: dict[str, Constant[Any]] = {}
        for attribute, item in declared(cls).items():
            if isinstance(item, StorageItem):
                item.declare(cls.name, get_args(hints.get(attribute)))
                storage[item.name] = item
            elif isinstance(item, Constant):
                (item.type,) = get_args(hints[attribute])
                constants[item.name] = item
        cls.storage = storage
        cls.constants = constants

    def __init__(self, env: "Environment") -> None:
        self.env = env

    def deposit_event(self, event: Any) -> None:
        """Report what happened; undone with the call where the call fails."""
        self.env.deposit_event(self.index, event)

    def hold_reason(self, reason: IntEnum) -> RuntimeHoldReason:
        """One of this pallet's hold reasons, as Balances keeps it."""
        return RuntimeHoldReason(self.index, reason)

    def on_runtime_upgrade(self, old_spec_version: int) -> Weight:
        """Migrate the state; runs once, before anything else in the first block of a new version."""
        return ZERO_WEIGHT

    def on_initialize(self, number: int) -> Weight:
        """Runs before the extrinsics of block `number`; answers its weight and that of `on_finalize`."""
        return ZERO_WEIGHT

    def on_finalize(self, number: int) -> None:
        """Runs behind the extrinsics of block `number`; `InvalidBlock` where the block misses something."""

    def create_inherent(self, data: InherentData) -> RuntimeCall | None:
        """The bare call that this pallet puts into the block being built."""
        return None

    def check_inherent(self, call: RuntimeCall, data: InherentData) -> None:
        """`InvalidBlock` where an inherent of this pallet does not fit what the importing node knows."""

    def validate_unsigned(self, call: RuntimeCall, source: "TransactionSource") -> "ValidTransaction":
        """What the pool must know of a call of this pallet that nobody signed and nobody pays.

        `InvalidTransaction` refuses it, in blocks too; so it must cost those who send it something else, such
        as evidence that is used up.
        """
        raise InvalidTransaction(
            TransactionKind.NO_UNSIGNED_VALIDATOR,
            f"{call} must be signed",
            rule=BlockReason.UNSIGNED_NOT_ALLOWED,
        )

    def genesis(self, config: GenesisReader) -> None:
        """Write the state of block zero from this pallet's part of the chain spec, or `InvalidGenesis`."""
