// The tables of docs/real-data.md, from a run over the data: `node test/support/real-data-page.ts` writes them into the
// page, and test/real-data.test.ts compares. Counts and indexes only: no row is copied.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { T0 } from './admission-world.ts';
import {
  inFeedOrder,
  logEverything,
  readDataSet,
  seriesOutOfOrder,
  type DataReport,
  type DataSet,
} from './real-data-report.ts';

/** When what was due is looked at: a minute after everything was signed. */
export const NOW = T0 + 60;

const PAGE = join(import.meta.dirname, '../../docs/real-data.md');
const BEGIN = '<!-- written by test/support/real-data-page.ts -->';
const END = '<!-- end -->';

/** The tables, in Markdown. `builds`: how many rows debian-builds.jsonl has, of which the run may have had a part. */
export async function realDataTables(data: DataSet, report: DataReport, builds: number): Promise<string> {
  const refused = await inFeedOrder(seriesOutOfOrder(data['detection-rules']));
  return [filesTable(report, builds), refusedTable(report, refused), findingsTable(report)].join('\n\n');
}

/** The page with these tables in the place of those that it has. */
export function withTables(page: string, tables: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`the page has not ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`;
}

function filesTable({ files, setup }: DataReport, builds: number): string {
  const lines = files.map(({ file, rows, from, to }) => {
    const isBuilds = file === 'debian-builds';
    const [count, last] = isBuilds ? [builds, from + builds - 1] : [rows, to];
    return `| ${file}.jsonl | ${count} | ${last - from + 1} | ${from} to ${last} |`;
  });
  return [
    '| file | rows | entries | at |',
    '| --- | --- | --- | --- |',
    `| genesis; membership, policy and key of each vendor | | ${setup} | 0 to ${setup - 1} |`,
    ...lines,
  ].join('\n');
}

const ATTEMPTS: Readonly<Record<string, string>> = {
  'other artifact': 'a build again, with another file',
  miscounted: 'a release whose total is one too many',
  'another vendor’s key': 'a release signed by another vendor',
  'stated rollback': 'a content rollback that says so, and to which release',
  'false rollback': 'a rollback to another release than the one whose content it has',
};

function refusedTable({ attempts }: DataReport, refused: ReadonlyMap<string, { readonly rule: string }>): string {
  const rules = [...attempts].map(([what, decisions]) => {
    const said = new Set(decisions.map((decision) => (decision.admitted ? 'admitted' : decision.rule)));
    return `| ${ATTEMPTS[what]} | ${[...said].join(', ')} |`;
  });
  const late = [...refused].map(([subject, { rule }]) => `${subject.split('/').slice(4).join('/')} (${rule})`);
  return [
    '| attempt | the log says |',
    '| --- | --- |',
    ...rules.toSorted(),
    `| the releases of Elastic by their dates | refuses ${late.join(', ')} |`,
  ].join('\n');
}

const SAYS: Readonly<Record<string, string>> = {
  D02: 'a build with the file of another suite’s build: the later one of each pair',
  D09: 'a release dated before the one that it follows',
  D12: 'a release that removes more than 10 % of the rules',
  D13: 'content of an earlier release, without a word',
  D14: 'another content than another channel has under the same number',
  D18: 'a promise, or a relocation, whose day is over',
  D20: 'a promise about a region that no step of a relocation is about',
};

/** Findings of more entries than this are counted. */
const MAX_LISTED = 30;

function findingsTable({ findings, truth, log }: DataReport): string {
  const rows = [...findings].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = rows.map(([rule, all]) => {
    const indexes = all.map(({ index }) => index);
    return `| ${rule} | ${SAYS[rule]} | ${all.length} | ${all.length > MAX_LISTED ? 'not listed' : indexes.join(', ')} |`;
  });
  const repeats = truth.repeats.map((subject) => log.indexOf(subject)).toSorted((a, b) => a - b);
  const largest = truth.drops.toSorted((a, b) => b.removed - a.removed)[0]!;
  return [
    '| rule | found | entries | at |',
    '| --- | --- | --- | --- |',
    ...lines,
    `| none | the content of the release just before, again | ${repeats.length} | ${repeats.join(', ')} |`,
    '',
    `The largest removal, ${largest.removed} of ${largest.of} rules, is entry ${log.indexOf(largest.subject)}.`,
  ].join('\n');
}

if (import.meta.main) {
  const data = readDataSet(true);
  if (data === undefined) throw new Error('the data files are not there');
  const report = await logEverything(data, NOW);
  const tables = await realDataTables(data, report, data['debian-builds'].length);
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), tables));
}
