// What is in force in a namespace, read from the derived state: its policy, its keys, the head of its chain. For people
// who change a policy and for those who ask; admission itself goes by the values.

import { textBytes } from '../../bytes.ts';
import { parseCoseKey, type CoseKey } from '../../cose/key.ts';
import { LOG_ROLE, ROOT_ROLE } from '../key-kinds.ts';
import { isInRole } from '../rules/v1/authority.ts';
import { keyKey, linkKey, LOG_KEY, namespaceKey, type StateKey } from './keys.ts';
import {
  keyValue,
  linkValue,
  logValue,
  namespaceValue,
  type KeyState,
  type NamespaceState,
  type RoleState,
} from './values.ts';

/** The pairs of the derived state whose keys begin with this, ascending; only those after a key, where one is given. */
export type AdmissionScan = (
  prefix: StateKey,
  after?: StateKey,
) => AsyncIterable<{ readonly key: StateKey; readonly value: Uint8Array }>;

/** A link of a namespace's admission chain. */
export interface ChainPlace {
  readonly sequence: number;
  readonly index: number;
  readonly leafHash: Uint8Array;
}

/** A key that is alive. */
export interface LivingKey {
  readonly kid: Uint8Array;
  /** Undefined while a policy lists it and no key event has brought its bytes. */
  readonly key: CoseKey | undefined;
  readonly site: string | null;
  /** Unix seconds. */
  readonly validFrom: number | null;
  readonly validUntil: number | null;
}

export interface NamespaceInForce {
  readonly namespace: string;
  /** True for the namespace in which the log speaks of itself. */
  readonly isLogs: boolean;
  /** The index of the entry by which it left the log. */
  readonly leftAt: number | null;
  /** The last link of its chain, and the one that is its policy; undefined before the first. */
  readonly head: ChainPlace | undefined;
  readonly policy: ChainPlace | undefined;
  readonly root: { readonly threshold: number; readonly keys: readonly LivingKey[] };
  /** In the log's own namespace: the keys that sign its log events. */
  readonly logKeys: readonly LivingKey[];
  readonly roles: readonly (RoleState & { readonly keys: readonly LivingKey[] })[];
  readonly require: NamespaceState['require'];
  /** Keys that sign nothing more, and from which entry on. */
  readonly dead: readonly { readonly kid: Uint8Array; readonly deadAt: number }[];
}

const NO_KID = new Uint8Array(0);
/** Before the name in a namespace's key: the two bytes of the key space, and the name's length. */
const NAME_AT = namespaceKey('').length;
/** The prefix of the keys of all namespaces. */
const NAMESPACES: StateKey = namespaceKey('').slice(0, 2);

/** The namespaces that are, or were, in the log, by name. */
export async function namespacesOf(
  scan: AdmissionScan,
): Promise<{ readonly namespace: string; readonly state: NamespaceState }[]> {
  const found: { namespace: string; state: NamespaceState }[] = [];
  for await (const { key, value } of scan(NAMESPACES)) {
    const namespace = key.slice(NAME_AT);
    found.push({ namespace, state: namespaceValue.parse(value) });
  }
  return found.toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

/** At most `limit` of them in the order of their keys, shorter names first, after this one; and whether there are more. */
export async function namespacePage(
  scan: AdmissionScan,
  after: string | undefined,
  limit: number,
): Promise<{
  readonly page: readonly { readonly namespace: string; readonly state: NamespaceState }[];
  readonly isMore: boolean;
}> {
  const page: { namespace: string; state: NamespaceState }[] = [];
  for await (const { key, value } of scan(NAMESPACES, after === undefined ? undefined : namespaceKey(after))) {
    if (page.length === limit) return { page, isMore: true };
    page.push({ namespace: key.slice(NAME_AT), state: namespaceValue.parse(value) });
  }
  return { page, isMore: false };
}

/** The namespace in which the log speaks of itself; undefined before the genesis. */
export async function logNamespace(scan: AdmissionScan): Promise<string | undefined> {
  const value = await valueOf(scan, LOG_KEY);
  return value && logValue.parse(value).namespace;
}

/** How many entries the log ever has, where an entry of it has said so: its shutdown. */
export async function finalSize(scan: AdmissionScan): Promise<number | undefined> {
  const value = await valueOf(scan, LOG_KEY);
  return (value && logValue.parse(value).finalSize) ?? undefined;
}

/** The link of a chain; undefined where there is none. */
export async function linkOf(
  scan: AdmissionScan,
  namespace: string,
  sequence: number,
): Promise<ChainPlace | undefined> {
  const value = await valueOf(scan, linkKey(namespace, sequence));
  return value && { sequence, ...linkValue.parse(value) };
}

/** What is in force in a namespace; undefined for one that never was in the log. */
export async function namespaceInForce(scan: AdmissionScan, namespace: string): Promise<NamespaceInForce | undefined> {
  const value = await valueOf(scan, namespaceKey(namespace));
  const log = await valueOf(scan, LOG_KEY);
  if (value === undefined || log === undefined) return undefined;
  const own = namespaceValue.parse(value);
  const isLogs = logValue.parse(log).namespace === namespace;
  const keys: { readonly living: LivingKey; readonly state: KeyState }[] = [];
  const dead: { kid: Uint8Array; deadAt: number }[] = [];
  const prefix = keyKey(namespace, NO_KID);
  for await (const pair of scan(prefix)) {
    const kid = textBytes(pair.key.slice(prefix.length));
    const state = keyValue.parse(pair.value);
    if (state.deadAt === null) keys.push({ living: livingKey(kid, state), state });
    else dead.push({ kid, deadAt: state.deadAt });
  }
  const inRole = (role: string): LivingKey[] =>
    keys.filter(({ state }) => isInRole({ own }, state, role)).map(({ living }) => living);
  return {
    namespace,
    isLogs,
    leftAt: own.leftAt,
    head: own.sequence === 0 ? undefined : await linkOf(scan, namespace, own.sequence),
    policy: own.policy === 0 ? undefined : await linkOf(scan, namespace, own.policy),
    root: { threshold: own.root.threshold, keys: inRole(ROOT_ROLE) },
    logKeys: isLogs ? inRole(LOG_ROLE) : [],
    roles: own.roles.map((role) => ({ ...role, keys: inRole(role.role) })),
    require: own.require,
    dead,
  };
}

function livingKey(kid: Uint8Array, { key, site, validFrom, validUntil }: KeyState): LivingKey {
  return { kid, key: key === null ? undefined : parseCoseKey(key), site, validFrom, validUntil };
}

async function valueOf(scan: AdmissionScan, wanted: StateKey): Promise<Uint8Array | undefined> {
  for await (const { key, value } of scan(wanted)) if (key === wanted) return value;
  return undefined;
}
