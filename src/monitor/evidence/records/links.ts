// The links of admission chains that a claim has, and whether it has all of a chain before a place.

import { equalBytes } from '../../../bytes.ts';
import { fieldsOf, linkOf } from './claim.ts';
import type { LoggedRecord, RecordClaim } from './claim.ts';

/** A link of a chain and its place in it. */
export interface ChainPlace extends LoggedRecord {
  readonly sequence: number;
}

/** The links of the namespace's chain that the claim has, in the order of the log. */
export function allLinks({ records }: RecordClaim, namespace: string): readonly ChainPlace[] {
  return records.flatMap((logged) => {
    const link = linkOf(logged.statement.record);
    return link?.namespace === namespace ? [{ ...logged, sequence: link.fields.sequence }] : [];
  });
}

/** Those before a place. */
export function linksBefore(claim: RecordClaim, namespace: string, index: number): readonly ChainPlace[] {
  return allLinks(claim, namespace).filter((link) => link.index < index);
}

/**
 * True when these are all links of the namespace's chain before that place. The next link stands after it, or a
 * heartbeat of the log names the last of these as the head in a tree that reaches up to there: an honest log admits no
 * second link of one number, and no heartbeat that is not so.
 */
export function isWhole(claim: RecordClaim, namespace: string, index: number): boolean {
  const links = linksBefore(claim, namespace, index);
  if (links.some(({ sequence }, i) => sequence !== i + 1)) return false;
  const head = links.at(-1);
  if (allLinks(claim, namespace).some((link) => link.index > index && link.sequence === links.length + 1)) return true;
  return claim.records.some(({ statement }) => {
    if (statement.namespace !== claim.genesis.statement.namespace) return false;
    const heartbeat = fieldsOf(statement.record, 'log-event')?.heartbeat;
    if (heartbeat === undefined || heartbeat.size < index || head === undefined) return false;
    return heartbeat.heads.some(
      (named) =>
        named.namespace === namespace && named.sequence === head.sequence && equalBytes(named.leafHash, head.leafHash),
    );
  });
}

/** True when the namespace cannot have been admitted before that place. */
export function isNeverIn(claim: RecordClaim, namespace: string, index: number): boolean {
  const own = claim.genesis.statement.namespace;
  if (namespace === own) return false;
  const admits = claim.records.filter(({ statement }) => {
    const fields = fieldsOf(statement.record, 'membership');
    return fields?.namespace === namespace && fields.action === 'admit';
  });
  // It is admitted once: where that is after the entry, it was not before.
  if (admits.length > 0) return admits.every((admit) => admit.index > index);
  return isWhole(claim, own, index);
}
