"""System: accounts, block context, events, remarks, and the version that executes blocks."""

from typing import Annotated

from runtime.frame.api import runtime_api
from runtime.frame.call import call
from runtime.frame.errors import (
    CallFailed,
    CannotLookup,
    ConsumerRemaining,
    NoProviders,
    TooManyConsumers,
    ensure,
)
from runtime.frame.origin import Origin, ensure_root, ensure_signed, ensure_signed_or_root
from runtime.frame.overlay import ABSENT, RAW
from runtime.frame.pallet import Constant, Pallet
from runtime.frame.storage import Hasher, StorageMap, StorageValue
from runtime.frame.version import RuntimeVersion
from runtime.frame.weights import (
    BlockLength,
    BlockWeights,
    DbWeight,
    DispatchClass,
    Weight,
    WeightPerClass,
)
from runtime.pallets.system import weights
from runtime.pallets.system.account import NO_ACCOUNT, AccountData, AccountInfo
from runtime.pallets.system.types import (
    KilledAccount,
    LastRuntimeUpgradeInfo,
    NewAccount,
    Remarked,
    ScheduledUpgrade,
    SystemErrors,
    SystemEvent,
    UpgradeCancelled,
    UpgradeScheduled,
)
from runtime.primitives.digest import Digest, DigestItem
from runtime.primitives.hashing import blake2_256
from runtime.primitives.integers import U16, U32
from runtime.primitives.multiaddress import Id, MultiAddress
from runtime.primitives.scale import Bound, MaxLen
from runtime.primitives.types import H256, AccountId, BlockNumber, Nonce

CODE_KEY = b":code"
EXTRINSIC_INDEX_KEY = b":extrinsic_index"

MAX_REMARK = 4 << 20
"""Bytes of a remark; the block length is the real limit, this one keeps the decoder's promise."""
MAX_RAW_ITEMS = 10_000
"""Entries of one raw write by root; each is weighed."""


def _remark_weight(system: "System", remark: bytes) -> Weight:
    return weights.REMARK_BASE + Weight(weights.REMARK_PER_BYTE * len(remark))


def _raw_weight(system: "System", items: list[object]) -> Weight:
    return weights.STORAGE_ITEM * len(items)


def _prefix_weight(system: "System", prefix: bytes, subkeys: int) -> Weight:
    return weights.STORAGE_ITEM * (subkeys + 1)


class System(Pallet, index=0, module="frame_system", events=SystemEvent, errors=SystemErrors):
    """Accounts, block context and events: what every other pallet stands on."""

    account: StorageMap[AccountId, AccountInfo] = StorageMap(
        default=NO_ACCOUNT, doc="The full account information for a particular account ID."
    )
    block_weight: StorageValue[WeightPerClass] = StorageValue(
        default=WeightPerClass(), doc="The current weight for the block."
    )
    block_hash: StorageMap[BlockNumber, H256] = StorageMap(
        default=bytes(32), hasher=Hasher.TWOX_64_CONCAT, doc="Map of block numbers to block hashes."
    )
    number: StorageValue[BlockNumber] = StorageValue(
        default=0, doc="The current block number being processed."
    )
    parent_hash: StorageValue[H256] = StorageValue(default=bytes(32), doc="Hash of the previous block.")
    digest: StorageValue[Digest] = StorageValue(
        default=Digest(), doc="Digest of the current block, also part of the block header."
    )
    event_records: StorageValue[Annotated[bytes, Bound("EventRecords")]] = StorageValue(
        default=b"\0", name="Events", encoded=True, doc="Events deposited for the current block."
    )
    event_count: StorageValue[U32] = StorageValue(default=0, doc="The number of events in the `Events` list.")
    last_runtime_upgrade: StorageValue[LastRuntimeUpgradeInfo | None] = StorageValue(
        doc="The version that executed the last block."
    )
    scheduled_upgrade: StorageValue[ScheduledUpgrade | None] = StorageValue(
        doc="The version that takes over, and from which block on."
    )

    block_weights: Constant[BlockWeights] = Constant(
        doc="Block & extrinsics weights: base values and limits."
    )
    block_length: Constant[BlockLength] = Constant(doc="The maximum length of a block (in bytes).")
    block_hash_count: Constant[BlockNumber] = Constant(
        doc="Maximum number of block number to block hash mappings to keep (oldest pruned first)."
    )
    db_weight: Constant[DbWeight] = Constant(doc="The weight of runtime database operations.")
    version: Constant[RuntimeVersion] = Constant(doc="The version of this runtime.")
    ss58_prefix: Constant[U16] = Constant(name="SS58Prefix", doc="The address prefix of this chain.")
    max_consumers: Constant[U32] = Constant(doc="How many things may need one account to exist.")

    @call(0, weight=_remark_weight)
    def remark(self, origin: Origin, remark: Annotated[bytes, MaxLen(MAX_REMARK)]) -> None:
        """Make some on-chain remark. Can be executed by every signed origin or root."""
        ensure_signed_or_root(origin)

    @call(4, weight=_raw_weight, dispatch_class=DispatchClass.Operational)
    def set_storage(
        self, origin: Origin, items: Annotated[list[tuple[bytes, bytes]], MaxLen(MAX_RAW_ITEMS)]
    ) -> None:
        """Set some items of storage. Root only."""
        ensure_root(origin)
        for key, value in items:
            self.env.overlay.put(key, RAW, value)

    @call(5, weight=_raw_weight, dispatch_class=DispatchClass.Operational)
    def kill_storage(self, origin: Origin, keys: Annotated[list[bytes], MaxLen(MAX_RAW_ITEMS)]) -> None:
        """Kill some items from storage. Root only."""
        ensure_root(origin)
        for key in keys:
            self.env.overlay.put(key, RAW, ABSENT)

    @call(6, weight=_prefix_weight, dispatch_class=DispatchClass.Operational)
    def kill_prefix(self, origin: Origin, prefix: bytes, subkeys: U32) -> None:
        """Kill at most `subkeys` storage items whose keys start with the prefix. Root only."""
        ensure_root(origin)
        for removed, key in enumerate(self.env.overlay.keys(prefix)):
            if removed == subkeys:
                break
            self.env.overlay.put(key, RAW, ABSENT)

    @call(7, weight=_remark_weight)
    def remark_with_event(self, origin: Origin, remark: Annotated[bytes, MaxLen(MAX_REMARK)]) -> None:
        """Make some on-chain remark and emit an event with its hash."""
        who = ensure_signed(origin)
        self.deposit_event(Remarked(who, blake2_256(remark)))

    @call(20, weight=weights.SCHEDULE, dispatch_class=DispatchClass.Operational)
    def schedule_upgrade(self, origin: Origin, spec_version: U32, at: BlockNumber) -> None:
        """From block `at` on, let runtime `spec_version` execute blocks. Root only.

        A node that does not have that version stops in front of the block and says so.
        """
        ensure_root(origin)
        ensure(spec_version > self.version.spec_version, SystemErrors.SPEC_VERSION_NEEDS_TO_INCREASE)
        ensure(at > self.number.get(), SystemErrors.UPGRADE_NOT_IN_FUTURE)
        self.scheduled_upgrade.put(ScheduledUpgrade(spec_version, at))
        self.deposit_event(UpgradeScheduled(spec_version, at))

    @call(21, weight=weights.SCHEDULE, dispatch_class=DispatchClass.Operational)
    def cancel_upgrade(self, origin: Origin) -> None:
        """Cancel the scheduled upgrade. Root only."""
        ensure_root(origin)
        scheduled = self.scheduled_upgrade.take()
        if scheduled is None:
            raise CallFailed(SystemErrors.NOTHING_SCHEDULED)
        self.deposit_event(UpgradeCancelled(scheduled.spec_version))

    @runtime_api("AccountNonceApi", "account_nonce")
    def account_nonce(self, account: AccountId) -> Nonce:
        """The number of transactions that the account has sent."""
        return self.account.get(account).nonce

    def lookup(self, address: MultiAddress) -> bytes:
        """The account that an address names; `CannotLookup` for every form but an account id."""
        if isinstance(address, Id):
            return address.account
        raise CallFailed(CannotLookup())

    def deposit_log(self, item: DigestItem) -> None:
        """Append an item to the digest of the block's header."""
        self.digest.put(self.digest.get().pushed(item))

    def increase_nonce(self, who: bytes, info: AccountInfo) -> None:
        """Count one more transaction of an account whose record the caller has just read."""
        self.account.insert(
            who,
            AccountInfo(
                (info.nonce + 1) & 0xFFFFFFFF, info.consumers, info.providers, info.sufficients, info.data
            ),
        )

    def store_funds(
        self, who: bytes, info: AccountInfo, data: AccountData, *, provides: int, consumes: int
    ) -> None:
        """Write an account's funds; `provides` and `consumes` (-1, 0, 1) change its reference counts.

        Creates the account with its first provider and reaps it with its last. Fails with
        `ConsumerRemaining`, `NoProviders` or `TooManyConsumers` where the references do not allow it.
        """
        consumers, providers = info.consumers + consumes, info.providers + provides
        if consumes > 0:
            if providers == 0 and info.sufficients == 0:
                raise CallFailed(NoProviders())
            if info.consumers >= self.max_consumers:
                raise CallFailed(TooManyConsumers())
        if providers == 0 and info.sufficients == 0:
            if consumers > 0:
                raise CallFailed(ConsumerRemaining())
            self.account.remove(who)
            if provides < 0:
                self.deposit_event(KilledAccount(who))
            return
        self.account.insert(who, AccountInfo(info.nonce, consumers, providers, info.sufficients, data))
        if provides > 0 and info.providers == 0 and info.sufficients == 0:
            self.deposit_event(NewAccount(who))
