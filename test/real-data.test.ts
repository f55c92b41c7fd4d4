// The real data end to end: rows → records → the log of its vendors → what admission refuses and takes. What is expected
// is told from the rows alone (support/feed-truth.ts). A small synthetic twin has the same oddities and always runs.

import { describe, expect, test } from 'vitest';

import { toHex } from '../src/bytes.ts';
import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { ADMISSION_SPACE, type Decision } from '../src/record/admission.ts';
import { StateDigest } from '../src/record/admission/state.ts';
import { inImportOrder } from '../tools/import-order.ts';
import { page } from './support/markdown.ts';
import { NOW, realDataTables, withTables } from './support/real-data-page.ts';
import {
  DATA_FILES,
  type DataReport,
  inFeedOrder,
  logEverything,
  readDataSet,
  seriesOutOfOrder,
  withMissingRows,
  type DataSet,
} from './support/real-data-report.ts';
import { openRecordsLog } from './support/records-log.ts';
import { recordsOf, VendorLog } from './support/vendor-log.ts';
import { TWIN } from './support/real-data-twin.ts';

interface Expected {
  readonly entries: number;
  readonly streams: number;
  readonly early: number;
  readonly repeats: number;
  readonly rollbacks: number;
  readonly drops: number;
  readonly shared: number;
  /** Releases that are refused when they come by their dates. */
  readonly refused: readonly string[];
  readonly leftOut: number;
  readonly every: number;
  /** The series from which rows are left out; absent: all. */
  readonly series?: string;
  /** How often each false attempt was made. */
  readonly attempts: Readonly<Record<string, number>>;
  /** When what was due is looked at, and how much the domain rules find by then. */
  readonly now: number;
  readonly findings: Readonly<Record<string, number>>;
  readonly check?: (data: DataSet, report: DataReport) => Promise<void>;
}

const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

const verdict = (decision: Decision): string => (decision.admitted ? 'admitted' : `${decision.rule} ${decision.field}`);

/** What the log says to each kind of attempt. */
const SAID: Readonly<Record<string, string>> = {
  'other artifact': 'D01 artifacts',
  miscounted: 'D12 counts.total',
  'another vendor’s key': 'D15 kid',
  'stated rollback': 'admitted',
  'false rollback': 'D13 contentDigest',
};

function suite(name: string, data: DataSet, expected: Expected): void {
  describe(name, () => {
    const rules = data['detection-rules'];

    test('is taken whole, in the order of an import, and false variants of it are refused', async () => {
      const report = await logEverything(data, expected.now);
      const { log, setup, truth, shared, attempts, findings, promises } = report;
      expect(log.entries.length).toBe(expected.entries);
      // Each row is about something of its own.
      expect(log.subjects).toBe(log.entries.length - setup);
      expect([truth.streams, truth.early.length, truth.repeats.length]).toEqual([
        expected.streams,
        expected.early,
        expected.repeats,
      ]);
      expect([truth.rollbacks.length, truth.drops.length, shared.length]).toEqual([
        expected.rollbacks,
        expected.drops,
        expected.shared,
      ]);
      const odd = [...truth.early, ...truth.repeats, ...truth.rollbacks, ...shared.flat()];
      expect(odd.every((subject) => log.indexOf(subject) > 0)).toBe(true);
      const counts = Object.fromEntries([...attempts].map(([what, decisions]) => [what, decisions.length]));
      expect(counts).toEqual(expected.attempts);
      const found = (rule: string): number[] => (findings.get(rule) ?? []).map(({ index }) => index);
      const at = (subjects: readonly string[]): number[] => ascending(subjects.map((subject) => log.indexOf(subject)));
      expect(found('D02')).toEqual(at(shared.flatMap((same) => same.slice(1))));
      expect(found('D09')).toEqual(at(truth.early));
      expect(found('D12')).toEqual(at(truth.drops.map(({ subject }) => subject)));
      expect(found('D13')).toEqual(at(truth.rollbacks));
      const moves = (ids: readonly string[]): number[] => ascending(ids.map((id) => log.indexOfId(id)));
      expect(found('D18')).toEqual(moves(promises.due));
      expect(found('D20')).toEqual(moves(promises.unmoved));
      expect(Object.fromEntries([...findings].map(([rule, all]) => [rule, all.length]))).toEqual(expected.findings);
      await expected.check?.(data, report);
      for (const [what, decisions] of attempts) {
        expect([what, new Set(decisions.map(verdict))]).toEqual([what, new Set([SAID[what]])]);
      }
    }, 60_000);

    test('by its dates has releases before the one that they follow: those come too late, or too early', async () => {
      // In the other series the dates say the same as the sequences.
      const refused = await inFeedOrder(seriesOutOfOrder(rules));
      expect([...refused.keys()].map((subject) => subject.split('/').slice(4).join('/'))).toEqual(expected.refused);
      expect([...refused.values()].map(verdict)).toEqual(Array.from(refused.values(), () => 'D08 sequence'));
    }, 60_000);

    test('with rows left out is refused, with the sequence and prev that are due, and taken with a stated gap', async () => {
      const some = rules.filter((row) => expected.series === undefined || row['series'] === expected.series);
      const { leftOut, refused, admitted } = await withMissingRows(some, expected.every);
      expect(leftOut).toBe(expected.leftOut);
      expect(admitted).toBe(some.length - leftOut);
      expect(refused.length).toBeGreaterThan(0);
      for (const { refusal, sequence, head } of refused) {
        expect(refusal).toMatchObject({
          admitted: false,
          rule: 'D08',
          field: 'sequence',
          expected: `sequence ${sequence} with prev ${toHex(head)}, or a gap from ${sequence} to ${sequence} with a reason`,
        });
      }
    }, 60_000);
  });
}

suite('a synthetic twin of the data', TWIN, {
  entries: 1 + 4 * 3 + 2 + 4 + 11 + 4,
  streams: 2,
  early: 1,
  repeats: 1,
  rollbacks: 1,
  drops: 1,
  shared: 1,
  refused: ['beta/3', 'beta/4'],
  leftOut: 3,
  every: 3,
  attempts: { 'other artifact': 1, 'stated rollback': 1, 'false rollback': 1 },
  now: NOW,
  findings: { D02: 1, D09: 1, D12: 1, D13: 1, D14: 4, D18: 2, D20: 1 },
});

test('what the replay took, a log takes through all of its stages, and comes to the same root and state', async () => {
  const records = DATA_FILES.flatMap((file) => inImportOrder(recordsOf(TWIN[file])));
  const namespaces = new Set(records.map(({ namespace }) => namespace));
  const vendors = await VendorLog.open([...namespaces], { isSigned: true });
  await vendors.appendAll(records);
  const { log } = await openRecordsLog({ first: vendors.entries });
  const { head } = log.status();
  expect([head.size, toHex(head.rootHash)]).toEqual([vendors.entries.length, toHex(vendors.replay.rootHash)]);
  const digest = new StateDigest(nodeHasher);
  for await (const { key, value } of log.admissionState(ADMISSION_SPACE)) digest.add(key, value);
  expect(toHex(digest.digest)).toBe(toHex(vendors.replay.digest));
});

// All builds, and every stream with rows left out, take longer than `npm test` has.
const IS_LONG = process.env['LIMMAT_LONG'] !== undefined;
const BUILDS = IS_LONG ? 20_000 : 3113;

const real = readDataSet(IS_LONG);
if (real !== undefined) {
  suite('the real data', real, {
    entries: 1 + 7 * 3 + 220 + 7557 + 47 + BUILDS,
    streams: 34,
    early: 3,
    repeats: 11,
    rollbacks: 19,
    drops: 18,
    shared: 991,
    refused: ['8.4/5', '8.7/1', '8.4/6', '8.4/7', '8.6/11', '8.6/12', '8.6/13'],
    leftOut: IS_LONG ? 69 : 16,
    every: 100,
    ...(!IS_LONG && { series: 'Neo23x0/signature-base' }),
    attempts: {
      'other artifact': Math.ceil(BUILDS / 8),
      miscounted: 74,
      'another vendor’s key': 75,
      'stated rollback': 19,
      'false rollback': 19,
    },
    now: NOW,
    check: async (data, report) => {
      const tables = await realDataTables(data, report, 20_000);
      expect(withTables(page('docs/real-data.md'), tables)).toBe(page('docs/real-data.md'));
    },
    findings: { D02: 991, D09: 3, D12: 18, D13: 19, D18: 24, D20: 11 },
  });
}
