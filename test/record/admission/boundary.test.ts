// Every rule of admission, with an entry just inside and one just outside: the tables in boundaries/ are to be read as
// what the rules mean. Each pair goes through the log as anybody's entries do, and through the two who judge a log's
// entries again: the replay that anyone can run, and the monitor.

import { beforeAll, describe, expect, test } from 'vitest';

import { memoryMonitorStore } from '../../../src/adapters/memory/monitor-store.ts';
import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { concat } from '../../../src/bytes.ts';
import type { AppendResult } from '../../../src/log/index.ts';
import type { PlainFinding } from '../../../src/monitor/finding.ts';
import { RecordJudge } from '../../../src/monitor/records/judge.ts';
import { RULE_IDS } from '../../../src/record/admission.ts';
import { TreeRoots } from '../../../src/record/admission/roots.ts';
import { replay } from '../../../src/record/admission/replay.ts';
import { parseStatement } from '../../../src/record/index.ts';
import { changed, differences, Past, signed, type Boundary } from '../../support/boundary.ts';
import { openRecordsLog } from '../../support/records-log.ts';
import { TEST_ORIGIN } from '../../support/test-log.ts';
import { AUTHORITY } from './boundaries/authority.ts';
import { CONTENT } from './boundaries/content.ts';
import { KEYS } from './boundaries/keys.ts';
import { PLACES } from './boundaries/places.ts';
import { STREAMS } from './boundaries/streams.ts';

const BOUNDARIES: readonly Boundary[] = [...AUTHORITY, ...KEYS, ...PLACES, ...CONTENT, ...STREAMS];

/** Signatures are zeros here, and hold: the rules are about the rest. */
const verifyMany = async (jobs: readonly unknown[]) => jobs.map(() => true);
const crypto = { ...nodeCrypto, verifyMany };

let beginning: Past;
beforeAll(async () => {
  beginning = await Past.begin();
});

/** What a log that has these entries says to one more. */
async function logSays(before: readonly Uint8Array[], bytes: Uint8Array): Promise<AppendResult> {
  const { log } = await openRecordsLog({ first: [], crypto });
  const results = await log.append([...before, bytes]);
  await log.close();
  expect(results.slice(0, -1).every(({ ok }) => ok)).toBe(true);
  return results.at(-1)!;
}

/** What a monitor says of the admission of these entries. */
async function monitorSays(entries: readonly Uint8Array[]): Promise<PlainFinding['details'][]> {
  const roots = new TreeRoots(nodeHasher);
  const leafHashes = entries.map((bytes) => nodeHasher.leafHash(bytes));
  for (const leafHash of leafHashes) roots.append(leafHash);
  const told: PlainFinding['details'][] = [];
  const judge = await RecordJudge.open({
    origin: TEST_ORIGIN,
    store: (await memoryMonitorStore().log(TEST_ORIGIN)).records,
    hasher: nodeHasher,
    verifyMany,
    rootAt: async (size) => roots.at(size),
    tell: async ({ summary, details }) => {
      if (summary.includes('should not have been admitted')) told.push(details);
    },
  });
  await judge.take({
    start: 0,
    statements: entries.map((bytes) => parseStatement(bytes)),
    leafHashes: concat(...leafHashes),
  });
  await judge.drain();
  return told;
}

test('every rule has entries on both sides', () => {
  const rules = new Set(BOUNDARIES.map(({ rule }) => rule));
  expect([...rules].toSorted()).toEqual(RULE_IDS);
});

describe.each(BOUNDARIES)('$rule: $apart', ({ rule, isFirst, pair }) => {
  test('the first is admitted, and the second refused', async () => {
    const past = isFirst === true ? new Past() : beginning.copy();
    const { inside, outside, ...refusal } = await pair(past);
    const before = past.world.leaves;
    const good = await signed(inside);
    const between =
      'after' in outside && outside.after !== undefined ? await Promise.all(outside.after.map(signed)) : [];
    const bad = 'after' in outside && outside.after !== undefined ? good : await signed(changed(inside, outside));
    const apart = [...differences(good, bad), ...between];
    expect(apart).toHaveLength(1);

    expect(await logSays(before, good)).toMatchObject({ ok: true, index: before.length });
    expect((await replay([...before, good])).findings).toEqual([]);
    expect(await monitorSays([...before, good])).toEqual([]);

    const index = before.length + between.length;
    const refused = await logSays([...before, ...between], bad);
    expect(refused.ok ? refused : refused.error.details).toMatchObject({ rule, ...refusal });
    const { findings } = await replay([...before, ...between, bad]);
    expect(findings).toMatchObject([{ index, kind: 'inadmissible', refusal: { rule, ...refusal } }]);
    expect(await monitorSays([...before, ...between, bad])).toMatchObject([{ index, rule, ...refusal }]);
  });
});
