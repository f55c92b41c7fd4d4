// The admission chain: entries that decide who may log what, and what they change in the state.

import { equalBytes, toHex } from '../../../bytes.ts';
import { parseCoseKey } from '../../../cose/key.ts';
import { keyKey, linkKey, LOG_KEY, namespaceKey, siteKey, type StateKey } from '../../admission/keys.ts';
import { Refused } from '../../admission/decision.ts';
import {
  keyValue,
  linkValue,
  logValue,
  namespaceValue,
  siteValue,
  type KeyState,
  type NamespaceState,
} from '../../admission/values.ts';
import { approvalsOf } from '../../approval.ts';
import { CHAIN_TYPES, type ChainType } from '../../chain.ts';
import { LOG_ROLE, ROOT_ROLE, type PublicKey } from '../../key-kinds.ts';
import type { KeyEventFields } from '../../key-event.ts';
import type { MembershipFields } from '../../membership.ts';
import type { PolicyFields } from '../../policy.ts';
import { formatTime } from '../../time.ts';
import type { LimmatRecord } from '../../types.ts';
import { quoted, type Case } from './case.ts';
import { isInRole } from './authority.ts';

type Link = Extract<LimmatRecord, { readonly type: ChainType }>;

/** True for the record types whose entries are links of their namespace's admission chain. */
export function isLink(record: LimmatRecord): record is Link {
  return CHAIN_TYPES.some((type) => type === record.type);
}

/** The keys of what a link changes or replaces. */
export function chainKeys(record: LimmatRecord): StateKey[] {
  const { namespace } = record;
  switch (record.type) {
    case 'policy':
      return [...keysNamed(record.fields).values()].map(({ kid }) => keyKey(namespace, kid));
    case 'key-event': {
      const { kid, previousKid } = record.fields;
      return [kid, ...(previousKid === undefined ? [] : [previousKid])].map((id) => keyKey(namespace, id));
    }
    case 'membership':
      return [namespaceKey(record.fields.namespace)];
    default:
      return [];
  }
}

const NEW_KEY: KeyState = Object.freeze({
  deadAt: null,
  alg: null,
  key: null,
  roles: new Map(),
  site: null,
  validFrom: null,
  validUntil: null,
});

/** Entry 0: the first policy of the log's own namespace, signed by root keys that it names itself (A01). */
export function admitGenesis(judged: Case): void {
  const { record, kid, alg } = judged.statement;
  if (record.type !== 'policy' || record.fields.log === undefined) {
    throw new Refused('A01', 'typ', `a ${record.type} at index 0`, 'the genesis: a policy that has the field log');
  }
  const { fields } = record;
  const root = fields.root!;
  const signers = [kid, ...approvalsOf(record).map((approval) => approval.kid)];
  const ids = new Set(signers.map(toHex));
  const known = root.keys.filter((key) => ids.has(toHex(key.kid)));
  const own = known.find((key) => equalBytes(key.kid, kid));
  if (own === undefined || known.length !== signers.length) {
    throw new Refused('A01', 'kid', 'signed by keys that are not its root keys', 'signatures of its root keys alone');
  }
  if (parseCoseKey(own.key).alg !== alg) {
    throw new Refused('A01', 'alg', String(alg), 'the algorithm of the root key that signs it');
  }
  if (known.length !== root.threshold) {
    const expected = `the signatures of ${root.threshold}, no more and no less`;
    throw new Refused('A01', 'approvals', `signed by ${known.length} root keys`, expected);
  }
  const { namespace } = record;
  judged.write(LOG_KEY, logValue.format({ rules: fields.rules!, namespace, finalSize: null }));
  const empty: NamespaceState = {
    leftAt: null,
    sequence: 0,
    head: null,
    policy: 0,
    root: { since: 0, threshold: 1, keys: 0 },
    roles: [],
    require: [],
    deltaLimit: null,
  };
  writeLink(judged, 1, applyPolicy(judged, empty, fields));
}

/** Judges the link's place in its chain (A03) and applies what it says. Who may sign it is judged before. */
export function extendChain(judged: Case, record: Link): void {
  const { own } = judged;
  const { sequence, prev } = record.fields;
  const expected =
    own.head === null
      ? 'sequence 1 and no prev'
      : `sequence ${own.sequence + 1} and prev ${toHex(own.head)}, the chain's last entry`;
  const isNext = sequence === own.sequence + 1 && (own.head === null || equalBytes(prev ?? new Uint8Array(), own.head));
  if (!isNext) {
    const found = prev === undefined ? `${sequence} without prev` : `${sequence} with prev ${toHex(prev)}`;
    throw new Refused('A03', 'sequence', found, expected);
  }
  writeLink(judged, sequence, applied(judged, record));
}

function writeLink(judged: Case, sequence: number, state: NamespaceState): void {
  const { statement, leafHash, index } = judged;
  judged.write(namespaceKey(statement.namespace), namespaceValue.format({ ...state, sequence, head: leafHash }));
  judged.write(linkKey(statement.namespace, sequence), linkValue.format({ index, leafHash }));
}

/** The namespace after the link. */
function applied(judged: Case, record: Link): NamespaceState {
  switch (record.type) {
    case 'policy':
      if (record.fields.log !== undefined) {
        throw new Refused('A01', 'log', `at index ${judged.index}`, 'no such field: only entry 0 says what the log is');
      }
      return applyPolicy(judged, judged.own, record.fields);
    case 'key-event':
      return applyKeyEvent(judged, record.fields);
    case 'site': {
      const { siteId, kinds, openedAt = null, closedAt = null } = record.fields;
      const key = siteKey(record.namespace, siteId, judged.hasher);
      judged.write(key, siteValue.format({ kinds, openedAt, closedAt }));
      return judged.own;
    }
    default:
      return applyMembership(judged, record.fields);
  }
}

interface NamedKey {
  readonly kid: Uint8Array;
  key: Uint8Array | undefined;
  readonly roles: string[];
}

/** Every key that a policy names, once, with the roles that it names it in. */
function keysNamed(f: PolicyFields): Map<string, NamedKey> {
  const named = new Map<string, NamedKey>();
  const add = (role: string, kid: Uint8Array, key?: Uint8Array): void => {
    const id = toHex(kid);
    const known = named.get(id) ?? { kid, key: undefined, roles: [] };
    named.set(id, known);
    known.key ??= key;
    known.roles.push(role);
  };
  for (const { kid, key } of f.root?.keys ?? []) add(ROOT_ROLE, kid, key);
  for (const { kid, key } of f.log?.statementKeys ?? []) add(LOG_ROLE, kid, key);
  for (const { role, keys = [] } of f.roles ?? []) for (const kid of keys) add(role, kid);
  return named;
}

function applyPolicy(judged: Case, state: NamespaceState, f: PolicyFields): NamespaceState {
  const { namespace } = judged.statement;
  const own = afterPolicy(state, f);
  for (const { kid, key, roles } of keysNamed(f).values()) {
    const known = judged.key(kid) ?? NEW_KEY;
    if (known.deadAt !== null) {
      const field = roles.includes(ROOT_ROLE) ? 'root' : 'roles';
      throw new Refused(
        'D16',
        field,
        `with key ${toHex(kid)}, dead since entry ${known.deadAt}`,
        'only keys that live',
      );
    }
    const joined = new Map([...rolesKept({ own }, known), ...roles.map((role) => [role, f.sequence] as const)]);
    judged.write(keyKey(namespace, kid), keyValue.format({ ...known, ...bytesOf(key, known), roles: joined }));
  }
  return own;
}

/** The namespace with what the policy says in the place of what the one before it said. */
function afterPolicy(state: NamespaceState, f: PolicyFields): NamespaceState {
  const { root, roles = [], require = [], parameters } = f;
  return {
    ...state,
    policy: f.sequence,
    root: root === undefined ? state.root : { since: f.sequence, threshold: root.threshold, keys: root.keys.length },
    roles: roles.map(({ role, types, threshold = 1, products = null, sites = null, issuers = null }) => ({
      role,
      types,
      threshold,
      products,
      sites,
      issuers,
    })),
    require,
    deltaLimit: parameters?.deltaLimit ?? null,
  };
}

/**
 * The roles that the key is in still. What ended with a policy is forgotten: the state of a key would grow with each policy
 * of its namespace otherwise, and every entry that it signs would read all of it.
 */
function rolesKept(namespace: Parameters<typeof isInRole>[0], key: KeyState): (readonly [string, number])[] {
  return [...key.roles].filter(([role]) => isInRole(namespace, key, role));
}

function bytesOf(key: Uint8Array | undefined, known: KeyState): Pick<KeyState, 'alg' | 'key'> {
  return key === undefined ? { alg: known.alg, key: known.key } : { alg: parseCoseKey(key).alg, key };
}

function applyKeyEvent(judged: Case, f: KeyEventFields): NamespaceState {
  const { own, index } = judged;
  const { namespace } = judged.statement;
  const known = judged.key(f.kid);
  const id = toHex(f.kid);
  if (known !== undefined && known.deadAt !== null) {
    throw new Refused('D16', 'kid', `${id}, dead since entry ${known.deadAt}`, 'a key that lives');
  }
  let rootKeys = own.root.keys;
  const end = (kid: Uint8Array, key: KeyState): void => {
    if (isInRole(judged, key, ROOT_ROLE)) rootKeys -= 1;
    judged.write(keyKey(namespace, kid), keyValue.format({ ...key, deadAt: index }));
  };
  if (f.role === undefined) {
    if (known === undefined) throw new Refused('D16', 'kid', `${id}, which ${namespace} has not`, 'one of its keys');
    end(f.kid, known);
  } else {
    checkRole(judged, f.role);
    if (f.previousKid !== undefined) {
      const previous = judged.key(f.previousKid);
      if (previous === undefined || !isInRole(judged, previous, f.role)) {
        const found = `${toHex(f.previousKid)}, which is no living key of the role ${f.role}`;
        throw new Refused('D16', 'previousKid', found, `a key of the role ${f.role}`);
      }
      end(f.previousKid, previous);
    }
    const before = known ?? NEW_KEY;
    const limits = limitsAfter(f, before);
    if (f.role === ROOT_ROLE && !isInRole(judged, before, ROOT_ROLE)) rootKeys += 1;
    const value: KeyState = {
      deadAt: null,
      ...bytesOf(f.key, before),
      roles: new Map([...rolesKept(judged, before), [f.role, f.sequence]]),
      ...limits,
    };
    judged.write(keyKey(namespace, f.kid), keyValue.format(value));
  }
  if (rootKeys < own.root.threshold) {
    const expected = `a key-event after which ${own.root.threshold} live: rotate it, or state other root keys in a policy`;
    throw new Refused('A06', 'kid', `${id}, and ${rootKeys} root keys would be left`, expected);
  }
  return { ...own, root: { ...own.root, keys: rootKeys } };
}

type Limits = Pick<KeyState, 'site' | 'validFrom' | 'validUntil'>;

/**
 * Where and when the key signs after an event that brings it into a role (D16). That is said once, with its bytes: an
 * event of a key whose bytes are known says nothing else, or whoever may bring keys in could lift every limit of one.
 */
function limitsAfter(f: KeyEventFields, before: KeyState): Limits {
  const stated: Limits = { site: f.site ?? null, validFrom: f.validFrom ?? null, validUntil: f.validUntil ?? null };
  if (before.key === null) return stated;
  const { site, validFrom, validUntil } = before;
  const held: Limits = { site, validFrom, validUntil };
  for (const field of ['site', 'validFrom', 'validUntil'] as const) {
    if (stated[field] === null || stated[field] === held[field]) continue;
    const expected = `${inWords(held[field])}, as key ${toHex(f.kid)} has it, or nothing; other limits take another key`;
    throw new Refused('D16', field, inWords(stated[field]), expected);
  }
  return held;
}

function inWords(limit: string | number | null): string {
  if (limit === null) return 'no limit';
  return typeof limit === 'string' ? quoted(limit) : formatTime(limit);
}

/** A role that a key may join: of the policy in force, the root keys, or in its own namespace the log. */
function checkRole(judged: Case, role: string): void {
  const roles = [ROOT_ROLE, ...(judged.isLogs ? [LOG_ROLE] : []), ...judged.own.roles.map((row) => row.role)];
  if (!roles.includes(role)) throw new Refused('D15', 'role', role, `one of ${roles.join(', ')}`);
}

function applyMembership(judged: Case, f: MembershipFields): NamespaceState {
  const { own, index, log } = judged;
  const { namespace } = judged.statement;
  if (!judged.isLogs && (f.action === 'admit' || f.namespace !== namespace)) {
    const expected = `the log's own namespace, ${log.namespace}; others only leave, and only themselves`;
    throw new Refused('A07', 'namespace', `${f.action} ${f.namespace} by ${namespace}`, expected);
  }
  const subject = judged.namespace(f.namespace);
  if (f.action === 'leave') {
    if (f.namespace === log.namespace) {
      throw new Refused('A07', 'namespace', `the log's own, ${f.namespace}`, 'a namespace that a membership admitted');
    }
    if (subject === undefined || subject.leftAt !== null) {
      throw new Refused(
        'A07',
        'namespace',
        `${f.namespace}, which is not in the log`,
        'a namespace that is in the log',
      );
    }
    if (f.namespace === namespace) return { ...own, leftAt: index };
    judged.write(namespaceKey(f.namespace), namespaceValue.format({ ...subject, leftAt: index }));
    return own;
  }
  if (subject !== undefined) {
    const was = subject.leftAt === null ? 'is in the log' : `left with entry ${subject.leftAt}`;
    throw new Refused('A07', 'namespace', `${f.namespace}, which ${was}`, 'a namespace that was never in the log');
  }
  const root = f.root!;
  judged.write(
    namespaceKey(f.namespace),
    namespaceValue.format({
      leftAt: null,
      sequence: 0,
      head: null,
      policy: 0,
      root: { since: 0, threshold: root.threshold, keys: root.keys.length },
      roles: [],
      require: [],
      deltaLimit: null,
    }),
  );
  for (const { kid, key } of root.keys) judged.write(keyKey(f.namespace, kid), keyValue.format(rootKey(key)));
  return own;
}

function rootKey(key: PublicKey['key']): KeyState {
  return { ...NEW_KEY, ...bytesOf(key, NEW_KEY), roles: new Map([[ROOT_ROLE, 0]]) };
}
