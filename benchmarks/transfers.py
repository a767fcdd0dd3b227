"""Importing blocks of signed transfers, beside the ledger a Python developer would write: SQLite.

Both verify every ed25519 signature, move the balances, record an event and sync to disk once per 1,000
transfers. Only Fixpoint also proves the result: a Merkle root that any light client can check.
"""

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chains import (
    ENDOWMENT,
    author_blocks,
    chain_with,
    fresh_chain,
    import_all,
    signers,
    strangers,
    transfer,
)
from benchmarks.harness import resident_mib, seconds, show
from chain.importing import Received
from runtime.primitives.keys import KeyPair

PER_BLOCK = 1_000
SIGNERS = 5_000


def run(accounts: Sequence[int] = (10_000, 1_000_000), blocks: int = 10) -> None:
    """Print the rates for each number of accounts, and the costs of an empty block."""
    rows = [_measure(count, blocks) for count in accounts]
    base = rows[0][0]
    ledger = PER_BLOCK * blocks / _sqlite(10_000, blocks)
    table = [
        [
            f"import, {count:,} accounts",
            f"{rate:,.0f} tx/s",
            f"{rate / base:.2f}",
            f"{rate / ledger:.2f}",
            f"{syncs:.1f}",
            f"{memory:,.0f} MiB",
        ]
        for count, (rate, syncs, memory) in zip(accounts, rows, strict=True)
    ]
    table.append(["SQLite ledger, 10,000 accounts", f"{ledger:,.0f} tx/s", "", "1.00", "1.0", ""])
    columns = ["signed transfer_keep_alive", "rate", "/ first row", "/ SQLite", "fsyncs a block", "memory"]
    show("Importing transfers", columns, table)
    _empty_blocks(50)


def _transfers(count: int, blocks: int) -> tuple[list[KeyPair], list[bytes]]:
    senders = signers(min(SIGNERS, count))
    return senders, [one.public for one in senders] + strangers(count - len(senders))


def _measure(count: int, blocks: int) -> tuple[float, float, float]:
    """(transfers a second, fsyncs a block, MiB) of importing on a chain with `count` accounts."""
    senders, accounts = _transfers(count, blocks)
    spec = chain_with(accounts)
    step = max(1, len(accounts) // (PER_BLOCK * blocks))
    with fresh_chain(spec) as chain:
        batches = []
        for block in range(blocks):
            positions = range(block * PER_BLOCK, (block + 1) * PER_BLOCK)
            batches.append(
                [
                    transfer(
                        chain,
                        senders[i % len(senders)],
                        accounts[-1 - i * step % len(accounts)],
                        i // len(senders),
                    )
                    for i in positions
                ]
            )
        made = author_blocks(chain, batches)
    with fresh_chain(spec) as chain:
        synced = chain.store.kv.fsyncs
        elapsed = seconds(lambda: import_all(chain, made))
        return PER_BLOCK * blocks / elapsed, (chain.store.kv.fsyncs - synced) / blocks, resident_mib()


def _empty_blocks(count: int) -> None:
    spec = chain_with(strangers(10_000))
    with fresh_chain(spec) as chain:
        made: list[Received] = author_blocks(chain, [[]] * count)
    with fresh_chain(spec) as chain:
        import_all(chain, made[:5])
        elapsed = seconds(lambda: import_all(chain, made[5:]))
    show(
        "Importing empty blocks",
        ["", "time"],
        [["a block, stored and synced", f"{elapsed / (count - 5) * 1e3:.2f} ms"]],
    )


def _sqlite(count: int, blocks: int) -> float:
    """Seconds for the same transfers in a SQLite ledger (WAL, synchronous=FULL)."""
    senders, accounts = _transfers(count, blocks)
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(Path(folder) / "ledger.db", isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE account (id BLOB PRIMARY KEY, free INTEGER, nonce INTEGER) WITHOUT ROWID")
        db.execute("CREATE TABLE event (block INTEGER, source BLOB, dest BLOB, amount INTEGER)")
        db.executemany("INSERT INTO account VALUES (?, ?, 0)", [(one, ENDOWMENT) for one in accounts])
        orders = []
        for i in range(PER_BLOCK * blocks):
            signer, dest, nonce = senders[i % len(senders)], accounts[-1 - i], i // len(senders)
            message = dest + nonce.to_bytes(4, "little") + (10**9).to_bytes(16, "little")
            orders.append((signer, dest, nonce, message, signer.sign(message)))

        def work() -> None:
            for block in range(blocks):
                db.execute("BEGIN")
                for signer, dest, nonce, message, signature in orders[
                    block * PER_BLOCK : (block + 1) * PER_BLOCK
                ]:
                    assert signer.verify(signature, message)
                    free, used = db.execute(
                        "SELECT free, nonce FROM account WHERE id=?", (signer.public,)
                    ).fetchone()
                    assert used == nonce
                    assert free >= 10**9
                    db.execute(
                        "UPDATE account SET free=free-?, nonce=nonce+1 WHERE id=?", (10**9, signer.public)
                    )
                    db.execute("UPDATE account SET free=free+? WHERE id=?", (10**9, dest))
                    db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (block, signer.public, dest, 10**9))
                db.execute("COMMIT")

        elapsed = seconds(work)
        db.close()
    return elapsed
