// Entries on either side of a rule: one that a log admits, and one that it refuses, which differ in one thing. And the
// history before them, which both share.

import { equalBytes, toHex } from '../../src/bytes.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import type { RuleId } from '../../src/record/admission.ts';
import { CHAIN_TYPES } from '../../src/record/chain.ts';
import { parseStatement, recordToJson, type FieldsOf, type RecordType } from '../../src/record/index.ts';
import { AdmissionWorld, genesis, publicKey, rootKeys, sign, type SignOptions } from './admission-world.ts';
import { TEST_ORIGIN, testSigners } from './test-log.ts';

/** An entry, and who signs it: keys have names (admission-world.ts). */
export interface Entry extends SignOptions {
  readonly by: string;
  readonly namespace: string;
  readonly type: RecordType;
  readonly fields: object;
}

/** What is changed in an entry: who signs it and how, or some of its fields; undefined takes a field away. */
export type Change = Partial<Entry> & { readonly after?: never };

export interface Pair {
  readonly inside: Entry;
  /** The one thing that the entry outside has otherwise; or what comes between, where it is the same entry too late. */
  readonly outside: Change | { readonly after: readonly Entry[] };
  readonly field: string;
  readonly found: string;
  readonly expected: string;
}

/** A row of the tables: the rule, in words how far the pair is apart, and the pair after its history. */
export interface Boundary {
  readonly rule: RuleId;
  readonly apart: string;
  /** Nothing is before a genesis: then the history given is empty. */
  readonly isFirst?: boolean;
  readonly pair: (past: Past) => Pair | Promise<Pair>;
}

/** An entry of the log's own namespace unless told otherwise. */
export function entry<T extends RecordType>(
  by: string,
  type: T,
  fields: FieldsOf<T>,
  more: Partial<Omit<Entry, 'by' | 'type' | 'fields'>> = {},
): Entry {
  return { by, namespace: 'log', type, fields, ...more };
}

export function signed({ by, namespace, type, fields, issuer, iat, approvals }: Entry): Promise<Uint8Array> {
  const options = { ...(issuer && { issuer }), ...(iat && { iat }), ...(approvals && { approvals }) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- createStatement refuses what is none
  return sign(by, namespace, type, fields as FieldsOf<typeof type>, options);
}

/** The entry outside: `inside` with its one change. */
export function changed(inside: Entry, { fields, ...header }: Change): Entry {
  const rows = Object.entries({ ...inside.fields, ...fields });
  return { ...inside, ...header, fields: Object.fromEntries(rows.filter(([, value]) => value !== undefined)) };
}

/** The places in which two entries differ: parts of the header, and fields, the innermost that do. */
export function differences(a: Uint8Array, b: Uint8Array): string[] {
  const [one, other] = [a, b].map((bytes) => parseStatement(bytes));
  const header = (['type', 'namespace', 'iss', 'iat'] as const).filter((part) => one![part] !== other![part]);
  const by = equalBytes(one!.kid, other!.kid) ? [] : ['kid'];
  const [fields, others] = [one!, other!].map(({ record }) => recordToJson(record).fields);
  return [...header, ...by, ...differing(fields, others, '')];
}

function differing(a: unknown, b: unknown, path: string): string[] {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b ? [] : [path];
  const [one, other] = [a, b].map((value) => new Map(Object.entries(value)));
  const names = new Set([...one!.keys(), ...other!.keys()]);
  return [...names].flatMap((name) => differing(one!.get(name), other!.get(name), `${path}/${name}`));
}

/**
 * What is in the log before the pair. Its policy has four roles: "release" for product av by Vendor AG, key "rel"; "office"
 * for keys and sites, key "clerk"; "board" for promises, of which two of "b1", "b2" and "b3" sign; and "others" who check,
 * key "other". Its root key is "root", the log's own is "log".
 */
export class Past {
  readonly world = new AdmissionWorld();
  readonly #chains = new Map<string, { readonly sequence: number; readonly prev: Hash }>();

  static async begin(): Promise<Past> {
    const past = new Past();
    await past.log(entry('root', 'policy', Past.genesis({ roles: ROLES })));
    for (const [name, role] of MEMBERS) {
      const fields = { ...past.link(), action: 'add', role, ...publicKey(name) } as const;
      await past.log(entry('root', 'key-event', fields));
    }
    return past;
  }

  /** The genesis of the log that the tests run. */
  static genesis(more: Partial<FieldsOf<'policy'>> = {}, root = rootKeys(1, 'root')): FieldsOf<'policy'> {
    const vkeys = testSigners().map(({ vkey }) => vkey);
    return genesis({ log: { origin: TEST_ORIGIN, vkeys, statementKeys: [publicKey('log')] }, ...more }, root);
  }

  /** The same history, to be continued in another way. */
  copy(): Past {
    const copy = new Past();
    for (const bytes of this.world.leaves) copy.world.append(bytes);
    for (const [namespace, link] of this.#chains) copy.#chains.set(namespace, link);
    return copy;
  }

  /** Logs what has to be admitted; gives its leaf hash. */
  async log({ by, namespace, type, fields, ...options }: Entry): Promise<Hash> {
    const hash = await this.world.log(by, namespace, type, fields, options);
    if (CHAIN_TYPES.some((link) => link === type)) {
      this.#chains.set(namespace, { sequence: (this.#chains.get(namespace)?.sequence ?? 0) + 1, prev: hash });
    }
    return hash;
  }

  /** Where the next link of a namespace's chain stands. */
  link(namespace = 'log'): { readonly sequence: number; readonly prev?: Hash } {
    const last = this.#chains.get(namespace);
    return last === undefined ? { sequence: 1 } : { sequence: last.sequence + 1, prev: last.prev };
  }

  /** The log's policy with these members changed. */
  policy(more: Partial<FieldsOf<'policy'>>): Promise<Hash> {
    const roles = ROLES.map((role) => ({
      ...role,
      keys: MEMBERS.flatMap(([name, of]) => (of === role.role ? [publicKey(name).kid] : [])),
    }));
    return this.log(entry('root', 'policy', { ...this.link(), roles, ...more }));
  }

  /** A key joins a role. */
  join(name: string, role: string, more: Partial<FieldsOf<'key-event'>> = {}): Promise<Hash> {
    return this.log(entry('root', 'key-event', { ...this.link(), action: 'add', role, ...publicKey(name), ...more }));
  }

  /** A namespace joins with this root key. */
  admit(namespace: string, root: string): Promise<Hash> {
    return this.log(entry('root', 'membership', joining(this, namespace, root)));
  }

  site(siteId: string, kinds: FieldsOf<'site'>['kinds'], more: Partial<FieldsOf<'site'>> = {}): Promise<Hash> {
    return this.log(entry('clerk', 'site', { ...this.link(), siteId, kinds, country: 'CH', ...more }));
  }
}

export function joining(past: Past, namespace: string, root: string): FieldsOf<'membership'> {
  return { ...past.link(), action: 'admit', namespace, vendor: 'Other AG', root: rootKeys(1, root) };
}

const ROLES: NonNullable<FieldsOf<'policy'>['roles']> = [
  {
    role: 'release',
    types: ['source-snapshot', 'build', 'avdb-release', 'review', 'retraction'],
    products: ['av'],
    issuers: ['Vendor AG'],
  },
  { role: 'office', types: ['key-event', 'site'] },
  { role: 'board', types: ['commitment'], threshold: 2 },
  { role: 'others', types: ['rebuild', 'supervision', 'retraction'] },
];

const MEMBERS = [
  ['rel', 'release'],
  ['clerk', 'office'],
  ['b1', 'board'],
  ['b2', 'board'],
  ['b3', 'board'],
  ['other', 'others'],
] as const;

export const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
export const hex = (byte: number): string => toHex(hash(byte));
export const digest = (byte: number): { readonly sha256: Uint8Array } => ({ sha256: hash(byte) });

/** A build of product av, whose one file is filled with that byte. */
export function build(version: string, fill: number, more: Partial<FieldsOf<'build'>> = {}): FieldsOf<'build'> {
  const artifacts = [{ digest: digest(fill) }];
  return { product: 'av', version, channel: 'stable', platform: 'linux', artifacts, ...more };
}
