import { describe, expect, it } from 'vitest';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { T0 } from '../support/admission-world.ts';
import { appendAll, build, builds, openRecordsLog, words } from '../support/records-log.ts';
import type { RecordsLog } from '../support/records-log.ts';
import type { QuotaLimits } from '../../src/log/quota.ts';

/** A log with the keys "submitter" and "other" of one namespace. */
async function openWith(quotas: QuotaLimits): Promise<RecordsLog> {
  const first = await firstStatements(genesisOptions(), T0);
  const test = await openRecordsLog({ first, quotas, refreshIntervalMillis: 86_400_000 });
  await appendAll(test.log, [await test.chain.addKey('other')]);
  return test;
}

/** How often each word is there. */
function counts(list: readonly (number | string)[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const word of list) {
    const name = typeof word === 'number' ? 'taken' : word;
    all[name] = (all[name] ?? 0) + 1;
  }
  return all;
}

describe('the quota of a key', () => {
  it('stops a stolen key, in one request and in many, while other keys go on', async () => {
    const { log, clock } = await openWith({ key: 10 });
    const stolen = await builds(0, 40);
    expect(counts(words(await log.append(stolen.slice(0, 25))))).toEqual({ taken: 10, 'quota-exceeded': 15 });
    expect(counts(words(await log.append(stolen.slice(25, 30))))).toEqual({ 'quota-exceeded': 5 });
    expect(counts(words(await log.append(await builds(100, 110, { by: 'other' }))))).toEqual({ taken: 10 });
    // Ten a minute: one in six seconds.
    await clock.advance(5900);
    expect(counts(words(await log.append(stolen.slice(30, 33))))).toEqual({ 'quota-exceeded': 3 });
    await clock.advance(200);
    expect(counts(words(await log.append(stolen.slice(30, 33))))).toEqual({ taken: 1, 'quota-exceeded': 2 });
    await clock.advance(3_600_000);
    // A minute's worth at once, however long it was silent.
    expect(counts(words(await log.append(stolen.slice(10, 25))))).toEqual({ taken: 10, 'quota-exceeded': 5 });
  });

  it('says which quota it was and when there is room again', async () => {
    const { log } = await openWith({ key: 3 });
    const results = await log.append(await builds(0, 4));
    expect(results[3]).toMatchObject({
      error: { code: 'quota-exceeded', retryAfterSeconds: 20, details: { quota: 'quota-key', limit: 3 } },
    });
  });

  it('is not charged for signatures that do not hold: nobody uses up the quota of another', async () => {
    const { log } = await openWith({ key: 3 });
    const good = await builds(0, 3);
    const forged = good.map((entry) => entry.with(entry.length - 1, entry.at(-1)! ^ 1));
    for (let i = 0; i < 5; i++) expect(counts(words(await log.append(forged)))).toEqual({ 'bad-signature': 3 });
    const strangers = await builds(0, 5, { by: 'stranger' });
    expect(counts(words(await log.append(strangers)))).toEqual({ 'unknown-key': 5 });
    expect(counts(words(await log.append(good)))).toEqual({ taken: 3 });
  });

  it('is not charged for what is logged already, whoever sends it again, and never stands in its way', async () => {
    const { log } = await openWith({ key: 3 });
    const [first, second, third, fourth] = await builds(0, 4);
    expect(words(await log.append([first!, second!]))).toEqual([3, 4]);
    for (let i = 0; i < 5; i++) expect(words(await log.append([first!, second!, first!]))).toEqual([3, 4, 3]);
    expect(words(await log.append([third!]))).toEqual([5]);
    expect(words(await log.append([first!, fourth!, first!]))).toEqual([3, 'quota-exceeded', 3]);
  });
});

describe('the quota of a namespace', () => {
  it('holds all its keys together, and no other namespace', async () => {
    const { log } = await openWith({ namespace: 5 });
    expect(counts(words(await log.append(await builds(0, 3))))).toEqual({ taken: 3 });
    const others = words(await log.append(await builds(10, 15, { by: 'other' })));
    expect(counts(others)).toEqual({ taken: 2, 'quota-exceeded': 3 });
    const elsewhere = await log.append([await build('x', { namespace: 'elsewhere' })]);
    expect(words(elsewhere)).toEqual(['not-admitted']);
  });

  it('lets a key be revoked that has used it up', async () => {
    const { log, chain } = await openWith({ namespace: 5 });
    expect(counts(words(await log.append(await builds(0, 9))))).toEqual({ taken: 5, 'quota-exceeded': 4 });
    expect(counts(words(await log.append([await chain.revoke('submitter')])))).toEqual({ taken: 1 });
  });

  it('leaves the room of a key as it is where it refuses', async () => {
    const { log, clock } = await openWith({ namespace: 4, key: 3 });
    expect(counts(words(await log.append(await builds(0, 3))))).toEqual({ taken: 3 });
    expect(counts(words(await log.append(await builds(10, 14, { by: 'other' }))))).toEqual({
      taken: 1,
      'quota-exceeded': 3,
    });
    await clock.advance(30_000);
    expect(counts(words(await log.append(await builds(11, 14, { by: 'other' }))))).toEqual({
      taken: 2,
      'quota-exceeded': 1,
    });
  });
});

it('without quotas a key submits as much as comes', async () => {
  const { log } = await openWith({});
  expect(counts(words(await log.append(await builds(0, 200))))).toEqual({ taken: 200 });
});
