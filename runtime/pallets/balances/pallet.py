"""Balances: the chain's own currency."""

from runtime.frame.call import call
from runtime.frame.errors import (
    Arithmetic,
    ArithmeticKind,
    CallFailed,
    GenesisReason,
    InvalidGenesis,
    Token,
    TokenError,
    ensure,
    token_failure,
)
from runtime.frame.genesis import GenesisReader
from runtime.frame.holds import RuntimeHoldReason
from runtime.frame.origin import Origin, ensure_root, ensure_signed
from runtime.frame.pallet import Constant, Pallet, Uses
from runtime.frame.storage import StorageMap, StorageValue
from runtime.pallets.balances import weights
from runtime.pallets.balances.funds import MAX_BALANCE, check_deposit, check_withdraw, spendable
from runtime.pallets.balances.types import (
    MAX_HOLDS,
    BalancesError,
    BalanceSet,
    BalancesEvent,
    Burned,
    BurnedDebt,
    Deposit,
    DustLost,
    Endowed,
    Held,
    Holds,
    IdAmount,
    Minted,
    MintedCredit,
    Preservation,
    Released,
    Slashed,
    Transfer,
    Unreserved,
    Withdraw,
)
from runtime.pallets.system import System
from runtime.pallets.system.account import NO_FUNDS, AccountData, AccountInfo
from runtime.primitives.multiaddress import MultiAddress
from runtime.primitives.scale import CompactU128
from runtime.primitives.types import AccountId, Balance


class Balances(Pallet, index=5, events=BalancesEvent, errors=BalancesError):
    """Accounts' funds: transfers, holds and reserves, the existential deposit, total issuance.

    An account whose free balance would fall below the existential deposit is reaped, unless something is
    reserved; what was left is burned as dust.
    """

    total_issuance: StorageValue[Balance] = StorageValue(
        default=0, doc="The total units issued in the system."
    )
    holds_of: StorageMap[AccountId, Holds] = StorageMap(
        default=(), name="Holds", doc="Holds on account balances."
    )

    existential_deposit: Constant[Balance] = Constant(
        doc="The minimum amount required to keep an account open. MUST BE GREATER THAN ZERO!"
    )

    system = Uses(System)

    @call(0, weight=weights.TRANSFER)
    def transfer_allow_death(self, origin: Origin, dest: MultiAddress, value: CompactU128) -> None:
        """Transfer some liquid free balance to another account.

        If the sender's account is below the existential deposit as a result of the transfer, the account
        will be reaped.
        """
        source = ensure_signed(origin)
        self.transfer(source, self.system.lookup(dest), value, Preservation.EXPENDABLE)

    @call(2, weight=weights.FORCE_TRANSFER)
    def force_transfer(
        self, origin: Origin, source: MultiAddress, dest: MultiAddress, value: CompactU128
    ) -> None:
        """As `transfer_allow_death`, except the origin must be root and the source may be specified."""
        ensure_root(origin)
        payer = self.system.lookup(source)
        self.transfer(payer, self.system.lookup(dest), value, Preservation.EXPENDABLE)

    @call(3, weight=weights.TRANSFER)
    def transfer_keep_alive(self, origin: Origin, dest: MultiAddress, value: CompactU128) -> None:
        """Same as `transfer_allow_death`, but the transfer will not kill the origin account.

        99% of the time you want this one instead.
        """
        source = ensure_signed(origin)
        self.transfer(source, self.system.lookup(dest), value, Preservation.PRESERVE)

    @call(4, weight=weights.TRANSFER_ALL)
    def transfer_all(self, origin: Origin, dest: MultiAddress, keep_alive: bool) -> None:
        """Transfer the entire transferable balance from the caller account.

        Frozen and reserved funds stay, and the existential deposit where `keep_alive` is true.
        """
        source = ensure_signed(origin)
        preservation = Preservation.PRESERVE if keep_alive else Preservation.EXPENDABLE
        amount = spendable(self.system.account.get(source), self.existential_deposit, preservation)
        self.transfer(source, self.system.lookup(dest), amount, preservation)

    @call(5, weight=weights.FORCE_UNRESERVE)
    def force_unreserve(self, origin: Origin, who: MultiAddress, amount: Balance) -> None:
        """Unreserve some balance from a user by force. Root only."""
        ensure_root(origin)
        account = self.system.lookup(who)
        info = self.system.account.get(account)
        moved = min(amount, info.data.reserved)
        if moved:
            self._store(account, info, info.data.free + moved, info.data.reserved - moved)
            self.deposit_event(Unreserved(account, moved))

    @call(8, weight=weights.FORCE_SET_BALANCE)
    def force_set_balance(self, origin: Origin, who: MultiAddress, new_free: CompactU128) -> None:
        """Set the free balance of an account; below the existential deposit wipes it out. Root only."""
        ensure_root(origin)
        account = self.system.lookup(who)
        free = new_free if new_free >= self.existential_deposit else 0
        info = self.system.account.get(account)
        old = info.data.free
        issuance = self.total_issuance.get() - old + free
        ensure(issuance <= MAX_BALANCE, Arithmetic(ArithmeticKind.Overflow))
        if free or old or info.data.reserved:
            self._store(account, info, free, info.data.reserved)
        if free > old:
            self.total_issuance.put(issuance)
            self.deposit_event(MintedCredit(free - old))
        elif free < old:
            self.total_issuance.put(issuance)
            self.deposit_event(BurnedDebt(old - free))
        self.deposit_event(BalanceSet(account, free))

    @call(10, weight=weights.BURN)
    def burn(self, origin: Origin, value: CompactU128, keep_alive: bool) -> None:
        """Burn the specified liquid free balance from the origin account.

        If the account falls below the existential deposit and `keep_alive` is false, it is reaped.
        """
        who = ensure_signed(origin)
        preservation = Preservation.PRESERVE if keep_alive else Preservation.EXPENDABLE
        info = self.system.account.get(who)
        ensure(
            value <= spendable(info, self.existential_deposit, preservation),
            Token(TokenError.FundsUnavailable),
        )
        self._store(who, info, info.data.free - value, info.data.reserved)
        self.total_issuance.put(self.total_issuance.get() - value)
        self.deposit_event(Burned(who, value))

    def genesis(self, config: GenesisReader) -> None:
        """`{"balances": [[address, amount], ...]}`; every amount at least the existential deposit."""
        entries = config.fields("balances").get("balances")
        total = 0
        for entry in entries.items() if entries else ():
            address, amount = entry.pair()
            who, free = address.account(), amount.integer(Balance, minimum=self.existential_deposit)
            if self.system.account.contains(who):
                raise address.refuse(GenesisReason.DUPLICATE, "this account stands twice")
            self.system.account.insert(who, AccountInfo(providers=1, data=AccountData(free)))
            total += free
        if total > MAX_BALANCE:
            raise InvalidGenesis(
                GenesisReason.OUT_OF_RANGE, config.path, f"the sum {total} does not fit u128"
            )
        self.total_issuance.put(total)

    def transfer(self, source: bytes, dest: bytes, amount: int, preservation: Preservation) -> None:
        """Move free funds between accounts (32 bytes each), or fail with the `TokenError` that says why."""
        accounts = self.system.account
        minimum = self.existential_deposit
        payer = accounts.get(source)
        check_withdraw(payer, amount, minimum, preservation)
        payee = payer if dest == source else accounts.get(dest)
        check_deposit(payee, amount, minimum)
        if dest != source and amount:
            self._store(source, payer, payer.data.free - amount, payer.data.reserved)
            self._store(dest, payee, payee.data.free + amount, payee.data.reserved)
        self.deposit_event(Transfer(source, dest, amount))

    def hold(self, reason: RuntimeHoldReason, who: bytes, amount: int) -> None:
        """Move `amount` from free to reserved funds, for `reason`; the account keeps the existential deposit.

        Fails with `FundsUnavailable`, or `CannotCreateHold` for an account that does not exist.
        """
        info = self.system.account.get(who)
        holds = self.holds_of.get(who)
        held = self.balance_on_hold(reason, who)
        if info.providers == 0 or (len(holds) >= MAX_HOLDS and not held):
            raise token_failure(TokenError.CannotCreateHold)
        if amount > self.holdable(who):
            raise token_failure(TokenError.FundsUnavailable)
        self._store(who, info, info.data.free - amount, info.data.reserved + amount)
        self._set_hold(reason, who, held + amount)
        self.deposit_event(Held(reason, who, amount))

    def release(self, reason: RuntimeHoldReason, who: bytes, amount: int) -> None:
        """Move `amount` held for `reason` back to free funds; `FundsUnavailable` where less is held."""
        held = self.balance_on_hold(reason, who)
        info = self.system.account.get(who)
        if amount > min(held, info.data.reserved):
            raise token_failure(TokenError.FundsUnavailable)
        self._store(who, info, info.data.free + amount, info.data.reserved - amount)
        self._set_hold(reason, who, held - amount)
        self.deposit_event(Released(reason, who, amount))

    def holdable(self, who: bytes) -> int:
        """How much of an account's free funds a hold may take; frozen funds may be held too."""
        info = self.system.account.get(who)
        return spendable(info, self.existential_deposit, Preservation.PROTECT, force=True)

    def slash_held(self, reason: RuntimeHoldReason, who: bytes, amount: int) -> int:
        """Take up to `amount` of what is held for `reason`; the answer is how much was there.

        The taken amount stays in the issuance until `pay` or `burn_credit` disposes of it.
        """
        held = self.balance_on_hold(reason, who)
        info = self.system.account.get(who)
        taken = min(amount, held, info.data.reserved)
        if taken:
            self._store(who, info, info.data.free, info.data.reserved - taken)
            self._set_hold(reason, who, held - taken)
            self.deposit_event(Slashed(who, taken))
        return taken

    def mint(self, who: bytes, amount: int) -> bool:
        """Create `amount` in an account; False where it can not take it, and nothing changed."""
        info = self.system.account.get(who)
        issuance = self.total_issuance.get() + amount
        try:
            check_deposit(info, amount, self.existential_deposit)
        except CallFailed:
            return False
        if issuance > MAX_BALANCE:
            return False
        self.total_issuance.put(issuance)
        self._store(who, info, info.data.free + amount, info.data.reserved)
        self.deposit_event(Minted(who, amount))
        return True

    def balance_on_hold(self, reason: RuntimeHoldReason, who: bytes) -> int:
        """What is held of an account's funds for `reason`."""
        return next((item.amount for item in self.holds_of.get(who) if item.id == reason), 0)

    def withdraw(self, who: bytes, amount: int) -> None:
        """Take a fee from free funds; the account keeps the existential deposit.

        The taken amount stays in the issuance until `pay` or `burn_credit` disposes of it.
        """
        info = self.system.account.get(who)
        if amount > spendable(info, self.existential_deposit, Preservation.PRESERVE):
            raise token_failure(TokenError.FundsUnavailable)
        self._store(who, info, info.data.free - amount, info.data.reserved)
        self.deposit_event(Withdraw(who, amount))

    def pay(self, who: bytes, amount: int) -> bool:
        """Give a withdrawn amount to an account; False where it can not take it, and nothing changed."""
        info = self.system.account.get(who)
        try:
            check_deposit(info, amount, self.existential_deposit)
        except CallFailed:
            return False
        self._store(who, info, info.data.free + amount, info.data.reserved)
        self.deposit_event(Deposit(who, amount))
        return True

    def burn_credit(self, amount: int) -> None:
        """Take a withdrawn amount out of the issuance."""
        self.total_issuance.put(self.total_issuance.get() - amount)
        self.deposit_event(BurnedDebt(amount))

    def _set_hold(self, reason: RuntimeHoldReason, who: bytes, amount: int) -> None:
        others = tuple(item for item in self.holds_of.get(who) if item.id != reason)
        holds = (*others, IdAmount(reason, amount)) if amount else others
        if holds:
            self.holds_of.insert(who, holds)
        else:
            self.holds_of.remove(who)

    def _store(self, who: bytes, info: AccountInfo, free: int, reserved: int) -> None:
        """Write new funds of an account: references follow, and an account below the minimum is reaped."""
        old = info.data
        minimum = self.existential_deposit
        provides = (free >= minimum) - (old.free >= minimum)
        did_consume = old.reserved > 0 or old.frozen > 0
        does_consume = reserved > 0 or old.frozen > 0
        data = AccountData(free, reserved, old.frozen, old.flags)
        if not provides and did_consume == does_consume and free >= minimum:
            self.system.account.insert(
                who, AccountInfo(info.nonce, info.consumers, info.providers, info.sufficients, data)
            )
            return
        dust = free if free < minimum and reserved == 0 else 0
        self.system.store_funds(
            who,
            info,
            NO_FUNDS if free < minimum and reserved == 0 else data,
            provides=provides,
            consumes=does_consume - did_consume,
        )
        if old == NO_FUNDS and free:
            self.deposit_event(Endowed(who, free))
        if dust:
            self.deposit_event(DustLost(who, dust))
            self.burn_credit(dust)
