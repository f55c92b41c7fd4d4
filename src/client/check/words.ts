// What `limmat check` says of a file, one code each. docs/check.md has the same table.

/**
 * How much a word weighs, from nothing to the worst: 'fine' and 'remark' leave a file as it is; 'trouble' means that it
 * could not be looked up, which says nothing about it; 'suspicion' that the log keeps back what it has to show; 'finding'
 * speaks against the file; 'proof' convicts the log.
 */
export const GRADES = Object.freeze(['fine', 'remark', 'trouble', 'suspicion', 'finding', 'proof'] as const);
export type Grade = (typeof GRADES)[number];

interface Word {
  readonly grade: Grade;
  readonly sentence: string;
}

const word = (grade: Grade, sentence: string): Word => Object.freeze({ grade, sentence });

/** Every word with its grade and what it means; of several of one grade the first here is the verdict. */
export const CHECK_WORDS = Object.freeze({
  'two-histories': word('proof', 'the log contradicts itself: two things that it signed cannot both be true'),
  'bad-citation': word('finding', 'what the log answered does not hold: the entry, its proof or its signatures'),
  recalled: word('finding', 'its record was recalled'),
  'below-minimum': word('finding', 'its record is older than the oldest that may still be used in its channel'),
  'channel-rollback': word('finding', 'the head of its channel goes back behind one that was seen before'),
  dissent: word('finding', 'a rebuilder in the trust file got other files out of the same source'),
  retracted: word('finding', 'its record was retracted'),
  'unknown-issuer': word('finding', 'it is logged, but nobody whom the trust file names signed it'),
  'unexpected-record': word('finding', 'it is logged, but as something that the trust file does not expect'),
  'too-few-rebuilds': word('finding', 'fewer rebuilders in the trust file got the same files than are asked for'),
  'not-logged': word('finding', 'no record in the log names it'),
  'no-channel-head': word(
    'suspicion',
    'the log gave no head of its channel that holds, and the trust file has a key for it',
  ),
  'not-checked': word('trouble', 'it could not be looked up'),
  'channel-not-checked': word('trouble', 'the head of its channel could not be fetched'),
  logged: word('fine', 'a record in the log names it, signed by an issuer in the trust file'),
  superseded: word('remark', 'another record stands in the place of its own'),
  corrected: word('remark', 'its record was corrected by another'),
  'stranger-recall': word('remark', 'a record of it that does not count was recalled'),
  'stranger-dissent': word('remark', 'somebody whom the trust file does not name says that other files come out'),
  'not-rebuildable': word('remark', 'a rebuilder in the trust file could not build it, or could not tell'),
  rebuilt: word('remark', 'others than its vendor, in the trust file, built it and got the same files'),
  'no-dissent': word('remark', 'no rebuilder in the trust file got other files'),
  'dissent-not-proven': word('remark', 'not proven: that no rebuilder got other files, or took back what it said'),
  newest: word('remark', 'it is the newest of its channel'),
  older: word('remark', 'there is a newer one in its channel'),
  ahead: word('remark', 'it is newer than the channel head'),
  'newest-not-proven': word('remark', 'not proven: whether it is the newest of its channel'),
  'not-recalled': word('remark', 'none of its records was recalled'),
  'not-recalled-in-channel': word(
    'remark',
    'its channel recalled neither it nor a later one, which does not prove that no other record of it was, or that none was retracted',
  ),
  'recall-not-proven': word('remark', 'not proven: that it was neither recalled nor retracted'),
} as const);

export type CheckWord = keyof typeof CHECK_WORDS;

/** One thing that is said of a file. */
export interface Saying {
  readonly code: CheckWord;
  /** What it rests on, or why it could not be said; for people. */
  readonly detail?: string;
}

const ORDER = Object.keys(CHECK_WORDS);

/** The gravest of these grades; 'fine' of none. */
export function worstGrade(grades: Iterable<Grade>): Grade {
  let worst = 0;
  for (const grade of grades) worst = Math.max(worst, GRADES.indexOf(grade));
  return GRADES[worst]!;
}

/** The sayings, gravest first as the table has them, each code once; remarks stand behind `logged`. */
export function inOrder(sayings: readonly Saying[]): readonly Saying[] {
  const first = new Map<CheckWord, Saying>();
  for (const saying of sayings) if (!first.has(saying.code)) first.set(saying.code, saying);
  return [...first.values()].toSorted((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code));
}
