// A log of records for tests: in memory, with the genesis and the first key that `limmat init` makes, and what signs for
// it. Keys have names (admission-world.ts): "root" decides, "log" signs the log's own events, "submitter" submits.

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { statementSigner } from '../../src/cose/signer.ts';
import type { StatementSigner } from '../../src/cose/signer.ts';
import type { AppendResult, Log } from '../../src/log/index.ts';
import { createStatement } from '../../src/record/index.ts';
import type { FieldsOf, LimmatRecord, RecordType } from '../../src/record/index.ts';
import { firstStatements, genesisOptions } from './admitted-log.ts';
import { T0, publicKey, signer } from './admission-world.ts';
import { TestClock, openTestLog } from './test-log.ts';
import type { TestLog } from './test-log.ts';

export interface RecordsLog extends TestLog {
  /** What it began with. */
  readonly first: readonly Uint8Array[];
  /** Signs the next links of its namespace's admission chain. */
  readonly chain: Chain;
}

type Overrides = NonNullable<Parameters<typeof openTestLog>[0]> & { readonly first?: readonly Uint8Array[] };

/** A clock at the time that the statements of tests are signed at. */
export function recordsClock(): TestClock {
  const clock = new TestClock();
  clock.wallMillis = 1000 * T0;
  return clock;
}

/**
 * Opens a log of records. A new one begins with `first`, unless told otherwise the genesis of namespace "acme" and the
 * event of its key "submitter"; one with a medium and a guard that were used before goes on from there.
 */
export async function openRecordsLog({ first, ...overrides }: Overrides = {}): Promise<RecordsLog> {
  const { clock = recordsClock() } = overrides;
  const test = await openTestLog({ ...overrides, admission: 'records', clock });
  const entries = first ?? (await firstStatements(genesisOptions(), T0));
  if (test.log.status().head.size === 0) await appendAll(test.log, entries);
  return { ...test, first: entries, chain: new Chain('acme', 'root', entries) };
}

/** Appends entries that all have to get in. */
export async function appendAll(log: Log, entries: readonly Uint8Array[]): Promise<readonly AppendResult[]> {
  const results = await log.append(entries);
  for (const result of results) if (!result.ok) throw result.error;
  return results;
}

/** What became of each entry, in one word: its index, or the code of its refusal. */
export function words(results: readonly AppendResult[]): (number | string)[] {
  return results.map((result) => (result.ok ? result.index : result.error.code));
}

const natives = new Map<string, StatementSigner>();

/** The signer of that name, at the speed that thousands of statements need. */
function nativeSigner(name: string): StatementSigner {
  const { key } = signer(name);
  let made = natives.get(name);
  if (made === undefined) {
    made = statementSigner(nodeHasher.sha256(new TextEncoder().encode(name)), key.alg, nodeCrypto);
    natives.set(name, made);
  }
  return made;
}

/** The record, signed by the key of that name. */
function signed(record: LimmatRecord, by: string, iatSeconds: number, issuer = 'acme.example'): Promise<Uint8Array> {
  return createStatement({ ...record, issuer, iatSeconds }, nativeSigner(by));
}

/** Signs the links of a namespace's admission chain, each after the one before it. */
export class Chain {
  readonly #namespace: string;
  readonly #by: string;
  #links: Uint8Array[];

  /** `entries`: the chain so far. */
  constructor(namespace: string, by: string, entries: readonly Uint8Array[] = []) {
    this.#namespace = namespace;
    this.#by = by;
    this.#links = [...entries];
  }

  /** A policy, key event, site or membership, given its own fields. */
  async link(
    type: 'policy' | 'key-event' | 'site' | 'membership',
    fields: object,
    iatSeconds: number = T0,
  ): Promise<Uint8Array> {
    const last = this.#links.at(-1);
    const prev = last === undefined ? {} : { prev: nodeHasher.leafHash(last) };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- createStatement refuses what is none
    const all = { sequence: this.#links.length + 1, ...prev, ...fields } as FieldsOf<typeof type>;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields are those of the type
    const record = { type, namespace: this.#namespace, fields: all } as LimmatRecord;
    const bytes = await signed(record, this.#by, iatSeconds);
    this.#links.push(bytes);
    return bytes;
  }

  /** Brings the named key into a role. */
  addKey(name: string, role = 'submitter'): Promise<Uint8Array> {
    return this.link('key-event', { action: 'add', role, ...publicKey(name) });
  }

  revoke(name: string): Promise<Uint8Array> {
    return this.link('key-event', { action: 'revoke', kid: publicKey(name).kid });
  }
}

export interface BuildOptions {
  readonly by?: string;
  readonly namespace?: string;
  readonly product?: string;
  readonly issuer?: string;
  readonly iatSeconds?: number;
}

/** The build of a version, signed. */
export function build(version: string, options: BuildOptions = {}): Promise<Uint8Array> {
  const { by = 'submitter', namespace = 'acme', product = 'scanner', issuer, iatSeconds = T0 } = options;
  const sha256 = nodeHasher.sha256(new TextEncoder().encode(version));
  const artifacts = [{ name: 'scanner.tar', digest: { sha256 } }];
  const fields = { product, version, channel: 'stable', platform: 'linux-x64', artifacts };
  return signed({ type: 'build', namespace, fields }, by, iatSeconds, issuer);
}

/** Signed builds of the versions [start, end). */
export function builds(start: number, end: number, options?: BuildOptions): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: end - start }, (_, i) => build(`1.${start + i}`, options)));
}

/** Any record of namespace "acme". */
export function statement<T extends RecordType>(by: string, type: T, fields: FieldsOf<T>): Promise<Uint8Array> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields are those of the type
  return signed({ type, namespace: 'acme', fields } as unknown as LimmatRecord, by, T0);
}
