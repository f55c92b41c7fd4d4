// Where something was: sites that records name (D17, D25, D29), and trees of the log itself (D21).

import { T0 } from '../../../support/admission-world.ts';
import { toHex } from '../../../../src/bytes.ts';
import { build, entry, hash, hex, type Boundary } from '../../../support/boundary.ts';

export const PLACES: readonly Boundary[] = [
  {
    rule: 'D17',
    apart: 'the last second in which the site was open where the build was made, and the one when it was closed',
    pair: async (past) => {
      await past.site('zrh', ['build'], { closedAt: T0 });
      return {
        inside: entry('rel', 'build', build('1', 1, { buildSite: 'zrh', finishedAt: T0 - 1 })),
        outside: { fields: { finishedAt: T0 } },
        field: 'buildSite',
        found: '"zrh" at 2027-01-15T08:00:00Z',
        expected: 'a site that was open then; this one closed at 2027-01-15T08:00:00Z',
      };
    },
  },
  {
    rule: 'D17',
    apart: 'a site for building, and one for signing',
    pair: async (past) => {
      await past.site('zrh', ['build']);
      await past.site('gva', ['signing']);
      return {
        inside: entry('rel', 'build', build('1', 1, { buildSite: 'zrh' })),
        outside: { fields: { buildSite: 'gva' } },
        field: 'buildSite',
        found: '"gva", a site for signing',
        expected: 'a site for build',
      };
    },
  },
  {
    rule: 'D17',
    apart: 'the only site where the key signs, and another one',
    pair: async (past) => {
      await past.site('zrh', ['signing']);
      await past.site('gva', ['signing']);
      await past.join('settled', 'release', { site: 'zrh' });
      return {
        inside: entry('settled', 'build', build('1', 1, { signSite: 'zrh' })),
        outside: { fields: { signSite: 'gva' } },
        field: 'signSite',
        found: '"gva"',
        expected: '"zrh", the only site where its key signs',
      };
    },
  },
  {
    rule: 'D21',
    apart: 'a supervision of a range of the tree of now, and of one that is an entry larger',
    pair: ({ world: { size, roots } }) => {
      const range = { from: 0, to: 1, size, rootHash: roots.at(size) };
      return {
        inside: entry('other', 'supervision', { supervisionId: 's', kind: 'audit', result: 'conform', range }),
        outside: { fields: { range: { ...range, size: size + 1 } } },
        field: 'range.size',
        found: String(size + 1),
        expected: `at most ${size}, the entries before this one`,
      };
    },
  },
  {
    rule: 'D21',
    apart: 'the root that the log had at that size, and another one',
    pair: ({ world: { size, roots } }) => {
      const range = { from: 0, to: 1, size, rootHash: roots.at(size) };
      return {
        inside: entry('other', 'supervision', { supervisionId: 's', kind: 'audit', result: 'conform', range }),
        outside: { fields: { range: { ...range, rootHash: hash(9) } } },
        field: 'range.rootHash',
        found: hex(9),
        expected: `${toHex(roots.at(size))}, the root of this log at size ${size}`,
      };
    },
  },
  {
    rule: 'D25',
    apart: 'a site that was logged before, and one that was not',
    pair: async (past) => {
      await past.site('zrh', ['build']);
      return {
        inside: entry('rel', 'build', build('1', 1, { buildSite: 'zrh' })),
        outside: { fields: { buildSite: 'zrg' } },
        field: 'buildSite',
        found: '"zrg", which is no site yet',
        expected: 'the siteId of a site record of log: log that first',
      };
    },
  },
  {
    rule: 'D29',
    apart: 'a review that began when its centre opened, and one that began a second before',
    pair: async (past) => {
      await past.site('tc', ['transparency-centre'], { openedAt: T0 });
      return {
        inside: entry('rel', 'review', { reviewId: 'r', site: 'tc', reviewerClass: 'partner', startedAt: T0 }),
        outside: { fields: { startedAt: T0 - 1 } },
        field: 'site',
        found: '"tc" at 2027-01-15T07:59:59Z',
        expected: 'a site that was open then; this one opened at 2027-01-15T08:00:00Z',
      };
    },
  },
  {
    rule: 'D29',
    apart: 'a review of an entry of the log, and of none',
    pair: async (past) => {
      await past.site('tc', ['transparency-centre']);
      const built = await past.log(entry('rel', 'build', build('1', 1)));
      const review = { reviewId: 'r', site: 'tc', reviewerClass: 'partner' } as const;
      return {
        inside: entry('rel', 'review', { ...review, refs: [built] }),
        outside: { fields: { refs: [hash(9)] } },
        field: 'refs[0]',
        found: `${hex(9)}, which is no entry yet`,
        expected: 'the leaf hash of an entry of this log',
      };
    },
  },
];
