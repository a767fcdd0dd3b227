"""What a user of substrate-interface does with a node, nothing about Fixpoint configured.

Prints a JSON report. Runs in an environment of its own: it shares no module with Fixpoint.
"""

import json
import sys
from pathlib import Path
from typing import Any

from substrateinterface import Keypair, KeypairType, SubstrateInterface

# Its ed25519 key pairs derive nothing: this is the seed of //Alice.
ED25519_ALICE = "0xabf8e5bdbe30c65656c0a3cbd181ff8a56294a69dfedd27982aace4a76909115"

url, scenario_path = sys.argv[1:]
scenario = json.loads(Path(scenario_path).read_text())
node = SubstrateInterface(url=url)
sr25519 = Keypair.create_from_uri("//Alice", crypto_type=KeypairType.SR25519)
ed25519 = Keypair.create_from_seed(ED25519_ALICE, crypto_type=KeypairType.ED25519)


def call(pallet: str, name: str, **arguments: Any) -> Any:
    """A call by names."""
    return node.compose_call(call_module=pallet, call_function=name, call_params=arguments)


def send(composed: Any, signer: Keypair, **options: Any) -> dict[str, Any]:
    """Sign, submit, wait for finality, read the events."""
    extrinsic = node.create_signed_extrinsic(call=composed, keypair=signer, **options)
    receipt = node.submit_extrinsic(extrinsic, wait_for_finalization=True)
    events = [record.value["event"] for record in receipt.triggered_events]
    error = receipt.error_message
    return {
        "block": receipt.block_hash,
        "events": [f"{each['module_id']}.{each['event_id']}" for each in events],
        "attributes": [each["attributes"] for each in events],
        "error": error["name"] if error else None,
        "explained": " ".join(error["docs"]) if error else None,
        "fee": receipt.total_fee_amount,
    }


def brief(sent: dict[str, Any]) -> dict[str, Any]:
    """What the report keeps of a transaction."""
    return {key: sent[key] for key in ("block", "events", "error", "explained")}


def heads(subscribe: Any) -> list[int]:
    """The numbers of the first three heads of a subscription."""
    seen: list[int] = []

    def note(head: Any, update: int, subscription: str) -> list[int] | None:
        seen.append(head["header"]["number"])
        return seen if len(seen) == 3 else None

    return list(subscribe(note))


version = node.get_constant("System", "Version").value
report: dict[str, Any] = {
    "chain": node.chain,
    "runtime": version["spec_name"],
    "constants": {
        "existentialDeposit": str(node.get_constant("Balances", "ExistentialDeposit").value),
        "ss58Prefix": node.get_constant("System", "SS58Prefix").value,
        "blockHashCount": node.get_constant("System", "BlockHashCount").value,
        "specVersion": version["spec_version"],
    },
    "accounts": [key.value for key, _ in node.query_map("System", "Account", page_size=5)],
    "nonce": node.get_account_nonce(sr25519.ss58_address),
}
report["heads"] = {
    "best": heads(node.subscribe_block_headers),
    "finalized": heads(lambda note: node.subscribe_block_headers(note, finalized_only=True)),
}
account = node.query("System", "Account", [scenario["bob"]])
report["balances"] = [str(account.value["data"]["free"])]

transfer = call("Balances", "transfer_keep_alive", dest=scenario["bob"], value=int(scenario["amount"]))
report["fee"] = str(node.get_payment_info(transfer, sr25519)["partialFee"])
publish = call(
    "Utility",
    "batch_all",
    calls=[
        call("Models", "create", model=scenario["model"], size=scenario["size"]),
        call("Models", "upload_chunk", model=scenario["model"], index=0, data=scenario["artifact"]),
        call("Models", "publish", model=scenario["model"], size=scenario["size"]),
    ],
)
paid = send(transfer, sr25519, era={"period": 64})
report["paid"] = str(paid["fee"])
report["sr25519"] = brief(paid)
report["ed25519"] = brief(send(transfer, ed25519))
report["long"] = brief(send(call("System", "remark_with_event", remark="0x" + "ab" * 300), sr25519))
unknown = call("Inference", "infer", model=scenario["unknown"], inputs=[], max_fee=0)
report["failing"] = brief(send(unknown, sr25519))
report["publish"] = brief(send(publish, sr25519))
account = node.query("System", "Account", [scenario["bob"]])
report["balances"].append(str(account.value["data"]["free"]))

record = node.query("Models", "Records", [scenario["model"]]).value
report["model"] = {
    "owner": record["owner"],
    "status": record["status"],
    "input": record["summary"]["inputs"][0]["name"],
}
infer = call("Inference", "infer", model=scenario["model"], inputs=scenario["inputs"], max_fee=10**12)
inferred = send(infer, sr25519)
completed = inferred["attributes"][inferred["events"].index("Inference.Completed")]
report["inference"] = brief(inferred) | {"output": list(completed["output"])}
receipt = node.query("Inference", "Receipts", [completed["receipt"]]).value
report["receipt"] = {
    "id": completed["receipt"],
    "model": receipt["model"],
    "caller": receipt["caller"],
    "output": list(receipt["output"]),
}
key = node.create_storage_key("Inference", "Receipts", [completed["receipt"]]).to_hex()
proof = node.rpc_request("state_getReadProof", [[key], inferred["block"]])["result"]
report["proof"] = {"key": key, "at": proof["at"], "nodes": proof["proof"]}
block = node.get_block(block_hash=inferred["block"], include_author=False)
report["extrinsics"] = [str(each.value["call"]["call_module"]) for each in block["extrinsics"]]
node.close()
sys.stdout.write(json.dumps(report))
