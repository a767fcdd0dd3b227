"""The keys, events and errors of sessions."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from runtime.frame.errors import ErrorEnum
from runtime.primitives.babe import BabeId
from runtime.primitives.grandpa import GrandpaId
from runtime.primitives.integers import U32
from runtime.primitives.scale import FixedBytes, ScalePath, codec, scale_path, variant
from runtime.primitives.types import AccountId

KeyTypeId = Annotated[bytes, FixedBytes(4), ScalePath("sp_core::crypto::KeyTypeId")]

BABE_KEY = b"babe"
GRANDPA_KEY = b"gran"


@scale_path("fixpoint_runtime::SessionKeys")
@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What a validator works with: ed25519 for slots and seals, BLS12-381 in G1 for finality votes."""

    babe: BabeId
    grandpa: GrandpaId

    def by_type(self) -> tuple[tuple[bytes, bytes], ...]:
        """(key type, public key) of each key, in the order of the fields."""
        return ((BABE_KEY, self.babe), (GRANDPA_KEY, self.grandpa))


SESSION_KEYS = codec(SessionKeys)


@variant(0)
@dataclass(frozen=True, slots=True)
class NewSession:
    """New session has happened. Note that the argument is the session index, not the block number."""

    session_index: U32


@variant(2)
@dataclass(frozen=True, slots=True)
class ValidatorDisabled:
    """Validator has been disabled."""

    validator: AccountId


SessionEvent: TypeAlias = Annotated[
    NewSession | ValidatorDisabled, ScalePath("pallet_session::pallet::Event")
]


class SessionError(ErrorEnum):
    """Errors of Session."""

    INVALID_PROOF = 0, "Invalid ownership proof."
    NO_ASSOCIATED_VALIDATOR_ID = 1, "No associated validator ID for account."
    DUPLICATED_KEY = 2, "Registered duplicate key."
    NO_KEYS = 3, "No keys are associated with this account."
    NO_ACCOUNT = 4, "Key setting account is not live, so it's impossible to associate keys."
