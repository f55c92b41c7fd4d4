import fc from 'fast-check';
import { describe as group, expect, it } from 'vitest';
import { decodeCbor, encodeCbor, type CborKey, type CborValue } from '../../src/cose/cbor.ts';
import { streamOf } from '../../src/record/avdb-release.ts';
import type { Digest } from '../../src/record/fields.ts';
import {
  channelOf,
  decodePayload,
  describe,
  encodePayload,
  isNamespace,
  isRecordType,
  payloadKind,
  productOf,
  RECORD_TYPES,
  recordFromJson,
  recordToJson,
  subjectOf,
  summaryOf,
  type FieldsOf,
  type LimmatRecord,
  type RecordType,
} from '../../src/record/types.ts';
import { FULL_RECORDS } from '../support/records.ts';

const digest: Digest = { sha256: new Uint8Array(32).fill(1) };

const build: FieldsOf<'build'> = {
  product: '2vcard',
  version: '0.6-4',
  channel: 'bookworm',
  platform: 'all',
  artifacts: [{ size: 14_544, digest }],
};

const release: FieldsOf<'avdb-release'> = {
  product: 'SigmaHQ',
  database: 'sigma',
  channel: 'release',
  sequence: 1,
  contentDigest: digest,
  counts: { total: 3001 },
};

function roundTrip<T extends RecordType>(type: T, fields: FieldsOf<T>): LimmatRecord {
  return decodePayload(type, 'vendor', encodePayload(type, fields));
}

function encodeRecord(record: LimmatRecord): Uint8Array {
  return encodePayload(record.type, record.fields);
}

/** The problem that a field value, put into the JSON of a good record, has. */
function problemWith(record: LimmatRecord, change: Readonly<Record<string, unknown>>): unknown {
  try {
    const json = recordToJson(record);
    return recordFromJson({ ...json, fields: { ...Object(json.fields), ...change } });
  } catch (error) {
    return error;
  }
}

const BUILD: LimmatRecord = { type: 'build', namespace: 'debian', fields: build };
const RELEASE: LimmatRecord = { type: 'avdb-release', namespace: 'sigmahq', fields: release };
const FULL_BUILD = FULL_RECORDS[0]!;
const FULL_RELEASE = FULL_RECORDS[1]!;
const COMMITMENT = FULL_RECORDS[2]!;
const RELOCATION = FULL_RECORDS[3]!;

group('records', () => {
  it.each(FULL_RECORDS)('of type $type go through the payload and through JSON unchanged', (record) => {
    const payload = encodeRecord(record);
    expect(decodePayload(record.type, record.namespace, payload)).toEqual(record);
    const text = JSON.stringify(recordToJson(record));
    expect(recordFromJson(JSON.parse(text))).toEqual(record);
    expect(encodeRecord(recordFromJson(JSON.parse(text)))).toEqual(payload);
  });

  it.each(FULL_RECORDS)('of type $type refuse null, and a value of another kind, in every field', (record) => {
    for (const field of Object.keys(record.fields)) {
      for (const value of [null, {}, [], '', -1, 1.5, false, ' x', 'x\n']) {
        expect(problemWith(record, { [field]: value })).toMatchObject({
          code: 'bad-record',
          details: { field: expect.stringContaining(field) },
        });
      }
    }
  });

  it.each(FULL_RECORDS)('of type $type are described in one sentence', (record) => {
    const sentence = describe(record);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(sentence).not.toMatch(/undefined|null|NaN|\[object/);
  });

  it('are of fourteen types, each a row of the table', () => {
    expect(RECORD_TYPES).toHaveLength(14);
    expect(FULL_RECORDS.map(({ type }) => type).toSorted()).toEqual([...RECORD_TYPES].toSorted());
    for (const type of RECORD_TYPES) {
      expect([type, isRecordType(type)]).toEqual([type, true]);
      expect(summaryOf(type)).toMatch(/^[A-Z][^\n]{20,120}\.$/);
    }
    expect(isRecordType('treaty')).toBe(false);
    expect(isRecordType('constructor')).toBe(false);
    expect(() => decodePayload('treaty', 'vendor', Uint8Array.of(0xa0))).toThrow('not one of policy, key-event');
  });

  it('use every field of their type in these tests', () => {
    // What depends on the value of another field cannot be there together; rules.test.ts has it.
    const apart: Readonly<Record<string, readonly string[]>> = {
      policy: ['prev'],
      'avdb-release': ['first'],
      'key-event': ['compromisedSince'],
      supervision: ['refs'],
      'log-event': ['keyRotation', 'shutdown', 'successorOf', 'incident'],
    };
    for (const { type, fields } of FULL_RECORDS) {
      const known = Object.keys(payloadKind(type).fields).filter((field) => apart[type]?.includes(field) !== true);
      expect([type, Object.keys(fields).toSorted()]).toEqual([type, known.toSorted()]);
    }
  });

  it.each([
    ['build', ['product', 'version', 'channel', 'platform', 'artifacts'], []],
    // What comes along is required only because of what the full record says in another field.
    ['avdb-release', ['product', 'database', 'channel', 'sequence', 'contentDigest', 'counts'], ['prev']],
    ['commitment', ['commitmentId', 'kind', 'subject'], []],
    ['relocation', ['relocationId', 'action', 'activity'], []],
    ['policy', ['sequence'], []],
    ['key-event', ['sequence', 'action', 'kid'], ['prev', 'key', 'role', 'previousKid']],
    ['site', ['sequence', 'siteId', 'kinds', 'country'], ['prev']],
    ['source-snapshot', ['product', 'version'], ['treeDigest']],
    ['rebuild', ['build', 'result'], []],
    ['supervision', ['supervisionId', 'kind', 'result'], ['range']],
    ['review', ['reviewId', 'site', 'reviewerClass'], []],
    ['retraction', ['target', 'kind'], ['replacement']],
    ['membership', ['sequence', 'action', 'namespace'], ['prev', 'vendor', 'root']],
    ['log-event', [], ['heartbeat']],
  ] as const)('of type %s need exactly their required fields', (type, required, along) => {
    const full = FULL_RECORDS.find((record) => record.type === type)!;
    const all = recordPayload(full);
    const least: readonly string[] = [...required, ...along];
    const payload = (names: readonly string[]): Uint8Array =>
      encodeCbor(new Map(names.map((fieldName) => [fieldName, all.get(fieldName)!])));
    expect(Object.keys(decodePayload(type, 'vendor', payload(least)).fields).toSorted()).toEqual(least.toSorted());
    for (const missing of required) {
      expect(() => decodePayload(type, 'vendor', payload(least.filter((fieldName) => fieldName !== missing)))).toThrow(
        `${type}: ${missing}: is missing`,
      );
    }
    expect(() => decodePayload(type, 'vendor', encodeCbor(new Map([...all, ['extra', 1]])))).toThrow(
      `${type}: extra: is not one of the fields`,
    );
  });

  it('never write a field that they do not have: it is refused on the way back', () => {
    const extra = { ...build, section: 'utils', constructor: 'x' };
    expect(() => roundTrip('build', extra)).toThrow('is not one of the fields');
  });

  it('leave out what is undefined', () => {
    const fields = Object.assign({ source: undefined }, build);
    // @ts-expect-error absent fields are left out, not undefined
    expect(roundTrip('build', fields).fields).toEqual(build);
  });
});

function recordPayload(record: LimmatRecord): ReadonlyMap<CborKey, CborValue> {
  const map = decodeCbor(encodeRecord(record));
  if (!(map instanceof Map)) throw new TypeError('payload is not a map');
  return map;
}

group('subjects', () => {
  it('name what the record is about', () => {
    expect(subjectOf(BUILD)).toBe('debian/build/2vcard/0.6-4/bookworm/all');
    expect(subjectOf(RELEASE)).toBe('sigmahq/avdb-release/SigmaHQ/sigma/release/1');
    expect(subjectOf(COMMITMENT)).toBe('vendor/commitment/gti-1');
    expect(subjectOf(RELOCATION)).toBe('vendor/relocation/eu-files');
  });

  it('differ whenever an identifying field differs', () => {
    const name = fc.stringMatching(/^[a/%.]{1,4}$/);
    const identity = fc.tuple(name, name, name, name);
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        const [one, other] = [a, b].map(([product, version, channel, platform]) =>
          subjectOf({ type: 'build', namespace: 'v', fields: { ...build, product, version, channel, platform } }),
        );
        expect(one === other).toBe(a.join('\n') === b.join('\n'));
      }),
    );
  });

  it('have the product and channel of the record where it has one', () => {
    expect([productOf(BUILD), channelOf(BUILD)]).toEqual(['2vcard', 'bookworm']);
    expect([productOf(RELEASE), channelOf(RELEASE)]).toEqual(['SigmaHQ', 'release']);
    expect([productOf(COMMITMENT), channelOf(RELOCATION)]).toEqual([undefined, undefined]);
  });

  it('have a namespace of lowercase letters, digits, dots and hyphens', () => {
    for (const good of ['a', 'debian', 'kaspersky-lab', 'vendor.example', '0', 'a'.repeat(63)])
      expect(isNamespace(good)).toBe(true);
    for (const bad of ['', 'A', '-a', 'a-', '.a', 'a/b', 'a b', 'ä', 'a'.repeat(64)])
      expect(isNamespace(bad)).toBe(false);
    expect(() => decodePayload('build', 'Debian', encodePayload('build', build))).toThrow('namespace "Debian"');
  });

  it('of streams keep namespaces, products, databases and channels apart', () => {
    expect(streamOf('v', release)).toBe('v/SigmaHQ/sigma/release');
    expect(streamOf('v', { ...release, product: 'a/b' })).not.toBe(streamOf('v/a', { ...release, product: 'b' }));
  });
});

group('rules between fields', () => {
  it.each([
    ['sequence 1 with prev', { prev: '00'.repeat(32) }],
    ['sequence 1 with first', { first: true }],
    ['a later sequence without prev', { sequence: 2 }],
    ['a later sequence with prev and first', { sequence: 2, prev: '00'.repeat(32), first: true }],
    ['first that is not true', { sequence: 2, first: false }],
    ['sequence 0', { sequence: 0 }],
    ['a base without a delta', { sequence: 2, prev: '00'.repeat(32), baseSequence: 1 }],
    ['a base that is not before', { sequence: 2, prev: '00'.repeat(32), kind: 'delta', baseSequence: 2 }],
    ['a rollback forward', { sequence: 2, prev: '00'.repeat(32), rollback: { toSequence: 2, reason: 'x' } }],
    ['counts without a total', { counts: { added: 1 } }],
  ])('refuse a release: %s', (_desc, change) => {
    expect(problemWith(RELEASE, change)).toMatchObject({ code: 'bad-record' });
  });

  it('let a stream start above sequence 1 when it says so', () => {
    expect(problemWith(RELEASE, { sequence: 25_000, first: true })).toMatchObject({
      fields: { sequence: 25_000, first: true },
    });
    expect(problemWith(RELEASE, { sequence: 2, prev: '00'.repeat(32) })).toMatchObject({ fields: { sequence: 2 } });
  });

  it.each([
    ['a segment without a reason', FULL_BUILD, { audience: { kind: 'segment', segment: 'x' } }],
    ['everybody with a reason', FULL_BUILD, { audience: { kind: 'all', reason: 'x' } }],
    [
      'a tool without normalising',
      FULL_BUILD,
      { reproducible: { kind: 'exact', toolDigest: { sha256: '00'.repeat(32) } } },
    ],
    ['an own word with a document', FULL_BUILD, { basis: { kind: 'own', documentName: 'x' } }],
    ['a place that is none', COMMITMENT, { to: [{}] }],
    ['a country in lower case', COMMITMENT, { to: [{ country: 'ch' }] }],
    ['a region that is a name', COMMITMENT, { regions: ['Europe'] }],
    ['an action without a relocation', COMMITMENT, { fulfilledBy: { type: 'site', action: 'start' } }],
    ['an unknown activity', RELOCATION, { activity: 'storage' }],
    ['more than everything', RELOCATION, { scopePercent: 101 }],
    ['a time that is a number', RELOCATION, { effectiveAt: 5 }],
    ['a time with a zone', RELOCATION, { effectiveAt: '2020-01-01T00:00:00+00:00' }],
    ['a day that is none', RELOCATION, { effectiveAt: '2021-02-29T00:00:00Z' }],
    ['a digest in capitals', FULL_RELEASE, { contentDigest: { sha256: 'AA'.repeat(32) } }],
    [
      '65 artifacts',
      FULL_BUILD,
      { artifacts: Array.from({ length: 65 }, () => ({ digest: { sha256: '00'.repeat(32) } })) },
    ],
    [
      'an artifact with a column too many',
      FULL_BUILD,
      { artifacts: [{ digest: { sha256: '00'.repeat(32) }, path: 'x' }] },
    ],
  ])('refuse %s', (_desc, record, change) => {
    expect(problemWith(record, change)).toMatchObject({ code: 'bad-record' });
  });

  it('name the field, whatever its depth, and show the value', () => {
    const change = { artifacts: [{ digest: { sha256: '00'.repeat(32) } }, { digest: { sha256: 'xyz' } }] };
    expect(problemWith(BUILD, change)).toMatchObject({
      message: 'build: artifacts[1].digest.sha256: "xyz" is not 64 lowercase hexadecimal digits',
      details: { field: 'artifacts[1].digest.sha256', value: '"xyz"' },
    });
  });
});

group('record JSON', () => {
  it.each([
    ['a list', []],
    ['null', null],
    ['a text', 'build'],
    ['no type', { namespace: 'v', fields: {} }],
    ['an unknown type', { type: 'treaty', namespace: 'v', fields: {} }],
    ['no namespace', { type: 'build', fields: {} }],
    ['no fields', { type: 'build', namespace: 'v' }],
    ['a member too many', { type: 'build', namespace: 'v', fields: recordToJson(BUILD).fields, sub: 'x' }],
  ])('is refused: %s', (_desc, json) => {
    expect(() => recordFromJson(json)).toThrow(expect.objectContaining({ code: 'bad-record' }));
  });

  it('writes digests and times for people', () => {
    expect(recordToJson(BUILD).fields).toEqual({
      ...build,
      artifacts: [{ size: 14_544, digest: { sha256: '01'.repeat(32) } }],
    });
    expect(recordToJson(RELOCATION).fields).toMatchObject({ effectiveAt: '2018-11-13T00:00:00Z' });
  });
});

group('descriptions', () => {
  it('say what a person wants to know', () => {
    expect(describe(BUILD)).toBe(
      'Build of 2vcard 0.6-4 for all platforms in channel bookworm: one file of 14.5 kB, SHA-256 01010101….',
    );
    expect(describe(FULL_BUILD)).toBe(
      'Build of endpoint-security 12.4.1.8801 for windows-x64 in channel stable: 2 files, the first with SHA-256 01010101….',
    );
    expect(describe(RELEASE)).toBe(
      'Release 1 of database sigma of SigmaHQ, channel release: 3,001 rules, content SHA-256 01010101….',
    );
    expect(describe(FULL_RELEASE)).toBe(
      'Release 27,001 (27001) of 2026-07-11 of database daily of endpoint-security, channel stable, after numbers 26,999 to 27,000 that were never released, rolled back to release 26,990: 2,000,000 rules (120 added, 1 changed, 0 removed), content SHA-256 0c0c0c0c….',
    );
    expect(describe(COMMITMENT)).toBe(
      'Promise gti-1, relocation: customer data (store, process, match-source) for regions 150 and US from RU to data centre, Zurich (CH) and DE; due by 2019-12-31, reported on 2018-05-15.',
    );
    expect(describe(RELOCATION)).toBe(
      'Relocation eu-files completed on 2018-11-13: process files that users share of region 150 from RU to data centre, Zurich (CH) and DE, 100 %, due by 2019-12-31, reported on 2018-05-15.',
    );
  });

  it('say when no date was given and do without what is unknown', () => {
    expect(
      describe({ type: 'commitment', namespace: 'v', fields: { commitmentId: 'c', kind: 'governance', subject: 'x' } }),
    ).toBe('Promise c, governance: x; no date given.');
    expect(
      describe({ type: 'relocation', namespace: 'v', fields: { relocationId: 'r', action: 'plan', activity: 'sign' } }),
    ).toBe('Relocation r planned: sign what is not named.');
  });
});
