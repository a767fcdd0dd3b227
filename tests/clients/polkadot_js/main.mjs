// What a user of @polkadot/api does with a node, nothing about Fixpoint configured. Prints one JSON report.
import { readFileSync } from 'node:fs';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const [url, scenarioPath] = process.argv.slice(2);
const scenario = JSON.parse(readFileSync(scenarioPath, 'utf8'));
const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const sr25519 = new Keyring({ type: 'sr25519' }).addFromUri('//Alice');
const ed25519 = new Keyring({ type: 'ed25519' }).addFromUri('//Alice');

const pascal = (name) => name[0].toUpperCase() + name.slice(1);

function send(call, signer, options = {}) {
  return new Promise((resolve, reject) => {
    call
      .signAndSend(signer, options, (result) => {
        if (result.isError || result.internalError) reject(result.internalError ?? new Error(result.status.type));
        if (!result.status.isFinalized) return;
        const error = result.dispatchError;
        const module = error?.isModule ? api.registry.findMetaError(error.asModule) : undefined;
        resolve({
          block: result.status.asFinalized.toHex(),
          events: result.events.map(({ event }) => `${pascal(event.section)}.${event.method}`),
          raw: result.events.map(({ event }) => event),
          error: module ? `${pascal(module.section)}.${module.name}` : null,
          explained: module ? module.docs.join(' ') : null,
        });
      })
      .catch(reject);
  });
}

function heads(subscribe, count) {
  const seen = [];
  return new Promise((resolve, reject) => {
    const stop = subscribe((header) => {
      seen.push(header.number.toNumber());
      if (seen.length === count) stop.then((unsubscribe) => (unsubscribe(), resolve(seen)));
    });
    stop.catch(reject);
  });
}

const brief = ({ block, events, error, explained }) => ({ block, events, error, explained });
const found = (sent, name) => sent.raw[sent.events.indexOf(name)].data;

const watchedHeads = Promise.all([
  heads((each) => api.rpc.chain.subscribeNewHeads(each), 3),
  heads((each) => api.rpc.chain.subscribeFinalizedHeads(each), 3),
]);
const balances = [];
const stopBalance = await api.query.system.account(scenario.bob, (account) =>
  balances.push(account.data.free.toString()),
);
const report = {
  chain: (await api.rpc.system.chain()).toString(),
  metadata: api.runtimeMetadata.version,
  runtime: api.runtimeVersion.specName.toString(),
  constants: {
    existentialDeposit: api.consts.balances.existentialDeposit.toString(),
    ss58Prefix: api.consts.system.ss58Prefix.toNumber(),
    blockHashCount: api.consts.system.blockHashCount.toNumber(),
    specVersion: api.consts.system.version.specVersion.toNumber(),
  },
  accounts: (await api.query.system.account.entries()).map(([key]) => key.args[0].toString()),
  pages: (await api.query.system.account.keysPaged({ args: [], pageSize: 5 })).length,
  nonce: (await api.call.accountNonceApi.accountNonce(sr25519.address)).toNumber(),
};

// Five transactions at once, so that they share a block: nonces are counted here.
const amount = BigInt(scenario.amount);
const transfer = api.tx.balances.transferKeepAlive(scenario.bob, amount);
report.fee = (await transfer.paymentInfo(sr25519)).partialFee.toString();
const signed = await transfer.signAsync(sr25519, { nonce: report.nonce });
report.explorer = {
  fee: (await api.rpc.payment.queryInfo(signed.toHex())).partialFee.toString(),
  dryRun: (await api.rpc.system.dryRun(signed.toHex())).toHuman(),
  events: (await api.derive.chain.getBlock(await api.rpc.chain.getBlockHash(1))).events.length,
  pending: (await api.rpc.author.pendingExtrinsics()).length,
  role: (await api.rpc.system.nodeRoles())[0].toString(),
  type: (await api.rpc.system.chainType()).toString(),
};
const publish = api.tx.utility.batchAll([
  api.tx.models.create(scenario.model, scenario.size),
  api.tx.models.uploadChunk(scenario.model, 0, scenario.artifact),
  api.tx.models.publish(scenario.model, scenario.size),
]);
const sent = await Promise.all([
  send(transfer, sr25519, { nonce: report.nonce }),
  send(transfer, ed25519, { era: 0 }),
  send(api.tx.system.remarkWithEvent(`0x${'ab'.repeat(300)}`), sr25519, { nonce: report.nonce + 1 }),
  send(api.tx.inference.infer(scenario.unknown, [], 0), sr25519, { nonce: report.nonce + 2 }),
  send(publish, sr25519, { nonce: report.nonce + 3 }),
]);
[report.sr25519, report.ed25519, report.long, report.failing, report.publish] = sent.map(brief);
report.paid = found(sent[0], 'TransactionPayment.TransactionFeePaid').actualFee.toString();

const record = (await api.query.models.records(scenario.model)).unwrap();
report.model = {
  owner: record.owner.toString(),
  status: record.status.toString(),
  input: record.summary.inputs[0].name.toString(),
};
const estimate = (await api.call.inferenceApi.estimate(scenario.model)).unwrap();
const inferred = await send(
  api.tx.inference.infer(scenario.model, scenario.inputs, estimate.inferenceFee.toBigInt() * 2n),
  sr25519,
);
const completed = found(inferred, 'Inference.Completed');
report.inference = { ...brief(inferred), output: completed.output.map((each) => each.toHex()) };
const receipt = (await api.query.inference.receipts(completed.receipt)).unwrap();
report.receipt = {
  id: completed.receipt.toHex(),
  model: receipt.model.toHex(),
  caller: receipt.caller.toString(),
  output: receipt.output.map((each) => each.toHex()),
};
const key = api.query.inference.receipts.key(completed.receipt);
const proof = await api.rpc.state.getReadProof([key], inferred.block);
report.proof = { key, at: proof.at.toHex(), nodes: proof.proof.map((each) => each.toHex()) };
const [best, finalized] = await watchedHeads;
report.heads = { best, finalized };
stopBalance();
report.balances = balances;

await api.disconnect();
console.log(JSON.stringify(report));
