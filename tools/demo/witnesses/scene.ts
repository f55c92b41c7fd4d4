// The parts of the demo of witnesses, all of them real and on loopback: a log whose settings name a policy, three witnesses
// with directories of their own, and a customer with a trust file.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { utf8 } from '../../../src/bytes.ts';
import { httpReader } from '../../../src/client/http-reader.ts';
import { formatIssuer, parseTrust } from '../../../src/client/trust.ts';
import type { Trust } from '../../../src/client/trust.ts';
import { verifyProofFile } from '../../../src/client/verify.ts';
import type { VerifiedProof } from '../../../src/client/verify.ts';
import { dataPaths, readSettings, serveNode } from '../../../src/node.ts';
import type { DataPaths, ServedNodeLog } from '../../../src/node.ts';
import { createWitness, readWitnessKeys, witnessPaths } from '../../../src/node/witness/data.ts';
import { readWitnessSettings } from '../../../src/node/witness/open.ts';
import { serveWitness } from '../../../src/node/witness/serve.ts';
import type { ServedNodeWitness } from '../../../src/node/witness/serve.ts';
import { parseCheckpoint } from '../../../src/note/checkpoint.ts';
import { parseNote } from '../../../src/note/note.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { createStatement } from '../../../src/record/index.ts';
import { loadStatementSigner } from '../../support/keys.ts';
import { addToLog } from '../../support/log-api.ts';
import { FIRST_ISSUER, makeLog } from '../../support/new-log.ts';
import { fillExample } from '../../trust/fill.ts';
import { until } from '../tell.ts';

/** The updates of the story, in their order. */
export const UPDATES = ['update-1.0.bin', 'update-1.1.bin', 'update-1.2.bin', 'update-1.3.bin'] as const;
export type Update = (typeof UPDATES)[number];

/** The names of the witnesses in the example of a trust file. */
const WITNESSES = ['first', 'second', 'third'] as const;
type WitnessName = (typeof WITNESSES)[number];

// From tools/demo/witnesses in a checkout and from dist/ in a package.
const EXAMPLES = ['../../../docs/trust/', '../docs/trust/'];
const EXAMPLE = 'three-witnesses.txt';
const LOOPBACK = { host: '127.0.0.1', port: 0 };
/** Short, because somebody is watching; a real log has a second and more. */
const INTERVAL_MILLIS = 250;
const DEADLINE_MILLIS = 2000;
/** Above what such a log sends: the limit is for strangers. */
const PER_LOG = 1000;
const MAX_PROOF_BYTES = 1024 * 1024;
const MAX_NOTE_BYTES = 256 * 1024;

/** An update that the log has taken, and its proof file if the witnesses were there. */
export interface Witnessed {
  readonly name: Update;
  readonly index: number;
  readonly proof: Uint8Array | undefined;
}

export class Scene {
  readonly paths: DataPaths;
  readonly trustText: string;
  readonly trust: Trust;
  readonly origin: string;
  readonly #dir: string;
  readonly #served: ServedNodeLog;
  readonly #witnesses: Map<WitnessName, ServedNodeWitness>;
  readonly #urls: ReadonlyMap<WitnessName, string>;
  readonly #indexes = new Map<Update, number>();
  #isOpen = true;

  constructor(dir: string, trustText: string, served: ServedNodeLog, witnesses: Map<WitnessName, ServedNodeWitness>) {
    this.#dir = dir;
    this.paths = dataPaths(join(dir, 'log'));
    this.trustText = trustText;
    this.trust = parseTrust(trustText);
    this.origin = served.log.origin;
    this.#served = served;
    this.#witnesses = witnesses;
    this.#urls = new Map([...witnesses].map(([name, { url }]) => [name, url]));
  }

  /** Those that are on. */
  witnesses(): readonly { readonly name: WitnessName; readonly url: string; readonly served: ServedNodeWitness }[] {
    return [...this.#witnesses].map(([name, served]) => ({ name, url: served.url, served }));
  }

  async switchOff(name: WitnessName): Promise<void> {
    await this.#witnesses.get(name)?.close();
    this.#witnesses.delete(name);
  }

  /** On its own data, at the address that it had. */
  async switchOn(name: WitnessName): Promise<void> {
    const port = Number(new URL(this.#urls.get(name)!).port);
    this.#witnesses.set(name, await serve(this.#dir, name, port, false));
  }

  fileOf(name: Update): Uint8Array {
    return utf8(`endpoint-security ${name}\n`);
  }

  /** Signs a build record about the file, logs it, and waits for the witnesses as long as they have for it. */
  async release(name: Update): Promise<Witnessed> {
    const entry = await buildOf(name, this.fileOf(name), this.paths.submitterKey);
    const hasQuorum = this.#witnesses.size >= 2;
    const { index, proof } = await addToLog(this.#served.url, entry, hasQuorum ? 'witnessed' : 'sequenced');
    this.#indexes.set(name, index);
    return { name, index, proof };
  }

  /** As a customer does: the file, its proof file, the trust file, and nothing else; so much later than now. */
  verify(name: Update, proofFile: Uint8Array, laterSeconds = 0): Promise<VerifiedProof> {
    return this.verifyFile(this.fileOf(name), proofFile, laterSeconds);
  }

  verifyFile(file: Uint8Array, proofFile: Uint8Array, laterSeconds = 0): Promise<VerifiedProof> {
    return verifyProofFile({
      proofFile,
      artifactSha256: sha256(file),
      trust: this.trust,
      nowSeconds: Math.floor(Date.now() / 1000) + laterSeconds,
      crypto: nodeCrypto,
      hasher: nodeHasher,
    });
  }

  /** The proof file of an update that the log has published. */
  proofOf(name: Update): Promise<Uint8Array> {
    const path = `api/v1/entries/${this.#indexes.get(name)!}/proof?witnessed`;
    return httpReader({ url: this.#served.url }).resource(path, MAX_PROOF_BYTES);
  }

  /** The same once there is one. */
  async whenProven(name: Update): Promise<Uint8Array> {
    const index = this.#indexes.get(name)!;
    await until('the witnesses', () => (this.#served.log.status().published?.size ?? 0) > index);
    return this.proofOf(name);
  }

  /** The checkpoint that readers get. */
  async published(): Promise<{ readonly size: number; readonly note: Uint8Array }> {
    const note = await httpReader({ url: this.#served.url }).resource('checkpoint', MAX_NOTE_BYTES);
    return { size: parseCheckpoint(parseNote(note).text).size, note };
  }

  /** Why the log publishes nothing, as it says itself; undefined when it does. */
  refusal(): string | undefined {
    return this.#served.log.status().reason;
  }

  /** The status of its readiness. */
  async ready(): Promise<number> {
    const response = await fetch(`${this.#served.url}/readyz`);
    await response.body?.cancel();
    return response.status;
  }

  /** The first leaves of the published tree. */
  leaves(end: number): Promise<readonly Uint8Array[]> {
    return this.#served.log.entries(0, end);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#served.close();
    await Promise.all([...this.#witnesses.keys()].map((name) => this.switchOff(name)));
  }
}

/** The vendor's record of a build of that name with that content. */
export function buildOf(name: Update, file: Uint8Array, submitterKey: string): Promise<Uint8Array> {
  return createStatement(
    {
      type: 'build',
      namespace: FIRST_ISSUER,
      issuer: FIRST_ISSUER,
      iatSeconds: Math.floor(Date.now() / 1000),
      fields: {
        product: 'endpoint-security',
        version: name.slice('update-'.length, -'.bin'.length),
        channel: 'stable',
        platform: 'any',
        artifacts: [{ name, size: file.length, digest: { sha256: sha256(file) } }],
      },
    },
    loadStatementSigner(submitterKey),
  );
}

/** A log under `dir`, three witnesses, and the shipped example of a trust file with their keys in it. */
export async function openScene(dir: string): Promise<Scene> {
  const data = join(dir, 'log');
  const { trust } = await makeOwnLog(data);
  const witnesses = new Map<WitnessName, ServedNodeWitness>();
  const keys = new Map<string, string>();
  try {
    for (const name of WITNESSES) {
      const root = witnessDir(dir, name);
      createWitness(
        { dir: root, name: `${name}.witness.example`, keyTypes: [SIGNATURE_TYPE.cosignatureEd25519] },
        nodeCrypto,
      );
      const paths = witnessPaths(root);
      // Whoever runs a witness gets the log's keys from somewhere else than the log; here it is a copy.
      writeFileSync(paths.list, [...trust.logs.values()].flatMap(logLines).join(''));
      keys.set(name, readWitnessKeys(paths, nodeCrypto)[0]!.vkey);
      witnesses.set(name, await serve(dir, name, 0, true));
    }
    const trustText = fillExample(readExample(), {
      logs: [...trust.logs.values()].flatMap(({ ed25519, mldsa44 }) => [ed25519.vkey, mldsa44.vkey]),
      witnesses: keys,
      witnessUrls: new Map([...witnesses].map(([name, { url }]) => [name, url])),
      issuers: trust.issuers.map(formatIssuer),
    });
    const policy = join(data, 'trust-with-witnesses.txt');
    writeFileSync(policy, trustText);
    const settings = readSettings(data, {
      listen: LOOPBACK,
      'checkpoint-interval': INTERVAL_MILLIS,
      'witness-policy': policy,
      'witness-deadline': DEADLINE_MILLIS,
      'log-level': 'silent',
    });
    return new Scene(dir, trustText, await serveNode(settings), witnesses);
  } catch (error) {
    for (const witness of witnesses.values()) await witness.close();
    throw error;
  }
}

async function makeOwnLog(data: string): Promise<{ readonly trust: Trust }> {
  await makeLog({ dir: data });
  return { trust: parseTrust(readFileSync(dataPaths(data).trust)) };
}

function logLines({
  ed25519,
  mldsa44,
}: {
  readonly ed25519: { readonly vkey: string };
  readonly mldsa44: { readonly vkey: string };
}): string[] {
  return [`log ${ed25519.vkey}\n`, `log ${mldsa44.vkey}\n`];
}

function witnessDir(dir: string, name: WitnessName): string {
  return join(dir, `witness-${name}`);
}

function serve(dir: string, name: WitnessName, port: number, init: boolean): Promise<ServedNodeWitness> {
  const settings = readWitnessSettings(witnessDir(dir, name), {
    listen: { ...LOOPBACK, port },
    'per-log': PER_LOG,
    'log-level': 'silent',
  });
  return serveWitness(settings, { init });
}

function readExample(): string {
  for (const way of EXAMPLES) {
    try {
      return readFileSync(fileURLToPath(new URL(way + EXAMPLE, import.meta.url)), 'utf8');
    } catch {
      // The other way, then.
    }
  }
  throw new Error(`the example ${EXAMPLE} of a trust file is not where it is shipped`);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
