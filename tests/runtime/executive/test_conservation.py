"""Whatever is sent: funds are conserved, nonces count, and an importer agrees with the author."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.configuration import UNIT
from runtime.frame.errors import InvalidTransaction, TransactionKind
from runtime.frame.inherents import InherentData
from runtime.pallets.balances import Balances
from runtime.pallets.system import System
from runtime.primitives.block import Block
from runtime.primitives.header import Header
from runtime.primitives.multiaddress import Id
from tests.runtime.helpers import ALICE, BOB, CHARLIE, DAVE, ED, NEWCOMER, World

SENDERS = (ALICE, BOB, CHARLIE, DAVE)
VALUES = st.sampled_from([0, 1, ED - 1, ED, UNIT, 999 * UNIT, 1_000 * UNIT - ED, 5_000 * UNIT])
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(SENDERS),
        st.sampled_from([*SENDERS, NEWCOMER]),
        VALUES,
        st.sampled_from(["allow_death", "keep_alive", "all", "burn", "batch", "batch_all", "sudo"]),
        st.sampled_from([0, 0, UNIT]),
    ),
    max_size=8,
)


def _call(world: World, kind: str, dest: bytes, value: int) -> object:
    transfer = world.make("Balances.transfer_allow_death", dest=Id(dest), value=value)
    match kind:
        case "keep_alive":
            return world.make("Balances.transfer_keep_alive", dest=Id(dest), value=value)
        case "all":
            return world.make("Balances.transfer_all", dest=Id(dest), keep_alive=value > 0)
        case "burn":
            return world.make("Balances.burn", value=value, keep_alive=False)
        case "batch" | "batch_all":
            return world.make(f"Utility.{kind}", calls=[transfer, transfer])
        case "sudo":
            inner = world.make("Balances.force_set_balance", who=Id(dest), new_free=value)
            return world.make("Sudo.sudo", call=inner)
        case _:
            return transfer


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=3))
def test_funds_are_conserved_over_random_blocks(
    blocks: list[list[tuple[bytes, bytes, int, str, int]]],
) -> None:
    world = World()
    for actions in blocks:
        number = world.head.number + 1
        builder = world.runtime.begin_block(world.head, world.digest(number), world.state)
        builder.inherents(InherentData(world.timestamp(number)))
        refusals = []
        nonces = {who: world.env.pallet(System).account.get(who).nonce for who in SENDERS}
        for sender, dest, value, kind, tip in actions:
            call = _call(world, kind, dest, value)
            try:
                builder.apply(world.sign(sender, call, nonce=nonces[sender], tip=tip))  # type: ignore[arg-type]
                nonces[sender] += 1
            except InvalidTransaction as fault:
                # An account that was reaped starts again at nonce zero, like in Substrate.
                refusals.append(fault.kind)
        assert set(refusals) <= {TransactionKind.PAYMENT, TransactionKind.FUTURE}
        extrinsics, built = builder.finish()
        header = Header(world.head.hash(), number, bytes(32), built.extrinsics_root, built.digest)
        block = Block(header, extrinsics)
        assert world.runtime.execute_block(block, world.state) == built
        world.commit(block, built)
        accounts = dict(world.env.pallet(System).account.items()).values()
        total = sum(each.data.free + each.data.reserved for each in accounts)
        assert total == world.env.pallet(Balances).total_issuance.get()
        assert all(each.data.free >= ED and each.providers == 1 for each in accounts)
