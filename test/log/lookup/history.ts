// Random histories of two vendors and two laboratories in one log, and what lookups need of it, without a log.

import { memoryStorage } from '../../../src/adapters/memory.ts';
import { concat, readUint, toHex, uintBytes } from '../../../src/bytes.ts';
import type { LookupSource } from '../../../src/log/lookup.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { TILE_WIDTH, type TilePath } from '../../../src/merkle/tile.ts';
import { parseStatement } from '../../../src/record/statement.ts';
import type { FieldsOf, RecordType } from '../../../src/record/types.ts';
import type { EntryPlace, LogStorage } from '../../../src/storage.ts';
import { AdmissionWorld, genesis, rootKeys, sign, T0 } from '../../support/admission-world.ts';
import { LookupRows } from '../../support/lookup-rows.ts';
import { between, type Random } from '../../support/random.ts';
import { Naive, type Entry } from './model.ts';

export const DAY = 86_400;
const VENDORS = ['acme', 'vigil'] as const;
const LABS = ['lab', 'lab2'] as const;
export const NAMESPACES = [...VENDORS, ...LABS, 'log'] as const;
export const PRODUCTS = ['av', 'a/b'] as const;
export const CHANNELS = ['stable', 'beta'] as const;
export const PLATFORMS = ['linux', 'win'] as const;
export const REGIONS = ['US', '021', '003', 'DE', 'FR', '150'] as const;
export const CATEGORIES = ['suspicious-file', 'file-metadata'] as const;
export const digestOf = (n: number): Uint8Array => new Uint8Array(32).fill(n + 1);

export class History {
  readonly world = new AdmissionWorld();
  readonly entries: Entry[] = [];
  /** What queries take for the published size. */
  publishedSize = 0;
  readonly #storage: LogStorage = memoryStorage();
  readonly #rows = new LookupRows();
  readonly #random: Random;

  private constructor(random: Random) {
    this.#random = random;
  }

  /** A log of that many entries, whose rows were all written. */
  static async of(random: Random, size: number): Promise<History> {
    const history = new History(random);
    let prev = (await history.#add('root', 'log', 'policy', genesis()))!;
    for (const [i, namespace] of [...VENDORS, ...LABS].entries()) {
      const fields = { sequence: i + 2, prev, action: 'admit' as const, namespace, vendor: namespace };
      prev = (await history.#add('root', 'log', 'membership', { ...fields, root: rootKeys(1, `${namespace}-root`) }))!;
    }
    while (history.entries.length < size) await history.#next();
    history.publishedSize = history.entries.length;
    return history;
  }

  /** Appends so many steps of one relocation, about each of these regions in turn. */
  async addMilestones(regions: readonly string[], count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const fields = { relocationId: 'long', action: 'milestone' as const, activity: 'store' as const };
      await this.#add('acme-root', 'acme', 'relocation', { ...fields, regions: [regions[i % regions.length]!] });
    }
    this.publishedSize = this.entries.length;
  }

  /** Appends a build and what laboratories say of it, one after the other, all of it published. Gives its index. */
  async addRebuilt(results: readonly FieldsOf<'rebuild'>['result'][], file?: Uint8Array): Promise<number> {
    const artifacts = file && [{ digest: { sha256: file } }];
    const fields = { ...this.#build(), ...(artifacts && { artifacts, version: `of ${this.entries.length}` }) };
    const build = (await this.#add('acme-root', 'acme', 'build', fields))!;
    const index = this.entries.length - 1;
    for (const [i, result] of results.entries()) {
      const lab = LABS[i % LABS.length]!;
      await this.#add(`${lab}-root`, lab, 'rebuild', { build, result });
    }
    this.publishedSize = this.entries.length;
    return index;
  }

  /** Takes a build of acme back in these ways, one after the other; gives how many of them were admitted. */
  async takeBack(index: number, kinds: readonly FieldsOf<'retraction'>['kind'][]): Promise<number> {
    const before = this.entries.length;
    for (const kind of kinds) {
      const hasReplacement = kind === 'supersede' || kind === 'correct';
      const replacement = (await this.#add('acme-root', 'acme', 'build', this.#build()))!;
      const target = this.entries[index]!.leafHash;
      await this.#add('acme-root', 'acme', 'retraction', { target, kind, ...(hasReplacement && { replacement }) });
    }
    this.publishedSize = this.entries.length;
    return this.entries.slice(before).filter(({ statement }) => statement.type === 'retraction').length;
  }

  naive(size: number): Naive {
    return new Naive(this.entries.slice(0, size));
  }

  get source(): LookupSource {
    return {
      storage: () => ({
        get: (keys) => this.#storage.get(keys),
        scan: (range) => this.#storage.scan(range),
        readEntries: (places) => Promise.resolve(places.map((place) => this.#entry(place))),
        read: (paths) => Promise.resolve(paths.map((path) => this.#bundle(path))),
        findLeaves: (hashes) =>
          Promise.resolve(
            hashes.map((hash) => this.entries.find(({ leafHash }) => toHex(leafHash) === toHex(hash))?.index),
          ),
      }),
      size: () => this.publishedSize,
      hasher: portableHasher,
    };
  }

  /** Reading above the published size is a mistake, not an answer. */
  #bundle({ index, width }: TilePath): Uint8Array | undefined {
    const end = index * TILE_WIDTH + width;
    if (end > this.publishedSize) throw new Error(`entry ${end - 1} is not published`);
    const leaves = this.world.leaves.slice(index * TILE_WIDTH, end);
    return concat(...leaves.flatMap((leaf) => [uintBytes(leaf.length, 2), leaf]));
  }

  #entry({ index, offset, length }: EntryPlace): Uint8Array | undefined {
    const width = (index % TILE_WIDTH) + 1;
    const bundle = this.#bundle({ kind: 'entries', index: Math.floor(index / TILE_WIDTH), width })!;
    return readUint(bundle, offset, 2) === length ? bundle.slice(offset + 2, offset + 2 + length) : undefined;
  }

  pick<T>(values: readonly T[]): T {
    return values[between(this.#random, 0, values.length)]!;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #some<T>(values: readonly T[]): T[] {
    const chosen = values.filter(() => this.#chance(0.3));
    return chosen.length === 0 ? [this.pick(values)] : chosen;
  }

  async #next(): Promise<void> {
    const vendor = this.pick(VENDORS);
    const owner = this.pick(NAMESPACES.slice(0, 4));
    const roll = this.#random();
    if (roll < 0.28) await this.#add(`${vendor}-root`, vendor, 'build', this.#build());
    else if (roll < 0.42) await this.#add(`${vendor}-root`, vendor, 'avdb-release', this.#release(vendor));
    else if (roll < 0.6) await this.#rebuild();
    else if (roll < 0.72) await this.#retract();
    else if (roll < 0.88) await this.#add(`${owner}-root`, owner, 'relocation', this.#relocation());
    else if (roll < 0.95) {
      const fields = {
        commitmentId: `c${between(this.#random, 0, 3)}`,
        kind: 'process' as const,
        subject: 'A promise',
      };
      await this.#add(`${owner}-root`, owner, 'commitment', fields);
    } else await this.#supervise();
  }

  #build(): FieldsOf<'build'> {
    const [product, version] = [this.pick(PRODUCTS), this.pick(['1', '2'])];
    const n = PRODUCTS.indexOf(product) * 2 + Number(version);
    // One digest is in two versions, and twice in one of them.
    const digests = [n, n, Math.ceil(n / 2) + 10];
    return {
      product,
      version,
      channel: this.pick(CHANNELS),
      platform: this.pick(PLATFORMS),
      artifacts: digests.map((digest) => ({ digest: { sha256: digestOf(digest) } })),
    };
  }

  #release(namespace: string): FieldsOf<'avdb-release'> {
    const [product, database, channel] = [this.pick(PRODUCTS), 'main', this.pick(CHANNELS)];
    const before = this.naive(Infinity).releases(namespace, product, database, channel);
    const prev = before.length === 0 ? {} : { prev: this.entries[before.at(-1)!]!.leafHash };
    const contentDigest = { sha256: digestOf(20 + (before.length % 3)) };
    return { product, database, channel, sequence: before.length + 1, ...prev, contentDigest, counts: { total: 5 } };
  }

  async #rebuild(): Promise<void> {
    const builds = this.entries.filter(({ statement }) => statement.type === 'build');
    if (builds.length === 0) return;
    const lab = this.pick(LABS);
    const result = this.pick(['match', 'match-normalised', 'mismatch', 'inconclusive'] as const);
    await this.#add(`${lab}-root`, lab, 'rebuild', { build: this.pick(builds).leafHash, result });
  }

  async #retract(): Promise<void> {
    const target = this.pick(this.entries);
    const { namespace, type } = target.statement;
    const kind = this.pick(['retract', 'supersede', 'correct', 'recall'] as const);
    const others = this.entries.filter((one) => one.statement.namespace === namespace && one.statement.type === type);
    const replacement = kind === 'retract' || kind === 'recall' ? {} : { replacement: this.pick(others).leafHash };
    const effective = this.#chance(0.4) ? { effectiveAt: T0 + DAY * between(this.#random, 0, 10) } : {};
    await this.#add(`${namespace}-root`, namespace, 'retraction', {
      target: target.leafHash,
      kind,
      ...replacement,
      ...effective,
    });
  }

  #relocation(): FieldsOf<'relocation'> {
    const time = (): number => T0 + DAY * between(this.#random, 0, 10);
    return {
      relocationId: this.pick(['r1', 'r2']),
      action: this.pick(['plan', 'change', 'start', 'milestone', 'complete', 'suspend', 'revert']),
      activity: this.pick(['store', 'process']),
      ...(this.#chance(0.6) && { category: this.pick(CATEGORIES) }),
      ...(this.#chance(0.7) && { regions: this.#some(REGIONS) }),
      ...(this.#chance(0.7) && { effectiveAt: time() }),
      ...(this.#chance(0.3) && this.#supervisor()),
      ...(this.#chance(0.3) && { basis: { kind: 'reported' as const, documentDate: time() } }),
    };
  }

  #supervisor(): { supervisor?: Uint8Array } {
    const all = this.entries.filter(({ statement }) => statement.type === 'supervision');
    return all.length === 0 ? {} : { supervisor: this.pick(all).leafHash };
  }

  async #supervise(): Promise<void> {
    const targets = this.entries.filter(({ statement }) => statement.type === 'relocation');
    if (targets.length === 0) return;
    const size = this.entries.length;
    const from = between(this.#random, 0, size);
    const range = {
      range: {
        from,
        to: between(this.#random, from + 1, size + 1),
        size,
        rootHash: this.world.roots.at(size),
        namespaces: this.#some(NAMESPACES),
      },
    };
    await this.#add('lab-root', 'lab', 'supervision', {
      supervisionId: 's',
      kind: 'supervised-relocation',
      result: 'conform',
      ...(this.#chance(0.5) ? range : { refs: [this.pick(targets).leafHash] }),
    });
  }

  /** Appends it if it is admitted; gives its leaf hash. */
  async #add<T extends RecordType>(
    by: string,
    namespace: string,
    type: T,
    fields: FieldsOf<T>,
  ): Promise<Uint8Array | undefined> {
    const index = this.entries.length;
    const issuer = namespace;
    const bytes = await sign(by, namespace, type, fields, { issuer, iat: T0 + index }).catch(() => undefined);
    if (bytes === undefined || !this.world.append(bytes).admitted) return undefined;
    const statement = parseStatement(bytes);
    const leafHash = portableHasher.leafHash(bytes);
    await this.#storage.publish(new Uint8Array(0), this.#rows.next(statement, this.world.state));
    this.entries.push({ index, leafHash, statement });
    return leafHash;
  }
}
