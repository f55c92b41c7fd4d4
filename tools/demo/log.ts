// The demo of a log, from its keys to a refusal, on a small real sample: some Debian builds, some detection-rule releases,
// some promises that newspapers reported. Everything goes over HTTP as it would anywhere.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8Text } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { parseTrust } from '../../src/client/trust.ts';
import type { Expected, Trust, TrustedIssuer } from '../../src/client/trust.ts';
import { verifyProofFile } from '../../src/client/verify.ts';
import { thumbprintHex } from '../../src/cose/index.ts';
import { LimmatError } from '../../src/errors.ts';
import { dataPaths, readSettings, serveNode } from '../../src/node.ts';
import type { DataPaths } from '../../src/node.ts';
import { writeSecretFile } from '../../src/node/secret-file.ts';
import { createStatement, describe } from '../../src/record/index.ts';
import type { LimmatRecord, StatementSigner } from '../../src/record/index.ts';
import { readRows } from '../import/rows.ts';
import { StreamChains } from '../import-order.ts';
import { openDesk } from '../support/admission-desk.ts';
import { signLink } from '../support/admission-sign.ts';
import { generateStatementKey, loadStatementSigner } from '../support/keys.ts';
import { addBatchToLog, addToLog } from '../support/log-api.ts';
import { FIRST_ISSUER, makeLog } from '../support/new-log.ts';
import { style } from '../support/output.ts';
import { admission } from '../support/policy-change.ts';
import { formatBytes } from '../support/progress.ts';
import { say, startStory } from './tell.ts';
import type { Story } from './tell.ts';

/** Records that are shown of each step. */
const SHOWN = 4;
/** Why the sample has not every release of a stream. */
const GAP_REASON = 'not in the sample';
const MAX_PROOF_BYTES = 1024 * 1024;

/** Tells it, with the log's data under `dir` and the sample in that file. */
export async function tellLog(dir: string, sample: string): Promise<void> {
  const story = startStory();
  const { chapter } = story;
  const data = join(dir, 'data');
  chapter('A log, with keys of its own');
  await makeLog({ dir: data });
  const paths = dataPaths(data);
  const signer = loadStatementSigner(paths.submitterKey);
  const served = await serveNode(
    readSettings(data, { listen: { host: '127.0.0.1', port: 0 }, 'checkpoint-interval': 100, 'log-level': 'silent' }),
  );
  const { url } = served;
  let proof: Uint8Array;
  const artifact = new Uint8Array(readFileSync(sample));
  const trust = parseTrust(readFileSync(paths.trust));
  const check = (bytes: Uint8Array, proofFile: Uint8Array, expected: Expected = {}) =>
    verifyProofFile({
      proofFile,
      artifactSha256: new Uint8Array(createHash('sha256').update(bytes).digest()),
      trust,
      expected,
      crypto: nodeCrypto,
      hasher: nodeHasher,
    });
  try {
    say(`   ${served.log.origin} listens on ${url}`);
    const { records } = readRows([sample]);
    const vendors = await joinVendors(story, url, paths, records);
    await appendSample(story, url, vendors, records);
    proof = await proveFile(story, url, signer, artifact);
    await checkEverything(url, withIssuers(trust, paths, vendors));
  } finally {
    await served.close();
  }

  chapter('Verify it offline: the log is switched off now');
  const { statement, index, head } = await check(artifact, proof, { product: ['sample'] });
  say(`   ${style('green', '✔ verified')}: entry ${index} of ${head.size}: ${describe(statement.record)}`);

  chapter('Change one byte');
  await refused('of the file', () => check(flip(artifact, 1234), proof));
  await refused('of the record in the proof', () => check(artifact, flip(proof, 250)));
  await refused('of the checkpoint in the proof', () => check(artifact, flip(proof, proof.length - 2000)));
  await refused('of nothing, but of another product', () => check(artifact, proof, { product: ['another'] }));

  story.end('That was the whole of it', 'A log that stays: npm start');
}

/** By namespace, the key of its vendor. */
type Vendors = ReadonlyMap<string, StatementSigner>;

/** Each vendor joins with a namespace and a root key of its own, with which it signs its records here. */
async function joinVendors(
  { chapter }: Story,
  url: string,
  paths: DataPaths,
  records: readonly LimmatRecord[],
): Promise<Vendors> {
  const names = [...new Set(records.map(({ namespace }) => namespace))];
  chapter(`${names.length} vendors join, each with a key of its own`);
  const root = loadStatementSigner(paths.rootKey);
  const vendors = new Map<string, StatementSigner>();
  const desk = await openDesk({ url, data: paths.root });
  for (const name of names) {
    const file = join(paths.root, '..', `${name}.pem`);
    writeSecretFile(file, generateStatementKey('ed25519').secretPem);
    const vendor = loadStatementSigner(file);
    vendors.set(name, vendor);
    const own = (await desk.namespace(FIRST_ISSUER))!;
    const joining = admission(own, { namespace: name, vendor: name, root: [vendor.key], threshold: 1 });
    const { bytes } = await signLink(joining, [root], FIRST_ISSUER);
    const { index } = await addToLog(url, bytes, 'sequenced');
    if (vendors.size <= SHOWN) say(`   entry ${index}: ${describe(joining)}`);
  }
  await desk.close();
  return vendors;
}

/** The trust file's issuers, and everybody else who signed an entry: the vendors, and who speaks for the log. */
function withIssuers(trust: Trust, paths: DataPaths, vendors: Vendors): Trust {
  const [origin] = trust.logs.keys();
  const more = [
    issuerOf(FIRST_ISSUER, loadStatementSigner(paths.rootKey)),
    issuerOf(origin!, loadStatementSigner(paths.logStatementsKey)),
    ...[...vendors].map(([name, signer]) => issuerOf(name, signer)),
  ];
  return { ...trust, issuers: [...trust.issuers, ...more] };
}

function issuerOf(iss: string, { key }: StatementSigner): TrustedIssuer {
  return { iss, key, kid: thumbprintHex(key) };
}

async function appendSample(
  { chapter }: Story,
  url: string,
  vendors: Vendors,
  records: readonly LimmatRecord[],
): Promise<void> {
  chapter(`Sign ${records.length} real records`);
  const statements = await signAll(records, vendors);
  const bytes = statements.reduce((sum, statement) => sum + statement.length, 0);
  for (const record of examples(records)) say(`   ${describe(record)}`);
  say(`   … ${statements.length} signed statements, ${formatBytes(bytes)}`);

  chapter('Append them');
  const startMillis = performance.now();
  const results = await addBatchToLog(url, statements);
  const failed = results.find((result) => 'error' in result);
  if (failed !== undefined && 'error' in failed) throw failed.error;
  say(`   ${results.length} entries in one request, durable after ${(performance.now() - startMillis).toFixed(0)} ms`);
}

async function signAll(records: readonly LimmatRecord[], vendors: Vendors): Promise<Uint8Array[]> {
  const chains = new StreamChains(GAP_REASON);
  const statements: Uint8Array[] = [];
  for (const record of records) {
    const linked = chains.link(record);
    const iatSeconds = Math.floor(Date.now() / 1000);
    const signer = vendors.get(record.namespace)!;
    const statement = await createStatement({ ...linked, issuer: record.namespace, iatSeconds }, signer);
    chains.signed(linked, nodeHasher.leafHash(statement));
    statements.push(statement);
  }
  return statements;
}

/** The first record of each type, then more of the first types. */
function examples(records: readonly LimmatRecord[]): LimmatRecord[] {
  const firsts = records.filter((record, i) => records.findIndex(({ type }) => type === record.type) === i);
  return [...firsts, ...records.filter((record) => !firsts.includes(record))].slice(0, SHOWN);
}

async function proveFile(
  { chapter }: Story,
  url: string,
  signer: StatementSigner,
  artifact: Uint8Array,
): Promise<Uint8Array> {
  chapter('Log a file of ours, and get its proof');
  const sha256 = new Uint8Array(createHash('sha256').update(artifact).digest());
  const iatSeconds = Math.floor(Date.now() / 1000);
  const statement = await createStatement(
    {
      type: 'build',
      namespace: FIRST_ISSUER,
      issuer: FIRST_ISSUER,
      iatSeconds,
      fields: {
        product: 'sample',
        version: '1.0',
        channel: 'stable',
        platform: 'any',
        artifacts: [{ name: 'sample.jsonl', size: artifact.length, digest: { sha256 } }],
      },
    },
    signer,
  );
  const { index, proof } = await addToLog(url, statement, 'published');
  if (proof === undefined) throw new LimmatError('not-published', `entry ${index} was not published in time`);
  say(
    `   entry ${index}; sample.jsonl.tlog-proof has ${formatBytes(proof.length)}: record, inclusion proof, checkpoint`,
  );
  const checkpoint = utf8Text(await httpReader({ url }).checkpoint()) ?? '';
  for (const line of checkpoint.trimEnd().split('\n')) {
    say(`   ${style('dim', `│ ${line.length > 100 ? `${line.slice(0, 97)}…` : line}`)}`);
  }
  return proof;
}

async function checkEverything(url: string, trust: ReturnType<typeof parseTrust>): Promise<void> {
  const reader = httpReader({ url });
  const { size } = await verifiedHead(reader, trust, 0);
  for (let index = 0; index < size; index++) await verifiedHead(reader, trust, index);
  say(`   ${style('green', '✔')} the proofs of all ${size} entries hold under it`);
}

async function verifiedHead(
  reader: ReturnType<typeof httpReader>,
  trust: ReturnType<typeof parseTrust>,
  index: number,
): Promise<{ readonly size: number }> {
  const proofFile = await reader.resource(`api/v1/entries/${index}/proof`, MAX_PROOF_BYTES);
  const { head } = await verifyProofFile({
    proofFile,
    artifactSha256: 'none',
    trust,
    crypto: nodeCrypto,
    hasher: nodeHasher,
  });
  return head;
}

/** The bytes with another one there. */
function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
  return changed;
}

async function refused(what: string, attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof LimmatError)) throw error;
    say(`   ${what}: ${style('red', `✘ ${error.code}`)}: ${error.message}`);
    return;
  }
  throw new Error(`one byte ${what} was changed, and nothing noticed`);
}
