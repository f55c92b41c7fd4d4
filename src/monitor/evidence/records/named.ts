// What a statement names that the rules ask for: keys, sites, content, digests.

import { equalBytes, utf8 } from '../../../bytes.ts';
import { approvalsOf } from '../../../record/approval.ts';
import { artifactSet } from '../../../record/rules/v1/content.ts';
import { placesOf } from '../../../record/rules/v1/sites.ts';
import type { Statement } from '../../../record/statement.ts';
import { fieldsOf } from './claim.ts';
import type { RecordClaim } from './claim.ts';

/** True when this entry makes the key dead in the namespace. */
export function kills({ record }: Statement, namespace: string, kid: Uint8Array): boolean {
  const event = fieldsOf(record, 'key-event');
  if (event === undefined || record.namespace !== namespace) return false;
  const dead = event.role === undefined ? event.kid : event.previousKid;
  return dead !== undefined && equalBytes(dead, kid);
}

/** Every key that the rules may ask for. */
export function kidsOf({ kid, record }: Statement): readonly Uint8Array[] {
  const kids = [kid, ...approvalsOf(record).map((approval) => approval.kid)];
  const event = fieldsOf(record, 'key-event');
  if (event !== undefined) kids.push(event.kid, ...(event.previousKid === undefined ? [] : [event.previousKid]));
  const policy = fieldsOf(record, 'policy');
  for (const key of [...(policy?.root?.keys ?? []), ...(policy?.log?.statementKeys ?? [])]) kids.push(key.kid);
  for (const { keys = [] } of policy?.roles ?? []) kids.push(...keys);
  return kids;
}

/** Every site that the rules may ask for. */
export function sitesOf({ record }: Statement): readonly string[] {
  switch (record.type) {
    case 'source-snapshot':
      return record.fields.heldAt ?? [];
    case 'build':
    case 'avdb-release':
      return [record.fields.buildSite, record.fields.signSite].filter((site) => site !== undefined);
    case 'relocation':
    case 'commitment':
      return placesOf(record.fields).map(([, site]) => site);
    case 'review':
      return [record.fields.site];
    default:
      return [];
  }
}

/** What a recall calls back: the artifacts of a build, the content of a release. */
export function contentOf({ record }: Statement, { hasher }: RecordClaim): Uint8Array | undefined {
  if (record.type === 'build') return artifactSet(record.fields, hasher);
  return fieldsOf(record, 'avdb-release')?.contentDigest.sha256;
}

export function aboutOf(statement: Statement, claim: RecordClaim): Uint8Array | null {
  const { type, sub } = statement;
  if (type === 'source-snapshot') return claim.hasher.sha256(utf8(sub));
  return contentOf(statement, claim) ?? null;
}

/** The digests that an identity has once and for all, in the order of its value. */
export function digestsOf({ record }: Statement, { hasher }: RecordClaim): readonly (Uint8Array | null)[] {
  if (record.type === 'build') return [artifactSet(record.fields, hasher)];
  const source = fieldsOf(record, 'source-snapshot');
  return [source?.treeDigest?.sha256 ?? null, source?.archiveDigest?.sha256 ?? null];
}
