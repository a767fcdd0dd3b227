"""The chains that a node knows by name, and finding a chain specification by name or file.

Their keys are Substrate's well-known development keys: everybody owns them.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genesis.authority import block_key, finality_key
from genesis.spec import MAX_SPEC_BYTES, ChainSpec, InvalidSpec, PlainGenesis, SpecFault, loads
from runtime.frame.timing import ChainTiming
from runtime.pallets.babe.genesis import timing_config
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import DEVELOPMENT_NAMES, KeyPair, Scheme

FIX = 10**12
"""Planck in one FIX: 12 decimals."""

ENDOWMENT = 1_000_000 * FIX
"""What each development account owns at genesis: enough to publish every model of a test run."""

STAKE = 100_000 * FIX
"""What each validator of a development chain stakes at genesis: a newcomer with the rest of an endowment can
outbid it."""

SEATS = 20
"""Validators that an era elects at most: all who offer themselves on a test network, so that stake alone adds
and removes them."""

REPORTERS_SHARE = 100_000_000
"""What reporters may get of a slash, in billionths: Polkadot's tenth."""

DEV_SLOT_MS = 1_000
LOCAL_SLOT_MS = 2_000
DEV_EPOCH_SLOTS = 60
LOCAL_EPOCH_SLOTS = 50

SHORT_PERIODS: Mapping[str, int] = {"sessions_per_era": 3, "bonding_eras": 4, "slash_defer_eras": 1}
"""Eras of a few minutes, so that a test sees stake elected, paid, slashed and unbonded."""


class UnknownChain(ValueError):
    """A chain that is neither a preset nor a readable file; the text says what there is."""


def dev() -> ChainSpec:
    """One authority (Alice), a block each second: for work on models and clients."""
    timing = ChainTiming(DEV_SLOT_MS, DEV_EPOCH_SLOTS, **SHORT_PERIODS)
    return _development_chain("Development", "dev", "Development", timing, [_alice()])


def local() -> ChainSpec:
    """One authority (Alice), a block each two seconds: nearer to a network's rhythm."""
    timing = ChainTiming(LOCAL_SLOT_MS, LOCAL_EPOCH_SLOTS, **SHORT_PERIODS)
    return _development_chain("Local Testnet", "local_testnet", "Local", timing, [_alice()])


PRESETS: Mapping[str, Callable[[], ChainSpec]] = {"dev": dev, "local": local}


def find_spec(chain: str) -> ChainSpec:
    """The preset of this name, else the specification in the file of this path.

    Raises `UnknownChain`, or `InvalidSpec` for a file that is no specification.
    """
    preset = PRESETS.get(chain)
    return preset() if preset is not None else read_spec(Path(chain))


def read_spec(path: Path) -> ChainSpec:
    """The specification in a JSON file. Raises `UnknownChain` where it cannot be read, `InvalidSpec`."""
    try:
        # The size is asked first: a mistaken path to a large file must not fill the memory.
        if path.is_file() and os.stat(path).st_size > MAX_SPEC_BYTES:
            raise InvalidSpec(SpecFault.TOO_LARGE, "$", f"{path} has more than {MAX_SPEC_BYTES} bytes")
        return loads(path.read_bytes())
    except (OSError, ValueError) as error:
        known = " or ".join(PRESETS)
        reason = getattr(error, "strerror", None) or str(error)
        raise UnknownChain(
            f"no chain {str(path)!r}: name {known}, or a chain spec file ({reason})"
        ) from error


def session_keys(uri: str) -> dict[str, str]:
    """The session keys of a secret URI, as the genesis lists them."""
    return {"babe": "0x" + block_key(uri).public.hex(), "grandpa": "0x" + finality_key(uri).public.hex()}


def validator(uri: str, account: str) -> list[Any]:
    """An entry of the genesis session keys: keys from a secret URI, `account` (SS58) is the validator's."""
    return [account, account, session_keys(uri)]


def testnet(validators: int, slot_ms: int, epoch_slots: int) -> ChainSpec:
    """A chain of validators `//Validator//0`, `//Validator//1`, ... with their accounts, all endowed."""
    uris = [f"//Validator//{index}" for index in range(validators)]
    keys = [validator(uri, KeyPair.from_uri(uri).address()) for uri in uris]
    timing = ChainTiming(slot_ms=slot_ms, epoch_slots=epoch_slots, **SHORT_PERIODS)
    chain_id = f"testnet_{validators}"
    return _development_chain(f"Testnet of {validators}", chain_id, "Local", timing, keys)


def _development_chain(
    name: str, chain_id: str, chain_type: str, timing: ChainTiming, keys: Sequence[list[Any]]
) -> ChainSpec:
    accounts = [
        KeyPair.from_uri(uri, scheme).address()
        for scheme in (Scheme.SR25519, Scheme.ED25519)
        for person in DEVELOPMENT_NAMES
        for uri in (f"//{person}", f"//{person}//stash")
    ]
    accounts += [key[0] for key in keys if key[0] not in accounts]
    config = {
        "balances": {"balances": [[account, ENDOWMENT] for account in accounts]},
        "staking": {
            "validatorCount": max(SEATS, len(keys)),
            "minimumValidatorCount": 1,
            "slashRewardFraction": REPORTERS_SHARE,
            "stakers": [[account, account, STAKE, "Validator"] for account, _, _ in keys],
        },
        "session": {"keys": list(keys)},
        "babe": {
            "timing": timing_config(timing),
            # Fixed, but not the same on two chains: claims of one are never valid on the other.
            "randomness": "0x" + blake2_256(f"fixpoint {chain_id}".encode()).hex(),
        },
        "sudo": {"key": KeyPair.from_uri("//Alice").address()},
    }
    return ChainSpec(name, chain_id, chain_type, PlainGenesis(config))


def _alice() -> list[Any]:
    # Fees go to the stash, so that a test of Alice's account sees all that she paid.
    return validator("//Alice", KeyPair.from_uri("//Alice//stash").address())
