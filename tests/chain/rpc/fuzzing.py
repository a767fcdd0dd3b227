"""Hostile calls of every declared method on a real chain, from a seed, each answer judged.

What may change is a matter of the method: only `WRITERS` change anything, only when they succeed, and only
what is theirs.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.keystore import KeyType, public_key
from chain.store import MemoryKeyValue, Pruning
from network.rpc import Connection
from network.rpc.dispatch import Caller
from network.rpc.errors import INTERNAL_ERROR, RpcError
from network.rpc.framing import encode
from network.rpc.methods import Method, Subscribe
from runtime.executive import RuntimeApi
from runtime.pallets.balances import Balances
from runtime.pallets.inference.types import Completed
from runtime.pallets.system import System
from runtime.primitives.extrinsic import BareExtrinsic
from tests.chain.chains import ALICE, BOB, GENESIS, RUNTIME, START_SLOT, World
from tests.chain.cli.support import ARTIFACT, MODEL
from tests.chain.rpc.hostile_values import Values, encoded, envelope, spoilt_bytes
from tests.chain.rpc.support import Rpc

SLOWEST_SECONDS = 10.0
"""An answer that takes longer hangs."""

WRITERS: Mapping[str, frozenset[str]] = {
    "author_submitExtrinsic": frozenset({"pool"}),
    "author_submitAndWatchExtrinsic": frozenset({"pool"}),
    "transactionWatch_v1_submitAndWatch": frozenset({"pool"}),
    "transaction_v1_broadcast": frozenset({"pool"}),
    "author_removeExtrinsic": frozenset({"pool"}),
    "author_insertKey": frozenset({"keystore"}),
    "author_rotateKeys": frozenset({"keystore"}),
    "engine_createBlock": frozenset({"store", "pool"}),
    "engine_finalizeBlock": frozenset({"store", "pool"}),
}
"""Each method that is there to change something, and what."""

RARELY = frozenset({"author_rotateKeys", "engine_createBlock", "engine_finalizeBlock", "state_getMetadata"})
"""Sound but slow: they would take the time of the others."""

NESTED_BATCH = b"\x14\x00\x04"
"""The bytes with which `utility.batch` of one call begins."""


class CountingKeyValue(MemoryKeyValue):
    """A database that counts what was written into it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, batch: Mapping[bytes, bytes | None], *, sync: bool) -> None:
        """As its base, counted."""
        self.writes += 1
        super().write(batch, sync=sync)

    def content(self) -> dict[bytes, bytes]:
        """A copy of everything."""
        return dict(self._data)


@dataclass
class Report:
    """What a run saw: answers by method and outcome, and the slowest of each method in seconds."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    calls: int = 0

    def note(self, method: str, answer: Mapping[str, Any], seconds: float) -> None:
        """Count one answer."""
        outcome = str(answer["error"]["code"]) if "error" in answer else "result"
        self.outcomes.setdefault(method, Counter())[outcome] += 1
        self.slowest[method] = max(seconds, self.slowest.get(method, 0))


class Violation(AssertionError):
    """An answer, or its effect, that no client may cause; the text holds the message."""


class Fuzzer:
    """A chain with models, receipts, a fork and discarded states, and a source of calls to it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.kv = CountingKeyValue()
        self.keys = folder / "keystore"
        self.rpc = Rpc(self.keys, World(self.kv, Pruning.keep(2)))
        self.random = random.Random(seed)
        self.report = Report()
        known = _grow(self.rpc)
        self.values = Values(self.random, known)
        self.sound = _sound(self.rpc.world, known["extrinsic"][0])
        self.socket = Connection(1, "ws", "test", unsafe=True)
        self.followers: list[AsyncIterator[Any]] = []
        self.methods = [one for one in self.rpc.table.declared for _ in range(_weight(one))]

    async def run(self, calls: int) -> Report:
        """Make so many calls. Raises `Violation`."""
        await self._follow()
        try:
            while self.report.calls < calls:
                draw = self.random.random()
                if draw < 0.12:
                    await self._garbage()
                elif draw < 0.15:
                    await self._batch()
                else:
                    await self._single()
        finally:
            self.socket.close()
            for stream in self.followers:
                await stream.aclose()  # type: ignore[attr-defined]
            self.rpc.dispatcher.close()
        return self.report

    async def _follow(self) -> None:
        """Keep one follower of the chain, which calls of `chainHead` may name."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "chainHead_v1_follow", "params": [True]}
        message = json.dumps(request).encode()
        answer = await self.rpc.dispatcher.answer(message, Caller(self.socket, self.rpc.streams))
        (identifier,) = answer.opened
        self.followers.append(self.rpc.streams.open.pop(identifier))
        self.values.know("follow_subscription", [identifier])

    # Messages.

    def _request(self, method: Method) -> dict[str, Any]:
        name = self.random.choice((method.name, method.name, *method.aliases))
        params = self.values.arguments(method.parameters)
        if method.name in self.sound and self.random.random() < 0.5:
            params = list(self.random.choice(self.sound[method.name]))
            if self.random.random() < 0.5:
                self.values.spoil(params)
        return envelope(self.random, name, params)

    async def _single(self) -> None:
        method = self.random.choice(self.methods)
        if isinstance(method, Subscribe) and self.random.random() < 0.2:
            name, held = self.random.choice(method.unsubscribe), [*self.rpc.streams.kinds, "none", 7]
            request = envelope(self.random, name, [self.random.choice(held)])
        else:
            request = self._request(method)
        await self.send(encoded(request), [request], WRITERS.get(method.name, frozenset()))

    async def _batch(self) -> None:
        methods = [self.random.choice(self.methods) for _ in range(self.random.randint(1, 12))]
        requests = [self._request(method) for method in methods]
        allowed = frozenset[str]().union(*(WRITERS.get(one.name, ()) for one in methods))
        await self.send(encoded(requests), requests, allowed)

    async def _garbage(self) -> None:
        readers = [one for one in self.methods if one.name not in WRITERS]
        message = encoded(self._request(self.random.choice(readers)))
        await self.send(spoilt_bytes(self.random, message), None, frozenset())

    # Judgement.

    async def send(
        self, message: bytes, requests: Sequence[dict[str, Any]] | None, may: frozenset[str]
    ) -> None:
        """One message, and everything that must hold of its answer; `may` says what it may change."""
        before = self._footprint()
        on_socket = self.random.random() < 0.9
        connection = self.socket if on_socket else Connection(2, "http", "test", unsafe=True)
        connection.unsafe = self.random.random() < 0.85
        caller = Caller(connection, self.rpc.streams if on_socket else None)
        start = time.perf_counter()
        answer = await asyncio.wait_for(self.rpc.dispatcher.answer(message, caller), SLOWEST_SECONDS)
        for each in answer.afterwards:
            each()
        if not on_socket:
            connection.close()
        seconds = time.perf_counter() - start
        if "pool" in may:
            # A broadcast submits in a task of its own, which belongs to this message.
            for _ in range(4):
                await asyncio.sleep(0)
        answers = _answers(message, answer.payload)
        self.report.calls += max(1, len(answers))
        _match(message, requests, answers)
        for one in answers:
            name = _asked(requests, one.get("id"))
            self.report.note(name, one, seconds)
        if all("error" in one for one in answers):
            may = frozenset()
        changed = {part for part, value in self._footprint().items() if value != before[part]}
        if not changed <= may:
            raise Violation(f"{sorted(changed - may)} changed by {_shown(message)}")
        await self._read_streams(message)

    async def _read_streams(self, message: bytes) -> None:
        """Read the first value of what was opened, as a socket does, and what the follower is told."""
        for stream in self.followers:
            with suppress(TimeoutError):
                while True:
                    event = json.loads(encode(await asyncio.wait_for(anext(stream), 0)))
                    if event.get("error") == "Internal error":
                        raise Violation(f"an operation fails: {_shown(message)}")
        streams = self.rpc.streams
        for identifier, stream in list(streams.open.items()):
            # The new specification has no event for a transaction that has to wait for others.
            may_be_silent = streams.kinds[identifier] == "transactionWatch_v1_submitAndWatch"
            try:
                encode(await asyncio.wait_for(anext(stream), 0.02 if may_be_silent else SLOWEST_SECONDS))
            except TimeoutError:
                if not may_be_silent:
                    raise
            except RpcError as error:
                if error.code == INTERNAL_ERROR:
                    raise Violation(f"an internal error ends a subscription: {_shown(message)}") from error
            finally:
                await stream.aclose()  # type: ignore[attr-defined]
                streams.end(identifier)

    def _footprint(self) -> dict[str, object]:
        pool = self.rpc.transactions.pool
        return {
            "store": self.kv.writes,
            "pool": frozenset(one.hash for queue in (pool.ready(), pool.futures()) for one in queue),
            "keystore": frozenset(self.keys.iterdir()) if self.keys.exists() else frozenset(),
        }


def _weight(method: Method) -> int:
    if method.name in RARELY:
        return 1
    return 12 if method.parameters else 3


def _answers(message: bytes, payload: bytes | None) -> list[dict[str, Any]]:
    """The responses in an answer, each checked against JSON-RPC 2.0."""
    if payload is None:
        return []
    parsed = json.loads(payload.decode("ascii"), parse_constant=_refuse_constant)
    answers = parsed if isinstance(parsed, list) else [parsed]
    if not answers:
        raise Violation(f"an empty batch answers {_shown(message)}")
    for one in answers:
        wrong = one.get("jsonrpc") != "2.0" or one.keys() not in (
            {"jsonrpc", "id", "result"},
            {"jsonrpc", "id", "error"},
        )
        if not wrong and "error" in one:
            error = one["error"]
            wrong = not (isinstance(error["code"], int) and isinstance(error["message"], str))
            wrong |= not error.keys() <= {"code", "message", "data"} or error["code"] == INTERNAL_ERROR
        if wrong:
            raise Violation(f"{json.dumps(one)[:300]} answers {_shown(message)}")
    return answers


def _match(
    message: bytes, requests: Sequence[dict[str, Any]] | None, answers: Sequence[dict[str, Any]]
) -> None:
    """Every request with an id has its answer, in order."""
    if requests is None:
        return
    if len(answers) == 1 and answers[0]["id"] is None:
        # The frame could not be read, so there is no id to answer under.
        return
    expected = [one for one in requests if "id" in one or "jsonrpc" not in one or "method" not in one]
    identifiers = [one.get("id") for one in expected]
    if len(identifiers) != len(answers) or any(
        answer["id"] not in (identifier, None)
        for identifier, answer in zip(identifiers, answers, strict=True)
    ):
        raise Violation(f"ids {[one['id'] for one in answers]} answer {_shown(message)}")


def _asked(requests: Sequence[dict[str, Any]] | None, identifier: object) -> str:
    if requests is None:
        return "(garbage)"
    found = (one.get("method") for one in requests if identifier is not None and one.get("id") == identifier)
    return str(next(found, "(malformed request)"))


def _refuse_constant(name: str) -> None:
    raise Violation(f"{name} in an answer")


def _shown(message: bytes) -> str:
    return repr(message if len(message) <= 2_000 else message[:2_000] + b"...")


def _grow(rpc: Rpc) -> Mapping[str, Sequence[bytes | str]]:
    """Blocks of every kind; the answer is what parameters may name of them."""
    world = rpc.world
    size = len(ARTIFACT)
    calls = [
        RUNTIME.call("Models", "create", model=MODEL, size=size),
        RUNTIME.call("Models", "upload_chunk", model=MODEL, index=0, data=ARTIFACT),
        RUNTIME.call("Models", "publish", model=MODEL, size=size),
    ]
    infer = RUNTIME.call("Inference", "infer", model=MODEL, inputs=(bytes([1, 2, 3, 4]),), max_fee=10**18)
    made = [rpc.build(world.sign(RUNTIME.call("Utility", "batch_all", calls=calls), BOB))]
    made += [rpc.build(world.sign(infer, BOB, 1)), *(rpc.build() for _ in range(4))]
    for authored in made[:-1]:
        rpc.finalise(authored)
    rival = World(pruning=Pruning.keep(2), slot=START_SLOT)
    for authored in made[:-1]:
        rival.importer.import_block(world.received(authored.stored.hash), 10**15)
    rival.slot = world.slot + 100
    fork = rival.build(rival.remark(b"fork", BOB, 2))
    # Whichever of the two is better, the next block comes behind both.
    world.slot = rival.slot
    rpc.import_stored(world.importer.import_block(rival.received(fork.stored.hash), 10**15))
    blocks = [GENESIS.header.hash(), *(one.stored.hash for one in made), fork.stored.hash]
    inference = made[1].proposal.execution.events
    receipts = [one.event.receipt for one in inference if isinstance(one.event, Completed)]
    return _known(world, blocks, receipts)


def _known(world: World, blocks: list[bytes], receipts: list[bytes]) -> Mapping[str, Sequence[bytes | str]]:
    extrinsics = [world.transfer(signer=BOB, nonce=nonce).encoded for nonce in (*range(60), 90, 2**31)]
    body = world.store.body(blocks[2]) or ()
    towers = [BareExtrinsic(NESTED_BATCH * levels + bytes(3)).encode() for levels in (3, 60, 5_000, 20_000)]
    state = world.store.state_at(world.store.best().hash)
    entries = [key for _, key in zip(range(60), state.keys(b""), strict=False)]
    prefixes = [b"", b":", b":code", System.account.prefix, Balances.total_issuance.key()]
    dest = RUNTIME.encode_call(RUNTIME.call("Balances", "burn", value=1, keep_alive=True))
    names = [*RuntimeApi(RUNTIME).names, "Nope_nothing", "Metadata_metadata_at_version"]
    accounts = [ALICE.address(), BOB.address(), ALICE.address(0), "0x" + ALICE.public.hex()]
    parameters = [
        b"",
        ALICE.public,
        MODEL,
        MODEL + b"\x04\x10\x01\x02\x03\x04",
        dest,
        extrinsics[0] + bytes(4),
    ]
    parameters += [
        extrinsics[0] + len(extrinsics[0]).to_bytes(4, "little"),
        b"\x02" + extrinsics[0] + blocks[-1],
    ]
    parameters += [(15).to_bytes(4, "little"), b"\xff" * 40]
    inputs = [bytes([1, 2, 3, 4]), bytes(4), b"", bytes(5)]
    everything: list[bytes | str] = [
        *blocks,
        MODEL,
        ALICE.public,
        *receipts,
        *entries,
        *prefixes,
        *extrinsics[:3],
        *body,
        *names,
    ]
    return {
        "": [*everything, *parameters, *accounts],
        **dict.fromkeys(("hash", "at", "from_block", "to_block"), blocks),
        "extrinsic": [*extrinsics, *body, *towers],
        "keys": [*entries, *prefixes],
        "key": [*entries, *prefixes],
        "prefix": prefixes,
        "start_key": [MODEL, *entries],
        "model": [MODEL],
        "receipt": [*receipts, bytes(32)],
        "inputs": inputs,
        "name": names,
        "data": parameters,
        "key_type": ["babe", "gran", "aura"],
        "suri": ["//Alice", "//Bob", "//Charlie//stash"],
        "public": [ALICE.public, bytes(48), bytes(32)],
        **dict.fromkeys(("account", "caller"), accounts),
    }


def _sound(world: World, extrinsic: bytes | str) -> Mapping[str, Sequence[Sequence[Any]]]:
    """Parameters that fit each other, for the methods where values drawn one by one hardly ever do."""
    assert isinstance(extrinsic, bytes)
    best = world.store.best().hash
    priced = extrinsic + len(extrinsic).to_bytes(4, "little")
    queries = {
        "Core_version": b"",
        "Metadata_metadata_versions": b"",
        "Metadata_metadata_at_version": (15).to_bytes(4, "little"),
        "AccountNonceApi_account_nonce": ALICE.public,
        "TransactionPaymentApi_query_info": priced,
        "TransactionPaymentApi_query_fee_details": priced,
        "TaggedTransactionQueue_validate_transaction": b"\x02" + extrinsic + best,
        "InferenceApi_estimate": MODEL,
        "InferenceApi_model": MODEL,
        "InferenceApi_dry_run": MODEL + b"\x04\x10\x01\x02\x03\x04",
    }
    keys = [(kind, "//Charlie", "0x" + public_key(kind, "//Charlie").hex()) for kind in KeyType]
    return {
        "state_call": [(name, "0x" + data.hex()) for name, data in queries.items()],
        "author_insertKey": [(kind.value, suri, public) for kind, suri, public in keys],
        "inference_dryRun": [("0x" + MODEL.hex(), ["0x01020304"]), ("0x" + MODEL.hex(), ["0x" + "00" * 5])],
    }
