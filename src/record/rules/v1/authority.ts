// Authority: may these keys sign this? By the policy of the namespace and the key events since it, at this index.

import { equalBytes, toHex } from '../../../bytes.ts';
import { Refused } from '../../admission/decision.ts';
import type { KeyState, NamespaceState, RoleState } from '../../admission/values.ts';
import { approvalsOf } from '../../approval.ts';
import { coseAlgorithm } from '../../../cose/algorithm.ts';
import { LOG_ROLE, ROOT_ROLE } from '../../key-kinds.ts';
import { formatTime } from '../../time.ts';
import { productOf, type LimmatRecord } from '../../types.ts';
import { quoted, type Case } from './case.ts';

/** By what right the statement is signed: by the root keys together, as the log, or in a role. */
export type Authority = RoleState | typeof ROOT_ROLE | typeof LOG_ROLE;

/** Refuses what the keys may not sign, with the nearest thing that they may. */
export function authorise(judged: Case): Authority {
  const { statement } = judged;
  const { record } = statement;
  const signers = [signer(judged, 'kid', statement.kid), ...approvers(judged)];
  const own = signers[0]!;
  if (own.alg !== statement.alg) {
    const titles = [statement.alg, own.alg!].map((alg) => coseAlgorithm(alg)!.title);
    throw new Refused('D15', 'alg', titles[0]!, `${titles[1]}, the algorithm of key ${toHex(statement.kid)}`);
  }
  checkKeySite(own, record);
  if (record.type === 'log-event') return authoriseLog(judged, signers);
  if (isInRole(judged, own, ROOT_ROLE)) {
    const root = signers.filter((key) => isInRole(judged, key, ROOT_ROLE)).length;
    const { threshold } = judged.own.root;
    if (root === threshold && signers.length === threshold) return ROOT_ROLE;
    if (needsRoot(judged, record) !== undefined || !mayInRole(judged, own)) {
      throw notAsMany(root, signers.length, threshold, 'root keys');
    }
  }
  const field = needsRoot(judged, record);
  if (field !== undefined) {
    const found = `signed by key ${toHex(statement.kid)}, which is no root key of ${statement.namespace}`;
    throw new Refused('A05', field, found, `the signatures of ${judged.own.root.threshold} of its root keys`);
  }
  return authoriseRole(judged, signers);
}

/** True when the key is in the role by the policy in force or by a key event since. */
export function isInRole({ own }: { readonly own: NamespaceState }, key: KeyState, role: string): boolean {
  const since = role === ROOT_ROLE ? own.root.since : role === LOG_ROLE ? 1 : own.policy;
  const joined = key.roles.get(role);
  return joined !== undefined && joined >= since && key.deadAt === null;
}

/** The field that makes it a matter of the root keys: policies, memberships, and whatever makes or ends such keys. */
function needsRoot(judged: Case, record: LimmatRecord): string | undefined {
  if (record.type === 'policy' || record.type === 'membership') return 'kid';
  if (record.type !== 'key-event') return undefined;
  const { role, kid, previousKid } = record.fields;
  if (role === ROOT_ROLE || role === LOG_ROLE) return 'role';
  for (const [field, id] of [
    ['kid', kid],
    ['previousKid', previousKid],
  ] as const) {
    const key = id && judged.key(id);
    if (key === undefined) continue;
    if (isInRole(judged, key, ROOT_ROLE) || isInRole(judged, key, LOG_ROLE)) return field;
  }
  return undefined;
}

/** The key of that id, refused unless it is alive, its bytes are known and the statement's time of signing is its. */
function signer(judged: Case, field: string, kid: Uint8Array): KeyState {
  const { namespace, iat } = judged.statement;
  const key = judged.key(kid);
  if (key === undefined) {
    throw new Refused('D15', field, toHex(kid), `a key that the policy or a key-event of ${namespace} has brought`);
  }
  if (key.deadAt !== null) {
    throw new Refused(
      'D16',
      field,
      `${toHex(kid)}, dead since entry ${key.deadAt}`,
      `a key of ${namespace} that is alive`,
    );
  }
  if (key.key === null) {
    throw new Refused(
      'D15',
      field,
      `${toHex(kid)}, whose bytes are not known`,
      'a key after the key-event that brings its bytes',
    );
  }
  const { validFrom, validUntil } = key;
  if (validFrom !== null && iat < validFrom) {
    throw new Refused(
      'D15',
      'iat',
      formatTime(iat),
      `${formatTime(validFrom)} or later, from when key ${toHex(kid)} signs`,
    );
  }
  if (validUntil !== null && iat > validUntil) {
    throw new Refused(
      'D15',
      'iat',
      formatTime(iat),
      `${formatTime(validUntil)} or earlier, until when key ${toHex(kid)} signs`,
    );
  }
  return key;
}

/** The keys that approve it; each has to be in force. */
function approvers(judged: Case): KeyState[] {
  const { record, kid } = judged.statement;
  return approvalsOf(record).map((approval, i) => {
    const field = `approvals[${i}].kid`;
    if (equalBytes(approval.kid, kid)) throw new Refused('A04', field, 'the key of the statement', 'another key');
    return signer(judged, field, approval.kid);
  });
}

/** A key that signs at one site signs nothing that says it was signed elsewhere. */
function checkKeySite({ site }: KeyState, record: LimmatRecord): void {
  if (site === null) return;
  const [field, found] = signingSite(record);
  if (found !== undefined && found !== site) {
    throw new Refused('D17', field, quoted(found), `${quoted(site)}, the only site where its key signs`);
  }
}

function signingSite(record: LimmatRecord): [field: string, site: string | undefined] {
  if (record.type === 'build' || record.type === 'avdb-release') return ['signSite', record.fields.signSite];
  return ['site', record.type === 'review' ? record.fields.site : undefined];
}

/** The places where the record says that it was made. */
function madeAt(record: LimmatRecord): [field: string, site: string][] {
  const sites: [string, string | undefined][] = [signingSite(record)];
  if (record.type === 'build' || record.type === 'avdb-release') sites.push(['buildSite', record.fields.buildSite]);
  return sites.flatMap(([field, site]) => (site === undefined ? [] : [[field, site]]));
}

function authoriseLog(judged: Case, signers: readonly KeyState[]): Authority {
  const { statement, log } = judged;
  if (!judged.isLogs) {
    throw new Refused('A08', 'sub', `of namespace ${statement.namespace}`, `the log's own namespace, ${log.namespace}`);
  }
  if (!isInRole(judged, signers[0]!, LOG_ROLE)) {
    throw new Refused('D15', 'kid', toHex(statement.kid), 'a key of the role log, which the genesis names');
  }
  const { record } = statement;
  const isHandover =
    record.type === 'log-event' &&
    (record.fields.keyRotation ?? record.fields.shutdown ?? record.fields.successorOf) !== undefined;
  // The log's key signs; who hands it over approves.
  const approving = signers.slice(1);
  const root = approving.filter((key) => isInRole(judged, key, ROOT_ROLE)).length;
  const threshold = isHandover ? judged.own.root.threshold : 0;
  if (root !== threshold || approving.length !== threshold) {
    throw notAsMany(root, approving.length, threshold, 'root keys', 'approved');
  }
  return LOG_ROLE;
}

function mayInRole(judged: Case, key: KeyState): boolean {
  const { type } = judged.statement;
  return judged.own.roles.some(({ role, types }) => types.includes(type) && isInRole(judged, key, role));
}

/** The first role that allows it; else the refusal of the role that comes nearest to allowing it. */
function authoriseRole(judged: Case, signers: readonly KeyState[]): RoleState {
  const { statement, own } = judged;
  const mine = own.roles.filter(({ role }) => isInRole(judged, signers[0]!, role));
  if (mine.length === 0) {
    const roles = own.roles.filter(({ types }) => types.includes(statement.type)).map(({ role }) => role);
    const expected = `a key of the ${roles.length === 0 ? 'root keys' : `roles ${[ROOT_ROLE, ...roles].join(', ')}`}`;
    throw new Refused('D15', 'kid', `${toHex(statement.kid)}, which is in no role of the policy`, expected);
  }
  let nearest: { readonly refused: Refused; readonly step: number } | undefined;
  for (const role of mine) {
    const problem = problemWith(judged, role, signers);
    if (problem === undefined) return role;
    if (nearest === undefined || problem.step > nearest.step) nearest = problem;
  }
  throw nearest!.refused;
}

/** What is wrong in this role, and how many questions were answered before it. */
function problemWith(
  judged: Case,
  { role, types, issuers, products, sites, threshold }: RoleState,
  signers: readonly KeyState[],
): { readonly refused: Refused; readonly step: number } | undefined {
  const { type, iss, record } = judged.statement;
  if (!types.includes(type)) {
    return { step: 0, refused: new Refused('D15', 'typ', type, `${types.join(', ')}: what the role ${role} signs`) };
  }
  if (issuers !== null && !issuers.includes(iss)) {
    return { step: 1, refused: new Refused('D15', 'iss', quoted(iss), `${quoted(issuers)}: the issuers of ${role}`) };
  }
  const product = productOf(record);
  if (products !== null && product !== undefined && !products.includes(product)) {
    const expected = `${quoted(products)}: the products of the role ${role}`;
    return { step: 2, refused: new Refused('D15', 'product', quoted(product), expected) };
  }
  const stray = sites === null ? undefined : madeAt(record).find(([, site]) => !sites.includes(site));
  if (stray !== undefined) {
    const expected = `${quoted(sites!)}: the sites of the role ${role}`;
    return { step: 3, refused: new Refused('D17', stray[0], quoted(stray[1]), expected) };
  }
  const found = signers.filter((key) => isInRole(judged, key, role)).length;
  if (found === threshold && signers.length === threshold) return undefined;
  return { step: 4, refused: notAsMany(found, signers.length, threshold, `keys of the role ${role}`) };
}

/**
 * A04: as many keys sign as have to, and no others. Where more could, anybody who has an approval too many could add it to
 * a record, or leave it out, and make another leaf of it.
 */
function notAsMany(found: number, all: number, needed: number, keys: string, did = 'signed'): Refused {
  const others = all === found ? '' : ` and ${all - found} other${all - found === 1 ? '' : 's'}`;
  const expected = needed === 0 ? 'no approvals' : `${did} by ${needed} of them, and by no other key`;
  return new Refused('A04', 'approvals', `${did} by ${found} of the ${keys}${others}`, expected);
}
