// A log of real records for tests of evidence about them: it takes whatever it is told to, each signed by a key that has
// a name, and proves every entry in its largest tree.

import { rfcLeafHash } from '../../support/rfc-tree.ts';
import { genesis, publicKey, rootKeys, sign } from '../../support/admission-world.ts';
import type { SignOptions } from '../../support/admission-world.ts';
import type { LogHead } from '../../../src/client/state.ts';
import type { IncludedEntry } from '../../../src/monitor/evidence/make.ts';
import { CHAIN_TYPES } from '../../../src/record/chain.ts';
import type { FieldsOf, RecordType } from '../../../src/record/types.ts';
import { History, headOf } from './support.ts';
import type { TestKeys } from './support.ts';

export const digest = (fill: number): { readonly sha256: Uint8Array } => ({ sha256: new Uint8Array(32).fill(fill) });

export class RecordLog {
  readonly keys: TestKeys;
  readonly leaves: Uint8Array[] = [];
  /** By namespace: links of its chain, and the leaf hash of the last one. */
  readonly chains = new Map<string, { sequence: number; head: Uint8Array; index: number }>();

  constructor(keys: TestKeys) {
    this.keys = keys;
  }

  get size(): number {
    return this.leaves.length;
  }

  /** Any bytes as the next entry; its index. */
  put(leaf: Uint8Array): number {
    return this.leaves.push(leaf) - 1;
  }

  /** A record as the next entry, with exactly these fields. */
  async add<T extends RecordType>(
    by: string,
    namespace: string,
    type: T,
    fields: FieldsOf<T>,
    options?: SignOptions,
  ): Promise<number> {
    const leaf = await sign(by, namespace, type, fields, options, true);
    const index = this.put(leaf);
    if (CHAIN_TYPES.some((link) => link === type)) {
      const sequence = (this.chains.get(namespace)?.sequence ?? 0) + 1;
      this.chains.set(namespace, { sequence, head: rfcLeafHash(leaf), index });
    }
    return index;
  }

  /** Where the next link of the namespace's chain stands. */
  place(namespace: string): { readonly sequence: number; readonly prev?: Uint8Array } {
    const chain = this.chains.get(namespace);
    return chain === undefined ? { sequence: 1 } : { sequence: chain.sequence + 1, prev: chain.head };
  }

  /** The genesis of namespace `log`, by key "root", with these roles. */
  start(more: Partial<FieldsOf<'policy'>> = {}, vkeys?: readonly string[]): Promise<number> {
    const { origin, verifiers } = this.keys.log;
    const named = vkeys ?? verifiers.map(({ vkey }) => vkey);
    const fields = genesis({
      log: { origin, vkeys: named, statementKeys: [publicKey('log')] },
      roles: [
        { role: 'release', types: ['source-snapshot', 'build', 'avdb-release', 'relocation', 'retraction'] },
        { role: 'rebuilders', types: ['rebuild'] },
      ],
      ...more,
    });
    return this.add('root', 'log', 'policy', fields);
  }

  /** A key joins a role. */
  join(namespace: string, role: string, name: string, by = 'root'): Promise<number> {
    return this.add(by, namespace, 'key-event', { ...this.place(namespace), action: 'add', role, ...publicKey(name) });
  }

  /** A key is dead from here on. */
  revoke(namespace: string, name: string, by = 'root'): Promise<number> {
    const { kid } = publicKey(name);
    return this.add(by, namespace, 'key-event', { ...this.place(namespace), action: 'revoke', kid });
  }

  admit(namespace: string, ...names: readonly string[]): Promise<number> {
    const fields = { action: 'admit', namespace, vendor: namespace, root: rootKeys(1, ...names) } as const;
    return this.add('root', 'log', 'membership', { ...this.place('log'), ...fields });
  }

  site(namespace: string, siteId: string, country: string, by = 'root'): Promise<number> {
    const kinds = ['build', 'signing'] as const;
    return this.add(by, namespace, 'site', { ...this.place(namespace), siteId, country, kinds });
  }

  /** The log says which heads its chains have in the tree of now. */
  heartbeat(more: Partial<{ readonly size: number }> = {}): Promise<number> {
    const size = more.size ?? this.size;
    const chains = [...this.chains].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const heads = chains.map(([namespace, { sequence, head }]) => ({ namespace, sequence, leafHash: head }));
    const rootHash = new History(this.leaves).root(size);
    return this.add('log', 'log', 'log-event', { heartbeat: { size, rootHash, heads } });
  }

  hash(index: number): Uint8Array {
    return rfcLeafHash(this.leaves[index]!);
  }

  entry(index: number): IncludedEntry {
    return new History(this.leaves).entry(index);
  }

  entries(...indexes: readonly number[]): readonly IncludedEntry[] {
    const history = new History(this.leaves);
    return indexes.map((index) => history.entry(index));
  }

  head(): Promise<LogHead> {
    return headOf(this.keys, new History(this.leaves), this.size);
  }
}

/** A build of a version of product `av`, whose one file is filled with that byte. */
export function buildOf(version: string, fill: number, more: Partial<FieldsOf<'build'>> = {}): FieldsOf<'build'> {
  return {
    product: 'av',
    version,
    channel: 'stable',
    platform: 'linux',
    artifacts: [{ digest: digest(fill) }],
    ...more,
  };
}

/** A release of database `main`, with that many rules. */
export function releaseOfMain(
  sequence: number,
  more: Partial<FieldsOf<'avdb-release'>> = {},
): FieldsOf<'avdb-release'> {
  const counts = { total: 100 + sequence };
  return {
    product: 'av',
    database: 'main',
    channel: 'stable',
    sequence,
    contentDigest: digest(sequence),
    counts,
    ...more,
  };
}

/** A log with a vendor key and a rebuilder's, two sites, and a heartbeat: entries 0 to 5. */
export async function startedLog(keys: TestKeys): Promise<RecordLog> {
  const log = new RecordLog(keys);
  await log.start();
  await log.join('log', 'release', 'vendor');
  await log.join('log', 'rebuilders', 'rebuilder');
  await log.site('log', 'zrh-1', 'CH');
  await log.site('log', 'muc-1', 'DE');
  await log.heartbeat();
  return log;
}
