// Who is in the demo of records: a log whose policy is strict, its vendor, and a laboratory that builds again what the
// vendor built. Everything that they log goes over HTTP.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { formatIssuer, parseTrust } from '../../../src/client/trust.ts';
import type { Trust } from '../../../src/client/trust.ts';
import type { CoseKey } from '../../../src/cose/index.ts';
import { LimmatError } from '../../../src/errors.ts';
import { dataPaths, readSettings, serveNode } from '../../../src/node.ts';
import type { DataPaths, ServedNodeLog } from '../../../src/node.ts';
import { parseInitialPolicy } from '../../../src/node/genesis.ts';
import { writeSecretFile } from '../../../src/node/secret-file.ts';
import { createStatement, describe, recordFromJson } from '../../../src/record/index.ts';
import type { LimmatRecord, StatementSigner } from '../../../src/record/index.ts';
import { openDesk } from '../../support/admission-desk.ts';
import type { NamespaceJson } from '../../support/admission-desk.ts';
import { signLink } from '../../support/admission-sign.ts';
import { generateStatementKey, loadStatementSigner } from '../../support/keys.ts';
import { addToLog } from '../../support/log-api.ts';
import { makeLog } from '../../support/new-log.ts';
import { admission, grantChange, linkAfter } from '../../support/policy-change.ts';

export const VENDOR = 'vendor';
export const ISSUER = 'Vendor AG';
export const LAB = 'lab';
export const LAB_ISSUER = 'Rebuild Lab';
export const PRODUCT = 'Scanner';
/** Where releases were signed before, and where they are to be signed. */
export const TORONTO = 'toronto-1';
export const ZURICH = 'zurich-1';

const ROLE = 'release';
const POLICY = {
  roles: [
    {
      role: ROLE,
      types: ['source-snapshot', 'build', 'avdb-release', 'relocation', 'retraction'],
      issuers: [ISSUER],
      products: [PRODUCT],
      sites: [TORONTO, ZURICH],
    },
  ],
  require: [{ type: 'build', fields: ['source', 'signSite'] }],
};
/** What the vendor builds with, and whoever builds it again: the files of the source, one after another. */
const MAKE = `import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
const { LIMMAT_SOURCE: source, LIMMAT_OUTPUT: output } = process.env;
const files = readdirSync(source).sort().map((name) => readFileSync(source + '/' + name));
writeFileSync(output + '/scanner.bin', Buffer.concat(files));
`;

/** An entry that the log took. */
export interface Logged {
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly says: string;
  readonly record: LimmatRecord;
  readonly proofFile: Uint8Array;
}

/** Who signs. */
export interface By {
  readonly signer: StatementSigner;
  readonly issuer: string;
}

export class Scene {
  readonly dir: string;
  readonly url: string;
  readonly origin: string;
  readonly paths: DataPaths;
  /** The vendor's pipeline, with the one key that the first policy lets in. */
  readonly pipeline: By;
  /** Whom a customer believes: the log, the vendor, the laboratory. */
  readonly trustFile: string;
  readonly trustText: string;
  readonly trust: Trust;
  readonly labKey: string;
  readonly make: string;
  readonly #root: StatementSigner;
  readonly #served: ServedNodeLog;
  #isServed = true;

  private constructor(dir: string, served: ServedNodeLog) {
    this.dir = dir;
    this.url = served.url;
    this.origin = served.log.origin;
    this.paths = dataPaths(join(dir, 'data'));
    this.pipeline = { signer: loadStatementSigner(this.paths.submitterKey), issuer: ISSUER };
    this.labKey = join(dir, 'lab.pem');
    const lab = newKey(this.labKey, LAB_ISSUER).signer;
    this.trustFile = join(dir, 'trust.txt');
    const lines = [readFileSync(this.paths.trust, 'utf8'), `${formatIssuer({ iss: LAB_ISSUER, key: lab.key })}\n`];
    this.trustText = lines.join('');
    writeFileSync(this.trustFile, this.trustText);
    this.trust = parseTrust(this.trustText);
    this.make = join(dir, 'make.mjs');
    writeFileSync(this.make, MAKE);
    this.#root = loadStatementSigner(this.paths.rootKey);
    this.#served = served;
  }

  /** Makes the log below the directory, and serves it. */
  static async open(dir: string): Promise<Scene> {
    const data = join(dir, 'data');
    const policy = parseInitialPolicy(POLICY);
    await makeLog({ dir: data, origin: 'vendor.example/records', namespace: VENDOR, issuer: ISSUER, policy });
    const listen = { host: '127.0.0.1', port: 0 };
    const settings = readSettings(data, { listen, 'checkpoint-interval': 50, 'log-level': 'silent' });
    return new Scene(dir, await serveNode(settings));
  }

  /** Signs a record, appends it, and waits until it is published. Errors: what the log refuses it with. */
  async add(record: LimmatRecord, by: By = this.pipeline): Promise<Logged> {
    const iatSeconds = Math.floor(Date.now() / 1000);
    return this.#append(record, await createStatement({ ...record, issuer: by.issuer, iatSeconds }, by.signer));
  }

  /** Logs what the vendor's root key decides; given what is in force, the link that is to follow. */
  async decide(linkAfterThis: (found: NamespaceJson) => LimmatRecord): Promise<Logged> {
    const record = linkAfterThis(await this.inForce());
    return this.#append(record, (await signLink(record, [this.#root], VENDOR)).bytes);
  }

  /** What is in force in the vendor's namespace. */
  async inForce(): Promise<NamespaceJson> {
    const desk = await openDesk({ url: this.url, data: this.paths.root });
    return (await desk.namespace(VENDOR))!;
  }

  /** A file's worth of source, and what the vendor's pipeline makes of it. */
  build(version: string, source: Readonly<Record<string, string>>): { readonly source: string; readonly made: string } {
    const [from, to] = ['source', 'made'].map((what) => join(this.dir, `${what}-${version}`));
    for (const path of [from!, to!]) mkdirSync(path);
    for (const [name, text] of Object.entries(source)) writeFileSync(join(from!, name), text);
    execFileSync(process.execPath, [this.make], { env: { ...process.env, LIMMAT_SOURCE: from, LIMMAT_OUTPUT: to } });
    return { source: from!, made: join(to!, 'scanner.bin') };
  }

  /** Switches the log off. */
  async close(): Promise<void> {
    if (this.#isServed) await this.#served.close();
    this.#isServed = false;
  }

  async #append(record: LimmatRecord, bytes: Uint8Array): Promise<Logged> {
    const { index, proof } = await addToLog(this.url, bytes, 'published');
    if (proof === undefined) throw new LimmatError('not-published', `entry ${index} was not published in time`);
    return { index, leafHash: nodeHasher.leafHash(bytes), says: describe(record), record, proofFile: proof };
  }
}

/** A key that nobody knows yet. */
export function newKey(file: string, issuer: string): By {
  writeSecretFile(file, generateStatementKey('ed25519').secretPem);
  return { signer: loadStatementSigner(file), issuer };
}

/** A site of the vendor, as its root key states it. */
export function site(siteId: string, city: string, country: string): (found: NamespaceJson) => LimmatRecord {
  const kinds = ['signing', 'data-centre'];
  return ({ chain }) =>
    recordFromJson({
      type: 'site',
      namespace: VENDOR,
      fields: { ...linkAfter(chain), siteId, kinds, city, country, operator: ISSUER },
    });
}

/** By which the laboratory gets a namespace of its own. */
export function admitLab(key: CoseKey): (found: NamespaceJson) => LimmatRecord {
  return (found) => admission(found, { namespace: LAB, vendor: LAB_ISSUER, root: [key], threshold: 1 });
}

/** By which one more key joins the pipeline's role. */
export function addKey(key: CoseKey): (found: NamespaceJson) => LimmatRecord {
  return (found) => {
    const change = grantChange(found, undefined, { key, role: ROLE, types: [], issuer: ISSUER, products: undefined });
    return change!.keyEvent(found.chain);
  };
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
