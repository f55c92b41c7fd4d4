// Which records a piece of evidence says contradict each other: one name for every file about them, whoever made it and
// under whatever head.

import type { Claim, EvidenceKind } from './evidence.ts';
import { KINDS } from './kinds.ts';

/** The indexes of the two entries that evidence against who signed them accuses; undefined for evidence against a log. */
export function accusedPair(kind: EvidenceKind, claim: Claim | undefined): readonly [number, number] | undefined {
  if (KINDS[kind].accuses !== 'issuer') return undefined;
  const [earlier, later] = (claim?.entries ?? []).slice(-2).map(({ index }) => index);
  return earlier === undefined || later === undefined ? undefined : [earlier, later];
}

/**
 * `<kind> <index> <index>`, of the two accused entries, or `<kind> <vkey>`, of the accused witness; undefined for evidence that
 * accuses the log.
 */
export function conflictName(kind: EvidenceKind, claim: Claim | undefined): string | undefined {
  if (KINDS[kind].accuses === 'log') return undefined;
  // A witness that cosigned two histories has said once and for all what its word is worth.
  if (KINDS[kind].accuses === 'witness') return [kind, ...(claim?.keys ?? [])].join(' ');
  const indexes = (claim?.entries ?? []).slice(-2).map(({ index }) => index);
  return [kind, ...indexes].join(' ');
}
