// Rules between the fields of the other records: what is refused, and in which words; and how each type is called and
// described.

import { describe as group, expect, it, test } from 'vitest';
import { decodePayload, describe, productOf, recordFromJson, recordToJson, subjectOf } from '../../src/record/index.ts';
import type { RecordType } from '../../src/record/index.ts';
import {
  changed,
  expectRefused,
  expectTaken,
  full,
  KEY,
  OTHER,
  plain,
  REF,
  refusal,
  type Draft,
  type Fields,
} from '../support/drafts.ts';
import { FULL_RECORDS, ORIGIN } from '../support/records.ts';

const release = full('avdb-release');
const withKind = (kind: string, more: Fields = {}): Draft => plain('retraction', { target: REF, kind, ...more });
const withGap = (change: Fields): Draft => changed(release, { baseSequence: undefined, ...change });

group('other records', () => {
  const snapshot = { product: 'p', version: '1' };
  const range = { from: 5, to: 6, size: 6, rootHash: REF };
  const attested = { supervisionId: 's', kind: 'audit', result: 'conform' };

  test('a source snapshot fixes the source by one digest at least', () => {
    expectRefused(plain('source-snapshot', snapshot), 'treeDigest', 'nothing fixes the source', 'in schema');
    for (const field of ['treeDigest', 'archiveDigest']) {
      expectTaken(plain('source-snapshot', { ...snapshot, [field]: { sha256: REF } }));
    }
  });

  test('a supervision is over a range or over entries, and the range is in the tree', () => {
    expectTaken(plain('supervision', { ...attested, range }));
    expectTaken(plain('supervision', { ...attested, refs: [REF, OTHER] }));
    expectRefused(plain('supervision', attested), '', 'has neither', 'in schema');
    expectRefused(plain('supervision', { ...attested, range, refs: [REF] }), '', 'has both', 'in schema');
    expectRefused(
      plain('supervision', { ...attested, range: { ...range, from: 6 } }),
      'range.to',
      '6 is not above from, 6',
      'beyond schema',
    );
    expectRefused(
      plain('supervision', { ...attested, range: { ...range, to: 7 } }),
      'range.to',
      '7 is above the size, 6',
      'beyond schema',
    );
    expectRefused(plain('supervision', { ...attested, refs: [REF, REF] }), 'refs[1]', 'twice', 'in schema');
  });

  test('a retraction says what stands in its place where something does, and never the target', () => {
    for (const kind of ['retract', 'recall']) expectTaken(withKind(kind));
    for (const kind of ['supersede', 'correct', 'recall']) expectTaken(withKind(kind, { replacement: OTHER }));
    for (const kind of ['supersede', 'correct'])
      expectRefused(withKind(kind), 'replacement', 'is missing', 'in schema');
    expectRefused(withKind('retract', { replacement: OTHER }), 'replacement', 'has none', 'in schema');
    expectRefused(withKind('recall', { replacement: REF }), 'replacement', 'the target itself', 'beyond schema');
  });

  test('a gap ends right before its release, follows a release, and holds no base', () => {
    const gap = { from: 26_990, to: 27_000, reason: 'x' };
    expectTaken(withGap({ gap }));
    expectTaken(withGap({ gap: { ...gap, from: 27_000 } }));
    expectTaken(withGap({ gap, baseSequence: 26_989 }));
    expectRefused(withGap({ gap, baseSequence: 26_990 }), 'baseSequence', 'is in the gap', 'beyond schema');
    expectRefused(
      withGap({ gap: { ...gap, to: 26_999 } }),
      'gap.to',
      'not right before sequence 27001',
      'beyond schema',
    );
    expectRefused(
      withGap({ gap: { ...gap, from: 27_001 } }),
      'gap.from',
      'gap from 27001 to 27000 is none',
      'beyond schema',
    );
    expectRefused(withGap({ gap: { ...gap, from: 1 } }), 'gap.from', '1 is not an integer from 2', 'in schema');
    expectRefused(withGap({ gap, prev: undefined, first: true }), '', 'prev names none', 'in schema');
    expectRefused(withGap({ gap: { from: 26_990, to: 27_000 } }), 'gap.reason', 'is missing', 'in schema');
  });

  test('times are in order wherever two of them are', () => {
    const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    const pairs = [
      ['site', 'openedAt', 'closedAt'],
      ['rebuild', 'startedAt', 'finishedAt'],
      ['review', 'startedAt', 'endedAt'],
      ['membership', 'from', 'until'],
    ] as const;
    for (const [type, first, second] of pairs) {
      expectTaken(changed(full(type), { [first]: early, [second]: late }));
      expectTaken(changed(full(type), { [first]: late, [second]: late }));
      expectRefused(
        changed(full(type), { [first]: late, [second]: early }),
        second,
        `before ${first}`,
        'beyond schema',
      );
    }
  });

  test('approvals are of different keys', () => {
    const one = { kid: REF, signature: '00'.repeat(64) };
    for (const record of FULL_RECORDS) {
      expectTaken(changed(record, { approvals: [one, { ...one, kid: OTHER }] }));
      const twice = [one, { kid: REF, signature: '11'.repeat(64) }];
      expectRefused(changed(record, { approvals: twice }), 'approvals[1]', 'stands there twice', 'beyond schema');
      const short = [{ kid: REF, signature: '00'.repeat(63) }];
      expectRefused(changed(record, { approvals: short }), 'approvals[0].signature', 'not 128 lower', 'in schema');
    }
  });
});

group('subjects and descriptions', () => {
  it('say what each type is about', () => {
    const told = FULL_RECORDS.slice(4).map((record) => `${subjectOf(record)} | ${describe(record)}`);
    const { kid } = KEY;
    expect(told).toEqual([
      `log/policy/1 | Genesis of the log ${ORIGIN}, with the policy (number 1 of its chain): root keys, 2 of 2 to sign; release signs build and avdb-release; rebuilders signs rebuild; every build has source and buildSite; every site has openedAt.`,
      `vendor/key-event/${kid} | Key ${kid.slice(0, 8)}… takes the place of key 2b2b2b2b… in the role release at site zrh-1, until 2029-09-10.`,
      'vendor/site/zrh-1 | Site zrh-1 in Zürich (CH) for data centre and signing, run by Interxion, opened on 2018-11-13, closed on 2025-03-15, reported on 2018-05-15.',
      'vendor/source-snapshot/endpoint-security/12.4.1.8801 | Source of endpoint-security 12.4.1.8801, git 301641aaefe473c2b9e10f3a8633f6a59da4848d, 314 files: tree SHA-256 2f2f2f2f…, open to audits from 2026-07-11.',
      `verifier/rebuild/${'33'.repeat(32)} | Rebuild of build 33333333… on 2026-07-11: other files came out (2 files obtained).`,
      'supervisor/supervision/SOC2-2026-1 | Attestation SOC2-2026-1, supervised assembly, over entries 100 to 1,999 of vendor and vendor-b from 2026-07-11 to 2026-11-04, by SSAE 18: with reservations.',
      'vendor/review/ZRH-2026-4 | Review ZRH-2026-4 at site zrh-tc by a government (BSI) of source and rules, ended on 2026-07-12, under an agreement of secrecy: nothing was found.',
      `vendor/retraction/${'3e'.repeat(32)} | Entry 3e3e3e3e… is superseded from 2026-07-11 on (malfunction), and entry 3f3f3f3f… stands in its place; what customers are to do: update.`,
      'log/membership/vendor-b | The namespace vendor-b of Vendor B GmbH joins the log from 2026-07-11 until 2029-09-10, with 1 of 2 root keys to sign.',
      'log/log-event/heartbeat/4096 | Heartbeat at size 4,096: the heads of 2 admission chains.',
    ]);
  });

  it('do without what is unknown', () => {
    const least: readonly (readonly [RecordType, Fields, string])[] = [
      ['key-event', { sequence: 1, action: 'compromised', kid: REF }, 'Key abababab… is compromised.'],
      ['key-event', { sequence: 1, action: 'revoke', kid: REF }, 'Key abababab… is revoked.'],
      ['site', { sequence: 1, siteId: 's', kinds: ['build'], country: 'CH' }, 'Site s in CH for build.'],
      [
        'source-snapshot',
        { product: 'p', version: '1', archiveDigest: { sha256: REF } },
        'Source of p 1: archive SHA-256 abababab….',
      ],
      ['rebuild', { build: REF, result: 'match' }, 'Rebuild of build abababab…: the same files came out.'],
      [
        'supervision',
        { supervisionId: 's', kind: 'custody', result: 'conform', refs: [REF] },
        'Attestation s, custody, over 1 record: as it should be.',
      ],
      [
        'review',
        { reviewId: 'r', site: 's', reviewerClass: 'partner' },
        'Review r at site s by a partner: no outcome stated.',
      ],
      ['retraction', { target: REF, kind: 'retract' }, 'Entry abababab… is retracted.'],
      [
        'membership',
        { sequence: 1, action: 'leave', namespace: 'b' },
        'The namespace b leaves the log; what it logged stays.',
      ],
    ];
    for (const [type, fields, sentence] of least) expect(describe(recordFromJson(plain(type, fields)))).toBe(sentence);
  });

  it('have a product where the record is about one', () => {
    const withProduct = FULL_RECORDS.filter((record) => productOf(record) !== undefined).map(({ type }) => type);
    expect(withProduct).toEqual(['build', 'avdb-release', 'source-snapshot']);
  });
});

test('no payload of one type is read as another one', () => {
  for (const record of FULL_RECORDS) {
    for (const other of FULL_RECORDS.filter(({ type }) => type !== record.type)) {
      expect(refusal(plain(other.type, Object(recordToJson(record).fields))).message).not.toBe('accepted');
    }
  }
  expect(() => decodePayload('treaty', 'vendor', Uint8Array.of(0xa0))).toThrow('record type "treaty"');
});
