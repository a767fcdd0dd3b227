"""Transactions and blocks from an attacker: refused by the declared errors, or executed the same by all.

Whatever is sent, the parent's state is only read, a block that refused something is as if it had never been
offered, and an importer agrees with the author.
"""

from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from runtime.executive import BlockBuilder, Execution, ExtrinsicOutcome
from runtime.executive.outcome import serial
from runtime.frame.errors import BlockReason, InvalidBlock, InvalidTransaction, TransactionKind
from runtime.frame.extension import ValidTransaction
from runtime.frame.inherents import InherentData
from runtime.inference_engine import LocalEngine
from runtime.primitives.block import Block
from runtime.primitives.digest import Consensus, Digest, Other, PreRuntime, RuntimeEnvironmentUpdated, Seal
from runtime.primitives.header import Header
from runtime.primitives.state import MemoryState
from runtime.primitives.trie import extrinsics_root, root_of
from tests.runtime.helpers import ALICE, BOB, World, claim
from tests.runtime.hostile import MODEL, Hostile, accept_all
from tests.runtime.pallets.programs import publish_call, upload_calls

SEEDS = range(4)


@pytest.fixture(scope="module")
def grown() -> World:
    """A world with a published model, whose state can not be written."""
    world = World(engine=LocalEngine())
    calls = [*upload_calls(world, MODEL), publish_call(world, MODEL)]
    world.advance(world.sign(BOB, world.make("Utility.batch_all", calls=calls)))
    world.advance()
    return world


@pytest.fixture
def world(grown: World) -> World:
    """The same head over a state that refuses every write."""
    frozen = copy(grown)
    storage, artifacts = grown.state.storage, grown.state.artifacts
    frozen.state = MemoryState(MappingProxyType(dict(storage)), MappingProxyType(dict(artifacts)))
    return frozen


def answer(ask: Callable[..., Any], *arguments: Any) -> Any:
    """What comes of it, declared errors included; any other exception is a failure of the test."""
    try:
        return ask(*arguments)
    except (InvalidTransaction, InvalidBlock) as fault:
        return fault


def begin(world: World, checks: Any = serial) -> BlockBuilder:
    number = world.head.number + 1
    builder = world.runtime.begin_block(world.head, world.digest(number), world.state, checks)
    builder.inherents(InherentData(world.timestamp(number)))
    return builder


def block_of(world: World, included: list[bytes], execution: Any) -> Block:
    root = execution.extrinsics_root
    return Block(
        Header(world.head.hash(), world.head.number + 1, bytes(32), root, execution.digest), included
    )


def state_root(world: World, execution: Any) -> bytes:
    state = {**world.state.storage, **execution.changes}
    return root_of({key: value for key, value in state.items() if value is not None})


@pytest.mark.parametrize("seed", SEEDS)
def test_validating_hostile_transactions_refuses_them_by_name_or_describes_them(
    world: World, seed: int
) -> None:
    hostile, seen = Hostile(world, seed), Counter[Any]()
    before = dict(world.state.storage)
    for _ in range(400):
        extrinsic = hostile.transaction()
        found = answer(world.runtime.validate_transaction, extrinsic, world.state, world.head.hash())
        if isinstance(found, ValidTransaction):
            seen["valid"] += 1
        else:
            assert isinstance(found, InvalidTransaction)
            assert found.encode()
            assert str(found)
            seen[found.kind] += 1
    assert dict(world.state.storage) == before
    assert seen["valid"] > 40
    assert {TransactionKind.CALL, TransactionKind.BAD_PROOF, TransactionKind.CANNOT_LOOKUP} <= seen.keys()


@pytest.mark.parametrize("checks", [serial, accept_all])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_block_is_as_if_what_it_refused_had_never_been_offered(
    world: World, seed: int, checks: Any
) -> None:
    hostile = Hostile(world, seed)
    builder, length, accepted, refused = begin(world, checks), 0, [], 0
    for _ in range(400):
        extrinsic = hostile.transaction()
        length = builder.length
        found = answer(builder.apply, extrinsic)
        if isinstance(found, ExtrinsicOutcome):
            accepted.append(extrinsic)
            hostile.note_accepted(extrinsic)
        else:
            assert isinstance(found, InvalidTransaction)
            assert builder.length == length
            refused += 1
    included, execution = builder.finish()
    clean = begin(world, checks)
    for extrinsic in accepted:
        clean.apply(extrinsic)
    again, without = clean.finish()
    assert (included, execution) == (again, without)
    assert state_root(world, execution) == state_root(world, without)
    assert world.runtime.execute_block(block_of(world, included, execution), world.state, checks) == execution
    assert len(accepted) > 5
    assert refused > 200


@pytest.mark.parametrize("seed", SEEDS)
def test_fees_and_dry_runs_of_hostile_transactions_are_refused_by_name_or_answered(
    world: World, seed: int
) -> None:
    hostile = Hostile(world, seed)
    for _ in range(200):
        extrinsic = hostile.transaction()
        answers = [
            answer(world.runtime.query_fee, extrinsic, world.state),
            answer(world.runtime.fee_details, extrinsic, world.state),
            answer(world.runtime.dry_run, extrinsic, world.state, world.head.hash()),
        ]
        assert not any(isinstance(each, InvalidBlock) for each in answers)
        assert isinstance(answers[0], InvalidTransaction) == isinstance(answers[1], InvalidTransaction)


def altered(hostile: Hostile, block: Block) -> Block:
    """The block with one thing changed, its extrinsics root mostly put right again."""
    random = hostile.random
    extrinsics, header = list(block.extrinsics), block.header
    place = random.randrange(len(extrinsics))
    match random.randrange(9):
        case 0:
            extrinsics[place] = hostile.damaged(extrinsics[place])
        case 1:
            extrinsics.insert(place, hostile.transaction())
        case 2:
            del extrinsics[place]
        case 3:
            extrinsics.append(extrinsics[place])
        case 4:
            random.shuffle(extrinsics)
        case 5:
            extrinsics += [hostile.transaction() for _ in range(random.choice((1, 5)))]
        case 6:
            extrinsics[0] = hostile.damaged(extrinsics[0])
        case 7:
            number = random.choice((0, header.number - 1, header.number + 1, 2**32 - 1))
            header = replace(header, number=number)
        case _:
            header = replace(header, digest=odd_digest(hostile, header.digest))
    if random.random() < 0.9:
        header = replace(header, extrinsics_root=extrinsics_root(extrinsics))
    return Block(header, extrinsics)


def odd_digest(hostile: Hostile, digest: Digest) -> Digest:
    """Items of every kind, slot claims with wrong bytes among them."""
    random = hostile.random
    data = random.choice(
        (b"", b"\1", b"\2", bytes(13), b"\2" + bytes(12), b"\2" + b"\xff" * 12, random.randbytes(40))
    )
    engine = random.choice((b"BABE", b"FRNK", b"\0\0\0\0"))
    items = (
        *(PreRuntime(engine, data), Consensus(engine, data), Seal(engine, data), Other(data)),
        *(
            RuntimeEnvironmentUpdated(),
            *claim(random.choice((0, 1, 2**64 - 1)), random.choice((0, 1, 2**32 - 1))).logs,
        ),
    )
    return Digest((*random.sample(items, random.randint(0, 3)), *random.choice((digest.logs, ()))))


@pytest.mark.parametrize("checks", [serial, accept_all])
@pytest.mark.parametrize("seed", SEEDS)
def test_an_altered_block_is_refused_by_the_rule_that_it_breaks_or_executed(
    world: World, seed: int, checks: Any
) -> None:
    hostile, seen = Hostile(world, seed), Counter[Any]()
    builder = begin(world, checks)
    for nonce in range(3):
        builder.apply(world.sign(ALICE, world.make("System.remark", remark=b"sound"), nonce=nonce))
    builder.apply(world.sign(BOB, world.make("Balances.burn", value=1, keep_alive=True)))
    sound = block_of(world, *builder.finish())
    for _ in range(250):
        block = altered(hostile, sound)
        found = answer(world.runtime.execute_block, block, world.state, checks)
        assert isinstance(found, InvalidBlock | Execution)
        assert str(found)
        seen[found.reason if isinstance(found, InvalidBlock) else "executed"] += 1
        clock = InherentData(world.timestamp(sound.header.number))
        assert str(answer(world.runtime.check_inherents, block, world.state, clock))
    wanted = {
        BlockReason.MALFORMED_EXTRINSIC,
        BlockReason.EXTRINSICS_ROOT,
        BlockReason.PARENT,
        BlockReason.DIGEST,
    }
    assert wanted <= seen.keys()
    assert BlockReason.BAD_SIGNATURE in seen or checks is accept_all
