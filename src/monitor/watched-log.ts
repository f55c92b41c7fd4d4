// A log as a monitor knows it: its origin and its keys, from the operator's configuration and never from the log.

import type { CheckpointVerifier } from '../note/signer.ts';
import type { LogReaders } from './source.ts';

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
  /**
   * The keys that sign its channel heads, those of now and of the past. Whoever names one says with it that the log
   * promises channel heads that count every record of the channel in its tree, whoever signed it.
   */
  readonly channelVerifiers?: readonly CheckpointVerifier[];
  /** Keys that signed for the log in the past. Heads need none of them, and evidence by them still counts. */
  readonly retired?: readonly CheckpointVerifier[];
}

/** Where a head came from. A client is never named. */
export type HeadSource = 'log' | 'peer' | 'client' | 'witness';

/** A log that is watched: who signs for it, and how to get at it. */
export interface WatchedLog extends LogIdentity, LogReaders {
  /** For people; the reader's when it is absent. */
  readonly url?: string;
  /** Whose cosignatures on the log's checkpoint say how old it is, where the log itself signs no time. */
  readonly witnesses?: readonly CheckpointVerifier[];
}

/** Who may have signed evidence against a log: its keys of now and of the past, as one list. */
export function identityOf({
  origin,
  verifiers,
  retired = [],
  iatWindowSeconds,
  channelVerifiers,
}: LogIdentity): LogIdentity {
  return {
    origin,
    verifiers: [...verifiers, ...retired],
    ...(iatWindowSeconds !== undefined && { iatWindowSeconds }),
    ...(channelVerifiers !== undefined && { channelVerifiers }),
  };
}
