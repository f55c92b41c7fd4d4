// The smallest change of a namespace's policy that lets a key sign something: a key event into a role that allows just
// that, or else the policy once more with one role more, and then the key event. Pure: what is in force goes in, records
// come out; admission-sign.ts signs them.

import { toHex } from '../../src/bytes.ts';
import type { CoseKey } from '../../src/cose/index.ts';
import { LimmatError } from '../../src/errors.ts';
import { publicKeyOf } from '../../src/node/genesis.ts';
import { recordFromJson, recordToJson } from '../../src/record/index.ts';
import type { FieldsOf, LimmatRecord } from '../../src/record/index.ts';
import type { NamespaceJson, RoleJson } from './admission-desk.ts';

/** What a key is to be allowed. */
export interface Grant {
  readonly key: CoseKey;
  /** A role that the policy has; else what follows says which. */
  readonly role: string | undefined;
  readonly types: readonly string[];
  readonly issuer: string;
  /** Absent: any. */
  readonly products: readonly string[] | undefined;
}

/** A change: a policy first where one is needed, then the key event, which follows the link before it. */
export interface PolicyChange {
  readonly role: string;
  readonly policy: LimmatRecord | undefined;
  readonly keyEvent: (prev: { readonly sequence: number; readonly leafHash: string } | undefined) => LimmatRecord;
}

/**
 * What has to be logged so that the key may sign this; undefined where it may already. `usage` for a key that is dead
 * there, for a role that is not there, and where a policy cannot be stated again as it is.
 */
export function grantChange(
  found: NamespaceJson,
  policy: FieldsOf<'policy'> | undefined,
  grant: Grant,
): PolicyChange | undefined {
  const { namespace, roles } = found;
  const { kid, key } = publicKeyOf(grant.key);
  const id = toHex(kid);
  const dead = found.deadKeys.find((known) => known.kid === id);
  if (dead !== undefined) {
    const message = `key ${id} is dead in ${namespace} since entry ${dead.deadAt}, and stays so: make another one`;
    throw new LimmatError('usage', message);
  }
  const known = grant.role === undefined ? roles.find((role) => allowsJust(role, grant)) : named(found, grant.role);
  if (known?.keys.some((living) => living.kid === id && living.known) === true) return undefined;
  const role = known?.role ?? freeName(roles);
  return {
    role,
    policy: known === undefined ? policyWith(found, policy, { ...grant, role }) : undefined,
    keyEvent: (prev) =>
      recordFromJson({
        type: 'key-event',
        namespace,
        fields: { ...linkAfter(prev), action: 'add', kid: id, key: toHex(key), role },
      }),
  };
}

/** Ends a key: from the entry on it signs nothing more in that namespace. */
export function revocation(found: NamespaceJson, kid: string): LimmatRecord {
  const fields = { ...linkAfter(found.chain), action: 'revoke', kid };
  return recordFromJson({ type: 'key-event', namespace: found.namespace, fields });
}

/** The fields of the link that follows this one. */
export function linkAfter(link: { readonly sequence: number; readonly leafHash: string } | undefined): {
  readonly sequence: number;
  readonly prev?: string;
} {
  return link === undefined ? { sequence: 1 } : { sequence: link.sequence + 1, prev: link.leafHash };
}

function named({ namespace, roles }: NamespaceJson, name: string): RoleJson {
  const role = roles.find((known) => known.role === name);
  if (role !== undefined) return role;
  const names = roles.map((known) => known.role).join(', ');
  throw new LimmatError('usage', `the policy of ${namespace} has no role "${name}"; it has ${names || 'none'}`);
}

/** True for a role by which a key may sign this alone, and nothing else. */
function allowsJust(role: RoleJson, { types, issuer, products }: Grant): boolean {
  return (
    role.threshold === 1 &&
    role.sites === undefined &&
    sameSet(role.types, types) &&
    sameSet(role.issuers, [issuer]) &&
    sameSet(role.products, products)
  );
}

function sameSet(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return new Set(a).size === new Set([...a, ...b]).size && new Set(b).size === new Set(a).size;
}

function freeName(roles: readonly RoleJson[]): string {
  const taken = new Set(roles.map(({ role }) => role));
  if (!taken.has('submitter')) return 'submitter';
  let number = 2;
  while (taken.has(`submitter-${number}`)) number++;
  return `submitter-${number}`;
}

/** The policy in force, said again with its living keys, and one role more: a policy is complete. */
function policyWith(
  found: NamespaceJson,
  policy: FieldsOf<'policy'> | undefined,
  added: Pick<Grant, 'types' | 'issuer' | 'products'> & { readonly role: string },
): LimmatRecord {
  const { namespace, chain, roles, require } = found;
  const again = roles.map(({ keys, ...role }) => {
    if (keys.length > 0 && keys.length < role.threshold) {
      throw new LimmatError(
        'usage',
        `role "${role.role}" of ${namespace} has ${keys.length} living keys and a threshold of ${role.threshold}, which ` +
          'no policy can state: bring more of its keys first, or write the policy by hand (docs/admission.md)',
      );
    }
    return keys.length === 0 ? role : { ...role, keys: keys.map(({ kid }) => kid) };
  });
  const { role, types, issuer, products } = added;
  const parameters = policy?.parameters;
  return recordFromJson({
    type: 'policy',
    namespace,
    fields: {
      ...linkAfter(chain),
      roles: [...again, { role, types, issuers: [issuer], ...(products === undefined ? {} : { products }) }],
      ...(require.length === 0 ? {} : { require }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  });
}

/**
 * The policy that follows, from the fields of one without its place in the chain. A role that states no keys keeps those
 * that the role of this name has. `bad-record` for what is no policy, `usage` for keys that a policy cannot state.
 */
export function nextPolicy(found: NamespaceJson, fields: Readonly<Record<string, unknown>>): LimmatRecord {
  const stray = (['sequence', 'prev'] as const).find((name) => name in fields);
  if (stray !== undefined) {
    throw new LimmatError('usage', `the policy states "${stray}": leave it out, the log's own chain gives it`);
  }
  const { roles } = fields;
  const given = Array.isArray(roles) ? { roles: roles.map((role: unknown) => withKeys(found, role)) } : {};
  const whole = { ...linkAfter(found.chain), ...fields, ...given };
  return recordFromJson({ type: 'policy', namespace: found.namespace, fields: whole });
}

function withKeys({ roles }: NamespaceJson, role: unknown): unknown {
  if (typeof role !== 'object' || role === null || 'keys' in role || !('role' in role)) return role;
  const keys = roles.find((known) => known.role === role.role)?.keys.map(({ kid }) => kid) ?? [];
  return keys.length === 0 ? role : { ...role, keys };
}

/** The policy in force, as `nextPolicy` takes it. */
export function policyInForce({ roles, require }: NamespaceJson, policy: FieldsOf<'policy'> | undefined) {
  return {
    roles: roles.map(({ keys, threshold, ...role }) => ({
      ...role,
      ...(threshold === 1 ? {} : { threshold }),
      ...(keys.length === 0 ? {} : { keys: keys.map(({ kid }) => kid) }),
    })),
    ...(require.length === 0 ? {} : { require }),
    ...(policy?.parameters === undefined ? {} : { parameters: policy.parameters }),
  };
}

/** The membership by which a namespace joins, with root keys of its own; `link` is the last one of the log's namespace. */
export function admission(
  own: NamespaceJson,
  joining: {
    readonly namespace: string;
    readonly vendor: string;
    readonly root: readonly CoseKey[];
    readonly threshold: number;
  },
): LimmatRecord {
  const { namespace, vendor, root, threshold } = joining;
  const keys = root.map((key) => publicKeyOf(key)).map(({ kid, key }) => ({ kid: toHex(kid), key: toHex(key) }));
  const fields = { ...linkAfter(own.chain), action: 'admit', namespace, vendor, root: { threshold, keys } };
  return recordFromJson({ type: 'membership', namespace: own.namespace, fields });
}

/** The membership by which a namespace leaves, for ever, said in the log's own namespace or in its own. */
export function leaving(speaker: NamespaceJson, namespace: string): LimmatRecord {
  const fields = { ...linkAfter(speaker.chain), action: 'leave', namespace };
  return recordFromJson({ type: 'membership', namespace: speaker.namespace, fields });
}

/** The fields of a record in JSON, as `limmat sign --fields` takes them. */
export function fieldsText(record: LimmatRecord): string {
  return `${JSON.stringify(recordToJson(record).fields, undefined, 2)}\n`;
}
