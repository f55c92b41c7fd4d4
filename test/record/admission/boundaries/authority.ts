// Who decides: rules A01 to A10.

import { toHex } from '../../../../src/bytes.ts';
import type { FieldsOf } from '../../../../src/record/index.ts';
import { kid, rootKeys, T0 } from '../../../support/admission-world.ts';
import { build, entry, hash, hex, joining, Past, type Boundary, type Entry } from '../../../support/boundary.ts';

const named = (name: string): string => toHex(kid(name));

const site = (past: Past, more: Partial<FieldsOf<'site'>> = {}): Entry =>
  entry('clerk', 'site', { ...past.link(), siteId: 'gva', kinds: ['build'], country: 'CH', ...more });

const promise = (approvals: readonly string[]): Entry =>
  entry('b1', 'commitment', { commitmentId: 'c', kind: 'process', subject: 's' }, { approvals });

const heartbeat = (past: Past): FieldsOf<'log-event'>['heartbeat'] & object => {
  const { sequence, prev } = past.link();
  const { size, roots } = past.world;
  const heads = [{ namespace: 'log', sequence: sequence - 1, leafHash: prev! }];
  return { size, rootHash: roots.at(size), heads };
};

const incident = entry('log', 'log-event', { incident: { incidentId: 'i', summary: 's' } });

export const AUTHORITY: readonly Boundary[] = [
  {
    rule: 'A01',
    apart: 'entry 0, signed by the root key that it names, and by another key',
    isFirst: true,
    pair: () => ({
      inside: entry('root', 'policy', Past.genesis()),
      outside: { by: 'rel' },
      field: 'kid',
      found: 'signed by keys that are not its root keys',
      expected: 'signatures of its root keys alone',
    }),
  },
  {
    rule: 'A01',
    apart: 'entry 0 with two root keys that have to sign, and without the approval of the second',
    isFirst: true,
    pair: () => ({
      inside: entry('root', 'policy', Past.genesis({}, rootKeys(2, 'root', 'rel')), { approvals: ['rel'] }),
      outside: { approvals: [] },
      field: 'approvals',
      found: 'signed by 1 root keys',
      expected: 'the signatures of 2, no more and no less',
    }),
  },
  {
    rule: 'A01',
    apart: 'the first policy of a namespace that joined, and one that says what the log is',
    pair: async (past) => {
      await past.admit('acme', 'acme');
      const { log, ...fields } = Past.genesis();
      return {
        inside: entry('acme', 'policy', fields, { namespace: 'acme' }),
        outside: { fields: { log } },
        field: 'log',
        found: `at index ${past.world.size}`,
        expected: 'no such field: only entry 0 says what the log is',
      };
    },
  },
  {
    rule: 'A02',
    apart: 'a build in a namespace that joined, and in one that did not',
    pair: async (past) => {
      await past.admit('acme', 'acme');
      return {
        inside: entry('acme', 'build', build('1', 1), { namespace: 'acme' }),
        outside: { namespace: 'acne' },
        field: 'sub',
        found: 'of namespace acne',
        expected: 'a namespace that a membership has admitted',
      };
    },
  },
  {
    rule: 'A02',
    apart: 'a build right before its namespace leaves the log, and right after',
    pair: async (past) => {
      await past.admit('acme', 'acme');
      const leave = { ...past.link(), action: 'leave', namespace: 'acme' } as const;
      return {
        inside: entry('acme', 'build', build('1', 1), { namespace: 'acme' }),
        outside: { after: [entry('root', 'membership', leave)] },
        field: 'sub',
        found: 'of namespace acme',
        expected: `nothing: the namespace left the log with entry ${past.world.size}`,
      };
    },
  },
  {
    rule: 'A03',
    apart: 'the next number of the chain, and the one after it',
    pair: (past) => ({
      inside: site(past),
      outside: { fields: { sequence: 9 } },
      field: 'sequence',
      found: `9 with prev ${toHex(past.link().prev!)}`,
      expected: `sequence 8 and prev ${toHex(past.link().prev!)}, the chain's last entry`,
    }),
  },
  {
    rule: 'A03',
    apart: 'the leaf hash of the last entry of the chain, and another one',
    pair: (past) => ({
      inside: site(past),
      outside: { fields: { prev: hash(9) } },
      field: 'sequence',
      found: `8 with prev ${hex(9)}`,
      expected: `sequence 8 and prev ${toHex(past.link().prev!)}, the chain's last entry`,
    }),
  },
  {
    rule: 'A04',
    apart: 'two keys of a role of which two have to sign, and one',
    pair: () => ({
      inside: promise(['b2']),
      outside: { approvals: [] },
      field: 'approvals',
      found: 'signed by 1 of the keys of the role board',
      expected: 'signed by 2 of them, and by no other key',
    }),
  },
  {
    rule: 'A04',
    apart: 'two keys of a role of which two have to sign, and three',
    pair: () => ({
      inside: promise(['b2']),
      outside: { approvals: ['b2', 'b3'] },
      field: 'approvals',
      found: 'signed by 3 of the keys of the role board',
      expected: 'signed by 2 of them, and by no other key',
    }),
  },
  {
    rule: 'A04',
    apart: 'the approval of another key, and of the same key again',
    pair: () => ({
      inside: promise(['b2']),
      outside: { approvals: ['b1'] },
      field: 'approvals[0].kid',
      found: 'the key of the statement',
      expected: 'another key',
    }),
  },
  {
    rule: 'A05',
    apart: 'a policy that the root key signed, and one that a key did which brings others in',
    pair: (past) => ({
      inside: entry('root', 'policy', past.link()),
      outside: { by: 'clerk' },
      field: 'kid',
      found: `signed by key ${named('clerk')}, which is no root key of log`,
      expected: 'the signatures of 1 of its root keys',
    }),
  },
  {
    rule: 'A06',
    apart: 'the end of a key, and of the only root key',
    pair: (past) => ({
      inside: entry('root', 'key-event', { ...past.link(), action: 'revoke', kid: kid('rel') }),
      outside: { fields: { kid: kid('root') } },
      field: 'kid',
      found: `${named('root')}, and 0 root keys would be left`,
      expected: 'a key-event after which 1 live: rotate it, or state other root keys in a policy',
    }),
  },
  {
    rule: 'A07',
    apart: 'a namespace that joins, and one that had joined',
    pair: async (past) => {
      await past.admit('acme', 'acme');
      return {
        inside: entry('root', 'membership', joining(past, 'acne', 'other')),
        outside: { fields: { namespace: 'acme' } },
        field: 'namespace',
        found: 'acme, which is in the log',
        expected: 'a namespace that was never in the log',
      };
    },
  },
  {
    rule: 'A08',
    apart: 'a heartbeat about the tree of now, and about one that is an entry larger',
    pair: (past) => {
      const { size, ...rest } = heartbeat(past);
      return {
        inside: entry('log', 'log-event', { heartbeat: { size, ...rest } }),
        outside: { fields: { heartbeat: { size: size + 1, ...rest } } },
        field: 'heartbeat.size',
        found: String(size + 1),
        expected: `at most ${size}, the entries before this one`,
      };
    },
  },
  {
    rule: 'A08',
    apart: 'a heartbeat with the last entry of a chain as its head, and with another leaf in its place',
    pair: (past) => {
      const { heads, ...rest } = heartbeat(past);
      const { size } = rest;
      return {
        inside: entry('log', 'log-event', { heartbeat: { heads, ...rest } }),
        outside: { fields: { heartbeat: { heads: [{ ...heads[0]!, leafHash: hash(9) }], ...rest } } },
        field: 'heartbeat.heads[0]',
        found: `7, ${hex(9)} of log`,
        expected: `a link of that chain before size ${size}`,
      };
    },
  },
  {
    rule: 'A08',
    apart: 'what the log says in its own namespace, and in that of a vendor who has the same key',
    pair: async (past) => {
      await past.admit('acme', 'log');
      return {
        inside: incident,
        outside: { namespace: 'acme' },
        field: 'sub',
        found: 'of namespace acme',
        expected: "the log's own namespace, log",
      };
    },
  },
  {
    rule: 'A09',
    apart: 'an end of the log with the very entry that says so, and an end before it',
    pair: (past) => {
      const { size } = past.world;
      return {
        inside: entry('log', 'log-event', { shutdown: { finalSize: size + 1 } }, { approvals: ['root'] }),
        outside: { fields: { shutdown: { finalSize: size } } },
        field: 'shutdown.finalSize',
        found: String(size),
        expected: `${size + 1} or more, with this entry`,
      };
    },
  },
  {
    rule: 'A09',
    apart: 'the last entry that the log said it would have, and the one after it',
    pair: async (past) => {
      const finalSize = past.world.size + 2;
      await past.log(entry('log', 'log-event', { shutdown: { finalSize } }, { approvals: ['root'] }));
      return {
        inside: entry('rel', 'build', build('1', 1)),
        outside: { after: [entry('rel', 'build', build('2', 2))] },
        field: 'typ',
        found: `entry ${finalSize}`,
        expected: `nothing: the log ended with ${finalSize} entries`,
      };
    },
  },
  {
    rule: 'A10',
    apart: 'a build with the field that the policy requires, and without',
    pair: async (past) => {
      await past.policy({ require: [{ type: 'build', fields: ['finishedAt'] }] });
      return {
        inside: entry('rel', 'build', build('1', 1, { finishedAt: T0 })),
        outside: { fields: { finishedAt: undefined } },
        field: 'finishedAt',
        found: 'missing',
        expected: 'what the policy of log requires of every build: finishedAt',
      };
    },
  },
];
