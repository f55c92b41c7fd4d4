// What is odd about rows of real data, told from the rows alone: sorted, compared, counted, without a record, a rule or
// anything else of the project. Rows are named by the subject of the record that they become.

import type { DataRow } from './vendor-log.ts';

export interface FeedTruth {
  /** Streams, and releases in them. */
  readonly streams: number;
  readonly releases: number;
  /** Releases dated before the one they follow. */
  readonly early: readonly string[];
  /** Releases with the content of the one just before. */
  readonly repeats: readonly string[];
  /** Releases with the content of an earlier one that is not the one just before. */
  readonly rollbacks: readonly string[];
  /** Releases that remove more than 10 % of the rules before them, and how many they remove. */
  readonly drops: readonly { readonly subject: string; readonly removed: number; readonly of: number }[];
}

/** The truth about releases of detection rules. */
export function feedTruth(rows: readonly DataRow[]): FeedTruth {
  const streams = groupBy(rows, (row) => `${String(row['series'])} ${String(row['channel'])}`);
  const truth = { early: [] as string[], repeats: [] as string[], rollbacks: [] as string[] };
  const drops: { subject: string; removed: number; of: number }[] = [];
  for (const stream of streams.values()) {
    const inOrder = stream.toSorted((a, b) => Number(a['seq']) - Number(b['seq']));
    const seen = new Set<unknown>();
    for (const [i, row] of inOrder.entries()) {
      const before = inOrder[i - 1];
      const subject = releaseSubject(row);
      const content = row['manifest_sha256'];
      if (before !== undefined) {
        if (String(row['date']) < String(before['date'])) truth.early.push(subject);
        if (content === before['manifest_sha256']) truth.repeats.push(subject);
        else if (seen.has(content)) truth.rollbacks.push(subject);
        const [removed, of] = [Number(row['removed']), Number(before['rules'])];
        if (removed > of / 10) drops.push({ subject, removed, of });
      }
      seen.add(content);
    }
  }
  return { streams: streams.size, releases: rows.length, ...truth, drops };
}

function releaseSubject(row: DataRow): string {
  const [owner = '', name = ''] = String(row['series']).split('/');
  return `${owner.toLowerCase()}/avdb-release/${owner}/${name}/${String(row['channel'])}/${String(row['seq'])}`;
}

/** Builds that are in several suites: the subjects of each, in the order of the rows, where all have one digest. */
export function sharedBuilds(rows: readonly DataRow[]): readonly (readonly string[])[] {
  const builds = groupBy(rows, (row) => [row['name'], row['version'], row['architecture']].map(String).join(' '));
  return [...builds.values()].flatMap((same) => {
    if (same.length < 2 || new Set(same.map((row) => row['sha256'])).size > 1) return [];
    return [same.map(buildSubject)];
  });
}

const PROMISES_OF_MOVES: readonly unknown[] = ['relocation-commitment', 'process-commitment'];

function idsOf(rows: readonly DataRow[]): readonly string[] {
  return rows.map((row) => String(row['id']));
}

/** Ids of rows that promise something for a day that is over, and of those of them about a region that no row moves. */
export function promiseTruth(
  rows: readonly DataRow[],
  nowSeconds: number,
): { readonly due: readonly string[]; readonly unmoved: readonly string[] } {
  const moved = new Set(rows.filter((row) => row['event'] === 'relocation-started').map((row) => row['region_code']));
  const due = rows.filter((row) => {
    const deadline = row['planned_end'] ?? row['planned_start'];
    return typeof deadline === 'string' && Date.parse(`${deadline}T23:59:59Z`) < 1000 * nowSeconds;
  });
  const unmoved = due.filter(
    (row) => PROMISES_OF_MOVES.includes(row['event']) && row['region_code'] !== null && !moved.has(row['region_code']),
  );
  return { due: idsOf(due), unmoved: idsOf(unmoved) };
}

/** The subject of the build that a row is. */
export function buildSubject(row: DataRow): string {
  const parts = [row['name'], row['version'], row['suite'], row['architecture']].map(String);
  return ['debian', 'build', ...parts].join('/');
}

function groupBy(rows: readonly DataRow[], keyOf: (row: DataRow) => string): ReadonlyMap<string, readonly DataRow[]> {
  const groups = new Map<string, DataRow[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
