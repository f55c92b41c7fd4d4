// A log as a monitor knows it: its origin and its keys, from the operator's configuration and never from the log.

import type { CheckpointVerifier } from '../note/signer.ts';

/** Whose signatures make a note a head of this log. All of the keys have to sign (for a limmat log there are two). */
export interface LogIdentity {
  readonly origin: string;
  readonly verifiers: readonly CheckpointVerifier[];
  /**
   * What the log promises about its entries' times: it takes statements only, and only those whose `iat` is no further
   * from its clock than this. Absent where nobody promised that, as with open and with foreign logs, whose entries may
   * then say any time. The largest that was ever in force.
   */
  readonly iatWindowSeconds?: number;
}

/** Where a head came from. A client is never named. */
export type HeadSource = 'log' | 'peer' | 'client' | 'witness';
