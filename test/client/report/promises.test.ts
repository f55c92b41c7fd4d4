import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { toHex, utf8 } from '../../../src/bytes.ts';
import { promisesJson, promisesText } from '../../../src/client/report/promise-words.ts';
import {
  reportPromises,
  type PromiseReport,
  type PromisesReport,
  type ReadEntry,
} from '../../../src/client/report/promises.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { createStatement } from '../../../src/record/statement.ts';
import { parseTime } from '../../../src/record/time.ts';
import type { FieldsOf, RecordType } from '../../../src/record/types.ts';
import { UNSIGNED } from '../../support/records.ts';

const day = (text: string): number => parseTime(`${text}T00:00:00Z`)!;
const NOW = day('2031-01-01');
const byte = (n: number): Uint8Array => new Uint8Array(32).fill(n);

/** Entries of a log, as somebody says them one after another. */
class Entries {
  readonly list: ReadEntry[] = [];

  async say<T extends RecordType>(
    type: T,
    fields: FieldsOf<T>,
    namespace = 'acme',
    at = '2030-01-01',
  ): Promise<Uint8Array> {
    const content = { type, namespace, fields, issuer: 'Acme AG', iatSeconds: day(at) };
    const bytes = await createStatement(content, UNSIGNED);
    const leafHash = portableHasher.leafHash(bytes);
    this.list.push([bytes, leafHash]);
    return leafHash;
  }

  report(asOf = NOW): PromisesReport {
    return reportPromises(this.list, asOf);
  }

  /** The report about the one promise that there is. */
  one(asOf = NOW): PromiseReport {
    const { promises } = this.report(asOf);
    expect(promises).toHaveLength(1);
    return promises[0]!;
  }
}

type Promised = FieldsOf<'commitment'>;
type Step = FieldsOf<'relocation'>;

const promised = (more: Partial<Promised> = {}): Promised => ({
  commitmentId: 'p1',
  kind: 'relocation',
  subject: 'user data',
  activities: ['store', 'process'],
  regions: ['150'],
  to: [{ country: 'CH' }],
  deadline: day('2030-12-31'),
  fulfilledBy: { type: 'relocation', action: 'complete' },
  ...more,
});

const step = (more: Partial<Step> = {}): Step => ({
  relocationId: 'm1',
  action: 'complete',
  activity: 'store',
  regions: ['150'],
  to: [{ country: 'CH' }],
  effectiveAt: day('2030-06-01'),
  ...more,
});

const indexes = (entries: readonly { readonly index: number }[]): number[] => entries.map(({ index }) => index);

describe('a promise', () => {
  it('is open until its day and overdue from the next second on', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised());
    expect(entries.one(day('2030-12-31')).state).toBe('open');
    expect(entries.one(day('2030-12-31') + 1).state).toBe('overdue');
    expect(entries.one().missing).toEqual(['store for region 150', 'process for region 150']);
  });

  it('without a date stays open', async () => {
    const entries = new Entries();
    const { deadline: _, ...undated } = promised();
    await entries.say('commitment', undated);
    expect(entries.one(day('2099-01-01'))).toMatchObject({ state: 'open', deadline: undefined });
  });

  it('is kept once every activity is shown for the whole region, and by what was done until the day', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised({ regions: ['021'] }));
    await entries.say('relocation', step({ regions: ['US'], activity: 'process' }));
    await entries.say('relocation', step({ relocationId: 'm2', regions: ['003'], effectiveAt: day('2030-07-01') }));
    expect(entries.one()).toMatchObject({ state: 'overdue', missing: ['process for region 021'] });
    const rest = ['CA', 'BM', 'GL', 'PM'];
    await entries.say(
      'relocation',
      step({ relocationId: 'm3', regions: rest, activity: 'process', effectiveAt: day('2030-08-01') }),
    );
    const kept = entries.one();
    expect(kept).toMatchObject({ state: 'kept', keptAt: day('2030-08-01'), missing: [], otherSteps: [] });
    expect(indexes(kept.fulfilledBy)).toEqual([1, 2, 3]);
    expect(entries.one(day('2030-07-15')).state).toBe('open');
  });

  it('is kept late when the last of it was done after the day', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised({ activities: ['store'], deadline: day('2030-05-31') }));
    await entries.say('relocation', step());
    expect(entries.one()).toMatchObject({ state: 'kept-late', keptAt: day('2030-06-01') });
  });

  it('is not kept by a step before the promised one, of another vendor, elsewhere, or taken back', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised({ activities: ['store'] }));
    await entries.say('relocation', step({ action: 'start' }));
    await entries.say('relocation', step(), 'other');
    await entries.say('relocation', step({ relocationId: 'm2', to: [{ country: 'RU' }] }));
    const target = await entries.say('relocation', step({ relocationId: 'm3' }));
    await entries.say('retraction', { target, kind: 'retract' });
    const promise = entries.one();
    expect(promise.state).toBe('overdue');
    expect(indexes(promise.otherSteps)).toEqual([1]);
    expect(promise.contradictions.map(({ kind, entry }) => [kind, entry.index])).toEqual([['elsewhere', 3]]);
  });

  it('that was kept and undone is not kept any more, until it is resumed', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised({ activities: ['store'] }));
    await entries.say('relocation', step());
    await entries.say('relocation', step({ action: 'revert', effectiveAt: day('2030-09-01') }));
    expect(entries.one()).toMatchObject({
      state: 'overdue',
      contradictions: [{ kind: 'undone', entry: { index: 2 } }],
    });
    expect(entries.one(day('2030-08-01')).state).toBe('kept');
    await entries.say('relocation', step({ effectiveAt: day('2030-10-01') }));
    expect(entries.one()).toMatchObject({ state: 'kept', keptAt: day('2030-10-01') });
  });

  it('is contradicted by a later record that places it elsewhere, also by the country of a site', async () => {
    const entries = new Entries();
    await entries.say('site', { sequence: 1, siteId: 'mow', kinds: ['data-centre'], country: 'RU' });
    await entries.say('commitment', promised({ activities: ['store'] }));
    await entries.say('relocation', step());
    await entries.say(
      'relocation',
      step({ relocationId: 'm2', regions: ['DE'], action: 'start', to: [{ site: 'mow' }] }),
    );
    expect(entries.one()).toMatchObject({
      state: 'kept',
      contradictions: [{ kind: 'elsewhere', entry: { index: 3 } }],
    });
  });

  it('is withdrawn when each of its statements was retracted', async () => {
    const entries = new Entries();
    const target = await entries.say('commitment', promised());
    await entries.say('retraction', { target, kind: 'retract' });
    expect(entries.one().state).toBe('withdrawn');
    await entries.say('commitment', promised({ phase: 'again' }));
    expect(entries.one().state).toBe('overdue');
  });

  it('says what nothing in a log can show', async () => {
    const entries = new Entries();
    const { fulfilledBy: _, ...vague } = promised();
    await entries.say('commitment', vague);
    expect(entries.one().missing).toEqual(['it does not say which record would show it kept']);
  });
});

describe('slips', () => {
  it('are counted where a date moves later or is named no more, and cite the entry', async () => {
    const entries = new Entries();
    const { deadline: _, ...undated } = promised();
    for (const date of ['2029-12-31', '2030-12-31', '2030-06-30']) {
      await entries.say('commitment', promised({ deadline: day(date) }));
    }
    await entries.say('commitment', undated);
    const promise = entries.one();
    expect(promise.slips.map(({ entry, from, to }) => [entry.index, from, to])).toEqual([
      [1, day('2029-12-31'), day('2030-12-31')],
      [3, day('2030-06-30'), undefined],
    ]);
    expect(promise).toMatchObject({ firstDeadline: day('2029-12-31'), deadline: day('2030-06-30'), state: 'overdue' });
    expect(indexes(promise.statements)).toEqual([0, 1, 2, 3]);
  });

  it('are counted by the steps of a relocation, and over a replacement under another id', async () => {
    const entries = new Entries();
    const target = await entries.say('commitment', promised());
    await entries.say('relocation', step({ action: 'change', deadline: day('2031-06-30') }));
    const replacement = await entries.say('commitment', promised({ commitmentId: 'p2', deadline: day('2032-01-01') }));
    await entries.say('retraction', { target, kind: 'supersede', replacement });
    const promise = entries.one();
    expect(promise.slips.map(({ entry }) => [entry.index, entry.type])).toEqual([
      [1, 'relocation'],
      [2, 'commitment'],
    ]);
    expect(promise).toMatchObject({ commitmentId: 'p1', deadline: day('2032-01-01'), contradictions: [] });
  });

  it('are none where a document and the vendor differ: that is a contradiction', async () => {
    const entries = new Entries();
    const basis = { kind: 'reported', documentName: 'news.txt' } as const;
    await entries.say('commitment', promised({ basis }));
    await entries.say('commitment', promised({ deadline: day('2035-01-01'), to: [{ country: 'DE' }] }));
    const promise = entries.one();
    expect(promise.slips).toEqual([]);
    expect(promise.contradictions).toMatchObject([
      { kind: 'deadline', entry: { index: 0, basis: 'reported' }, reportedAgainstOwn: true },
      { kind: 'place', entry: { index: 0 }, reportedAgainstOwn: true },
    ]);
    expect(promise.deadline).toBe(day('2035-01-01'));
  });
});

describe('two promises about the same', () => {
  it('are told as contradictions once, at the earlier one', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised({ regions: ['003'] }));
    const { deadline: _, ...undated } = promised({
      commitmentId: 'p2',
      regions: ['US'],
      phase: 'two',
      to: [{ country: 'DE' }],
    });
    await entries.say('commitment', undated);
    await entries.say('commitment', promised({ commitmentId: 'p3', regions: ['JP'] }));
    await entries.say('commitment', promised({ commitmentId: 'p4', regions: ['003'] }), 'other');
    const { promises } = entries.report();
    const kinds = promises.map(({ contradictions }) => contradictions.map(({ kind, entry }) => [kind, entry.index]));
    expect(kinds).toEqual([
      [
        ['no-deadline', 1],
        ['place', 1],
        ['region', 1],
        ['phase', 1],
      ],
      [],
      [],
      [],
    ]);
  });
});

/** A promise without regions that another record than a relocation would show kept. */
const other = (fulfilledBy: NonNullable<Promised['fulfilledBy']>, more: Partial<Promised> = {}): Promised => {
  const { regions: _, ...rest } = promised({ fulfilledBy, ...more });
  return rest;
};

describe('promises of other records', () => {
  const files = [{ digest: { sha256: byte(1) } }];
  const build = { product: 'av', version: '1', channel: 'c', platform: 'p', artifacts: files };

  it('a facility is shown by a site of its kind in the promised country', async () => {
    const entries = new Entries();
    await entries.say('commitment', other({ type: 'site' }, { kind: 'facility', activities: ['review'] }));
    const site = {
      sequence: 1,
      siteId: 's',
      kinds: ['data-centre'],
      country: 'CH',
      openedAt: day('2030-03-01'),
    } as const;
    await entries.say('site', site);
    await entries.say('site', { ...site, siteId: 't', kinds: ['transparency-centre'], country: 'ES' });
    expect(entries.one().state).toBe('overdue');
    await entries.say('site', { ...site, siteId: 'u', kinds: ['transparency-centre', 'signing'] });
    expect(entries.one()).toMatchObject({ state: 'kept', keptAt: day('2030-03-01'), fulfilledBy: [{ index: 3 }] });
  });

  it('verification is shown by a match of a build that was logged after the promise, by whomever', async () => {
    const entries = new Entries();
    const early = await entries.say('build', build);
    await entries.say('commitment', other({ type: 'rebuild' }, { kind: 'verification', activities: ['verify'] }));
    const late = await entries.say('build', { ...build, version: '2' });
    await entries.say('rebuild', { build: early, result: 'match' }, 'rebuilder');
    await entries.say('rebuild', { build: late, result: 'mismatch' }, 'rebuilder');
    expect(entries.one().state).toBe('overdue');
    await entries.say('rebuild', { build: late, result: 'match' }, 'rebuilder', '2030-11-01');
    expect(entries.one()).toMatchObject({ state: 'kept', keptAt: day('2030-11-01'), fulfilledBy: [{ index: 5 }] });
  });

  it('supervision is shown by an attestation about the namespace or a step of it, unless it is adverse', async () => {
    const entries = new Entries();
    await entries.say('commitment', other({ type: 'supervision' }, { kind: 'governance', activities: ['supervise'] }));
    const refs = [await entries.say('relocation', step({ action: 'start' }))];
    const attest = { supervisionId: 's', kind: 'supervised-relocation', refs } as const;
    await entries.say('supervision', { ...attest, result: 'adverse' }, 'supervisor');
    await entries.say('supervision', { ...attest, result: 'conform', refs: [byte(9)] }, 'supervisor');
    expect(entries.one().fulfilledBy).toEqual([]);
    await entries.say('supervision', { ...attest, result: 'conform' }, 'supervisor');
    expect(indexes(entries.one().fulfilledBy)).toEqual([4]);
  });

  it('releases from a place are shown by those that name a site there; the first twenty are cited', async () => {
    const entries = new Entries();
    await entries.say('site', { sequence: 1, siteId: 'zrh', kinds: ['build'], country: 'CH' });
    await entries.say('commitment', other({ type: 'build' }, { kind: 'process' }));
    await entries.say('build', build);
    for (let i = 0; i < 23; i++) await entries.say('build', { ...build, version: `2.${i}`, buildSite: 'zrh' });
    const promise = entries.one();
    expect([promise.fulfilledBy.length, promise.moreFulfilling]).toEqual([20, 3]);
  });
});

describe('a report', () => {
  it('counts what it cannot read, and reads on', async () => {
    const entries = new Entries();
    await entries.say('commitment', promised());
    entries.list.push([utf8('no statement'), byte(1)]);
    await entries.say('relocation', step());
    const report = entries.report();
    expect([report.size, report.unread, report.promises.length]).toEqual([3, 1, 1]);
    expect(report.promises[0]!.otherSteps).toEqual([]);
    expect(promisesText(report)[0]).toBe(
      '1 promise in 3 entries (1 of them no statement), as of 2031-01-01: 1 overdue.',
    );
  });

  it('says in words and in JSON who said what, where', async () => {
    const entries = new Entries();
    const basis = { kind: 'reported', documentName: 'news.txt', documentDate: day('2029-05-15') } as const;
    await entries.say('commitment', promised({ basis, activities: ['store'], deadline: day('2029-12-31') }));
    await entries.say('commitment', promised({ basis, activities: ['store'] }));
    await entries.say('relocation', step());
    const report = entries.report();
    expect(promisesText(report).slice(2)).toEqual([
      'kept: Promise p1, relocation: user data (store) for region 150 to CH; due by 2030-12-31, reported on 2029-05-15.',
      '  due by 2030-12-31; done on 2030-06-01',
      '  first stated in entry 0, signed 2030-01-01 by Acme AG, reported from news.txt of 2029-05-15, again in entry 1',
      '  moved in entry 1: from 2029-12-31 to 2030-12-31, reported from news.txt of 2029-05-15',
      '  shown by entry 2',
    ]);
    const json: unknown = JSON.parse(JSON.stringify(promisesJson(report)));
    expect(json).toMatchObject({
      size: 3,
      asOf: '2031-01-01T00:00:00Z',
      promises: [
        {
          state: 'kept',
          firstDeadline: '2029-12-31T00:00:00Z',
          keptAt: '2030-06-01T00:00:00Z',
          statements: [
            { index: 0, leafHash: toHex(entries.list[0]![1]), proof: '/api/v1/entries/0/proof' },
            { index: 1 },
          ],
          slips: [{ entry: { index: 1 }, from: '2029-12-31T00:00:00Z', to: '2030-12-31T00:00:00Z' }],
          fulfilledBy: [{ index: 2, type: 'relocation' }],
        },
      ],
    });
  });

  it('about any history is kept only by entries of it, never both kept and missing something', async () => {
    const regions = fc.constantFrom(['150'], ['CH'], ['003'], ['US'], undefined);
    const action = fc.constantFrom('plan', 'start', 'complete', 'suspend', 'revert');
    const move = fc.record({
      regions,
      action,
      activity: fc.constantFrom('store', 'process'),
      to: fc.constantFrom('CH', 'RU'),
    });
    const promise = fc.record({ regions, id: fc.constantFrom('a', 'b'), year: fc.integer({ min: 2029, max: 2033 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(move, promise), { maxLength: 12 }), async (history) => {
        const entries = new Entries();
        for (const [i, item] of history.entries()) {
          const about = item.regions === undefined ? {} : { regions: item.regions };
          if ('id' in item) {
            const { regions: _, ...rest } = promised({ commitmentId: item.id, deadline: day(`${item.year}-01-01`) });
            await entries.say('commitment', { ...rest, ...about });
          } else {
            const { regions: _, ...rest } = step({
              action: item.action,
              activity: item.activity,
              to: [{ country: item.to }],
            });
            await entries.say('relocation', { ...rest, ...about, relocationId: `m${i % 3}` });
          }
        }
        for (const { state, keptAt, missing, deadline, fulfilledBy, slips, statements } of entries.report().promises) {
          expect(state.startsWith('kept')).toBe(keptAt !== undefined);
          if (keptAt !== undefined) expect(missing).toEqual([]);
          if (state === 'overdue') expect(deadline).toBeLessThan(NOW);
          for (const { index, leafHash } of [...fulfilledBy, ...statements, ...slips.map(({ entry }) => entry)]) {
            expect(toHex(entries.list[index]![1])).toBe(toHex(leafHash));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
