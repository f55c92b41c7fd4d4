// A log in memory whose vendors each have a namespace with keys of their own, filled by the mapping of `limmat import`.
// Each entry is judged by the replay that anyone can run, and by the domain rules. Signatures
// are zeros unless asked for: admission does not look at them.

import { toHex } from '../../src/bytes.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { externalSigner } from '../../src/cose/signer.ts';
import { admit, type Decision, type Facts, type StateKey } from '../../src/record/admission.ts';
import { streamOf } from '../../src/record/avdb-release.ts';
import { Replay } from '../../src/record/admission/replay.ts';
import { AdmissionState } from '../../src/record/admission/state.ts';
import { dueAt, judgeDue, judgeRecord, type DomainFinding, type StateReader } from '../../src/record/rules/domain.ts';
import { createStatement, parseStatement } from '../../src/record/statement.ts';
import { subjectOf, type FieldsOf, type LimmatRecord, type RecordType } from '../../src/record/types.ts';
import { genesisRecord } from '../../src/node/genesis.ts';
import { kindOfRow, mapRow } from '../../tools/import-mapping.ts';
import { StreamChains } from '../../tools/import-order.ts';
import { genesisOptions } from './admitted-log.ts';
import { genesis, kid, publicKey, rootKeys, sign, signer, T0 } from './admission-world.ts';

export type DataRow = Readonly<Record<string, unknown>>;

/** The types that a vendor's key may sign. */
const GRANTED = ['source-snapshot', 'build', 'avdb-release', 'commitment', 'relocation', 'retraction'] as const;

/** The records of rows, as `limmat import` makes them, in the order of the rows; rows that give none are left out. */
export function recordsOf(rows: readonly DataRow[]): LimmatRecord[] {
  return rows.flatMap((row) => {
    const mapped = mapRow(kindOfRow(row)!, row);
    return 'skip' in mapped ? [] : [mapped];
  });
}

/** The genesis of a test log. */
function testGenesis(): FieldsOf<'policy'> {
  const record = genesisRecord(genesisOptions({ namespace: 'log' }));
  if (record.type !== 'policy') throw new Error('bad math in testGenesis');
  return record.fields;
}

type Release = LimmatRecord & { readonly type: 'avdb-release' };

function contentOf({ namespace, fields }: Release): string {
  return `${streamOf(namespace, fields)} ${toHex(fields.contentDigest.sha256)}`;
}

export interface VendorLogOptions {
  /** Releases that are missing are stated as gaps, for this reason. */
  readonly gapReason?: string;
  /** Signatures hold, and the genesis is a test log's: the entries are fit for a log. */
  readonly isSigned?: boolean;
  /** The domain rules look at each entry too. */
  readonly readsRules?: boolean;
}

export class VendorLog {
  readonly replay = new Replay({ hasher: nodeHasher });
  readonly entries: Uint8Array[] = [];
  readonly #index = new Map<string, number>();
  readonly #contents = new Map<string, number>();
  readonly #domain = new AdmissionState();
  readonly #found: DomainFinding[] = [];
  readonly #chains: StreamChains;

  readonly #readsRules: boolean;
  readonly #isSigned: boolean;

  private constructor({ gapReason, readsRules = false, isSigned = false }: VendorLogOptions) {
    this.#isSigned = isSigned;
    this.#chains = new StreamChains(gapReason);
    this.#readsRules = readsRules;
  }

  /**
   * A log with its genesis, and for each namespace three entries more: its membership with a root key of its own, its
   * policy with one role, and the key of that role.
   */
  static async open(namespaces: readonly string[], options: VendorLogOptions = {}): Promise<VendorLog> {
    const { isSigned = false } = options;
    const log = new VendorLog(options);
    let prev = await log.#take(await sign('root', 'log', 'policy', isSigned ? testGenesis() : genesis(), {}, isSigned));
    for (const [i, namespace] of namespaces.entries()) {
      const [root, key] = [`${namespace} root`, `${namespace} key`];
      const join = { action: 'admit', namespace, vendor: namespace, root: rootKeys(1, root) } as const;
      prev = await log.#take(await sign('root', 'log', 'membership', { sequence: i + 2, prev, ...join }, {}, isSigned));
      const roles = [{ role: 'import', types: GRANTED, keys: [kid(key)] }];
      const first = await log.#take(await sign(root, namespace, 'policy', { sequence: 1, roles }, {}, isSigned));
      const event = { sequence: 2, prev: first, action: 'add', ...publicKey(key), role: 'import' } as const;
      await log.#take(await sign(root, namespace, 'key-event', event, {}, isSigned));
    }
    return log;
  }

  /** The index of the promise or the relocation with that id. */
  indexOfId(id: string): number {
    const subject = [...this.#index.keys()].find(
      (each) => /\/(?:commitment|relocation)\/([^/]+)$/.exec(each)?.[1] === id,
    );
    return this.indexOf(subject ?? id);
  }

  /** How many different subjects the records have. */
  get subjects(): number {
    return this.#index.size;
  }

  /** The index of the entry about the record's subject. */
  indexOf(subject: string): number {
    const index = this.#index.get(subject);
    if (index === undefined) throw new Error(`no entry is about ${subject}`);
    return index;
  }

  /** The sequence of the last release here that has the content of this one, in its stream. */
  earlier(record: Release): number {
    return this.#contents.get(contentOf(record))!;
  }

  /** The record linked to its stream's last release here. */
  link(record: LimmatRecord): LimmatRecord {
    return this.#chains.link(record);
  }

  /** Judges a record as it is, signed by the named vendor; changes nothing. */
  async judge(record: LimmatRecord, by = record.namespace): Promise<Decision> {
    return this.#judge(await this.#sign(record, by));
  }

  /** Appends the record if it is admitted. */
  async append(record: LimmatRecord): Promise<Decision> {
    const linked = this.#chains.link(record);
    const bytes = await this.#sign(linked, record.namespace);
    const decision = this.#judge(bytes);
    if (decision.admitted) await this.#add(linked, bytes);
    return decision;
  }

  /** Appends all records, each of which has to be admitted. */
  async appendAll(records: readonly LimmatRecord[]): Promise<void> {
    for (const record of records) {
      const linked = this.#chains.link(record);
      await this.#add(linked, await this.#sign(linked, record.namespace));
    }
  }

  /** What the domain rules found so far, with what is due at that time by the log's own clock. */
  async findings(nowSeconds: number): Promise<readonly DomainFinding[]> {
    const { from, below } = dueAt(nowSeconds);
    const reader: StateReader = {
      get: (keys) => Promise.resolve(keys.map((key) => this.#facts.get(key))),
      scan: (start, end, limit) => Promise.resolve(this.#rows(start, end).slice(0, limit)),
    };
    const due = this.#rows(from, below);
    const found: DomainFinding[] = [];
    for (const row of due) {
      const { findings, writes } = await judgeDue(row, nowSeconds, reader, nodeHasher);
      found.push(...findings);
      this.#domain.apply(writes);
    }
    return [...this.#found, ...found];
  }

  #rows(from: StateKey, below: StateKey): ReturnType<AdmissionState['pairs']> {
    return this.#domain.pairs().filter(({ key }) => key >= from && key < below);
  }

  async #add(linked: LimmatRecord, bytes: Uint8Array): Promise<void> {
    this.#index.set(subjectOf(linked), this.entries.length);
    this.#chains.signed(linked, await this.#take(bytes));
    if (linked.type === 'avdb-release') this.#contents.set(contentOf(linked), linked.fields.sequence);
  }

  #judge(bytes: Uint8Array): Decision {
    const statement = parseStatement(bytes);
    return admit(this.replay, statement, this.replay.size, nodeHasher.leafHash(bytes), nodeHasher);
  }

  async #sign({ type, namespace, fields }: LimmatRecord, by: string): Promise<Uint8Array> {
    const real = signer(`${by} key`);
    const zeros = externalSigner(real.key, () => Promise.resolve(new Uint8Array(64)));
    const content = { type, namespace, fields, issuer: by, iatSeconds: T0 };
    return createStatement<RecordType>(content, this.#isSigned ? real : zeros);
  }

  /** What an entry is judged by: admission's state and that of the domain rules. */
  readonly #facts: Facts = { get: (key) => this.#domain.get(key) ?? this.replay.get(key) };

  async #take(bytes: Uint8Array): Promise<Uint8Array> {
    const leafHash = nodeHasher.leafHash(bytes);
    const { replay } = this;
    if (this.#readsRules) {
      const outcome = judgeRecord(this.#facts, parseStatement(bytes), replay.size, leafHash, [], nodeHasher);
      this.#domain.apply(outcome.writes);
      this.#found.push(...outcome.findings);
    }
    const finding = await replay.entry(bytes);
    if (finding !== undefined) throw new Error(`entry ${finding.index} is ${JSON.stringify(finding)}`);
    this.entries.push(bytes);
    return leafHash;
  }
}
