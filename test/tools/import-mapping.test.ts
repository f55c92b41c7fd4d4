import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe as group, expect, it } from 'vitest';
import { toHex } from '../../src/bytes.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { createStatement, parseStatement } from '../../src/record/statement.ts';
import { describe, recordToJson, subjectOf, type LimmatRecord } from '../../src/record/types.ts';
import { kindOfRow, mapRow, type FileKind } from '../../tools/import-mapping.ts';
import { inImportOrder, StreamChains } from '../../tools/import-order.ts';
import { page } from '../support/markdown.ts';
import { UNSIGNED } from '../support/records.ts';
import { sharedPath } from '../support/vectors.ts';

/** The names in backticks in a table's cell. */
function named(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, column]) => column!);
}

const BUILD_ROW = {
  name: '2vcard',
  version: '0.6-4',
  source: '2vcard',
  source_version: '0.6-4',
  architecture: 'all',
  section: 'utils',
  size: 14_544,
  sha256: '91623506903574ec9d5a378489e71a2add9d6899f6f48eed5be21e13cb0d2f9c',
  suite: 'bookworm',
  release_date: '2026-07-11T10:16:37Z',
};

const RULES_ROW = {
  series: 'SigmaHQ/sigma',
  channel: 'release',
  seq: 1,
  version: 'r2023-08-24',
  commit: 'df4fa62bcaf271fcff5fe67dcb33a43034f88b1e',
  tree: '4a9eaad942c79d6beafd3e74c467d55b67a729a6',
  date: '2023-08-24T11:04:25Z',
  author_date: '2023-08-24T11:04:25Z',
  unit: 'file',
  rules: 3001,
  added: 3001,
  changed: 0,
  removed: 0,
  manifest_sha256: 'a4d6d5b765fac4a03d55fe532dec41678d4b147620c3ede073d7ec43b689c765',
};

const MOVE_ROW = {
  id: 'r022',
  seed: '002_662ab65c504d6dea.txt',
  reported: null,
  vendor: 'Kaspersky Lab',
  event: 'relocation-commitment',
  subject: 'customer data',
  activity: ['storage', 'processing'],
  region: 'United States',
  region_code: 'US',
  from: 'RU',
  to: 'CH',
  facility: 'Zurich',
  planned_start: null,
  planned_end: '2019-12-31',
  started: null,
  completed: null,
  phase: null,
  status: 'announced',
  precision: 'year-end',
  inferred: [],
  supervisor: null,
  note: null,
};

const SOURCE_ROW = {
  product: 'clamav',
  version: '0.70@2754',
  tag: 'clamav-0.70@2754',
  tag_object: '2783c372cf5d8ab0b6f19aa5583c2bdf8de75ff1',
  tag_date: '2004-04-16T23:32:38Z',
  tag_pgp_signed: false,
  commit: '301641aaefe473c2b9e10f3a8633f6a59da4848d',
  commit_date: '2004-04-16T23:32:38Z',
  tree: '4a9eaad942c79d6beafd3e74c467d55b67a729a6',
  files: 314,
  source_manifest_sha256: 'e3a6b5dd585058ddce7f4b22cb92b927ec11e440cec2a897df7bfe8aaa800354',
};

function jsonOf(kind: FileKind, row: unknown): unknown {
  const mapped = mapRow(kind, row);
  return 'skip' in mapped ? mapped : recordToJson(mapped);
}

/** The record of a row that gives one. */
function recordOf(kind: FileKind, row: unknown): LimmatRecord {
  const mapped = mapRow(kind, row);
  if ('skip' in mapped) throw new Error(mapped.skip);
  return mapped;
}

function fulfilledBy(change: object): unknown {
  const record = recordOf('relocations', { ...MOVE_ROW, ...change });
  return record.type === 'commitment' && record.fields.fulfilledBy;
}

function dataFile(name: string): string {
  return sharedPath('data', `${name}.jsonl`)!;
}

group('mapping rows to records', () => {
  it('makes a build of a Debian package', () => {
    expect(jsonOf('debian-builds', BUILD_ROW)).toEqual({
      type: 'build',
      namespace: 'debian',
      fields: {
        product: '2vcard',
        version: '0.6-4',
        channel: 'bookworm',
        platform: 'all',
        artifacts: [{ size: 14_544, digest: { sha256: BUILD_ROW.sha256 } }],
      },
    });
  });

  it('makes a database release of a rules row; a commit has no version text', () => {
    const fields = {
      product: 'SigmaHQ',
      database: 'sigma',
      channel: 'release',
      sequence: 1,
      contentDigest: { sha256: RULES_ROW.manifest_sha256 },
      counts: { total: 3001, added: 3001, changed: 0, removed: 0 },
      versionText: 'r2023-08-24',
      producedAt: '2023-08-24T11:04:25Z',
    };
    expect(jsonOf('detection-rules', RULES_ROW)).toEqual({ type: 'avdb-release', namespace: 'sigmahq', fields });
    const { version: _version, ...commit } = RULES_ROW;
    const { versionText: _versionText, ...rest } = fields;
    expect(jsonOf('detection-rules', commit)).toEqual({ type: 'avdb-release', namespace: 'sigmahq', fields: rest });
  });

  it('makes a commitment of a promise: due on the last second of the day, reported, nothing added', () => {
    expect(jsonOf('relocations', MOVE_ROW)).toEqual({
      type: 'commitment',
      namespace: 'kaspersky-lab',
      fields: {
        commitmentId: 'r022',
        kind: 'relocation',
        subject: 'customer data',
        activities: ['store', 'process'],
        regions: ['US'],
        from: [{ country: 'RU' }],
        to: [{ name: 'Zurich', country: 'CH' }],
        deadline: '2019-12-31T23:59:59Z',
        fulfilledBy: { type: 'relocation', action: 'complete' },
        basis: { kind: 'reported', documentName: '002_662ab65c504d6dea.txt' },
      },
    });
  });

  it('says which step is promised only where a date says it', () => {
    expect(fulfilledBy({ planned_end: null })).toEqual({ type: 'relocation' });
    expect(fulfilledBy({ planned_end: null, planned_start: '2018-12-31' })).toEqual({
      type: 'relocation',
      action: 'start',
    });
    expect(fulfilledBy({ event: 'facility-commitment', activity: ['source-review'] })).toEqual({ type: 'site' });
    expect(fulfilledBy({ event: 'verification-commitment', activity: ['source-match'] })).toEqual({ type: 'rebuild' });
    expect(fulfilledBy({ event: 'governance-proposal', activity: ['supervision'] })).toEqual({ type: 'supervision' });
  });

  it('makes a relocation of a move that started, and says what was inferred', () => {
    const row = {
      ...MOVE_ROW,
      event: 'relocation-started',
      activity: ['processing'],
      reported: '2018-11-13',
      started: '2018-11-13',
      phase: 'phase one',
      inferred: ['started year', 'reported year', 'phase'],
    };
    expect(jsonOf('relocations', row)).toMatchObject({
      type: 'relocation',
      fields: {
        relocationId: 'r022',
        action: 'start',
        activity: 'process',
        deadline: '2019-12-31T23:59:59Z',
        effectiveAt: '2018-11-13T00:00:00Z',
        phase: 'phase one',
        basis: { documentDate: '2018-11-13T00:00:00Z', inferred: ['effectiveAt', 'basis.documentDate', 'phase'] },
      },
    });
  });

  it('makes source snapshots', () => {
    expect(kindOfRow(SOURCE_ROW)).toBe('engine-sources');
    expect(jsonOf('engine-sources', SOURCE_ROW)).toEqual({
      type: 'source-snapshot',
      namespace: 'clamav',
      fields: {
        product: 'clamav',
        version: '0.70@2754',
        commit: '301641aaefe473c2b9e10f3a8633f6a59da4848d',
        treeDigest: { sha256: 'e3a6b5dd585058ddce7f4b22cb92b927ec11e440cec2a897df7bfe8aaa800354' },
        files: 314,
      },
    });
  });

  it('skips what no record type stands for, with the reason', () => {
    expect(jsonOf('relocations', { ...MOVE_ROW, event: 'facility-opened' })).toEqual({
      skip: expect.stringContaining('site'),
    });
    expect(jsonOf('relocations', { ...MOVE_ROW, event: 'toString' })).toEqual({
      skip: expect.stringContaining('toString'),
    });
    expect(jsonOf('debian-releases', {})).toHaveProperty('skip');
  });

  it.each([
    ['a list', 'debian-builds', []],
    ['a missing column', 'debian-builds', { ...BUILD_ROW, version: undefined }],
    ['an empty column', 'debian-builds', { ...BUILD_ROW, version: '' }],
    ['a size that is a text', 'debian-builds', { ...BUILD_ROW, size: '1' }],
    ['a digest of another length', 'debian-builds', { ...BUILD_ROW, sha256: 'ab' }],
    ['a series without an owner', 'detection-rules', { ...RULES_ROW, series: 'sigma' }],
    ['a date in another form', 'detection-rules', { ...RULES_ROW, date: '2023-08-24' }],
    ['an unknown activity', 'relocations', { ...MOVE_ROW, activity: ['constructor'] }],
    ['activities that are no list', 'relocations', { ...MOVE_ROW, activity: 'storage' }],
    ['a day that is none', 'relocations', { ...MOVE_ROW, planned_end: '2019-02-29' }],
    ['an unknown inference', 'relocations', { ...MOVE_ROW, inferred: ['mood'] }],
    ['a start of two activities', 'relocations', { ...MOVE_ROW, event: 'relocation-started' }],
  ] as const)('refuses %s', (_desc, kind, row) => {
    expect(() => mapRow(kind, row)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('tells files apart by their columns', () => {
    expect([BUILD_ROW, RULES_ROW, MOVE_ROW, { name: 'x' }, null, [1]].map(kindOfRow)).toEqual([
      'debian-builds',
      'detection-rules',
      'relocations',
      undefined,
      undefined,
      undefined,
    ]);
  });
});

function release(seq: number, channel = 'release'): LimmatRecord {
  return recordOf('detection-rules', { ...RULES_ROW, seq, channel });
}

group('streams', () => {
  it('go in by their sequence, in the places that they have', () => {
    const build = recordOf('debian-builds', BUILD_ROW);
    const ordered = inImportOrder([release(2), build, release(1, 'a'), release(3), release(1), release(2, 'a')]);
    expect(
      ordered.map((record) =>
        record.type === 'avdb-release' ? `${record.fields.channel} ${record.fields.sequence}` : 'build',
      ),
    ).toEqual(['release 1', 'build', 'a 1', 'release 2', 'release 3', 'a 2']);
  });

  it('are chained by the leaf hash of the release before', () => {
    const chains = new StreamChains();
    const hash = new Uint8Array(32).fill(1);
    expect(chains.link(release(1))).toEqual(release(1));
    chains.signed(release(1), hash);
    expect(chains.link(release(2)).fields).toMatchObject({ prev: hash });
    expect(chains.link(release(2, 'other')).fields).toMatchObject({ first: true });
    const build = recordOf('debian-builds', BUILD_ROW);
    chains.signed(build, hash);
    expect(chains.link(build)).toBe(build);
  });
});

/** Maps, orders, links and signs (without a signature) the rows of a file; parses every statement. */
async function statementsOf(
  path: string,
): Promise<{ subjects: string[]; kinds: Record<string, number>; skipped: string[]; sentences: string[] }> {
  const skipped: string[] = [];
  const records: LimmatRecord[] = [];
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    const row: unknown = JSON.parse(line);
    const mapped = mapRow(kindOfRow(row)!, row);
    if ('skip' in mapped) skipped.push(mapped.skip);
    else records.push(mapped);
  }
  const chains = new StreamChains();
  const result = { subjects: [] as string[], kinds: {} as Record<string, number>, skipped, sentences: [] as string[] };
  const sequences = new Map<string, number>();
  for (const record of inImportOrder(records)) {
    const bytes = await createStatement(
      { ...chains.link(record), issuer: 'importer.example', iatSeconds: 1 },
      UNSIGNED,
    );
    const statement = parseStatement(bytes);
    chains.signed(record, portableHasher.leafHash(bytes));
    result.subjects.push(subjectOf(statement.record));
    result.kinds[statement.type] = (result.kinds[statement.type] ?? 0) + 1;
    result.sentences.push(describe(statement.record));
    if (statement.record.type === 'avdb-release') {
      const { sequence, channel, database, prev } = statement.record.fields;
      const stream = `${database}/${channel}`;
      expect(sequence).toBe((sequences.get(stream) ?? 0) + 1);
      expect(prev === undefined).toBe(sequence === 1);
      sequences.set(stream, sequence);
    }
  }
  return result;
}

group('the sample that is shipped', () => {
  it('goes in whole: 12 builds, 6 releases of one stream, 6 reported statements', async () => {
    const sample = join(import.meta.dirname, '..', '..', 'tools', 'demo', 'sample.jsonl');
    const { kinds, skipped, subjects, sentences } = await statementsOf(sample);
    expect(kinds).toEqual({ build: 12, 'avdb-release': 6, commitment: 5, relocation: 1 });
    expect(skipped).toEqual([]);
    expect(new Set(subjects).size).toBe(24);
    expect(sentences.join('\n')).not.toMatch(/undefined|NaN/);
  });

  it.skipIf(sharedPath('data') === undefined)('is copied from the data, line by line', () => {
    const lines = readFileSync(join(import.meta.dirname, '..', '..', 'tools', 'demo', 'sample.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const all = new Set(
      ['debian-builds', 'detection-rules', 'relocations'].flatMap((name) =>
        readFileSync(sharedPath('data', `${name}.jsonl`)!, 'utf8').split('\n'),
      ),
    );
    expect(lines.filter((line) => !all.has(line))).toEqual([]);
  });
});

group.skipIf(sharedPath('data') === undefined)('the real files', () => {
  it('give 46 commitments and one relocation; the opened facility is skipped', async () => {
    const { kinds, skipped } = await statementsOf(dataFile('relocations'));
    expect(kinds).toEqual({ commitment: 46, relocation: 1 });
    expect(skipped).toEqual([expect.stringContaining('facility-opened')]);
  });

  it('give 220 source snapshots, each of a version of its own', async () => {
    const { kinds, skipped, subjects } = await statementsOf(dataFile('engine-sources'));
    expect([kinds, skipped, new Set(subjects).size]).toEqual([{ 'source-snapshot': 220 }, [], 220]);
    expect(subjects).toContain('clamav/source-snapshot/clamav/0.70@2754');
  });

  it('add no value that is not in its row', () => {
    for (const name of ['debian-builds', 'detection-rules', 'relocations', 'engine-sources']) {
      for (const line of readFileSync(dataFile(name), 'utf8').trimEnd().split('\n').slice(0, 500)) {
        const row: unknown = JSON.parse(line);
        const mapped = mapRow(kindOfRow(row)!, row);
        if ('skip' in mapped) continue;
        for (const value of leavesOf(mapped.fields)) expect(isFrom(value, line)).toBe(true);
      }
    }
  });
});

function leavesOf(value: unknown): (string | number | Uint8Array)[] {
  if (typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array) return [value];
  return Object.values(Object(value)).flatMap(leavesOf);
}

/** Words of the record types that stand for a word of the row. */
const TRANSLATED: Readonly<Record<string, string>> = {
  store: 'storage',
  process: 'process',
  assemble: 'assembly',
  sign: 'signing',
  review: 'source-review',
  'produce-updates': 'update-production',
  verify: 'independent-verification',
  'match-source': 'source-match',
  supervise: 'supervision',
  reported: 'reported',
  complete: 'planned_end',
  start: 'start',
  site: 'facility-commitment',
  rebuild: 'verification-commitment',
  supervision: 'governance-proposal',
  relocation: '-commitment',
  effectiveAt: 'started year',
  'basis.documentDate': 'reported year',
  deadline: 'planned_',
};

function isFrom(value: string | number | Uint8Array, line: string): boolean {
  if (value instanceof Uint8Array) return line.includes(toHex(value));
  if (typeof value === 'string')
    return line.includes(JSON.stringify(value).slice(1, -1)) || line.includes(TRANSLATED[value] ?? '\n');
  return line.includes(`:${value}`) || line.includes(new Date(value * 1000).toISOString().slice(0, 10));
}

group('docs/records.md', () => {
  const moved = { ...MOVE_ROW, event: 'relocation-started', activity: ['processing'], started: '2018-11-13' };
  it.each([
    ['Debian packages', 'debian-builds', [BUILD_ROW]],
    ['Detection rules', 'detection-rules', [{ ...RULES_ROW, files: 3 }]],
    ['Announcements', 'relocations', [MOVE_ROW, moved]],
    ['Engine sources', 'engine-sources', [SOURCE_ROW]],
  ] as const)('says of every column of %s whether it is carried over', (title, kind, rows) => {
    const read = new Set<string>();
    for (const row of rows) {
      const watched = new Proxy<object>(row, {
        get(target, column, receiver): unknown {
          read.add(String(column));
          return Reflect.get(target, column, receiver);
        },
      });
      expect(mapRow(kind, watched)).toHaveProperty('fields');
    }
    // Which record a row becomes is told beside the table of its columns.
    read.delete('event');
    const columns = rows.flatMap((row) => Object.keys(row)).filter((column) => column !== 'event');
    const [, table = ''] = page('docs/records.md').split(`\n**${title}**`)[1]!.split('\n| column | field |\n');
    const cells = /^(?:\|.*\n)+/
      .exec(table)![0]
      .split('\n')
      .map((line) => line.split('|'));
    const [left, carried] = [true, false].map((isLeft) =>
      cells
        .filter(([, , field]) => field !== undefined && field.trim().startsWith('not carried over') === isLeft)
        .flatMap(([, cell]) => named(cell!)),
    );
    expect(new Set(carried)).toEqual(read);
    expect(new Set(left)).toEqual(new Set(columns.filter((column) => !read.has(column))));
  });
});
