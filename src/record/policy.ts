// Record type `policy`: who may log what in a namespace, from this entry's index on. A policy is complete: roles,
// requirements and parameters that it does not state are no longer in force. Root keys alone stay until others are stated.
//
// Entry 0 of a log is the first policy of the log's own namespace, the genesis: signed by root keys that it names itself.
// It binds what the log is (`log`) and by which rules it is to be judged (`rules`).
//
// A role's keys are those that its policy lists, and what key events of this namespace have made of them since. Two
// roles are in no list, as no policy makes them: `root`, which signs policies, and in the log's own namespace `log`.

import { chainFields, checkLink, LINK_KEYWORDS } from './chain.ts';
import { FieldError } from './field-error.ts';
import {
  checkDistinct,
  distinct,
  list,
  name,
  named,
  object,
  oneOf,
  optional,
  required,
  uint,
  type Values,
} from './fields.ts';
import { anyOneOf } from './form.ts';
import {
  approvals,
  checkThreshold,
  kid,
  LOG_ROLE,
  origin,
  publicKeys,
  roleName,
  ROOT_ROLE,
  rootKeys,
  vkey,
  vkeyName,
} from './key-kinds.ts';
import { grantedType, requirement } from './require.ts';
import { count, joined } from './words.ts';

const role = named(
  'role',
  object(
    {
      role: required(roleName, 'Not `root` and not `log`, which no policy makes.'),
      types: required(distinct(grantedType), 'The types of the records that its keys may sign.'),
      keys: optional(distinct(kid), 'Whom it begins with. Key events bring the bytes of these keys, and more keys.'),
      products: optional(distinct(name), 'Of a record about a product: one of these. Absent: any.'),
      sites: optional(distinct(name), 'Of a record that names where it was made: only these. Absent: any.'),
      issuers: optional(distinct(name), 'Of any record: its issuer is one of these. Absent: any.'),
      threshold: optional(uint(64, 1), 'How many of its keys have to sign together. Absent: 1.'),
    },
    (value) => {
      if (value.role === ROOT_ROLE || value.role === LOG_ROLE) {
        throw FieldError.inside('role', FieldError.of(value.role, 'is a role that no policy makes'));
      }
      if (value.keys !== undefined) checkThreshold(value.threshold ?? 1, value.keys.length);
    },
    { not: { properties: { role: { enum: [ROOT_ROLE, LOG_ROLE] } }, required: ['role'] } },
  ),
  'Keys, and what they may sign.',
);

const log = named(
  'log',
  object(
    {
      origin: required(origin),
      vkeys: required(distinct(vkey, 16), 'The keys that sign its checkpoints; all are named by the origin.'),
      statementKeys: required(publicKeys, 'The keys of the role `log`: they sign its log events.'),
      channelHead: optional(vkey, 'The key that signs its channel heads; it is named `<origin>/channel`.'),
    },
    (value) => {
      const foreign = value.vkeys.findIndex((key) => vkeyName(key) !== value.origin);
      if (foreign >= 0) {
        const theirs = vkeyName(value.vkeys[foreign]!);
        throw new FieldError(`is named "${theirs}", not by the origin "${value.origin}"`, `vkeys[${foreign}]`);
      }
      if (value.channelHead !== undefined && vkeyName(value.channelHead) !== `${value.origin}/channel`) {
        const theirs = vkeyName(value.channelHead);
        throw new FieldError(`is named "${theirs}", not "${value.origin}/channel"`, 'channelHead');
      }
    },
  ),
  'What a log is called, and the keys with which it speaks.',
);

const positive = uint(Number.MAX_SAFE_INTEGER, 1);

/** The numbers of rules that have one. They are what a monitor goes by unless the rules make them a condition. */
const PARAMETERS = {
  rebuildDays: optional(positive, 'A build is to be rebuilt by somebody else within so many days.'),
  deltaLimit: optional(positive, 'So many delta releases may follow one another without a full one.'),
  removalPercent: optional(uint(100), 'A release may remove so much of the one before it.'),
  cadenceSeconds: optional(positive, 'A stream has a release at least so often.'),
  skewSeconds: optional(positive, 'The channels of a product are at most so far apart.'),
  supervisionDays: optional(positive, 'What is supervised is attested within so many days.'),
  iatWindowSeconds: optional(positive, 'A record is logged at most so long after it was signed.'),
  heartbeatSeconds: optional(positive, 'The log writes a heartbeat at least so often.'),
};

const parameters = named(
  'parameters',
  object(
    PARAMETERS,
    (value) => {
      if (Object.keys(value).length === 0) throw new FieldError('states none of them; leave the field out instead');
    },
    anyOneOf(...Object.keys(PARAMETERS)),
  ),
  'The numbers of rules that have one.',
);

const fields = {
  ...chainFields,
  log: optional(log, 'The log itself; in entry 0 and nowhere else.'),
  rules: optional(oneOf('v1'), 'The version of the rules; required beside `log`.'),
  root: optional(rootKeys, 'The root keys from here on. Required beside `log`; absent: they stay as they are.'),
  roles: optional(list(role), 'Absent: only the root keys may sign anything.'),
  require: optional(list(requirement), 'One row a type at most.'),
  parameters: optional(parameters),
  approvals: optional(approvals),
};

export type PolicyFields = Values<typeof fields>;

function rule(f: PolicyFields): void {
  checkLink(f);
  if (f.log !== undefined) {
    if (f.sequence !== 1) throw new FieldError('says what the log is, which only its first policy does', 'log');
    for (const field of ['rules', 'root'] as const) {
      if (f[field] === undefined) throw new FieldError('is missing beside log', field);
    }
  }
  checkOnce(
    'roles',
    f.roles?.map((row) => row.role),
  );
  checkOnce(
    'require',
    f.require?.map((row) => row.type),
  );
}

function checkOnce(field: string, names: readonly string[] = []): void {
  try {
    checkDistinct(names);
  } catch (error) {
    throw FieldError.inside(field, error);
  }
}

export const policy = {
  type: 'policy',
  summary: 'Who may log what in a namespace, from this entry on; entry 0 of a log says what the log itself is.',
  payload: object(fields, rule, {
    ...LINK_KEYWORDS,
    dependentRequired: { log: ['rules', 'root'] },
    dependentSchemas: { log: { properties: { sequence: { const: 1 } } } },
  }),
  identity: (f: PolicyFields): string => String(f.sequence),
  describe(f: PolicyFields): string {
    const about = f.log === undefined ? 'Policy' : `Genesis of the log ${f.log.origin}, with the policy`;
    const roles = f.roles?.map(({ role: called, types }) => `${called} signs ${joined(types)}`) ?? [];
    const root = f.root && `root keys, ${f.root.threshold} of ${f.root.keys.length} to sign`;
    const needs = f.require?.map(({ type, fields: needed }) => `every ${type} has ${joined(needed)}`) ?? [];
    const parts = [...(root === undefined ? [] : [root]), ...roles, ...needs];
    const what = parts.length === 0 ? 'only the root keys may sign' : parts.join('; ');
    return `${about} (number ${count(f.sequence)} of its chain): ${what}.`;
  },
} as const;
