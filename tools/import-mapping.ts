// Rows of public data files → records. One row gives one record or a reason why it gives none; every value of a record
// stands in its row. What a row does not say stays absent, and columns that no record type has a field for are left out.
//
//   file             record                   how
//   debian-builds    build                    namespace debian, product = name, channel = suite, platform = architecture
//   detection-rules  avdb-release             series "Owner/name": namespace owner, product Owner, database name
//   relocations      commitment, relocation   promises, and the start of one move; basis reported from the seed document
//   engine-sources   source-snapshot          namespace = product, the manifest's digest is the tree's
//   debian-releases  none                     skipped: no record type stands for a release file

import { LimmatError } from '../src/errors.ts';
import type { FieldsOf, LimmatRecord } from '../src/record/types.ts';
import {
  badColumn,
  firstSecondOf,
  instant,
  integer,
  isRow,
  lastSecondOf,
  optionalText,
  sha256,
  text,
  texts,
  type Row,
} from './import-columns.ts';

export type FileKind = 'debian-builds' | 'detection-rules' | 'relocations' | 'debian-releases' | 'engine-sources';

/** A record, or why the row gives none. The record of a release after a stream's first one still lacks `prev`. */
export type Mapped = LimmatRecord | { readonly skip: string };

/** Columns that only this kind of file has. */
const MARKS: readonly (readonly [FileKind, readonly string[]])[] = [
  ['debian-builds', ['source_version', 'architecture', 'suite']],
  ['detection-rules', ['series', 'seq', 'manifest_sha256']],
  ['relocations', ['event', 'seed', 'activity']],
  ['debian-releases', ['inrelease_sha256', 'suite_alias']],
  ['engine-sources', ['source_manifest_sha256', 'tag']],
];

/** The kind of file that a row is from, by its columns; undefined when it is from none that is known. */
export function kindOfRow(row: unknown): FileKind | undefined {
  if (!isRow(row)) return undefined;
  return MARKS.find(([, columns]) => columns.every((column) => column in row))?.[0];
}

/** The record of a row; `malformed` when a column that must be there is missing or of another kind. Pure. */
export function mapRow(kind: FileKind, row: unknown): Mapped {
  if (!isRow(row)) throw new LimmatError('malformed', 'row is not a JSON object');
  return MAPPERS[kind](row);
}

const MAPPERS: Readonly<Record<FileKind, (row: Row) => Mapped>> = {
  'debian-builds': (row) => ({ type: 'build', namespace: 'debian', fields: buildOf(row) }),
  'detection-rules': releaseOf,
  relocations: statementOf,
  'debian-releases': () => ({ skip: 'a release file is not a build; no record type stands for it' }),
  'engine-sources': sourceOf,
};

function buildOf(row: Row): FieldsOf<'build'> {
  return {
    product: text(row, 'name'),
    version: text(row, 'version'),
    channel: text(row, 'suite'),
    platform: text(row, 'architecture'),
    artifacts: [{ size: integer(row, 'size'), digest: { sha256: sha256(row, 'sha256') } }],
  };
}

function releaseOf(row: Row): Mapped {
  const series = text(row, 'series');
  const slash = series.indexOf('/');
  if (slash < 1) throw badColumn('series', 'is not "owner/name"');
  const version = optionalText(row, 'version');
  return {
    type: 'avdb-release',
    namespace: namespaceOf(series.slice(0, slash)),
    fields: {
      product: series.slice(0, slash),
      database: series.slice(slash + 1),
      channel: text(row, 'channel'),
      sequence: integer(row, 'seq'),
      contentDigest: { sha256: sha256(row, 'manifest_sha256') },
      counts: {
        total: integer(row, 'rules'),
        added: integer(row, 'added'),
        changed: integer(row, 'changed'),
        removed: integer(row, 'removed'),
      },
      producedAt: instant(row, 'date'),
      ...(version === undefined ? {} : { versionText: version }),
    },
  };
}

function sourceOf(row: Row): Mapped {
  const product = text(row, 'product');
  return {
    type: 'source-snapshot',
    namespace: namespaceOf(product),
    fields: {
      product,
      version: text(row, 'version'),
      commit: text(row, 'commit'),
      treeDigest: { sha256: sha256(row, 'source_manifest_sha256') },
      files: integer(row, 'files'),
    },
  };
}

const COMMITMENT_KINDS = {
  'relocation-commitment': { kind: 'relocation', fulfilledBy: 'relocation' },
  'process-commitment': { kind: 'process', fulfilledBy: 'relocation' },
  'facility-commitment': { kind: 'facility', fulfilledBy: 'site' },
  'verification-commitment': { kind: 'verification', fulfilledBy: 'rebuild' },
  'governance-proposal': { kind: 'governance', fulfilledBy: 'supervision' },
} as const;

function statementOf(row: Row): Mapped {
  const event = text(row, 'event');
  const namespace = namespaceOf(text(row, 'vendor'));
  if (event === 'facility-opened') {
    return { skip: "facility-opened is about a site, and sites are entries of the vendor's own admission chain" };
  }
  if (event === 'relocation-started') return { type: 'relocation', namespace, fields: relocationOf(row) };
  if (!isCommitmentEvent(event)) return { skip: `event "${event}" has no record type` };
  return { type: 'commitment', namespace, fields: commitmentOf(row, event) };
}

function isCommitmentEvent(event: string): event is keyof typeof COMMITMENT_KINDS {
  return Object.hasOwn(COMMITMENT_KINDS, event);
}

function commitmentOf(row: Row, event: keyof typeof COMMITMENT_KINDS): FieldsOf<'commitment'> {
  const { kind, fulfilledBy } = COMMITMENT_KINDS[event];
  const end = lastSecondOf(row, 'planned_end');
  const start = lastSecondOf(row, 'planned_start');
  const deadline = end ?? start;
  // Which step is promised for the date is what the column says; without a date no step is said.
  const step =
    fulfilledBy !== 'relocation' || deadline === undefined
      ? {}
      : ({ action: end === undefined ? 'start' : 'complete' } as const);
  return {
    commitmentId: text(row, 'id'),
    kind,
    subject: text(row, 'subject'),
    activities: texts(row, 'activity').map((word) => activity(COMMITTED, word)),
    ...whereOf(row),
    ...(deadline === undefined ? {} : { deadline }),
    fulfilledBy: { type: fulfilledBy, ...step },
  };
}

function relocationOf(row: Row): FieldsOf<'relocation'> {
  const activities = texts(row, 'activity');
  if (activities.length !== 1) throw badColumn('activity', 'is not one activity: a relocation is about one');
  const deadline = lastSecondOf(row, 'planned_end');
  const effectiveAt = firstSecondOf(row, 'started');
  return {
    relocationId: text(row, 'id'),
    action: 'start',
    activity: activity(MOVED, activities[0]!),
    subject: text(row, 'subject'),
    ...whereOf(row),
    ...(deadline === undefined ? {} : { deadline }),
    ...(effectiveAt === undefined ? {} : { effectiveAt }),
  };
}

/** The fields that promises and steps have in common. */
function whereOf(
  row: Row,
): Pick<FieldsOf<'commitment'>, 'regions' | 'from' | 'to' | 'phase' | 'supervisedBy' | 'basis'> {
  const region = optionalText(row, 'region_code');
  const from = optionalText(row, 'from');
  const to = optionalText(row, 'to');
  const facility = optionalText(row, 'facility');
  const phase = optionalText(row, 'phase');
  const supervisor = optionalText(row, 'supervisor');
  const place = { ...(facility === undefined ? {} : { name: facility }), ...(to === undefined ? {} : { country: to }) };
  return {
    ...(region === undefined ? {} : { regions: [region] }),
    ...(from === undefined ? {} : { from: [{ country: from }] }),
    ...(Object.keys(place).length === 0 ? {} : { to: [place] }),
    ...(phase === undefined ? {} : { phase }),
    ...(supervisor === undefined ? {} : { supervisedBy: supervisor }),
    basis: basisOf(row),
  };
}

/** The field that an entry of the column `inferred` is about. */
const INFERRED: Readonly<Record<string, string>> = {
  from: 'from',
  to: 'to',
  planned_start: 'deadline',
  planned_end: 'deadline',
  phase: 'phase',
  'started year': 'effectiveAt',
  'reported year': 'basis.documentDate',
};

function basisOf(row: Row): NonNullable<FieldsOf<'commitment'>['basis']> {
  const reported = firstSecondOf(row, 'reported');
  const inferred = texts(row, 'inferred').map((word) => {
    const field = INFERRED[word];
    if (field === undefined) throw badColumn('inferred', `names "${word}", which stands for no field`);
    return field;
  });
  return {
    kind: 'reported',
    documentName: text(row, 'seed'),
    ...(reported === undefined ? {} : { documentDate: reported }),
    ...(inferred.length === 0 ? {} : { inferred }),
  };
}

const MOVED = {
  storage: 'store',
  processing: 'process',
  assembly: 'assemble',
  signing: 'sign',
  'source-review': 'review',
} as const;

const COMMITTED = {
  ...MOVED,
  'update-production': 'produce-updates',
  'independent-verification': 'verify',
  'source-match': 'match-source',
  supervision: 'supervise',
} as const;

function activity<V extends string>(words: Readonly<Record<string, V>>, word: string): V {
  const found = Object.hasOwn(words, word) ? words[word] : undefined;
  if (found === undefined) throw badColumn('activity', `"${word}" is not one of ${Object.keys(words).join(', ')}`);
  return found;
}

/** "Kaspersky Lab" → "kaspersky-lab". */
function namespaceOf(owner: string): string {
  return owner.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
}
