// What a user of dedot does with a node, nothing about Fixpoint configured. Prints one JSON report.
import { readFileSync } from 'node:fs';
import { Keyring } from '@polkadot/keyring';
import { DedotClient, LegacyClient, WsProvider } from 'dedot';

const [url, scenarioPath, rpc] = process.argv.slice(2);
const scenario = JSON.parse(readFileSync(scenarioPath, 'utf8'));
const kind = rpc === 'legacy' ? LegacyClient : DedotClient;
const client = await kind.new({ provider: new WsProvider(url), cacheMetadata: false });
const sr25519 = new Keyring({ type: 'sr25519' }).addFromUri('//Alice');
const ed25519 = new Keyring({ type: 'ed25519' }).addFromUri('//Alice');

const address = (account) => (typeof account === 'string' ? account : account.address());
const palletEvent = (event) =>
  `${event.pallet}.${typeof event.palletEvent === 'string' ? event.palletEvent : event.palletEvent.name}`;

function send(tx, signer, options = {}) {
  return new Promise((resolve, reject) => {
    tx.signAndSend(signer, options, (result) => {
      if (result.status.type === 'Invalid' || result.status.type === 'Drop') reject(new Error(result.status.type));
      if (result.status.type !== 'Finalized') return;
      const error = result.dispatchError && client.registry.findErrorMeta(result.dispatchError);
      resolve({
        block: result.status.value.blockHash,
        events: result.events.map(({ event }) => palletEvent(event)),
        raw: result.events.map(({ event }) => event.palletEvent?.data),
        error: error ? `${error.pallet}.${error.name}` : null,
        explained: error ? error.docs.join(' ') : null,
      });
    }).catch(reject);
  });
}

function heads(subscribe, count) {
  const seen = [];
  return new Promise((resolve, reject) => {
    const stop = subscribe((header) => {
      seen.push(header.number);
      if (seen.length === count) stop.then((unsubscribe) => unsubscribe()).then(() => resolve(seen));
    });
    stop.catch(reject);
  });
}

const brief = ({ block, events, error, explained }) => ({ block, events, error, explained });
const found = (sent, name) => sent.raw[sent.events.indexOf(name)];
const watchedHeads = Promise.all([
  heads((each) => client.rpc.chain_subscribeNewHeads(each), 3),
  heads((each) => client.rpc.chain_subscribeFinalizedHeads(each), 3),
]);
const balances = [];
const stopBalance = await client.query.system.account(scenario.bob, (account) =>
  balances.push(account.data.free.toString()),
);
const version = client.consts.system.version;
const report = {
  chain: await client.rpc.system_chain(),
  metadata: Number(client.metadata.version.slice(1)),
  runtime: version.specName,
  constants: {
    existentialDeposit: client.consts.balances.existentialDeposit.toString(),
    ss58Prefix: client.consts.system.ss58Prefix,
    blockHashCount: client.consts.system.blockHashCount,
    specVersion: version.specVersion,
  },
  accounts: (await client.query.system.account.entries()).map(([account]) => address(account)),
  // dedot reads pages over the legacy methods only.
  pages: rpc === 'legacy' ? (await client.query.system.account.pagedKeys({ pageSize: 5 })).length : null,
  nonce: await client.call.accountNonceApi.accountNonce(sr25519.address),
};

// A new one for each signer: signing changes the object.
const transfer = () => client.tx.balances.transferKeepAlive(scenario.bob, BigInt(scenario.amount));
report.fee = (await transfer().paymentInfo(sr25519)).partialFee.toString();
const publish = client.tx.utility.batchAll([
  client.tx.models.create(scenario.model, scenario.size).call,
  client.tx.models.uploadChunk(scenario.model, 0, scenario.artifact).call,
  client.tx.models.publish(scenario.model, scenario.size).call,
]);
const sent = await Promise.all([
  send(transfer(), sr25519, { nonce: report.nonce }),
  send(transfer(), ed25519),
  send(client.tx.system.remarkWithEvent(`0x${'ab'.repeat(300)}`), sr25519, { nonce: report.nonce + 1 }),
  send(client.tx.inference.infer(scenario.unknown, [], 0n), sr25519, { nonce: report.nonce + 2 }),
  send(publish, sr25519, { nonce: report.nonce + 3 }),
]);
[report.sr25519, report.ed25519, report.long, report.failing, report.publish] = sent.map(brief);
report.paid = found(sent[0], 'TransactionPayment.TransactionFeePaid').actualFee.toString();

const record = await client.query.models.records(scenario.model);
report.model = { owner: address(record.owner), status: record.status, input: record.summary.inputs[0].name };
const estimate = await client.call.inferenceApi.estimate(scenario.model);
const inferred = await send(
  client.tx.inference.infer(scenario.model, scenario.inputs, estimate.inferenceFee * 2n),
  sr25519,
);
const completed = found(inferred, 'Inference.Completed');
report.inference = { ...brief(inferred), output: completed.output };
const receipt = await client.query.inference.receipts(completed.receipt);
report.receipt = {
  id: completed.receipt,
  model: receipt.model,
  caller: address(receipt.caller),
  output: receipt.output,
};
const key = client.query.inference.receipts.rawKey(completed.receipt);
const proof = await client.rpc.state_getReadProof([key], inferred.block);
report.proof = { key, at: proof.at, nodes: proof.proof };
const [best, finalized] = await watchedHeads;
report.heads = { best, finalized };
await stopBalance();
report.balances = balances;

await client.disconnect();
console.log(JSON.stringify(report));
