"""The chains that a node knows by name, and finding a chain specification by name or file.

Their keys are Substrate's well-known development keys: everybody owns them.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from genesis.authority import block_key, finality_key
from genesis.spec import MAX_SPEC_BYTES, ChainSpec, InvalidSpec, PlainGenesis, SpecFault, loads
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys import DEVELOPMENT_NAMES, KeyPair, Scheme

FIX = 10**12
"""Planck in one FIX: 12 decimals."""

ENDOWMENT = 1_000_000 * FIX
"""What each development account owns at genesis: enough to publish every model of a test run."""

DEV_SLOT_MS = 1_000
LOCAL_SLOT_MS = 2_000


class UnknownChain(ValueError):
    """A chain that is neither a preset nor a readable file; the text says what there is."""


def dev() -> ChainSpec:
    """One authority (Alice), a block each second: for work on models and clients."""
    return _development_chain("Development", "dev", "Development", DEV_SLOT_MS)


def local() -> ChainSpec:
    """One authority (Alice), a block each two seconds: nearer to a network's rhythm."""
    return _development_chain("Local Testnet", "local_testnet", "Local", LOCAL_SLOT_MS)


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


def validator(uri: str, account: str, weight: int = 1) -> dict[str, Any]:
    """An entry of the genesis validators: keys from a secret URI, `account` (SS58) is paid for its blocks."""
    return {
        "account": account,
        "blockKey": "0x" + block_key(uri).public.hex(),
        "finalityKey": "0x" + finality_key(uri).public.hex(),
        "weight": weight,
    }


def _development_chain(name: str, chain_id: str, chain_type: str, slot_ms: int) -> ChainSpec:
    accounts = [
        KeyPair.from_uri(uri, scheme).address()
        for scheme in (Scheme.SR25519, Scheme.ED25519)
        for person in DEVELOPMENT_NAMES
        for uri in (f"//{person}", f"//{person}//stash")
    ]
    config = {
        "balances": {"balances": [[account, ENDOWMENT] for account in accounts]},
        "authorities": {
            # Fees go to the stash, so that a test of Alice's account sees all that she paid.
            "validators": [validator("//Alice", KeyPair.from_uri("//Alice//stash").address())],
            "slotDuration": slot_ms,
            # Fixed, but not the same on both chains: claims of one are never valid on the other.
            "randomness": "0x" + blake2_256(f"fixpoint {chain_id}".encode()).hex(),
        },
        "sudo": {"key": KeyPair.from_uri("//Alice").address()},
    }
    return ChainSpec(name, chain_id, chain_type, PlainGenesis(config))
