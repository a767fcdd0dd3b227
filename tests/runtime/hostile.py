"""Transactions that nobody's wallet would make, from a seed.

Every call with arguments at their limits, and bytes that were signed and then changed.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runtime.frame.call import MAX_CALL_DEPTH
from runtime.primitives.era import IMMORTAL, Mortal
from runtime.primitives.extrinsic import BareExtrinsic, SignedExtrinsic, decode_extrinsic
from runtime.primitives.hashing import blake2_256
from runtime.primitives.keys.signature import EcdsaSignature, Ed25519Signature, Sr25519Signature
from runtime.primitives.multiaddress import Address20, Address32, Id, Index, Raw
from runtime.primitives.scale import InvalidScale, encode_compact
from tests.runtime.helpers import ALICE, BOB, CHARLIE, DAVE, NEWCOMER, World
from tests.runtime.pallets.programs import scaler

MODEL = scaler()
MODEL_ID = blake2_256(MODEL)
ACCOUNTS = (ALICE, BOB, CHARLIE, DAVE, NEWCOMER, bytes(32))
EXTREMES = (*range(6), 63, 64, 2**14, 2**30 - 1, 2**30, 2**32 - 1, 2**64 - 1, 2**128 - 1)
NONCES = (0, 1, 2, 3, 2**31, 2**32 - 1)
TIPS = (0, 0, 1, 10**12, 10**15, 2**64, 2**127, 2**128 - 1)
SENDERS = (BOB, CHARLIE, ALICE)
ATTEMPTS = 60
"""Draws for one argument; a type that none of them fits is left out."""

BATCHES = ("batch", "batch_all", "force_batch")
NESTED_BATCH = b"\x14\x00\x04"
"""The bytes with which `Utility.batch` of one call begins."""


class Hostile:
    """Draws transactions for the head of a world."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        composition = world.runtime.composition
        self.nonces: dict[bytes, int] = {}
        self._scale = composition.calls.scale
        self._calls = [each for pallet in composition.pallets for each in pallet.calls.values()]

    def transaction(self) -> bytes:
        """A signed transaction, or something like it."""
        draw = self.random.random()
        if draw < 0.45:
            return self.signed()
        if draw < 0.6:
            return self.disguised()
        if draw < 0.97:
            return self.damaged(self.signed())
        return self.tower()

    def note_accepted(self, extrinsic: bytes) -> None:
        """A block took this one: its sender goes on behind it."""
        envelope = decode_extrinsic(extrinsic, self.world.runtime.pipeline.codec)
        assert isinstance(envelope, SignedExtrinsic)
        assert isinstance(envelope.address, Id)
        self.nonces[envelope.address.account] = envelope.extra[1] + 1

    def signed(self) -> bytes:
        """Any call with well-formed but wild arguments, signed as it must be, mostly with the right nonce."""
        who = self.random.choice(SENDERS)
        call = self.call()
        wild = self.random.random() < 0.3
        nonce = self.random.choice(NONCES) if wild else self.nonces.get(who)
        tip = self.random.choice(TIPS) if wild else 0
        era: Any = self.era() if wild else IMMORTAL
        birth = self.world.head.hash() if self.random.random() < 0.5 else None
        return self.world.sign(who, call, nonce=nonce, tip=tip, era=era, birth=birth)

    def era(self) -> Any:
        """Any era."""
        period = 1 << self.random.randint(2, 16)
        quantum = max(period // 4096, 1)
        return self.random.choice(
            (IMMORTAL, Mortal(period, self.random.randrange(period // quantum) * quantum))
        )

    def call(self) -> Any:
        """Any call of the runtime, batches inside batches among them."""
        draw = self.random.random()
        if draw < 0.2:
            calls = [self._drawn_call() for _ in range(self.random.choice((0, 1, 2, 7)))]
            return self.world.make(f"Utility.{self.random.choice(BATCHES)}", calls=calls)
        if draw < 0.3:
            call = self._drawn_call()
            for _ in range(self.random.randint(1, MAX_CALL_DEPTH + 2)):
                call = self.world.make(f"Utility.{self.random.choice(BATCHES)}", calls=[call])
            return call
        return self._drawn_call()

    def _drawn_call(self) -> Any:
        while True:
            declaration = self.random.choice(self._calls)
            encoded = bytes([declaration.pallet.index, declaration.index])
            parts = [self._argument(annotation) for _, annotation in declaration.parameters]
            if None in parts:
                continue
            return self.world.runtime.decode_call(encoded + b"".join(part or b"" for part in parts))

    def _argument(self, annotation: Any) -> bytes | None:
        """Bytes that decode as the type."""
        codec = self._scale.codec(annotation)
        for _ in range(ATTEMPTS):
            data = self._stream()
            try:
                return data[: codec.decode_from(data, 0)[1]]
            except InvalidScale:
                continue
        return None

    def _stream(self) -> bytes:
        return b"".join(self._piece() for _ in range(self.random.choice((2, 4, 12))))

    def _piece(self) -> bytes:
        match self.random.randrange(8):
            case 0 | 1:
                return encode_compact(self.random.choice(EXTREMES))
            case 2:
                return b"\0" + self.random.choice(ACCOUNTS)
            case 3:
                return self.random.choice((*ACCOUNTS, MODEL_ID))
            case 4:
                return bytes(self.random.choice((1, 4, 16, 32)))
            case 5:
                return b"\xff" * self.random.choice((1, 4, 16, 32))
            case 6:
                size = self.random.choice((0, 1, 4, 40, 70))
                return encode_compact(size) + self.random.randbytes(size)
            case _:
                value = self.random.choice(ACCOUNTS)
                inner = self.world.make("Balances.transfer_allow_death", dest=Id(value), value=10**9)
                return self.world.runtime.encode_call(inner)

    def disguised(self) -> bytes:
        """Another form of sender or signature, or none, around the same call."""
        envelope = decode_extrinsic(self.signed(), self.world.runtime.pipeline.codec)
        assert isinstance(envelope, SignedExtrinsic)
        who = self.random.choice(ACCOUNTS)
        addresses = (
            Id(who),
            Index(0),
            Index(2**32 - 1),
            Raw(who),
            Raw(b""),
            Address32(who),
            Address20(bytes(20)),
        )
        sixty_four = self.random.choice((bytes(64), b"\xff" * 64, self.random.randbytes(64)))
        signatures = (
            Ed25519Signature(sixty_four),
            Sr25519Signature(sixty_four),
            Sr25519Signature(envelope.signature.value[:64]),
            EcdsaSignature(self.random.randbytes(65)),
        )
        match self.random.randrange(3):
            case 0:
                return replace(envelope, address=self.random.choice(addresses)).encode()
            case 1:
                return replace(envelope, signature=self.random.choice(signatures)).encode()
            case _:
                return BareExtrinsic(envelope.call).encode()

    def damaged(self, data: bytes) -> bytes:
        """The same with bits flipped, bytes lost or doubled, or a length that lies."""
        body = bytearray(data[len(encode_compact(len(data))) :])
        for _ in range(self.random.choice((1, 1, 1, 2, 5))):
            place = self.random.randrange(len(body)) if body else 0
            match self.random.randrange(6):
                case 0 if body:
                    body[place] ^= 1 << self.random.randrange(8)
                case 1 if body:
                    body[place] = self.random.choice((0, 1, 3, 0x7F, 0x80, 0xFD, 0xFE, 0xFF))
                case 2:
                    del body[place:]
                case 3:
                    del body[place : place + self.random.randint(1, 40)]
                case 4:
                    body[place:place] = encode_compact(self.random.choice(EXTREMES))
                case _:
                    body += body[place : place + 60]
        length = len(body)
        if self.random.random() < 0.15:
            length = self.random.choice((0, length - 1, length + 1, 2**30, 2**536 - 1))
        return encode_compact(max(length, 0)) + bytes(body)

    def tower(self) -> bytes:
        """Calls in calls up to the limit of depth, just over it, and far over it."""
        levels = self.random.choice((MAX_CALL_DEPTH - 1, MAX_CALL_DEPTH, MAX_CALL_DEPTH + 1, 500, 30_000))
        remark = self.world.runtime.encode_call(self.world.make("System.remark", remark=b""))
        envelope = decode_extrinsic(self.signed(), self.world.runtime.pipeline.codec)
        assert isinstance(envelope, SignedExtrinsic)
        return replace(envelope, call=NESTED_BATCH * levels + remark).encode()


def accept_all(checks: Sequence[Any]) -> Any:
    """Signature checks that let everything pass, so that what is behind them meets the same input."""
    return lambda: [True] * len(checks)
