// A log's admission and the domain rules over it, in memory, entry by entry and by the times that the log signs. Whatever
// the rules look at must be among the keys that are named for them: each entry checks that.

import { portableHasher } from '../../../src/merkle/hash.ts';
import type { Hash } from '../../../src/merkle/hash.ts';
import { keysFor } from '../../../src/record/admission.ts';
import type { StateKey } from '../../../src/record/admission.ts';
import { domainKeysFor, domainScanFor, dueAt, judgeDue, judgeRecord } from '../../../src/record/rules/domain.ts';
import type { DomainFinding, StateReader } from '../../../src/record/rules/domain.ts';
import { parseStatement } from '../../../src/record/statement.ts';
import type { FieldsOf, RecordType } from '../../../src/record/types.ts';
import { AdmissionWorld, T0, genesis, kid, publicKey, sign } from '../../support/admission-world.ts';
import type { SignOptions } from '../../support/admission-world.ts';
import { AdmissionState } from '../../../src/record/admission/state.ts';

export const DAY = 86_400;
export { T0 };

/** The log's own namespace, in which the tests log everything. */
export const ACME = 'acme';

export class DomainWorld {
  readonly world = new AdmissionWorld();
  readonly state = new AdmissionState();
  #index = 0;

  /** A log in which "ci" may sign everything as Vendor AG, and "lab" and "lab2" rebuilds and supervision. */
  static async begin(parameters?: FieldsOf<'policy'>['parameters']): Promise<DomainWorld> {
    const self = new DomainWorld();
    const own = ['build', 'source-snapshot', 'avdb-release', 'relocation', 'commitment', 'retraction', 'site'] as const;
    const roles: FieldsOf<'policy'>['roles'] = [
      { role: 'vendor', types: own, keys: [kid('ci'), kid('old')] },
      { role: 'others', types: ['rebuild', 'supervision'], keys: [kid('lab'), kid('lab2')] },
    ];
    await self.log('root', 'policy', genesis({ roles, ...(parameters !== undefined && { parameters }) }));
    for (const [role, name] of [
      ['vendor', 'ci'],
      ['vendor', 'old'],
      ['others', 'lab'],
      ['others', 'lab2'],
    ] as const) {
      await self.link('key-event', { action: 'add', role, ...publicKey(name) });
    }
    return self;
  }

  #links = 1;
  #head: Uint8Array | undefined;

  /** The next link of the chain. */
  async link(
    type: 'policy' | 'key-event' | 'site',
    fields: Record<string, unknown>,
    by = 'root',
  ): Promise<DomainFinding[]> {
    const prev = this.#head ?? portableHasher.leafHash(this.world.leaves[0]!);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the record is checked when it is signed
    const all = { ...fields, sequence: ++this.#links, prev } as unknown as FieldsOf<typeof type>;
    const found = await this.log(by, type, all);
    this.#head = this.last;
    return found;
  }

  get last(): Hash {
    return portableHasher.leafHash(this.world.leaves.at(-1)!);
  }

  get size(): number {
    return this.world.size;
  }

  /** Logs a record; gives what the rules find about it. */
  async log<R extends RecordType>(
    by: string,
    type: R,
    fields: FieldsOf<R>,
    options: SignOptions = {},
  ): Promise<DomainFinding[]> {
    const bytes = await sign(by, ACME, type, fields, { issuer: by, ...options });
    const statement = parseStatement(bytes);
    const leafHash = portableHasher.leafHash(bytes);
    const before = new AdmissionState();
    before.apply(this.world.state.pairs());
    const decision = this.world.append(bytes);
    if (!decision.admitted) throw new Error(`entry ${this.#index}: ${decision.message}`);
    const named = new Set([...keysFor(statement), ...domainKeysFor(statement)]);
    const facts = {
      get: (key: StateKey): Uint8Array | undefined => {
        if (!named.has(key)) throw new Error(`the rules look at ${key}, which nobody names`);
        return before.get(key) ?? this.state.get(key);
      },
    };
    const scan = domainScanFor(statement);
    const scanned = scan && (await this.reader.scan(scan.from, scan.below, scan.limit));
    const { findings, writes } = judgeRecord(facts, statement, this.#index++, leafHash, scanned);
    this.state.apply(writes);
    return [...findings];
  }

  readonly reader: StateReader = {
    get: async (keys) => keys.map((key) => this.world.state.get(key) ?? this.state.get(key)),
    scan: async (from, below, limit) =>
      this.state
        .pairs()
        .filter(({ key }) => key >= from && key < below)
        .slice(0, limit),
  };

  /** What is found when the log has signed this time. */
  async tick(seconds: number): Promise<DomainFinding[]> {
    const found: DomainFinding[] = [];
    for (;;) {
      const { from, below } = dueAt(seconds);
      const rows = await this.reader.scan(from, below, 16);
      if (rows.length === 0) return found;
      for (const row of rows) {
        const { findings, writes } = await judgeDue(row, seconds, this.reader);
        this.state.apply(writes);
        found.push(...findings);
      }
    }
  }
}

/** The rules of findings, and of each which entry it is about. */
export const rules = (findings: readonly DomainFinding[]): string[] =>
  findings.map(({ rule, index }) => `${rule} ${index}`);
