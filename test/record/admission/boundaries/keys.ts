// Which key may sign what, and until when: D15, D16.

import { toHex } from '../../../../src/bytes.ts';
import { kid, publicKey, T0 } from '../../../support/admission-world.ts';
import { build, entry, type Boundary } from '../../../support/boundary.ts';

const named = (name: string): string => toHex(kid(name));

export const KEYS: readonly Boundary[] = [
  {
    rule: 'D15',
    apart: 'a build by a key of the role for builds, and by one of the role for keys and sites',
    pair: () => ({
      inside: entry('rel', 'build', build('1', 1)),
      outside: { by: 'clerk' },
      field: 'typ',
      found: 'build',
      expected: 'key-event, site: what the role office signs',
    }),
  },
  {
    rule: 'D15',
    apart: 'a build by a key of the namespace, and by a key that nobody has brought into it',
    pair: () => ({
      inside: entry('rel', 'build', build('1', 1)),
      outside: { by: 'nobody' },
      field: 'kid',
      found: named('nobody'),
      expected: 'a key that the policy or a key-event of log has brought',
    }),
  },
  {
    rule: 'D15',
    apart: 'a build of the product that the role is for, and of another one',
    pair: () => ({
      inside: entry('rel', 'build', build('1', 1)),
      outside: { fields: { product: 'aw' } },
      field: 'product',
      found: '"aw"',
      expected: '"av": the products of the role release',
    }),
  },
  {
    rule: 'D15',
    apart: 'a build by the issuer that the role is for, and by another one',
    pair: () => ({
      inside: entry('rel', 'build', build('1', 1), { issuer: 'Vendor AG' }),
      outside: { issuer: 'Vendor AB' },
      field: 'iss',
      found: '"Vendor AB"',
      expected: '"Vendor AG": the issuers of release',
    }),
  },
  {
    rule: 'D15',
    apart: 'the last second in which a key signs, and the one after it',
    pair: async (past) => {
      await past.join('seasonal', 'release', { validFrom: T0, validUntil: T0 });
      return {
        inside: entry('seasonal', 'build', build('1', 1), { iat: T0 }),
        outside: { iat: T0 + 1 },
        field: 'iat',
        found: '2027-01-15T08:00:01Z',
        expected: `2027-01-15T08:00:00Z or earlier, until when key ${named('seasonal')} signs`,
      };
    },
  },
  {
    rule: 'D15',
    apart: 'the first second in which a key signs, and the one before it',
    pair: async (past) => {
      await past.join('seasonal', 'release', { validFrom: T0, validUntil: T0 });
      return {
        inside: entry('seasonal', 'build', build('1', 1), { iat: T0 }),
        outside: { iat: T0 - 1 },
        field: 'iat',
        found: '2027-01-15T07:59:59Z',
        expected: `2027-01-15T08:00:00Z or later, from when key ${named('seasonal')} signs`,
      };
    },
  },
  {
    rule: 'D15',
    apart: 'a key that joins a role of the policy, and one that the policy has not',
    pair: (past) => ({
      inside: entry('clerk', 'key-event', { ...past.link(), action: 'add', role: 'others', ...publicKey('new') }),
      outside: { fields: { role: 'other' } },
      field: 'role',
      found: 'other',
      expected: 'one of root, log, release, office, board, others',
    }),
  },
  {
    rule: 'D16',
    apart: 'a build right before the entry that ends its key, and right after',
    pair: (past) => ({
      inside: entry('rel', 'build', build('1', 1)),
      outside: { after: [entry('clerk', 'key-event', { ...past.link(), action: 'revoke', kid: kid('rel') })] },
      field: 'kid',
      found: `${named('rel')}, dead since entry ${past.world.size}`,
      expected: 'a key of log that is alive',
    }),
  },
  {
    rule: 'D16',
    apart: 'the end of a key that the namespace has, and of one that it has not',
    pair: (past) => ({
      inside: entry('clerk', 'key-event', { ...past.link(), action: 'revoke', kid: kid('rel') }),
      outside: { fields: { kid: kid('nobody') } },
      field: 'kid',
      found: `${named('nobody')}, which log has not`,
      expected: 'one of its keys',
    }),
  },
  {
    rule: 'D16',
    apart: 'a key that joins a further role with the limit that it has, and with a second more',
    pair: async (past) => {
      await past.join('seasonal', 'release', { validUntil: T0 });
      const further = { ...past.link(), action: 'add', role: 'others', ...publicKey('seasonal') } as const;
      return {
        inside: entry('clerk', 'key-event', { ...further, validUntil: T0 }),
        outside: { fields: { validUntil: T0 + 1 } },
        field: 'validUntil',
        found: '2027-01-15T08:00:01Z',
        expected: `2027-01-15T08:00:00Z, as key ${named('seasonal')} has it, or nothing; other limits take another key`,
      };
    },
  },
];
