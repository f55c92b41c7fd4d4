// What a monitor remembers of a witness of one log: what it cosigned, as far as that tells whether it still does, and whether
// it ever cosigned another history.

import { formatKeyId, parseVerifierKey } from '../../note/key.ts';

export interface WitnessStanding {
  readonly vkey: string;
  /** Of the largest tree on this monitor's branch that it cosigned; 0 before the first. */
  readonly size: number;
  /** That checkpoint with the witness's line: what a contradiction is proven with. Empty before the first. */
  readonly note: string;
  /** The latest time in a line of its. */
  readonly timestampSeconds: number;
  /** By this monitor's clock, when the log last showed a fresh line of its; undefined where it never did. */
  readonly shownSeconds?: number | undefined;
  /** Since when others have cosigned a larger tree than it has; undefined while it is not behind. */
  readonly behindSinceSeconds?: number | undefined;
  /** Checkpoints that it cosigned and that are not on the branch, or are not known to be: the newest few. */
  readonly others: readonly string[];
}

export function newStanding(vkey: string): WitnessStanding {
  return { vkey, size: 0, note: '', timestampSeconds: 0, others: [] };
}

/** What a witness is called in findings: "witness.example/w+0123abcd", of a long name the end. */
export function witnessName(vkey: string): string {
  const { name, keyId } = parseVerifierKey(vkey);
  return `${name}+${formatKeyId(keyId)}`.slice(-MAX_NAME);
}

/** An alert's key has an end (finding.ts). */
const MAX_NAME = 70;
