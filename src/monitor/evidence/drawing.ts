// A drawing of one or two trees, as data: kinds say what is in it, draw-text.ts and draw-svg.ts how it looks.

import type { EvidenceHead } from './evidence.ts';
import { datesInWords, entriesInWords, shortHash } from './words.ts';

/** A part of a tree's entries, drawn as a box under the tree. */
export interface DrawnSpan {
  /** Such as "0 to 8". */
  readonly label: string;
  /** True where this tree is known to differ from the other one. */
  readonly differs: boolean;
}

export interface DrawnTree {
  readonly title: string;
  /** When it was signed, or that no time is stated. */
  readonly signed: string;
  /** The signed root, shortened. */
  readonly root: string;
  /** The root over the first span alone, where it is not the signed one: what a larger tree has at a smaller size. */
  readonly prefixRoot?: string;
  /** One or two, left to right. */
  readonly spans: readonly DrawnSpan[];
  /** What else there is to say below the tree. */
  readonly below: readonly string[];
}

export interface Drawing {
  /** For those who cannot see it: one sentence. */
  readonly caption: string;
  /** One or two. */
  readonly trees: readonly DrawnTree[];
  /** Stands between the two trees. */
  readonly sign: '≠' | '→' | '';
}

/** "0 to 8", "9", "none": the entries [begin, end) of a tree. */
export function spanLabel(begin: number, end: number): string {
  if (begin === end) return 'none';
  return end - begin === 1 ? String(begin) : `${begin} to ${end - 1}`;
}

/** The tree of a head, with one span over all of it. */
export function drawnTree(head: EvidenceHead, differs: boolean): DrawnTree {
  const date = datesInWords(head);
  return {
    title: entriesInWords(head.size),
    signed: date === undefined ? 'signed, no time stated' : `signed ${date}`,
    root: shortHash(head.rootHash),
    spans: [{ label: spanLabel(0, head.size), differs }],
    below: [],
  };
}
