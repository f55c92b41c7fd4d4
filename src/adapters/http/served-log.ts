// What the HTTP apps ask of a log, as small as they need it: `Log` fills it, and so may a test. Everything public that is
// read through it is bounded by the published size: what no checkpoint covers is not shown.

import { LimmatError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { Published } from '../../log/publish.ts';

/** A log as HTTP serves it. */
export type ServedLog = Pick<
  Log,
  | 'origin'
  | 'vkeys'
  | 'admission'
  | 'limits'
  | 'admissionState'
  | 'status'
  | 'append'
  | 'assertWaitLevel'
  | 'waitPublished'
  | 'proofFile'
  | 'read'
  | 'entry'
  | 'entries'
  | 'findLeaf'
  | 'inclusionProof'
  | 'consistencyProof'
  | 'timeBracket'
  | 'checkpoint'
>;

/** True while readers see a checkpoint that lacks the cosignatures of the quorum that the operator has configured. */
export function isUncosigned(log: Pick<ServedLog, 'status'>): boolean {
  return log.status().published?.isCosigned === false;
}

/** The published checkpoint; `no-checkpoint` before the first one. */
export function publishedHead(log: ServedLog): Published {
  const { published } = log.status();
  if (published !== undefined) return published;
  throw new LimmatError('no-checkpoint', 'this log has not published a checkpoint yet; try again in a moment', {
    retryAfterSeconds: 1,
  });
}
