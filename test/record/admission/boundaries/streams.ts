// Streams of database releases, which are hash chains: D08, D10, D12, D13. The stream's newest release here is number 7.

import { toHex } from '../../../../src/bytes.ts';
import type { FieldsOf } from '../../../../src/record/index.ts';
import { digest, entry, hash, hex, type Boundary, type Entry, type Past } from '../../../support/boundary.ts';

const release = (sequence: number, more: Partial<FieldsOf<'avdb-release'>>): Entry =>
  entry('rel', 'avdb-release', {
    product: 'av',
    database: 'daily',
    channel: 'stable',
    sequence,
    contentDigest: digest(sequence),
    counts: { total: 100 },
    ...more,
  });

const seven = (past: Past): Promise<Uint8Array> => past.log(release(7, { first: true }));

export const STREAMS: readonly Boundary[] = [
  {
    rule: 'D08',
    apart: 'the next number, and the one after it',
    pair: async (past) => {
      const prev = await seven(past);
      return {
        inside: release(8, { prev }),
        outside: { fields: { sequence: 9 } },
        field: 'sequence',
        found: `9 with prev ${toHex(prev)}`,
        expected: `sequence 8 with prev ${toHex(prev)}, or a gap from 8 to 8 with a reason`,
      };
    },
  },
  {
    rule: 'D08',
    apart: 'the leaf hash of the newest release, and another one',
    pair: async (past) => {
      const prev = await seven(past);
      return {
        inside: release(8, { prev }),
        outside: { fields: { prev: hash(9) } },
        field: 'sequence',
        found: `8 with prev ${hex(9)}`,
        expected: `sequence 8 with prev ${toHex(prev)}, the stream's newest release`,
      };
    },
  },
  {
    rule: 'D08',
    apart: 'a gap that begins right behind the newest release, and one that begins a number later',
    pair: async (past) => {
      const prev = await seven(past);
      const gap = { from: 8, to: 9, reason: 'the build failed' };
      return {
        inside: release(10, { prev, gap }),
        outside: { fields: { gap: { ...gap, from: 9 } } },
        field: 'gap.from',
        found: '9',
        expected: "8, the first sequence after the stream's newest release",
      };
    },
  },
  {
    rule: 'D10',
    apart: 'a delta to the newest release, and to the one before it',
    pair: async (past) => {
      const prev = await seven(past);
      return {
        inside: release(8, { prev, kind: 'delta', baseSequence: 7 }),
        outside: { fields: { baseSequence: 6 } },
        field: 'baseSequence',
        found: '6',
        expected: '7, the release right before it',
      };
    },
  },
  {
    rule: 'D10',
    apart: 'a full release after as many deltas as the policy lets follow one another, and a delta more',
    pair: async (past) => {
      await past.policy({ parameters: { deltaLimit: 1 } });
      const prev = await past.log(release(8, { prev: await seven(past), kind: 'delta' }));
      return {
        inside: release(9, { prev, kind: 'full' }),
        outside: { fields: { kind: 'delta' } },
        field: 'kind',
        found: 'delta, number 2 without a full release',
        expected: 'full: the policy lets 1 deltas follow one another',
      };
    },
  },
  {
    rule: 'D10',
    apart: 'a delta right before its base is recalled, and right after',
    pair: async (past) => {
      const prev = await seven(past);
      return {
        inside: release(8, { prev, kind: 'delta' }),
        outside: { after: [entry('rel', 'retraction', { target: prev, kind: 'recall' })] },
        field: 'kind',
        found: 'delta to release 7, which was recalled',
        expected: 'full: what is taken back is nothing to build on',
      };
    },
  },
  {
    rule: 'D12',
    apart: 'a total that adds up, and one that is a rule too high',
    pair: async (past) => {
      const prev = await seven(past);
      const counts = { total: 105, added: 10, removed: 5 };
      return {
        inside: release(8, { prev, counts }),
        outside: { fields: { counts: { ...counts, total: 106 } } },
        field: 'counts.total',
        found: '106',
        expected: '105: 100 of release 7, and 10 added, and 5 removed',
      };
    },
  },
  {
    rule: 'D13',
    apart: 'a rollback with the content of the release that it names, and with another content',
    pair: async (past) => {
      const prev = await past.log(release(8, { prev: await seven(past) }));
      const rollback = { toSequence: 7, reason: 'false positives' };
      return {
        inside: release(9, { prev, rollback, contentDigest: digest(7) }),
        outside: { fields: { contentDigest: digest(6) } },
        field: 'contentDigest',
        found: hex(6),
        expected: `${hex(7)}, the content of release 7, to which it says to go back`,
      };
    },
  },
  {
    rule: 'D13',
    apart: 'a rollback to a release of the stream, and to one that the log has not',
    pair: async (past) => {
      const prev = await past.log(release(8, { prev: await seven(past) }));
      const rollback = { toSequence: 7, reason: 'false positives' };
      return {
        inside: release(9, { prev, rollback, contentDigest: digest(7) }),
        outside: { fields: { rollback: { ...rollback, toSequence: 6 } } },
        field: 'rollback.toSequence',
        found: '6, which this log has not',
        expected: 'a release of the stream here',
      };
    },
  },
];
