// What records say of one another: one identity, one set of digests (D01), sources (D03, D04), who checks whom (D07), what
// was taken back (D23), references (D25).

import { toHex } from '../../../../src/bytes.ts';
import { portableHasher } from '../../../../src/merkle/hash.ts';
import type { FieldsOf } from '../../../../src/record/index.ts';
import { kid } from '../../../support/admission-world.ts';
import { build, digest, entry, hash, hex, type Boundary, type Past } from '../../../support/boundary.ts';

const artifact = (fill: number) => [{ digest: digest(fill) }];
/** The digest of a set of one file. */
const setOf = (fill: number): string => toHex(portableHasher.sha256(hash(fill)));

const snapshot = (version: string, more: Partial<FieldsOf<'source-snapshot'>> = {}): FieldsOf<'source-snapshot'> => ({
  product: 'av',
  version,
  treeDigest: digest(5),
  ...more,
});

const logBuild = (past: Past, version: string, fill: number) => past.log(entry('rel', 'build', build(version, fill)));

const REBUILDER = { issuer: 'Rebuilder Org' };

export const CONTENT: readonly Boundary[] = [
  {
    rule: 'D01',
    apart: 'the same build once more with the same file, and with another one',
    pair: async (past) => {
      await logBuild(past, '1', 1);
      return {
        inside: entry('rel', 'build', build('1', 1, { buildType: 'again' })),
        outside: { fields: { artifacts: artifact(2) } },
        field: 'artifacts',
        found: `of digest ${setOf(2)}`,
        expected: `of digest ${setOf(1)}, as entry ${past.world.size - 1} says, or another version`,
      };
    },
  },
  {
    rule: 'D01',
    apart: 'the same source once more with the same tree, and with another one',
    pair: async (past) => {
      await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      return {
        inside: entry('rel', 'source-snapshot', snapshot('1', { archiveDigest: digest(6) })),
        outside: { fields: { treeDigest: digest(7) } },
        field: 'treeDigest',
        found: `of digest ${hex(7)}`,
        expected: `of digest ${hex(5)}, as entry ${past.world.size - 1} says, or another version`,
      };
    },
  },
  {
    rule: 'D03',
    apart: 'a build with a source that was logged before, and with one that was not',
    pair: async (past) => {
      const source = await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      return {
        inside: entry('rel', 'build', build('1', 1, { source })),
        outside: { fields: { source: hash(9) } },
        field: 'source',
        found: `${hex(9)}, which is no entry yet`,
        expected: 'the leaf hash of a source-snapshot of this log',
      };
    },
  },
  {
    rule: 'D03',
    apart: 'a build with a source where the policy requires one, and without',
    pair: async (past) => {
      await past.policy({ require: [{ type: 'build', fields: ['source'] }] });
      const source = await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      return {
        inside: entry('rel', 'build', build('1', 1, { source })),
        outside: { fields: { source: undefined } },
        field: 'source',
        found: 'missing',
        expected: 'what the policy of log requires of every build: source',
      };
    },
  },
  {
    rule: 'D04',
    apart: 'a build from the source of its version, and from that of another one',
    pair: async (past) => {
      const source = await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      return {
        inside: entry('rel', 'build', build('1', 1, { source })),
        outside: { fields: { version: '2' } },
        field: 'source',
        found: `entry ${past.world.size - 1}, the source of another product or version`,
        expected: 'the leaf hash of a source-snapshot about log/source-snapshot/av/2',
      };
    },
  },
  {
    rule: 'D07',
    apart: 'a rebuild by another issuer than the build’s, and by the same',
    pair: async (past) => {
      const built = await logBuild(past, '1', 1);
      return {
        inside: entry('other', 'rebuild', { build: built, result: 'match' }, REBUILDER),
        outside: { issuer: 'Vendor AG' },
        field: 'build',
        found: `of the issuer of entry ${past.world.size - 1} itself`,
        expected: 'an entry of another issuer',
      };
    },
  },
  {
    rule: 'D07',
    apart: 'a rebuild by another key than the build’s, and by the same',
    pair: async (past) => {
      const built = await past.log(entry('root', 'build', build('1', 1)));
      return {
        inside: entry('other', 'rebuild', { build: built, result: 'match' }, REBUILDER),
        outside: { by: 'root' },
        field: 'build',
        found: `signed by ${toHex(kid('root'))}, which signed entry ${past.world.size - 1} too`,
        expected: 'an entry that another key signed',
      };
    },
  },
  {
    rule: 'D23',
    apart: 'a rebuild that is taken back by its issuer, and by another one',
    pair: async (past) => {
      const built = await logBuild(past, '1', 1);
      const target = await past.log(entry('other', 'rebuild', { build: built, result: 'match' }, REBUILDER));
      return {
        inside: entry('other', 'retraction', { target, kind: 'retract' }, REBUILDER),
        outside: { issuer: 'Rebuilder Orb' },
        field: 'iss',
        found: '"Rebuilder Orb"',
        expected: `"Rebuilder Org", the issuer of entry ${past.world.size - 1}`,
      };
    },
  },
  {
    rule: 'D23',
    apart: 'a further step upwards of what was taken back, and the same step again',
    pair: async (past) => {
      const target = await logBuild(past, '1', 1);
      const index = past.world.size - 1;
      await past.log(entry('rel', 'retraction', { target, kind: 'retract' }));
      return {
        inside: entry('rel', 'retraction', { target, kind: 'recall', reason: 'wrong' }),
        outside: { fields: { kind: 'retract' } },
        field: 'kind',
        found: `retract entry ${index}, which was retracted`,
        expected: 'to be recalled, or another entry',
      };
    },
  },
  {
    rule: 'D23',
    apart: 'a new build of another file than the one that was recalled, and of that file',
    pair: async (past) => {
      const target = await logBuild(past, '1', 1);
      await past.log(entry('rel', 'retraction', { target, kind: 'recall' }));
      return {
        inside: entry('rel', 'build', build('2', 2)),
        outside: { fields: { artifacts: artifact(1) } },
        field: 'artifacts',
        found: `what entry ${past.world.size - 1} recalled`,
        expected: 'content that was not recalled',
      };
    },
  },
  {
    rule: 'D23',
    apart: 'a build right before its source is retracted, and right after',
    pair: async (past) => {
      const source = await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      return {
        inside: entry('rel', 'build', build('1', 1, { source })),
        outside: { after: [entry('rel', 'retraction', { target: source, kind: 'retract' })] },
        field: 'source',
        found: `entry ${past.world.size - 1}, which was retracted`,
        expected: 'an entry that stands',
      };
    },
  },
  {
    rule: 'D23',
    apart: 'a build that stands in the place of a build, and a source that does',
    pair: async (past) => {
      const source = await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      const target = await logBuild(past, '1', 1);
      const replacement = await logBuild(past, '2', 2);
      return {
        inside: entry('rel', 'retraction', { target, kind: 'supersede', replacement }),
        outside: { fields: { replacement: source } },
        field: 'replacement',
        found: `a source-snapshot (entry ${past.world.size - 3})`,
        expected: 'the leaf hash of a build',
      };
    },
  },
  {
    rule: 'D25',
    apart: 'a build that follows a build, and one that follows what is no entry',
    pair: async (past) => {
      const previous = await logBuild(past, '1', 1);
      return {
        inside: entry('rel', 'build', build('2', 2, { previous })),
        outside: { fields: { previous: hash(9) } },
        field: 'previous',
        found: `${hex(9)}, which is no entry yet`,
        expected: 'the leaf hash of a build of this log',
      };
    },
  },
  {
    rule: 'D25',
    apart: 'a rebuild of a build, and of a source',
    pair: async (past) => {
      const source = await past.log(entry('rel', 'source-snapshot', snapshot('1')));
      const built = await logBuild(past, '1', 1);
      return {
        inside: entry('other', 'rebuild', { build: built, result: 'match' }, REBUILDER),
        outside: { fields: { build: source } },
        field: 'build',
        found: `a source-snapshot (entry ${past.world.size - 2})`,
        expected: 'the leaf hash of a build',
      };
    },
  },
];
