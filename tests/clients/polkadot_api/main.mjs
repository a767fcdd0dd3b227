// What a user of polkadot-api (PAPI) does with a node, nothing about Fixpoint configured. Prints one JSON report.
import { readFileSync } from 'node:fs';
import { Keyring } from '@polkadot/keyring';
import { Binary, createClient, Enum } from 'polkadot-api';
import { getPolkadotSigner } from 'polkadot-api/signer';
import { getWsProvider } from 'polkadot-api/ws';
import { distinctUntilChanged, firstValueFrom, map, take, toArray } from 'rxjs';
import { WebSocket } from 'ws';

const [url, scenarioPath] = process.argv.slice(2);
const scenario = JSON.parse(readFileSync(scenarioPath, 'utf8'));
const client = createClient(getWsProvider(url, { websocketClass: WebSocket }));
const api = client.getUnsafeApi();

function signer(type, scheme) {
  const pair = new Keyring({ type }).addFromUri('//Alice');
  return { address: pair.address, ...getPolkadotSigner(pair.publicKey, scheme, (message) => pair.sign(message)) };
}
const sr25519 = signer('sr25519', 'Sr25519');
const ed25519 = signer('ed25519', 'Ed25519');

const names = (events) => events.map(({ type, value }) => `${type}.${value.type}`);
async function send(tx, from, options) {
  const result = await tx.signAndSubmit(from, options);
  const failure = result.ok ? undefined : result.dispatchError;
  const module = failure?.type === 'Module' ? failure.value : undefined;
  return {
    block: result.block.hash,
    events: names(result.events),
    raw: result.events.map(({ value }) => value.value),
    error: module ? `${module.type}.${module.value.type}` : null,
  };
}
const brief = ({ block, events, error }) => ({ block, events, error });
const found = (sent, name) => sent.raw[sent.events.indexOf(name)];
const first = (observable, count) => firstValueFrom(observable.pipe(take(count), toArray()));

// The best chain is told anew whenever a part of it becomes final, too.
const best$ = client.bestBlocks$.pipe(
  map(([head]) => head.number),
  distinctUntilChanged(),
);
const heads = Promise.all([first(best$, 3), first(client.finalizedBlock$, 3)]);
const balances = [];
const watching = api.query.System.Account.watchValue(scenario.bob).subscribe((each) =>
  balances.push((each.value ?? each).data.free.toString()),
);
const version = await api.constants.System.Version();
const report = {
  chain: (await client.getChainSpecData()).name,
  runtime: version.spec_name,
  constants: {
    existentialDeposit: (await api.constants.Balances.ExistentialDeposit()).toString(),
    ss58Prefix: await api.constants.System.SS58Prefix(),
    blockHashCount: await api.constants.System.BlockHashCount(),
    specVersion: version.spec_version,
  },
  accounts: (await api.query.System.Account.getEntries()).map(({ keyArgs }) => keyArgs[0]),
  nonce: await api.apis.AccountNonceApi.account_nonce(sr25519.address),
};

const transfer = api.tx.Balances.transfer_keep_alive({
  dest: Enum('Id', scenario.bob),
  value: BigInt(scenario.amount),
});
report.fee = (await transfer.getEstimatedFees(sr25519.address)).toString();
const publish = api.tx.Utility.batch_all({
  calls: [
    api.tx.Models.create({ model: scenario.model, size: scenario.size }),
    api.tx.Models.upload_chunk({ model: scenario.model, index: 0, data: Binary.fromHex(scenario.artifact) }),
    api.tx.Models.publish({ model: scenario.model, size: scenario.size }),
  ].map((each) => each.decodedCall),
});
const remark = api.tx.System.remark_with_event({ remark: Binary.fromHex(`0x${'ab'.repeat(300)}`) });
const unknown = api.tx.Inference.infer({ model: scenario.unknown, inputs: [], max_fee: 0n });
const sent = await Promise.all([
  send(transfer, sr25519, { nonce: report.nonce }),
  send(transfer, ed25519, { mortality: { mortal: false } }),
  send(remark, sr25519, { nonce: report.nonce + 1 }),
  send(unknown, sr25519, { nonce: report.nonce + 2 }),
  send(publish, sr25519, { nonce: report.nonce + 3 }),
]);
[report.sr25519, report.ed25519, report.long, report.failing, report.publish] = sent.map(brief);
report.paid = found(sent[0], 'TransactionPayment.TransactionFeePaid').actual_fee.toString();

const record = await api.query.Models.Records.getValue(scenario.model);
report.model = { owner: record.owner, status: record.status.type, input: record.summary.inputs[0].name };
const estimate = await api.apis.InferenceApi.estimate(scenario.model);
const infer = api.tx.Inference.infer({
  model: scenario.model,
  inputs: scenario.inputs.map((each) => Binary.fromHex(each)),
  max_fee: estimate.inference_fee * 2n,
});
const inferred = await send(infer, sr25519);
const completed = found(inferred, 'Inference.Completed');
const hex = (each) => (typeof each === 'string' ? each : each.asHex?.() ?? Binary.toHex(each));
report.inference = { ...brief(inferred), output: completed.output.map(hex) };
const receipt = await api.query.Inference.Receipts.getValue(completed.receipt);
report.receipt = {
  id: hex(completed.receipt),
  model: hex(receipt.model),
  caller: receipt.caller,
  output: receipt.output.map(hex),
};
const key = await api.query.Inference.Receipts.getKey(completed.receipt);
const proof = await client._request('state_getReadProof', [[key], inferred.block]);
report.proof = { key, at: proof.at, nodes: proof.proof };
const [best, finalized] = await heads;
report.heads = { best, finalized: finalized.map((each) => each.number) };
watching.unsubscribe();
report.balances = balances;

client.destroy();
console.log(JSON.stringify(report));
