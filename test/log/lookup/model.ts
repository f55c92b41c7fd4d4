// What lookups are to answer, found naively: each question looks through all records, and no rows are kept.

import { equalBytes, toHex } from '../../../src/bytes.ts';
import { channelPlace } from '../../../src/record/channel.ts';
import { regionsContain, regionsOverlap } from '../../../src/record/regions.ts';
import { fileDigests, type Statement } from '../../../src/record/statement.ts';
import { productOf, type FieldsOf } from '../../../src/record/types.ts';

export interface Entry {
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly statement: Statement;
}

const FILTERS = ['namespace', 'product', 'version', 'channel', 'platform'] as const;
type BuildFilter = Readonly<Partial<Record<(typeof FILTERS)[number], string | undefined>>>;

/** A log's first entries. */
export class Naive {
  readonly entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
  }

  #of<T extends Statement['type']>(type: T): { index: number; namespace: string; f: FieldsOf<T>; iat: number }[] {
    return this.entries.flatMap(({ index, statement }) =>
      statement.record.type === type
        ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type was looked at
          [{ index, namespace: statement.namespace, f: statement.record.fields as FieldsOf<T>, iat: statement.iat }]
        : [],
    );
  }

  byHash(hash: Uint8Array): Entry | undefined {
    return this.entries.find(({ leafHash }) => equalBytes(leafHash, hash));
  }

  takenBack(index: number): string[] {
    return this.#of('retraction')
      .filter(({ f }) => this.byHash(f.target)?.index === index)
      .map(({ index: by, f }) => `${by} ${f.kind}`);
  }

  rebuilds(index: number): string[] {
    return this.#of('rebuild')
      .filter(({ f }) => this.byHash(f.build)?.index === index)
      .map(({ index: by, f }) => `${by} ${f.result}`);
  }

  newest(channel: string): number | undefined {
    const places = this.entries.flatMap(({ index, statement }) => {
      const place = channelPlace(statement.record, index);
      return place?.channel === channel ? [{ index, sequence: place.sequence }] : [];
    });
    return places.toSorted((a, b) => b.sequence - a.sequence)[0]?.index;
  }

  channels(): string[] {
    const all = this.entries.map(({ index, statement }) => channelPlace(statement.record, index)?.channel);
    return [...new Set(all)].filter((channel) => channel !== undefined).toSorted();
  }

  recalled(channel: string): string[] {
    const targets = this.#of('retraction').flatMap(({ f }) => (f.kind === 'recall' ? [this.byHash(f.target)!] : []));
    const inChannel = targets.filter(
      ({ index, statement }) => channelPlace(statement.record, index)?.channel === channel,
    );
    return [...new Set(inChannel.map(({ leafHash }) => toHex(leafHash)))].toSorted();
  }

  artifact(digest: Uint8Array): number[] {
    return this.entries
      .filter(({ statement }) => fileDigests(statement.record).some((one) => equalBytes(one, digest)))
      .map(({ index }) => index);
  }

  builds(filter: BuildFilter): number[] {
    return this.#of('build')
      .filter(({ namespace, f }) => {
        const own = { ...f, namespace };
        return FILTERS.every((name) => filter[name] === undefined || filter[name] === own[name]);
      })
      .map(({ index }) => index);
  }

  notRebuilt(namespace?: string, product?: string): number[] {
    return this.builds({ namespace, product }).filter(
      (index) => this.takenBack(index).length === 0 && !this.rebuilds(index).some((said) => said.includes(' match')),
    );
  }

  releases(namespace: string, product: string, database: string, channel: string): number[] {
    return this.#of('avdb-release')
      .filter((one) => one.namespace === namespace)
      .filter(({ f }) => f.product === product && f.database === database && f.channel === channel)
      .map(({ index }) => index);
  }

  commitments(namespace?: string): number[] {
    return this.#of('commitment')
      .filter((one) => namespace === undefined || one.namespace === namespace)
      .map(({ index }) => index);
  }

  changes(since: number, namespace?: string, product?: string): number[] {
    return this.entries
      .filter(({ index, statement: { record } }) => {
        if (index < since) return false;
        if (namespace === undefined) return true;
        if (product === undefined) return record.namespace === namespace;
        const ref =
          record.type === 'rebuild' ? record.fields.build : record.type === 'retraction' && record.fields.target;
        const about = ref ? this.byHash(ref)!.statement.record : record;
        return about.namespace === namespace && productOf(about) === product;
      })
      .map(({ index }) => index);
  }

  relocations(asOf: number, region?: string, category?: string, activity?: string): string[] {
    type Step = ReturnType<typeof this.steps>[number];
    const isPlan = ({ f }: Step): boolean => f.action === 'plan' || f.action === 'change';
    const steps = this.steps(asOf);
    const covers = (t: Step, s: Step): boolean =>
      t.order > s.order &&
      t.key === s.key &&
      (isPlan(s) || !isPlan(t)) &&
      (t.f.category === undefined || t.f.category === this.about(steps, s).category) &&
      (t.f.regions === undefined ||
        (this.about(steps, s).regions?.every((one) => regionsContain(t.f.regions!, one)) ?? false));
    return steps
      .filter((s) => !steps.some((t) => covers(t, s)))
      .filter((s) => {
        const about = this.about(steps, s);
        if (activity !== undefined && s.f.activity !== activity) return false;
        if (category !== undefined && about.category !== undefined && about.category !== category) return false;
        return region === undefined || (about.regions !== undefined && regionsOverlap(about.regions, [region]));
      })
      .map(({ index, f }) => `${index} ${f.action}`)
      .toSorted();
  }

  supervisions(index: number): string[] {
    const { leafHash, statement } = this.entries[index]!;
    const { record, namespace } = statement;
    const named = record.type === 'relocation' ? record.fields.supervisor : undefined;
    return this.#of('supervision').flatMap((one) => {
      const { refs = [], range } = one.f;
      if (named !== undefined && this.byHash(named)?.index === one.index) return [`${one.index} named`];
      if (refs.some((ref) => equalBytes(ref, leafHash))) return [`${one.index} attested`];
      const isIn = range !== undefined && range.from <= index && index < range.to;
      return isIn && (range.namespaces ?? [one.namespace]).includes(namespace) ? [`${one.index} range`] : [];
    });
  }

  /** The steps that count on the day, in the order in which they took effect. */
  steps(asOf: number) {
    return this.#of('relocation')
      .map((one) => {
        const { f } = one;
        const effective = f.action === 'plan' || f.action === 'change' ? undefined : f.effectiveAt;
        return { ...one, at: effective ?? f.basis?.documentDate ?? one.iat };
      })
      .filter(({ index, at }) => at <= asOf && !this.#isOver(index, asOf))
      .toSorted((a, b) => a.at - b.at || a.index - b.index)
      .map((one, order) => ({ ...one, order, key: `${one.namespace}/${one.f.activity}/${one.f.relocationId}` }));
  }

  about(steps: ReturnType<typeof this.steps>, s: ReturnType<typeof this.steps>[number]) {
    const before = steps.filter((t) => t.key === s.key && t.order < s.order);
    const regions = before.flatMap(({ f }) => f.regions ?? []);
    const categories = new Set(before.flatMap(({ f }) => f.category ?? []));
    return {
      regions: s.f.regions ?? (regions.length === 0 ? undefined : regions),
      category: s.f.category ?? (categories.size === 1 ? [...categories][0] : undefined),
    };
  }

  #isOver(index: number, asOf: number): boolean {
    return this.#of('retraction').some(
      ({ f, iat }) =>
        this.byHash(f.target)?.index === index && (f.kind !== 'supersede' || (f.effectiveAt ?? iat) <= asOf),
    );
  }
}
