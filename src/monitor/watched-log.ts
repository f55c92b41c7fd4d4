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
  /** The keys of its witnesses: what they cosigned says how old a head is, and convicts those that cosign two histories. */
  readonly witnesses?: readonly CheckpointVerifier[];
}

/** Where a head came from. A client is never named. */
export type HeadSource = 'log' | 'peer' | 'client' | 'witness';

/** A log that is watched: who signs for it, and how to get at it. */
export interface WatchedLog extends LogIdentity, LogReaders {
  /** For people; the reader's when it is absent. */
  readonly url?: string;
  /** How many of its witnesses, and which, have to have cosigned what it shows (M07); absent: nobody asks for any. */
  readonly quorums?: Quorums;
  /** Where witnesses say what they have cosigned of it; asked in every round. */
  readonly witnessReaders?: readonly WitnessReader[];
}

/** When cosignatures are enough. */
export interface Quorum {
  /** For people: the name that it has where it is configured. */
  readonly name: string;
  /** What it comes down to, as text: another text is another quorum. */
  readonly members: string;
  /** True when cosignatures by the keys with these vkeys are enough. */
  isMet(vkeys: ReadonlySet<string>): boolean;
}

export interface Quorums {
  /** What the log's users ask for: without it they refuse a head. */
  readonly clients?: Quorum;
  /** What this monitor asks for: more, so that it notices first. */
  readonly monitor?: Quorum;
}

/** The monitoring endpoint of a witness (tlog-witness, "Monitor Retrieval Mechanism"). */
export interface WitnessReader {
  /** Of the key with which it cosigns. */
  readonly vkey: string;
  readonly url: string;
  /** The checkpoint of a log that it cosigned last; undefined when it never has. Rejects as readers of logs do. */
  checkpoint(origin: string): Promise<Uint8Array | undefined>;
}

/** Who may have signed evidence against a log: its keys of now and of the past, as one list. */
export function identityOf({
  origin,
  verifiers,
  retired = [],
  iatWindowSeconds,
  channelVerifiers,
  witnesses,
}: LogIdentity): LogIdentity {
  return {
    origin,
    verifiers: [...verifiers, ...retired],
    ...(iatWindowSeconds !== undefined && { iatWindowSeconds }),
    ...(channelVerifiers !== undefined && { channelVerifiers }),
    ...(witnesses !== undefined && { witnesses }),
  };
}
