// What a kind of evidence is: a row of the table in kinds.ts. A row says what belongs into the claim, and checks that
// those parts cannot all be an honest log's. Signatures and inclusion proofs are verified before a row sees the claim.

import { LimmatError } from '../../errors.ts';
import type { Hash, Hasher } from '../../merkle/hash.ts';
import type { ChannelHead } from '../../note/channel-head.ts';
import type { LogIdentity } from '../watched-log.ts';
import type { Drawing } from './drawing.ts';
import type { Claim, Evidence, EvidenceHead, EvidenceKind } from './evidence.ts';

/** An entry of a claim, found to be in the tree of its checkpoint. */
export interface OpenedEntry {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly leafHash: Hash;
  /** Which of the claim's checkpoints. */
  readonly checkpoint: number;
}

/** A claim whose signatures and inclusion proofs hold. */
export interface OpenedClaim {
  /** The log with the keys that the verifier knows. */
  readonly log: LogIdentity;
  readonly heads: readonly EvidenceHead[];
  /** What the claim's one note says, in kinds that take a channel head. */
  readonly channelHead: ChannelHead | undefined;
  readonly entries: readonly OpenedEntry[];
  readonly prefixRoot: Hash | undefined;
  readonly consistency: readonly Hash[];
  readonly windowSeconds: number | undefined;
  /** What the verifier knows that the log promised about its entries' times (watched-log.ts). */
  readonly iatWindowSeconds: number | undefined;
  readonly hasher: Hasher;
}

/** The members of a claim that not every kind has. */
export type OptionalMember = Exclude<keyof Claim, 'keys' | 'checkpoints'>;

export interface KindRow {
  readonly kind: EvidenceKind;
  /** What a log did, without its name: "signed two different trees of one size". */
  readonly sentence: string;
  /** What the claim's notes are, and with that whose keys sign them: the log's, its channel key, or a witness's. */
  readonly signed: 'checkpoint' | 'channel-head' | 'cosigned-checkpoint';
  /** What belongs into the claim: these counts, and exactly these members beside keys and checkpoints. */
  readonly checkpoints: number;
  /** How many, or how few and how many at most. */
  readonly entries: number | readonly [least: number, most: number];
  readonly members: readonly OptionalMember[];
  /** Members that some claims of this kind have, all of them; which claims, `check` says. */
  readonly mayHave?: readonly OptionalMember[];
  /**
   * True where signed times are part of the argument. Then they are part of the id, and every line that states a time
   * has to be by a key that the verifier knows.
   */
  readonly timed: boolean;
  /** Whose fault it is: the log's, which signed a tree that it should not have; that of who signed the records in it; or a witness's. */
  readonly accuses: 'log' | 'issuer' | 'witness';
  /**
   * True where a third entry between the two that are accused could make both of them true. Then the file alone is a
   * suspicion, and proof for whoever has replayed the log and found nothing in between.
   */
  readonly needsReplay?: true;
  /** True where the argument is about what entries say by the rules of admission. */
  readonly judgesRecords?: true;
  /** Throws `bad-evidence` when an honest log, or an honest issuer, could have signed all of this. */
  check(claim: OpenedClaim): void | Promise<void>;
  /** What to say about verified evidence of this kind to somebody who never heard of logs. */
  words(evidence: Evidence, hasher: Hasher): KindWords;
  draw(evidence: Evidence, hasher: Hasher): Drawing;
}

/** Plain English; every element is a paragraph of whole sentences. */
export interface KindWords {
  /** What this log did, with the numbers; goes on after the log's name. */
  readonly headline: string;
  /** What was signed, where it is no checkpoint. */
  readonly signed?: readonly string[];
  /** What the entries are; empty where the kind has none. */
  readonly entries: readonly string[];
  /** Why all of it cannot be true. */
  readonly why: readonly string[];
  /** What it does not show. */
  readonly notShown: readonly string[];
}

/** The error of evidence that does not hold. */
export function badEvidence(message: string, cause?: unknown): LimmatError {
  return new LimmatError('bad-evidence', message, cause === undefined ? {} : { cause });
}

/** The times that the head's signatures state, without the zeros, which state none (tlog-cosignature). */
export function statedTimes(head: EvidenceHead): readonly number[] {
  return head.signatures.map(({ timestampSeconds }) => timestampSeconds).filter((seconds) => seconds !== 0);
}
