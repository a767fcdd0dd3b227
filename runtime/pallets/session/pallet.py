"""Session: rotation of validators, and the registration of their keys."""

from collections.abc import Sequence
from typing import Annotated

from runtime.frame.api import runtime_api
from runtime.frame.call import call
from runtime.frame.errors import CallFailed, GenesisReason, ensure
from runtime.frame.genesis import GenesisReader
from runtime.frame.origin import Origin, ensure_signed
from runtime.frame.pallet import Pallet, Uses
from runtime.frame.storage import Hasher, StorageMap, StorageValue
from runtime.frame.weights import MICROSECOND, MILLISECOND, Weight
from runtime.pallets.session.ownership import ownership_holds
from runtime.pallets.session.roles import (
    SessionHandler,
    SessionManager,
    SessionValidator,
    ShouldEndSession,
    WeightedValidator,
)
from runtime.pallets.session.types import (
    SESSION_KEYS,
    KeyTypeId,
    NewSession,
    SessionError,
    SessionEvent,
    SessionKeys,
    ValidatorDisabled,
)
from runtime.pallets.system import System
from runtime.primitives.babe import MAX_AUTHORITIES
from runtime.primitives.integers import U32, U64
from runtime.primitives.ownership import OWNERSHIP_PROOF_LENGTH
from runtime.primitives.scale import InvalidScale, MaxLen, Vector
from runtime.primitives.types import AccountId

SET_KEYS = Weight(8 * MILLISECOND, 16_000)
"""Two pairing checks (2 ms each), one of ed25519, and a hash to the curve each; the rest is storage."""
PURGE_KEYS = Weight(500 * MICROSECOND, 16_000)
ON_INITIALIZE = Weight(50 * MICROSECOND)
ROTATE_PER_VALIDATOR = 60 * MICROSECOND
"""Keys read, roots hashed and sets encoded for one validator when a session begins."""


class Session(Pallet, index=9, events=SessionEvent, errors=SessionError):
    """The validators of this session and the next, and the keys that accounts have registered."""

    validators: StorageValue[Annotated[Vector[AccountId], MaxLen(MAX_AUTHORITIES)]] = StorageValue(
        default=(), doc="The current set of validators."
    )
    current_index: StorageValue[U32] = StorageValue(default=0, doc="Current index of the session.")
    queued_changed: StorageValue[bool] = StorageValue(
        default=False,
        doc="True if the underlying economic identities or weighting behind the validators has changed in "
        "the queued validator set.",
    )
    queued_keys: StorageValue[Annotated[Vector[tuple[AccountId, SessionKeys]], MaxLen(MAX_AUTHORITIES)]] = (
        StorageValue(default=(), doc="The queued keys for the next session.")
    )
    disabled_validators: StorageValue[Annotated[Vector[U32], MaxLen(MAX_AUTHORITIES)]] = StorageValue(
        default=(), doc="Indices of disabled validators, ascending, until the set of validators changes."
    )
    next_keys: StorageMap[AccountId, SessionKeys | None] = StorageMap(
        hasher=Hasher.TWOX_64_CONCAT, doc="The next session keys for a validator."
    )
    key_owner: StorageMap[tuple[KeyTypeId, bytes], AccountId | None] = StorageMap(
        hasher=Hasher.TWOX_64_CONCAT,
        doc="The owner of a key. The key is the `KeyTypeId` + the encoded key.",
    )
    active_keys: StorageValue[Annotated[Vector[SessionKeys], MaxLen(MAX_AUTHORITIES)]] = StorageValue(
        default=(), doc="The keys that the current validators work with, in their order."
    )
    active_weights: StorageValue[Annotated[Vector[U64], MaxLen(MAX_AUTHORITIES)]] = StorageValue(
        default=(), doc="The shares of the current validators in lottery and vote, in their order."
    )
    queued_weights: StorageValue[Annotated[Vector[U64], MaxLen(MAX_AUTHORITIES)]] = StorageValue(
        default=(), doc="The shares of the queued validators, in the order of their keys."
    )

    system = Uses(System)

    @call(0, weight=SET_KEYS)
    def set_keys(
        self, origin: Origin, keys: SessionKeys, proof: Annotated[bytes, MaxLen(OWNERSHIP_PROOF_LENGTH)]
    ) -> None:
        """Sets the session key(s) of the function caller to `keys`.

        `proof` shows that the caller holds their secrets. The keys work from the session after next on.
        """
        who = ensure_signed(origin)
        ensure(ownership_holds(self.env.crypto, who, keys, proof), SessionError.INVALID_PROOF)
        info = self.system.account.get(who)
        ensure(info.providers > 0 or info.sufficients > 0, SessionError.NO_ACCOUNT)
        first = self.next_keys.get(who) is None
        self._register(who, keys)
        if first:
            self.system.store_funds(who, info, info.data, provides=0, consumes=1)

    @call(1, weight=PURGE_KEYS)
    def purge_keys(self, origin: Origin) -> None:
        """Removes any session key(s) of the function caller.

        They go on working until the next session that chooses validators anew.
        """
        who = ensure_signed(origin)
        keys = self.next_keys.take(who)
        if keys is None:
            raise CallFailed(SessionError.NO_KEYS)
        for key in keys.by_type():
            self.key_owner.remove(key)
        info = self.system.account.get(who)
        self.system.store_funds(who, info, info.data, provides=0, consumes=-1)

    @runtime_api("SessionKeys", "decode_session_keys")
    def decode_session_keys(self, encoded: bytes) -> Vector[tuple[bytes, KeyTypeId]] | None:
        """Decode the given public session keys: raw public keys and their types."""
        try:
            keys = SESSION_KEYS.decode(encoded)
        except InvalidScale:
            return None
        return tuple((key, kind) for kind, key in keys.by_type())

    # -- what other pallets ask ---------------------------------------------------------------------------

    def active(self) -> tuple[SessionValidator, ...]:
        """The validators of the current session with keys and weights."""
        parts = zip(self.validators.get(), self.active_keys.get(), self.active_weights.get(), strict=True)
        return tuple(SessionValidator(*each) for each in parts)

    def queued(self) -> tuple[SessionValidator, ...]:
        """The validators of the next session with keys and weights."""
        pairs = zip(self.queued_keys.get(), self.queued_weights.get(), strict=True)
        return tuple(SessionValidator(account, keys, weight) for (account, keys), weight in pairs)

    def is_disabled(self, index: int) -> bool:
        """Whether the validator at this place of the current set was disabled."""
        return index in self.disabled_validators.get()

    def disable(self, account: bytes) -> bool:
        """Disable a current validator; False where it is none, or is disabled already."""
        validators = self.validators.get()
        if account not in validators:
            return False
        index = validators.index(account)
        disabled = self.disabled_validators.get()
        if index in disabled:
            return False
        self.disabled_validators.put(tuple(sorted((*disabled, index))))
        for handler in self.env.roles(SessionHandler):
            handler.on_disabled(index)
        self.deposit_event(ValidatorDisabled(account))
        return True

    # -- rotation -----------------------------------------------------------------------------------------

    def on_initialize(self, number: int) -> Weight:
        """Rotate where the session ends with this block."""
        end = self.env.role(ShouldEndSession)
        if end is None or not end.should_end_session(number):
            return ON_INITIALIZE
        self.rotate()
        count = len(self.validators.get()) + len(self.queued_keys.get())
        return ON_INITIALIZE + Weight(ROTATE_PER_VALIDATOR * count)

    def rotate(self) -> None:
        """End the session: the queued validators work now, and others are queued behind them."""
        manager = self.env.role(SessionManager)
        handlers = self.env.roles(SessionHandler)
        index, changed = self.current_index.get(), self.queued_changed.get()
        for handler in handlers:
            handler.on_before_session_ending()
        if manager is not None:
            manager.end_session(index)
        starting = self.queued()
        if changed:
            self._activate(starting)
        self.current_index.put(index + 1)
        if manager is not None:
            manager.start_session(index + 1)
        chosen = None if manager is None else manager.new_session(index + 2)
        # A chain whose chosen validators all lack keys would stop for ever: those who work now go on.
        queued = self._with_keys(_same(starting) if chosen is None else chosen) or starting
        self._queue(queued, queued != starting)
        self.deposit_event(NewSession(index + 1))
        for handler in handlers:
            handler.on_new_session(changed, starting, queued)

    def _activate(self, validators: Sequence[SessionValidator]) -> None:
        self.validators.put(tuple(each.account for each in validators))
        self.active_keys.put(tuple(each.keys for each in validators))
        self.active_weights.put(tuple(each.weight for each in validators))
        self.disabled_validators.kill()

    def _queue(self, validators: Sequence[SessionValidator], changed: bool) -> None:
        self.queued_keys.put(tuple((each.account, each.keys) for each in validators))
        self.queued_weights.put(tuple(each.weight for each in validators))
        self.queued_changed.put(changed)

    def _with_keys(self, chosen: Sequence[WeightedValidator]) -> tuple[SessionValidator, ...]:
        """The chosen validators with the keys that they registered; who has none is left out."""
        found = ((each, self.next_keys.get(each.account)) for each in chosen)
        return tuple(
            SessionValidator(each.account, keys, each.weight) for each, keys in found if keys is not None
        )

    def _register(self, who: bytes, keys: SessionKeys) -> None:
        for key in keys.by_type():
            ensure(self.key_owner.get(key) in (None, who), SessionError.DUPLICATED_KEY)
        old = self.next_keys.get(who)
        for key in old.by_type() if old is not None else ():
            self.key_owner.remove(key)
        for key in keys.by_type():
            self.key_owner.insert(key, who)
        self.next_keys.insert(who, keys)

    # -- genesis ------------------------------------------------------------------------------------------

    def genesis(self, config: GenesisReader) -> None:
        """`{"keys": [[account, validator, {"babe": 0x..., "grandpa": 0x...}], ...]}`.

        Without a session manager these validators work, with weight 1 each.
        """
        listed = config.fields("keys").get("keys")
        accounts: list[bytes] = []
        for entry in listed.items() if listed else ():
            accounts.append(self._genesis_entry(entry))
            if len(accounts) > MAX_AUTHORITIES:
                raise config.need("keys").refuse(GenesisReason.OUT_OF_RANGE, f"at most {MAX_AUTHORITIES}")
        manager = self.env.role(SessionManager)
        first = None if manager is None else manager.new_session_genesis(0)
        chosen = [WeightedValidator(account, 1) for account in accounts] if first is None else first
        second = None if manager is None else manager.new_session_genesis(1)
        starting = self._with_keys(chosen)
        queued = self._with_keys(chosen if second is None else second)
        self._activate(starting)
        self._queue(queued, second is not None and queued != starting)
        for handler in self.env.roles(SessionHandler):
            handler.on_genesis_session(starting)
        if manager is not None:
            manager.start_session(0)

    def _genesis_entry(self, entry: GenesisReader) -> bytes:
        account, validator, keys = entry.parts(3)
        who = validator.account()
        account.account()
        keys.fields("babe", "grandpa")
        found = SessionKeys(keys.need("babe").hexadecimal(32), keys.need("grandpa").hexadecimal(48))
        if self.next_keys.get(who) is not None:
            raise validator.refuse(GenesisReason.DUPLICATE, "this validator stands twice")
        for name, key in zip(("babe", "grandpa"), found.by_type(), strict=True):
            if self.key_owner.get(key) is not None:
                raise keys.need(name).refuse(GenesisReason.DUPLICATE, "this key stands twice")
        self._register(who, found)
        info = self.system.account.get(who)
        if info.providers:
            self.system.store_funds(who, info, info.data, provides=0, consumes=1)
        return who


def _same(validators: Sequence[SessionValidator]) -> tuple[WeightedValidator, ...]:
    return tuple(WeightedValidator(each.account, each.weight) for each in validators)
