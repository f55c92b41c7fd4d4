// The port through which a log gets its checkpoints cosigned (DESIGN §4, "publish"). Who the witnesses are, how many are
// enough and how they are asked is decided behind it; the log decides what is signed, and what may be published.

import type { Hash } from '../merkle/hash.ts';
import type { TreeHead } from '../merkle/tree-head.ts';

/** A signed checkpoint, to be cosigned. */
export interface CosignRequest {
  readonly origin: string;
  readonly head: TreeHead;
  /** The checkpoint's text, with its final newline. */
  readonly text: string;
  /** The note with all of the log's own lines, verbatim. */
  readonly note: Uint8Array;
  /** The proof that the head extends the log's tree of that size: 0 ≤ oldSize ≤ head.size. */
  readonly prove: (oldSize: number) => Promise<readonly Hash[]>;
  /**
   * True while it is not known whether somebody else signs with the log's keys: for the last signed head, sent again at
   * the start, and for the first larger one where a quorum alone does not settle it. Every witness is then asked for what it shows of the log as well, not only
   * one that refuses, and everyone is heard out until the deadline, also when the quorum is met.
   */
  readonly isProbe: boolean;
  /**
   * Takes the checkpoint that a witness shows as the latest of this log. It is anything at all until the log has looked
   * for its own signature on it.
   */
  readonly onShown: (witness: string, note: Uint8Array) => Promise<void>;
}

/** What the witnesses have said about a checkpoint so far. */
export interface Cosignatures {
  /** Signature lines, each with its newline: verified, one a key, and few enough that the note stays readable. */
  readonly lines: readonly string[];
  readonly isQuorum: boolean;
}

/** The first answer that can be gone by, and the last. */
export interface Cosigned extends Cosignatures {
  /** In words, while there is no quorum: how many answered, and why the others did not. */
  readonly why: string;
  /** The same with what came within the grace after it. Never rejects. */
  readonly late: Promise<Cosignatures>;
}

/** What is known of one witness, for metrics and pages. Nothing of it is secret. */
export interface WitnessStatus {
  readonly name: string;
  readonly url: string;
  /** The size that it cosigned last, as far as it said; undefined before its first answer. */
  readonly size: number | undefined;
  /** How long its last cosignature took. */
  readonly latencyMillis: number | undefined;
  /** Unix seconds of its last cosignature. */
  readonly lastSuccessSeconds: number | undefined;
  readonly successes: number;
  readonly failures: number;
  /** Since its last success. */
  readonly failuresInRow: number;
  /** Why it failed last; undefined once it has cosigned again. */
  readonly failure: string | undefined;
  /** True after an answer that an honest witness of an honest log does not give; until it cosigns again. */
  readonly isAlarming: boolean;
  /** How often it has named a smaller size than it had cosigned: it has forgotten, and could cosign another history. */
  readonly stepsBack: number;
}

/** The witnesses of one log. It keeps what it knows of each, and asks none of them twice at the same time. */
export interface Cosigner {
  /** The rule for people, such as "2 of A, B, C"; undefined where no cosignature is asked for. */
  readonly quorum: string | undefined;
  /** True where two quorums may share no witness, so that both can be met by two heads that do not go together. */
  readonly hasDisjointQuorums: boolean;
  /**
   * Asks every witness that is free. Resolves as soon as the quorum is met, or cannot be met any more, and at the
   * latest after a deadline of its own; never rejects. A later call takes the place of an earlier one.
   */
  cosign(request: CosignRequest): Promise<Cosigned>;
  /** What the lines of a checkpoint are worth under the quorum; who signed it is remembered to have. Errors: `malformed`. */
  look(note: Uint8Array): Promise<Cosignatures>;
  status(): readonly WitnessStatus[];
  /** Ends what is under way. */
  close(): void;
}
