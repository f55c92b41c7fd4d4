// What evidence is: a claim that convicts a log, or whoever signed its records, with nothing but signatures
// (docs/evidence-file.md). Who saw it, and when, is kept apart from it, because an observer's word proves nothing.

import type { TreeHead } from '../../merkle/tree-head.ts';
import type { HeadSource } from '../watched-log.ts';

/** What a log, an issuer or a witness did. A new kind is a name here and a row in kinds.ts. */
export type EvidenceKind =
  | 'fork-same-size'
  | 'fork-prefix'
  | 'rollback'
  | 'proof-contradicted'
  | 'future'
  | 'backdated'
  | 'false-channel-head'
  | 'inadmissible-entry'
  | 'stream-break'
  | 'record-conflict'
  | 'location-breach'
  | 'verdict-conflict'
  | 'witness-conflict';

/** An entry in a claim, with the proof that it is in the tree of one of the claim's checkpoints. */
export interface ClaimEntry {
  readonly index: number;
  /** Standard base64 of the leaf's bytes. */
  readonly leaf: string;
  /** Standard base64 of each hash of the inclusion proof; at most 63. */
  readonly inclusion: readonly string[];
  /** Which of claim.checkpoints the proof leads to. */
  readonly checkpoint: number;
}

/** The parts that together cannot all be an honest log's. */
export interface Claim {
  /** vkeys that signed, as a hint: a verifier uses the keys that it already trusts. */
  readonly keys: readonly string[];
  /**
   * Signed notes, each trimmed to its text and the lines of the log's keys, in witness-conflict to the line of the witness:
   * checkpoints, and in false-channel-head one channel head, which states a size and a root too.
   */
  readonly checkpoints: readonly string[];
  /** fork-prefix, and witness-conflict of two sizes: base64 of the root at the smaller size that the larger tree implies. */
  readonly prefixRoot?: string;
  /** With prefixRoot: base64 of the hashes that lead from prefixRoot to the larger checkpoint's root; at most 63. */
  readonly consistency?: readonly string[];
  /** In kinds that judge records: by index, and after them the one or two that the claim is about. */
  readonly entries?: readonly ClaimEntry[];
  /** future, backdated: seconds of difference that an honest log allows itself. */
  readonly windowSeconds?: number;
}

/** A signature of the log's that was found to hold. */
export interface HeadSignature {
  readonly vkey: string;
  /** The time that the line states, Unix seconds; 0 where it states none. */
  readonly timestampSeconds: number;
}

/** What one of the claim's checkpoints says, and who was found to have signed it. */
export interface EvidenceHead extends TreeHead {
  /** One element a key that the verifier knows, at least one. Lines of other keys are not in here. */
  readonly signatures: readonly HeadSignature[];
  /**
   * vkeys of the log's that the verifier knows and that did not sign this checkpoint. Then it was somebody who has one
   * of the log's keys, but perhaps not all of them.
   */
  readonly missing: readonly string[];
}

/** Verified evidence. */
export interface Evidence {
  readonly kind: EvidenceKind;
  readonly origin: string;
  /** 64 lowercase hex digits; the same checkpoints and leaves give the same id at every observer (DESIGN §7). */
  readonly id: string;
  readonly claim: Claim;
  /** claim.checkpoints as they were verified, in the same order. */
  readonly heads: readonly EvidenceHead[];
}

/** What an observer says about how it came by the checkpoints. Never shown as proof. */
export interface Observation {
  /** The observer's key name. */
  readonly observer: string;
  readonly atSeconds: number;
  readonly sources: readonly {
    /** Which of claim.checkpoints. */
    readonly checkpoint: number;
    readonly via: HeadSource;
    readonly atSeconds: number;
  }[];
}
