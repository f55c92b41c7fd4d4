// Writes random histories of records, for a log whose state and past it sees.

import { fromHex } from '../../src/bytes.ts';
import type { FieldsOf, RecordType } from '../../src/record/types.ts';
import type { AdmissionModel } from './admission-model.ts';
import { kid, publicKey, rootKeys, sign, T0 } from './admission-world.ts';
import type { AdmissionWorld } from './admission-world.ts';
import { between, type Random } from './random.ts';

const KEYS = ['root', 'root2', 'log', 'a-root', 'b-root', 'k1', 'k2', 'k3', 'p256-1'] as const;
const ISSUERS = ['Vendor AG', 'Someone'] as const;
/** The types that its policies grant. */
export const TYPES = [
  'build',
  'avdb-release',
  'rebuild',
  'supervision',
  'retraction',
  'source-snapshot',
  'key-event',
] as const;
const byte = (n: number): Uint8Array => new Uint8Array(32).fill(n);

/** A random history: what it proposes is near what may be admitted, and often a step beside it. */
export class Author {
  readonly #random: Random;
  readonly #model: AdmissionModel;
  readonly #world: AdmissionWorld;

  constructor(random: Random, world: AdmissionWorld, model: AdmissionModel) {
    this.#random = random;
    this.#world = world;
    this.#model = model;
  }

  pick<T>(values: readonly T[]): T {
    return values[between(this.#random, 0, values.length)]!;
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  some<T>(values: readonly T[]): T[] {
    const chosen = values.filter(() => this.chance(0.5));
    return chosen.length === 0 ? [this.pick(values)] : chosen;
  }

  roles(): NonNullable<FieldsOf<'policy'>['roles']> {
    return ['r1', 'r2'].map((role) => ({
      role,
      types: this.some(TYPES),
      ...(this.chance(0.7) && { keys: this.some(['k1', 'k2', 'k3']).map(kid) }),
      ...(this.chance(0.3) && { products: [this.pick(['av', 'fw'])] }),
      ...(this.chance(0.2) && { issuers: [this.pick(ISSUERS)] }),
      ...(this.chance(0.2) && { sites: ['zrh'] }),
    }));
  }

  /** The next link of a namespace's chain, or nearly. */
  link(namespace: string): { sequence: number; prev?: Uint8Array } {
    const links = this.#model.history.filter(
      ({ s }) => s.namespace === namespace && ['policy', 'key-event', 'site', 'membership'].includes(s.type),
    );
    const sequence = links.length + (this.chance(0.04) ? 2 : 1);
    if (sequence === 1) return { sequence };
    const prev = links.at(this.chance(0.04) ? 0 : -1)?.leaf;
    return { sequence, prev: prev === undefined ? byte(9) : fromHex(prev)! };
  }

  /** An entry of a type, or any other, or none. */
  ref(type: RecordType, namespace?: string): Uint8Array {
    const fit = this.#model.history.filter(
      ({ s }) => s.type === type && (namespace === undefined || s.namespace === namespace),
    );
    if (fit.length > 0 && this.chance(0.9)) return fromHex(this.pick(fit).leaf)!;
    return this.chance(0.5) ? byte(9) : fromHex(this.pick(this.#model.history).leaf)!;
  }

  fields(namespace: string, type: RecordType): unknown {
    const product = this.pick(['av', 'fw']);
    switch (type) {
      case 'policy': {
        const names = this.some(['root', 'root2', `${namespace}-root`]);
        return {
          ...this.link(namespace),
          roles: this.roles(),
          ...(this.chance(0.2) && { root: rootKeys(between(this.#random, 1, names.length + 1), ...new Set(names)) }),
          ...(this.chance(0.1) && { require: [{ type: 'build', fields: ['source'] }] }),
          ...(this.chance(0.5) && { parameters: { deltaLimit: 1 } }),
        };
      }
      case 'key-event': {
        const name = this.pick(KEYS);
        const action = this.pick(['add', 'add', 'add', 'add', 'rotate', 'revoke', 'compromised'] as const);
        const role = this.pick(['r1', 'r1', 'r2', 'r2', 'root', 'log', 'r3']);
        const joins = { ...publicKey(name), role };
        const window = this.chance(0.1) ? { validFrom: T0 + 5, validUntil: T0 + this.pick([9, 10]) } : {};
        const previous = this.pick(KEYS.filter((other) => other !== name));
        if (action === 'add') return { ...this.link(namespace), action, ...joins, ...window };
        if (action === 'rotate') return { ...this.link(namespace), action, ...joins, previousKid: kid(previous) };
        return { ...this.link(namespace), action, kid: kid(name) };
      }
      case 'membership': {
        const subject = this.pick(['a', 'b', 'a', 'b', 'log']);
        const base = { ...this.link(namespace), namespace: subject };
        if (this.chance(0.15)) return { ...base, action: 'leave' };
        return { ...base, action: 'admit', vendor: 'V', root: rootKeys(1, `${subject}-root`) };
      }
      case 'source-snapshot': {
        const treeDigest = { sha256: byte(this.chance(0.9) ? 1 : 2) };
        return { product, version: this.pick(['1', '2']), treeDigest };
      }
      case 'build': {
        const version = this.pick(['1', '2', '3']);
        const artifacts = [{ digest: { sha256: byte(this.chance(0.9) ? Number(version) : 7) } }];
        const source = this.chance(0.5) ? { source: this.ref('source-snapshot', namespace) } : {};
        return { product, version, channel: 'stable', platform: 'linux', artifacts, ...source };
      }
      case 'avdb-release':
        return this.release(namespace);
      case 'rebuild':
        return { build: this.ref('build'), result: this.pick(['match', 'mismatch']) };
      case 'supervision': {
        const base = { supervisionId: String(this.#random()), kind: 'audit', result: 'conform' };
        if (this.chance(0.5)) return { ...base, refs: [this.ref('build')] };
        return { ...base, range: { from: 0, to: 1, ...this.tree() } };
      }
      case 'retraction': {
        const target = this.pick(['build', 'avdb-release', 'rebuild', 'source-snapshot', 'retraction'] as const);
        const kind = this.pick(['retract', 'supersede', 'recall']);
        const replacement = kind === 'supersede' ? { replacement: this.ref(target, namespace) } : {};
        return { target: this.ref(target, namespace), kind, ...replacement };
      }
      default: {
        if (this.chance(0.03)) return { shutdown: { finalSize: this.#world.size + between(this.#random, 0, 9) } };
        if (this.chance(0.3)) return { incident: { incidentId: 'i', summary: String(this.#random()) } };
        const { sequence, prev } = this.link(this.pick(['log', 'a']));
        const head = { namespace: 'log', sequence: Math.max(1, sequence - 1), leafHash: prev ?? byte(9) };
        return { heartbeat: { ...this.tree(), heads: [head] } };
      }
    }
  }

  tree(): { size: number; rootHash: Uint8Array } {
    const size = between(this.#random, Math.max(1, this.#world.size - 2), this.#world.size + 1);
    return { size, rootHash: this.chance(0.9) ? this.#world.roots.at(size) : byte(9) };
  }

  release(namespace: string): unknown {
    const last = this.#model.history.findLast(({ s }) => s.namespace === namespace && s.type === 'avdb-release');
    const base = {
      product: 'av',
      database: 'd',
      channel: 'c',
      contentDigest: { sha256: byte(between(this.#random, 1, 9)) },
    };
    if (last === undefined || this.chance(0.03)) return { ...base, sequence: 1, counts: { total: 10 } };
    const before = last.s.record;
    if (before.type !== 'avdb-release') throw new Error('bad math in release');
    const { sequence, counts } = before.fields;
    const step = this.chance(0.85) ? 1 : 3;
    const next = sequence + step;
    const added = between(this.#random, 0, 5);
    const prev = this.chance(0.95) ? fromHex(last.leaf)! : byte(9);
    return {
      ...base,
      sequence: next,
      prev,
      counts: { total: counts.total + added - (this.chance(0.95) ? 1 : 0), added, removed: 1 },
      ...(step > 1 && this.chance(0.7) && { gap: { from: sequence + 1, to: next - 1, reason: 'r' } }),
      ...(this.chance(0.5) && { kind: this.pick(['full', 'delta', 'delta']) }),
      ...(this.chance(0.2) && { rollback: { toSequence: this.pick([1, sequence]), reason: 'r' } }),
    };
  }

  /** Who could sign it: mostly the namespace's root key, often enough another one. */
  async propose(): Promise<Uint8Array | undefined> {
    const namespace = this.pick(['log', 'log', 'log', 'a', 'a', 'b']);
    const wide = ['policy', 'key-event', 'key-event', 'membership', 'log-event', ...TYPES, ...TYPES] as const;
    const type: RecordType =
      namespace === 'log' ? this.pick(wide) : this.pick([...wide.filter((t) => t !== 'log-event'), 'build'] as const);
    const expected = type === 'log-event' ? 'log' : namespace === 'log' ? 'root' : `${namespace}-root`;
    const by = this.chance(0.75) ? expected : this.pick(KEYS);
    const approvals = this.chance(0.2) ? [...new Set([this.pick(KEYS), this.pick(KEYS)])] : [];
    const options = { issuer: this.pick(ISSUERS), iat: T0 + between(this.#random, 0, 12), approvals };
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- createStatement refuses what is none
      return await sign(by, namespace, type, this.fields(namespace, type) as FieldsOf<typeof type>, options);
    } catch {
      // Not a record at all: such proposals never reach admission.
      return undefined;
    }
  }
}
