// The kinds of evidence, one row each. A later kind is a name in evidence.ts and a row here.

import type { EvidenceKind } from './evidence.ts';
import type { KindRow } from './kind-row.ts';
import { inadmissibleEntry, streamBreak } from './kinds/admission.ts';
import { falseChannelHead } from './kinds/channel.ts';
import { proofContradicted } from './kinds/contradicted.ts';
import { forkPrefix, forkSameSize } from './kinds/fork.ts';
import { locationBreach, recordConflict, verdictConflict } from './kinds/issuer.ts';
import { rollback } from './kinds/rollback.ts';
import { backdated, future } from './kinds/time.ts';
import { witnessConflict } from './kinds/witness.ts';

/** Every kind; the order is that in which they are listed. */
export const KINDS: Readonly<Record<EvidenceKind, KindRow>> = Object.freeze({
  'fork-same-size': forkSameSize,
  'fork-prefix': forkPrefix,
  rollback,
  'proof-contradicted': proofContradicted,
  future,
  backdated,
  'false-channel-head': falseChannelHead,
  'inadmissible-entry': inadmissibleEntry,
  'stream-break': streamBreak,
  'record-conflict': recordConflict,
  'location-breach': locationBreach,
  'verdict-conflict': verdictConflict,
  'witness-conflict': witnessConflict,
});

/** True for the name of a kind that this version knows. */
export function isEvidenceKind(name: string): name is EvidenceKind {
  return Object.hasOwn(KINDS, name);
}
