// A small synthetic twin of the real data: rows of the same columns, made up, with each of its oddities once or twice.

import type { DataSet } from './real-data-report.ts';
import type { DataRow } from './vendor-log.ts';

const hex = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32);

function build(name: string, version: string, suite: string, byte: number): DataRow {
  return {
    name,
    version,
    architecture: 'amd64',
    source: name,
    source_version: version,
    section: 'misc',
    size: 1000 + byte,
    sha256: hex(byte),
    suite,
    release_date: '2031-03-01T00:00:00Z',
  };
}

interface Step {
  readonly content: number;
  readonly rules: number;
  readonly added?: number;
  readonly removed?: number;
  readonly day: number;
}

/** A stream of releases; where the step says nothing, nothing was added or removed. */
function stream(series: string, channel: string, steps: readonly Step[]): DataRow[] {
  return steps.map(({ content, rules, added = 0, removed = 0, day }, i) => ({
    series,
    channel,
    seq: i + 1,
    version: `v${i + 1}`,
    commit: hex(content).slice(0, 40),
    tree: hex(content).slice(24),
    date: `2031-01-${String(day).padStart(2, '0')}T08:00:00Z`,
    author_date: `2031-01-${String(day).padStart(2, '0')}T08:00:00Z`,
    unit: 'file',
    rules,
    added,
    changed: 1,
    removed,
    manifest_sha256: hex(content),
  }));
}

const MAIN = stream('Acme/rules', 'main', [
  { content: 1, rules: 100, added: 100, day: 1 },
  { content: 2, rules: 105, added: 5, day: 2 },
  // The same again, then back to the first.
  { content: 2, rules: 105, day: 3 },
  { content: 1, rules: 100, removed: 5, day: 4 },
  { content: 3, rules: 110, added: 10, day: 5 },
  // 11 of 110 is not more than 10 %, 10 of 99 is.
  { content: 4, rules: 99, removed: 11, day: 6 },
  { content: 5, rules: 89, removed: 10, day: 7 },
]);

/** The second release is dated after the third. */
const BETA = stream('Acme/rules', 'beta', [
  { content: 11, rules: 10, added: 10, day: 8 },
  { content: 12, rules: 11, added: 1, day: 20 },
  { content: 13, rules: 12, added: 1, day: 19 },
  { content: 14, rules: 12, day: 21 },
]);

function move(id: string, row: DataRow): DataRow {
  return {
    id,
    seed: 'made-up.txt',
    reported: '2030-05-15',
    vendor: 'Acme AG',
    event: 'relocation-commitment',
    subject: 'user data',
    activity: ['storage', 'processing'],
    region: 'Europe',
    region_code: '150',
    from: 'RU',
    to: 'CH',
    facility: null,
    planned_start: null,
    planned_end: null,
    started: null,
    completed: null,
    phase: null,
    status: 'announced',
    precision: null,
    inferred: [],
    supervisor: null,
    note: null,
    ...row,
  };
}

export const TWIN: DataSet = {
  'engine-sources': ['1.0', '1.1'].map((version, i) => ({
    product: 'engine',
    version,
    tag: `engine-${version}`,
    tag_object: null,
    tag_date: '2031-01-01T00:00:00Z',
    tag_pgp_signed: false,
    commit: hex(30 + i).slice(0, 40),
    commit_date: '2031-01-01T00:00:00Z',
    tree: hex(30 + i).slice(24),
    files: 10 + i,
    source_manifest_sha256: hex(40 + i),
  })),
  'debian-builds': [
    build('alpha', '1', 'stable', 51),
    build('alpha', '1', 'security', 51),
    build('alpha', '2', 'security', 52),
    build('beta', '1', 'stable', 53),
  ],
  // As a feed has them: by their dates.
  'detection-rules': [...MAIN, ...BETA].toSorted((a, b) => (String(a['date']) < String(b['date']) ? -1 : 1)),
  relocations: [
    move('t1', { planned_end: '2026-12-31' }),
    move('t2', { region: 'North America', region_code: '003', planned_end: '2026-12-31' }),
    move('t3', { region: 'United States', region_code: 'US', reported: '2030-06-01' }),
    move('t4', { event: 'relocation-started', activity: ['processing'], started: '2031-02-01', phase: 'phase one' }),
    move('t5', { event: 'facility-opened', activity: ['source-review'], region: null, region_code: null }),
  ],
};
