"""The transaction extensions that need nothing but System."""

from enum import IntEnum

from runtime.frame.environment import Environment
from runtime.frame.errors import BlockReason, DispatchError, InvalidTransaction, TransactionKind
from runtime.frame.extension import Extension, Transaction, ValidTransaction
from runtime.frame.weights import DispatchInfo, PostDispatchInfo, Weight, WeightPerClass
from runtime.pallets.system.account import AccountInfo
from runtime.pallets.system.pallet import System
from runtime.primitives.era import Era, Immortal, Mortal
from runtime.primitives.integers import U8, U32
from runtime.primitives.scale import CompactU32, scale_path
from runtime.primitives.types import H256

ZERO_ACCOUNT = bytes(32)


class CheckNonZeroSender(Extension):
    """The all-zero account signs nothing: some weak keys verify under it."""

    identifier = "CheckNonZeroSender"
    path = "frame_system::extensions::check_non_zero_sender::CheckNonZeroSender"

    def check(self, transaction: Transaction, extra: None) -> None:
        """Refuse the zero account as signer."""
        if transaction.who == ZERO_ACCOUNT:
            raise InvalidTransaction(TransactionKind.BAD_SIGNER)


class CheckSpecVersion(Extension):
    """Binds a signature to the rules that its author knew."""

    identifier = "CheckSpecVersion"
    path = "frame_system::extensions::check_spec_version::CheckSpecVersion"
    implicit = U32

    def implicit_bytes(self, env: Environment, extra: None) -> bytes:
        """The spec version."""
        return env.composition.version.spec_version.to_bytes(4, "little")


class CheckTxVersion(Extension):
    """Binds a signature to the meaning that call indices and arguments had."""

    identifier = "CheckTxVersion"
    path = "frame_system::extensions::check_tx_version::CheckTxVersion"
    implicit = U32

    def implicit_bytes(self, env: Environment, extra: None) -> bytes:
        """The transaction version."""
        return env.composition.version.transaction_version.to_bytes(4, "little")


class CheckGenesis(Extension):
    """Binds a signature to this chain."""

    identifier = "CheckGenesis"
    path = "frame_system::extensions::check_genesis::CheckGenesis"
    implicit = H256

    def implicit_bytes(self, env: Environment, extra: None) -> bytes:
        """The hash of block zero."""
        return env.pallet(System).block_hash.get(0)


class CheckMortality(Extension):
    """Lets a transaction die, and binds it to the fork on which it was born."""

    identifier = "CheckMortality"
    path = "frame_system::extensions::check_mortality::CheckMortality"
    extra = Era
    implicit = H256

    def implicit_bytes(self, env: Environment, extra: Immortal | Mortal) -> bytes:
        """The hash of the block of the transaction's birth; `ANCIENT_BIRTH_BLOCK` where it is unknown."""
        system = env.pallet(System)
        current = system.number.get()
        birth = extra.birth(current)
        if not system.block_hash.contains(birth):
            raise InvalidTransaction(
                TransactionKind.ANCIENT_BIRTH_BLOCK, f"no hash of block {birth} is kept at block {current}"
            )
        return system.block_hash.get(birth)

    def describe(self, transaction: Transaction, extra: Immortal | Mortal, checked: None) -> ValidTransaction:
        """Until when the transaction lives."""
        current = transaction.env.pallet(System).number.get()
        return ValidTransaction(longevity=max(extra.death(current) - current, 0))


class CheckNonce(Extension):
    """Orders the transactions of an account and keeps each from being used twice."""

    identifier = "CheckNonce"
    path = "frame_system::extensions::check_nonce::CheckNonce"
    extra = CompactU32

    def check(self, transaction: Transaction, extra: int) -> AccountInfo:
        """Refuse an account that does not exist, and a nonce that was used."""
        info = transaction.env.pallet(System).account.get(transaction.who)
        if info.providers == 0 and info.sufficients == 0:
            raise InvalidTransaction(TransactionKind.PAYMENT, "the signing account does not exist")
        if extra < info.nonce:
            raise InvalidTransaction(
                TransactionKind.STALE, f"nonce {extra} was used, the account is at {info.nonce}"
            )
        return info

    def describe(self, transaction: Transaction, extra: int, checked: AccountInfo) -> ValidTransaction:
        """Tags: this nonce of this account, which requires the one before unless that was used."""
        requires = [nonce_tag(transaction.who, extra - 1)] if extra > checked.nonce else []
        return ValidTransaction(requires=requires, provides=[nonce_tag(transaction.who, extra)])

    def prepare(self, transaction: Transaction, extra: int, checked: AccountInfo) -> None:
        """Use the nonce, which must be the account's next."""
        if extra != checked.nonce:
            raise InvalidTransaction(
                TransactionKind.FUTURE, f"nonce {extra} is too high, the account is at {checked.nonce}"
            )
        transaction.env.pallet(System).increase_nonce(transaction.who, checked)


def nonce_tag(who: bytes, nonce: int) -> bytes:
    """The tag that the transaction with this nonce provides: account id, then the nonce as u32 LE."""
    return who + nonce.to_bytes(4, "little")


class CheckWeight(Extension):
    """Keeps blocks within their limits of weight and length."""

    identifier = "CheckWeight"
    path = "frame_system::extensions::check_weight::CheckWeight"

    def check(self, transaction: Transaction, extra: None) -> None:
        """Refuse a call that is too heavy for any block, or too long for this one."""
        check_extrinsic_weight(transaction.env.pallet(System), transaction.info)
        reserve_length(transaction.env, transaction.info, transaction.length, commit=False)

    def prepare(self, transaction: Transaction, extra: None, checked: None) -> None:
        """Take the announced weight and the length from what the block has left."""
        reserve_length(transaction.env, transaction.info, transaction.length, commit=True)
        reserve_weight(transaction.env, transaction.info, transaction.length)

    def settle(
        self, transaction: Transaction, prepared: None, post: PostDispatchInfo, error: DispatchError | None
    ) -> None:
        """Give back the weight that was announced but not used."""
        release_weight(transaction.env, transaction.info, post)


def check_extrinsic_weight(system: System, info: DispatchInfo) -> None:
    """Refuse a call that is heavier than its class allows for one call."""
    limit = system.block_weights.of(info.dispatch_class).max_extrinsic
    if limit is not None and not info.weight.fits(limit):
        raise _exhausted(f"the call weighs {info.weight}, one call may weigh {limit}")


def reserve_length(env: Environment, info: DispatchInfo, length: int, *, commit: bool) -> None:
    """Refuse an extrinsic for which the block has no bytes left; with `commit`, take them."""
    limit = env.pallet(System).block_length.max.of(info.dispatch_class)
    total = env.extrinsics_length + length
    if total > limit:
        raise InvalidTransaction(
            TransactionKind.EXHAUSTS_RESOURCES,
            f"the block would have {total} bytes, its limit is {limit}",
            rule=BlockReason.LENGTH_EXCEEDED,
        )
    if commit:
        env.extrinsics_length = total


def reserve_weight(env: Environment, info: DispatchInfo, length: int) -> None:
    """Add a call's weight, its class's base weight and its length as proof size to the block."""
    system = env.pallet(System)
    limits = system.block_weights
    own = limits.of(info.dispatch_class)
    used = system.block_weight.get()
    announced, base = info.weight, own.base_extrinsic
    share = used.of(info.dispatch_class) + Weight(
        announced.ref_time + base.ref_time, announced.proof_size + base.proof_size + length
    )
    if own.max_total is not None and not share.fits(own.max_total):
        raise _exhausted(f"calls of this class would weigh {share}, the limit is {own.max_total}")
    result: WeightPerClass = used.with_class(info.dispatch_class, share)
    # A full block still takes what its class has reserved; a class without such a limit is never refused.
    if not result.total.fits(limits.max_block) and own.reserved is not None and not share.fits(own.reserved):
        raise _exhausted(f"the block would weigh {result.total}, its limit is {limits.max_block}")
    system.block_weight.put(result)


def release_weight(env: Environment, info: DispatchInfo, post: PostDispatchInfo) -> None:
    """Give back what a call announced but did not use."""
    actual = post.actual_weight
    if actual is None:
        return
    unspent = info.weight - actual.min(info.weight)
    item = env.pallet(System).block_weight
    used = item.get()
    item.put(used.with_class(info.dispatch_class, used.of(info.dispatch_class) - unspent))


def _exhausted(detail: str) -> InvalidTransaction:
    return InvalidTransaction(TransactionKind.EXHAUSTS_RESOURCES, detail, rule=BlockReason.WEIGHT_EXCEEDED)


@scale_path("frame_metadata_hash_extension::Mode")
class MetadataHashMode(IntEnum):
    """Whether the signature covers a hash of the metadata."""

    Disabled = 0
    Enabled = 1


class CheckMetadataHash(Extension):
    """Lets offline signers bind a signature to the metadata; this chain knows mode 0, without such a hash."""

    identifier = "CheckMetadataHash"
    path = "frame_metadata_hash_extension::CheckMetadataHash"
    field = "mode"
    described = MetadataHashMode
    extra = U8
    implicit = H256 | None

    def check(self, transaction: Transaction, extra: int) -> None:
        """Refuse every mode but 0."""
        if extra != 0:
            raise InvalidTransaction(
                TransactionKind.CALL, f"metadata hash mode {extra} is not supported, use 0"
            )

    def implicit_bytes(self, env: Environment, extra: int) -> bytes:
        """None."""
        return b"\0"
