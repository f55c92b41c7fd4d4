// Runs data files through the log of their vendors and says what came of it: what is refused, what is taken, and at which
// index the odd rows stand.

import { readFileSync } from 'node:fs';

import { isRow } from '../../tools/import-columns.ts';
import { inImportOrder } from '../../tools/import-order.ts';
import type { Decision, Refusal } from '../../src/record/admission.ts';
import type { DomainFinding } from '../../src/record/rules/domain.ts';
import { subjectOf, type LimmatRecord } from '../../src/record/types.ts';
import { buildSubject, feedTruth, promiseTruth, sharedBuilds, type FeedTruth } from './feed-truth.ts';
import { sharedPath } from './vectors.ts';
import { recordsOf, VendorLog, type DataRow } from './vendor-log.ts';

/** In the order in which they are logged. The largest one is last, so that the indexes of the others do not depend on it. */
export const DATA_FILES = ['engine-sources', 'detection-rules', 'relocations', 'debian-builds'] as const;
export type DataFile = (typeof DATA_FILES)[number];
export type DataSet = Readonly<Record<DataFile, readonly DataRow[]>>;

/** Every one-in-so-many build is enough for a short run, beside all those that are in two suites. */
const SHORT_STEP = 16;

/** The shared data files, for a short run with a part of the builds; undefined where they are not. */
export function readDataSet(isWhole: boolean): DataSet | undefined {
  if (sharedPath('data') === undefined) return undefined;
  const builds = readRows('debian-builds');
  const shared = new Set(sharedBuilds(builds).flat());
  return {
    'engine-sources': readRows('engine-sources'),
    'debian-builds': isWhole
      ? builds
      : builds.filter((row, i) => i % SHORT_STEP === 0 || shared.has(buildSubject(row))),
    'detection-rules': readRows('detection-rules'),
    relocations: readRows('relocations'),
  };
}

function readRows(file: DataFile): readonly DataRow[] {
  const path = sharedPath('data', `${file}.jsonl`);
  // Where the folder is, all of it has to be.
  if (path === undefined) throw new Error(`${file}.jsonl is missing beside the other data files`);
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const row: unknown = JSON.parse(line);
      if (!isRow(row)) throw new Error(`${file}.jsonl has a line that is no object`);
      return row;
    });
}

/** A kind of attempt to log something that is not true, and what was said to each. */
export type Attempts = ReadonlyMap<string, readonly Decision[]>;

export interface DataReport {
  readonly log: VendorLog;
  /** Entries before the first record: the genesis, and three for each vendor. */
  readonly setup: number;
  readonly files: readonly {
    readonly file: DataFile;
    readonly rows: number;
    readonly from: number;
    readonly to: number;
  }[];
  readonly truth: FeedTruth;
  readonly shared: readonly (readonly string[])[];
  readonly attempts: Attempts;
  /** What the domain rules find, by rule, in the order of the log. */
  readonly findings: ReadonlyMap<string, readonly DomainFinding[]>;
  /** The promises whose day is over at that time, and those about a region of which no row says that anything was moved. */
  readonly promises: { readonly due: readonly string[]; readonly unmoved: readonly string[] };
}

type Release = LimmatRecord & { readonly type: 'avdb-release' };

export const isRelease = (record: LimmatRecord): record is Release => record.type === 'avdb-release';

/** Logs everything, in the order of an import, and makes false attempts on the way. */
export async function logEverything(data: DataSet, nowSeconds: number): Promise<DataReport> {
  const all = DATA_FILES.map((file) => ({ file, records: inImportOrder(recordsOf(data[file])) }));
  const namespaces = new Set(all.flatMap(({ records }) => records.map(({ namespace }) => namespace)));
  const log = await VendorLog.open([...namespaces], { readsRules: true });
  const setup = log.entries.length;
  const truth = feedTruth(data['detection-rules']);
  const rollbacks = new Set(truth.rollbacks);
  const attempts = new Map<string, Decision[]>();
  const attempt = async (what: string, record: LimmatRecord, by?: string): Promise<void> => {
    const decisions = attempts.get(what) ?? [];
    attempts.set(what, [...decisions, await log.judge(record, by)]);
  };
  const files: { file: DataFile; rows: number; from: number; to: number }[] = [];
  for (const { file, records } of all) {
    const from = log.entries.length;
    for (const [i, record] of records.entries()) {
      if (isRelease(record)) {
        const linked = log.link(record);
        if (!isRelease(linked)) throw new Error('bad math in logEverything');
        if (i % 100 === 99 && linked.fields.prev !== undefined) await attempt('miscounted', miscounted(linked));
        if (i % 100 === 98) await attempt('another vendor’s key', linked, another(namespaces, record.namespace));
        if (rollbacks.has(subjectOf(record))) {
          const toSequence = log.earlier(record);
          await attempt('stated rollback', rolledBack(linked, toSequence));
          await attempt('false rollback', rolledBack(linked, linked.fields.sequence - 1));
        }
      }
      await log.appendAll([record]);
      if (record.type === 'build' && i % 8 === 0) await attempt('other artifact', otherArtifact(record));
    }
    files.push({ file, rows: data[file].length, from, to: log.entries.length - 1 });
  }
  const findings = new Map<string, DomainFinding[]>();
  for (const finding of (await log.findings(nowSeconds)).toSorted((a, b) => a.index - b.index)) {
    findings.set(finding.rule, [...(findings.get(finding.rule) ?? []), finding]);
  }
  const shared = sharedBuilds(data['debian-builds']);
  return { log, setup, files, truth, shared, attempts, findings, promises: promiseTruth(data.relocations, nowSeconds) };
}

function another(namespaces: ReadonlySet<string>, own: string): string {
  return [...namespaces].find((namespace) => namespace !== own)!;
}

function miscounted(release: Release): Release {
  const { counts } = release.fields;
  return { ...release, fields: { ...release.fields, counts: { ...counts, total: counts.total + 1 } } };
}

function rolledBack(release: Release, toSequence: number): Release {
  return { ...release, fields: { ...release.fields, rollback: { toSequence, reason: 'stated' } } };
}

function otherArtifact(record: LimmatRecord & { readonly type: 'build' }): LimmatRecord {
  return { ...record, fields: { ...record.fields, artifacts: [{ digest: { sha256: new Uint8Array(32) } }] } };
}

/** The rows of the series in which a release is dated before the one that it follows. */
export function seriesOutOfOrder(rows: readonly DataRow[]): readonly DataRow[] {
  const series = new Set(feedTruth(rows).early.map((subject) => subject.split('/').slice(2, 4).join('/')));
  return rows.filter((row) => series.has(String(row['series'])));
}

/** What the log says to releases that come as the feed lists them, by their dates. */
export async function inFeedOrder(rows: readonly DataRow[]): Promise<ReadonlyMap<string, Refusal>> {
  const records = recordsOf(rows);
  const log = await VendorLog.open([...new Set(records.map(({ namespace }) => namespace))]);
  const refused = new Map<string, Refusal>();
  for (const record of records) {
    const decision = await log.append(record);
    if (!decision.admitted) refused.set(subjectOf(record), decision);
  }
  return refused;
}

export interface GapReport {
  readonly leftOut: number;
  /** What was said to the release after each missing one, and the sequence and `prev` that it should have named. */
  readonly refused: readonly { readonly refusal: Decision; readonly sequence: number; readonly head: Uint8Array }[];
  readonly admitted: number;
}

/** Leaves out each release whose sequence is a multiple of `every`; the next one comes without, then with a stated gap. */
export async function withMissingRows(rows: readonly DataRow[], every: number): Promise<GapReport> {
  const records = inImportOrder(recordsOf(rows)).filter(isRelease);
  const log = await VendorLog.open([...new Set(records.map(({ namespace }) => namespace))], {
    gapReason: 'not published',
  });
  const refused: { refusal: Decision; sequence: number; head: Uint8Array }[] = [];
  let [leftOut, admitted] = [0, 0];
  for (const record of records) {
    if (record.fields.sequence % every === 0) {
      leftOut++;
      continue;
    }
    const linked = log.link(record);
    if (isRelease(linked) && linked.fields.gap !== undefined) {
      const { gap, ...bare } = linked.fields;
      const refusal = await log.judge({ ...linked, fields: bare });
      refused.push({ refusal, sequence: gap.from, head: linked.fields.prev! });
    }
    await log.appendAll([record]);
    admitted++;
  }
  return { leftOut, refused, admitted };
}
