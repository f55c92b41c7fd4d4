// Numbers at the edges of what a record may say. Whoever judges an entry looks at all that it names, admitted or not: the
// log, a monitor, somebody with an evidence file. None of them may stumble over it.

import { beforeAll, expect, test } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { isLimmatError } from '../../../src/errors.ts';
import { judgeByRules } from '../../../src/monitor/evidence/records/judge.ts';
import { keysFor } from '../../../src/record/admission.ts';
import type { Json } from '../../../src/record/form.ts';
import { parseStatement, recordFromJson, recordToJson, type LimmatRecord } from '../../../src/record/index.ts';
import { domainKeysFor } from '../../../src/record/rules/domain.ts';
import { sign } from '../../support/admission-world.ts';
import { claimOf, logged, opened } from '../../monitor/evidence/claims.ts';
import { openRecordsLog, words } from '../../support/records-log.ts';
import { FULL_RECORDS } from '../../support/records.ts';

const EDGES = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1];

/** The document once for each of its numbers and each edge, with that number there. */
function* atEdges(json: Json): Generator<Json> {
  if (typeof json === 'number') yield* EDGES;
  if (typeof json !== 'object') return;
  for (const [name, value] of Object.entries<Json>(json)) {
    for (const inner of atEdges(value)) {
      if (Array.isArray(json)) yield json.with(Number(name), inner);
      else yield Object.fromEntries([...Object.entries<Json>(json), [name, inner]]);
    }
  }
}

/** Those of them that are records; none has approvals, so that who signs it is known. */
function recordsAtEdges(record: LimmatRecord): LimmatRecord[] {
  const { approvals: _, ...fields } = record.fields;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- approvals are optional in every type
  const json = recordToJson({ ...record, namespace: 'acme', fields } as LimmatRecord);
  return [...atEdges(json.fields)].flatMap((changed) => {
    try {
      return [recordFromJson({ ...json, fields: changed })];
    } catch (error) {
      if (isLimmatError(error, 'bad-record')) return [];
      throw error;
    }
  });
}

/** The first release of its stream, which refers to nothing: some of these are admitted. */
const FIRST: LimmatRecord = {
  type: 'avdb-release',
  namespace: 'acme',
  fields: {
    product: 'p',
    database: 'd',
    channel: 'c',
    sequence: 7,
    first: true,
    contentDigest: { sha256: new Uint8Array(32) },
    counts: { total: 7, added: 7, changed: 7, removed: 7 },
  },
};

let entries: readonly Uint8Array[];

beforeAll(async () => {
  const records = [...FULL_RECORDS, FIRST].flatMap(recordsAtEdges);
  entries = await Promise.all(records.map(({ type, namespace, fields }) => sign('root', namespace, type, fields)));
});

test('a log answers each entry, and goes on', async () => {
  const crypto = { ...nodeCrypto, verifyMany: async (jobs: readonly unknown[]) => jobs.map(() => true) };
  const { log } = await openRecordsLog({ crypto });
  const answers = words(await log.append(entries)).map((word) => (typeof word === 'number' ? 'index' : word));
  expect([...new Set(answers)].toSorted()).toEqual(['index', 'not-admitted']);
  expect(log.status().state).toBe('ready');
  await log.close();
});

test('whoever judges them in a log that took them knows what to look at, and comes to an end', async () => {
  const { log, first } = await openRecordsLog();
  await log.close();
  const records = logged(first);
  for (const leaf of entries) {
    const statement = parseStatement(leaf);
    for (const key of [...keysFor(statement), ...domainKeysFor(statement)]) expect(key.length).toBeGreaterThan(1);
    const accused = opened(leaf, first.length);
    expect(judgeByRules(claimOf(records, accused), accused)).toBeDefined();
  }
});
