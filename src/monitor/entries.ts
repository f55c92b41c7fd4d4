// What a monitor looks at in an entry whose place in the tree is certain (M05, M08): whether it is a statement, and
// whether its time can be true. Entries of logs that promise nothing about them are only counted.

import { isLimmatError } from '../errors.ts';
import type { LogHead } from '../client/state.ts';
import { parseStatement } from '../record/statement.ts';
import type { Statement } from '../record/statement.ts';
import { windowSecondsOf } from './evidence/make.ts';
import type { LogIdentity } from './watched-log.ts';

/** Entries so far, by what they are. */
export interface EntryCounts {
  readonly statements: number;
  /** What is no statement of limmat's: any bytes in a foreign or open log. */
  readonly unknown: number;
  /** Entries whose bodies the log does not serve any more. */
  readonly withheld: number;
}

export const NO_ENTRIES: EntryCounts = Object.freeze({ statements: 0, unknown: 0, withheld: 0 });

/** Something about one entry that a log does not allow itself. */
export type EntryIssue =
  | { readonly issue: 'not-a-statement'; readonly index: number; readonly reason: string }
  | { readonly issue: 'future'; readonly index: number; readonly leaf: Uint8Array; readonly head: LogHead }
  | { readonly issue: 'backdated'; readonly index: number; readonly leaf: Uint8Array; readonly before: LogHead };

/** What is known about times while a batch is looked at. */
export interface TimeFrame {
  /** The head that the entries are under. */
  readonly head: LogHead;
  /** Dated heads of the same tree, in any order. */
  readonly marks: readonly LogHead[];
}

/** First bytes of a tagged COSE_Sign1: without them nothing more is looked at. */
const STATEMENT_START = [0xd2, 0x84] as const;

/** What the entries of a batch are, and what is the matter with them. */
export interface EntryLook {
  readonly statements: number;
  /** By position: the statement, or why it is none. */
  readonly parsed: readonly (Statement | string)[];
  readonly issues: readonly EntryIssue[];
}

/** The entries of a batch from index `start` on: how many are what, and what is the matter with them. */
export function lookAtEntries(
  log: LogIdentity,
  entries: readonly Uint8Array[],
  start: number,
  frame: TimeFrame,
): EntryLook {
  const window = windowSecondsOf(log);
  const issues: EntryIssue[] = [];
  const parsed: (Statement | string)[] = [];
  let statements = 0;
  for (const [i, leaf] of entries.entries()) {
    const index = start + i;
    const statement = statementIn(leaf);
    parsed.push(statement);
    if (typeof statement !== 'string') statements++;
    if (window === undefined) continue;
    if (typeof statement === 'string') issues.push({ issue: 'not-a-statement', index, reason: statement });
    else issues.push(...timeIssues(index, leaf, statement.iat, window, frame));
  }
  return { statements, parsed, issues };
}

/** The statement that an entry is, or why it is none. */
function statementIn(leaf: Uint8Array): Statement | string {
  if (leaf[0] !== STATEMENT_START[0] || leaf[1] !== STATEMENT_START[1]) return 'it does not start as a COSE_Sign1';
  try {
    return parseStatement(leaf);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    return error.message;
  }
}

/** The two rules of DESIGN §3: an entry of a head signed at T is not from after T, nor from before a head without it. */
function timeIssues(
  index: number,
  leaf: Uint8Array,
  iat: number,
  window: number,
  { head, marks }: TimeFrame,
): readonly EntryIssue[] {
  const issues: EntryIssue[] = [];
  if (head.timestampSeconds !== 0 && iat > head.timestampSeconds + window) {
    issues.push({ issue: 'future', index, leaf, head });
  }
  const before = latestWithout(index, marks);
  if (before !== undefined && iat < before.timestampSeconds - window) {
    issues.push({ issue: 'backdated', index, leaf, before });
  }
  return issues;
}

/** The latest dated head whose tree ends before the entry. */
function latestWithout(index: number, marks: readonly LogHead[]): LogHead | undefined {
  let latest: LogHead | undefined;
  for (const mark of marks) {
    if (mark.size <= index && mark.timestampSeconds > (latest?.timestampSeconds ?? 0)) latest = mark;
  }
  return latest;
}

/** Dated heads that are kept while entries are behind them. */
const MAX_MARKS = 16;

/**
 * The marks that later entries, from index `cursor` on, may still need: all dated heads at or above the cursor, and the
 * latest one below. When there are too many, those in the middle go: they only narrow what the others say.
 */
export function marksFrom(cursor: number, marks: readonly LogHead[]): readonly LogHead[] {
  const dated = marks.filter(({ timestampSeconds }) => timestampSeconds !== 0).toSorted((a, b) => a.size - b.size);
  const below = latestWithout(cursor, dated);
  const kept = dated.filter((mark) => mark.size > cursor || mark === below);
  while (kept.length > MAX_MARKS) kept.splice(Math.floor(kept.length / 2), 1);
  return kept;
}
