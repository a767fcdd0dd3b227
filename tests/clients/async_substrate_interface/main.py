"""What a user of async-substrate-interface does with a node, nothing about Fixpoint configured.

Prints a JSON report. Runs in an environment of its own: it shares no module with Fixpoint.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nacl.signing
import sr25519
from async_substrate_interface import AsyncSubstrateInterface

ED25519_ALICE = bytes.fromhex("abf8e5bdbe30c65656c0a3cbd181ff8a56294a69dfedd27982aace4a76909115")
SR25519_ALICE = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")


@dataclass
class Sr25519Key:
    """The library brings no keys of its own: a user gives it an object such as this."""

    ss58_address: str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    ss58_format: int = 42
    crypto_type: int = 1

    def __post_init__(self) -> None:
        self.public_key, self._secret = sr25519.pair_from_seed(SR25519_ALICE)

    def sign(self, data: Any) -> bytes:
        """A signature over the bytes of a scale object or over bytes."""
        return bytes(sr25519.sign((self.public_key, self._secret), bytes(getattr(data, "data", data))))


@dataclass
class Ed25519Key:
    """The same for the other scheme."""

    ss58_address: str = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"
    ss58_format: int = 42
    crypto_type: int = 0

    def __post_init__(self) -> None:
        self._key = nacl.signing.SigningKey(ED25519_ALICE)
        self.public_key = bytes(self._key.verify_key)

    def sign(self, data: Any) -> bytes:
        """A signature over the bytes of a scale object or over bytes."""
        return self._key.sign(bytes(getattr(data, "data", data))).signature


class Session:
    """A connected client."""

    def __init__(self, node: AsyncSubstrateInterface) -> None:
        self.node = node

    async def call(self, pallet: str, name: str, **arguments: Any) -> Any:
        """A call by names."""
        return await self.node.compose_call(call_module=pallet, call_function=name, call_params=arguments)

    async def send(self, composed: Any, signer: Any, **options: Any) -> dict[str, Any]:
        """Sign, submit, wait for finality, read the events."""
        extrinsic = await self.node.create_signed_extrinsic(call=composed, keypair=signer, **options)
        receipt = await self.node.submit_extrinsic(extrinsic, wait_for_finalization=True)
        records = await receipt.triggered_events
        events = [record["event"] for record in records]
        error = await receipt.error_message
        return {
            "block": receipt.block_hash,
            "events": [f"{each['module_id']}.{each['event_id']}" for each in events],
            "attributes": [each["attributes"] for each in events],
            "error": error["name"] if error else None,
            "explained": " ".join(error["docs"]) if error else None,
            "fee": await receipt.total_fee_amount,
        }

    async def heads(self, finalized: bool) -> list[int]:
        """The numbers of the first three heads of a subscription."""
        seen: list[int] = []

        async def note(head: dict[str, Any]) -> list[int] | None:
            seen.append(head["header"]["number"])
            return seen if len(seen) == 3 else None

        await self.node.subscribe_block_headers(note, finalized_only=finalized)
        return seen


def brief(sent: dict[str, Any]) -> dict[str, Any]:
    """What the report keeps of a transaction."""
    return {key: sent[key] for key in ("block", "events", "error", "explained")}


async def value(awaitable: Any) -> Any:
    """The plain value of an answer."""
    answer = await awaitable
    return getattr(answer, "value", answer)


async def main(url: str, scenario: dict[str, Any]) -> dict[str, Any]:
    """The whole session; the answer is its report."""
    async with AsyncSubstrateInterface(url) as node:
        session, alice = Session(node), Sr25519Key()
        report = await read(session, scenario, alice)
        model, size = scenario["model"], scenario["size"]
        parts = [
            await session.call("Models", "create", model=model, size=size),
            await session.call("Models", "upload_chunk", model=model, index=0, data=scenario["artifact"]),
            await session.call("Models", "publish", model=model, size=size),
        ]
        transfer = await session.call(
            "Balances", "transfer_keep_alive", dest=scenario["bob"], value=int(scenario["amount"])
        )
        report["fee"] = str((await node.get_payment_info(transfer, alice))["partial_fee"])
        paid = await session.send(transfer, alice, era={"period": 64})
        report["paid"] = str(paid["fee"])
        report["sr25519"] = brief(paid)
        report["ed25519"] = brief(await session.send(transfer, Ed25519Key()))
        remark = await session.call("System", "remark_with_event", remark="0x" + "ab" * 300)
        report["long"] = brief(await session.send(remark, alice))
        unknown = await session.call("Inference", "infer", model=scenario["unknown"], inputs=[], max_fee=0)
        report["failing"] = brief(await session.send(unknown, alice))
        batch = await session.call("Utility", "batch_all", calls=parts)
        report["publish"] = brief(await session.send(batch, alice))
        after = await value(node.query("System", "Account", [scenario["bob"]]))
        report["balances"].append(str(after["data"]["free"]))
        report |= await infer(session, scenario, alice)
        return report


async def read(session: Session, scenario: dict[str, Any], alice: Sr25519Key) -> dict[str, Any]:
    """Constants, a map, a balance, heads."""
    node = session.node
    version = await value(node.get_constant("System", "Version"))
    accounts = await node.query_map("System", "Account", page_size=5)
    balance = await value(node.query("System", "Account", [scenario["bob"]]))
    return {
        "chain": node.chain,
        "runtime": version["spec_name"],
        "constants": {
            "existentialDeposit": str(await value(node.get_constant("Balances", "ExistentialDeposit"))),
            "ss58Prefix": await value(node.get_constant("System", "SS58Prefix")),
            "blockHashCount": await value(node.get_constant("System", "BlockHashCount")),
            "specVersion": version["spec_version"],
        },
        "accounts": [key async for key, _ in accounts],
        "balances": [str(balance["data"]["free"])],
        "nonce": await node.get_account_nonce(alice.ss58_address),
        "heads": {"best": await session.heads(False), "finalized": await session.heads(True)},
    }


async def infer(session: Session, scenario: dict[str, Any], alice: Sr25519Key) -> dict[str, Any]:
    """The model's record, an inference, its receipt and a proof of it."""
    node = session.node
    record = await value(node.query("Models", "Records", [scenario["model"]]))
    estimate = await value(node.runtime_call("InferenceApi", "estimate", [scenario["model"]]))
    call = await session.call(
        "Inference",
        "infer",
        model=scenario["model"],
        inputs=scenario["inputs"],
        max_fee=2 * estimate["inference_fee"],
    )
    inferred = await session.send(call, alice)
    completed = inferred["attributes"][inferred["events"].index("Inference.Completed")]
    receipt = await value(node.query("Inference", "Receipts", [completed["receipt"]]))
    key = (await node.create_storage_key("Inference", "Receipts", [completed["receipt"]])).to_hex()
    proof = (await node.rpc_request("state_getReadProof", [[key], inferred["block"]]))["result"]
    return {
        "model": {
            "owner": record["owner"],
            "status": record["status"],
            "input": record["summary"]["inputs"][0]["name"],
        },
        "inference": brief(inferred) | {"output": list(completed["output"])},
        "receipt": {
            "id": completed["receipt"],
            "model": receipt["model"],
            "caller": receipt["caller"],
            "output": list(receipt["output"]),
        },
        "proof": {"key": key, "at": proof["at"], "nodes": proof["proof"]},
    }


sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))))
