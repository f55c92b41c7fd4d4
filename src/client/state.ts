// What a verifier remembers between runs: the largest verified head of each log it met, with the note that proves it.
// Pure: who calls reads and writes the text. Two signed heads that contradict each other are a fork (DESIGN §4).

import { equalBytes, toHex, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { TreeHead } from '../merkle/tree-head.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { formatNote, parseNote } from '../note/note.ts';
import type { Note } from '../note/note.ts';

/** A tree head of a log, taken from a note whose log signatures were verified. */
export interface LogHead extends TreeHead {
  readonly origin: string;
  /** From the log's own ML-DSA-44 line: as of this time this was its largest tree. 0 where the log signs no time. */
  readonly timestampSeconds: number;
  /** The note, kept because it is evidence if another head contradicts it. */
  readonly note: Uint8Array;
}

/** The largest verified head by origin. */
export type RememberedHeads = ReadonlyMap<string, LogHead>;

/** What is remembered before anything was verified. */
export const NOTHING_REMEMBERED: RememberedHeads = new Map();

/** The note with the lines of these keys only: what anyone may add to a note is not worth remembering (DESIGN §7). */
export function trimNote(note: Note, keys: readonly { readonly name: string; readonly keyId: number }[]): Uint8Array {
  const lines = note.signatures.filter((line) =>
    keys.some((key) => key.name === line.name && key.keyId === line.keyId),
  );
  return utf8(formatNote(note.text, lines));
}

/** Hundreds of logs with notes of 4 kB (two log lines and some cosignatures). */
const MAX_STATE_CHARACTERS = 4 * 1024 * 1024;
const FORMAT = 'limmat/state/v1';

/**
 * Compares two verified heads of one log, remembered and new: 'newer' when the new one has more entries, 'older' when
 * it has fewer, 'same' otherwise. Throws `fork` when no honest log can have signed both: one size with two roots, or a
 * tree that is smaller as of a later time (tlog-cosignature: the timestamp says that the tree was the largest then).
 */
export function compareHeads(remembered: LogHead, head: LogHead): 'newer' | 'same' | 'older' {
  const details = {
    origin: head.origin,
    rememberedSize: remembered.size,
    size: head.size,
    rememberedRoot: toHex(remembered.rootHash),
    root: toHex(head.rootHash),
  };
  if (head.size === remembered.size) {
    if (equalBytes(head.rootHash, remembered.rootHash)) return 'same';
    throw new LimmatError(
      'fork',
      `${head.origin} signed two different trees of size ${head.size}: root ${details.rememberedRoot} was seen before, now it is ${details.root}`,
      { details },
    );
  }
  const [smaller, larger] = head.size < remembered.size ? [head, remembered] : [remembered, head];
  if (larger.timestampSeconds !== 0 && smaller.timestampSeconds > larger.timestampSeconds) {
    throw new LimmatError(
      'fork',
      `${head.origin} went back: it signed ${larger.size} entries at ${larger.timestampSeconds} and only ${smaller.size} entries later, at ${smaller.timestampSeconds}`,
      { details },
    );
  }
  return head.size > remembered.size ? 'newer' : 'older';
}

/** Throws `fork` when a verified head contradicts what is remembered of its log. */
export function checkRemembered(heads: RememberedHeads, head: LogHead): void {
  const remembered = heads.get(head.origin);
  if (remembered !== undefined) compareHeads(remembered, head);
}

/**
 * The heads after a verified one: it takes its log's place when it has more entries, or as many as of a later time.
 * Throws `fork` as compareHeads does; the argument is never changed.
 */
export function advance(heads: RememberedHeads, head: LogHead): RememberedHeads {
  const remembered = heads.get(head.origin);
  if (remembered !== undefined) {
    const order = compareHeads(remembered, head);
    if (order === 'older') return heads;
    if (order === 'same' && head.timestampSeconds <= remembered.timestampSeconds) return heads;
  }
  return new Map(heads).set(head.origin, head);
}

/**
 * The state as text, the inverse of parseState:
 *
 *     {"format":"limmat/state/v1","heads":[
 *     {"timestampSeconds":1790000000,"note":"example.com/log\n7\n…"}
 *     ]}
 */
export function formatState(heads: RememberedHeads): string {
  const sorted = [...heads.values()].toSorted((a, b) => (a.origin < b.origin ? -1 : 1));
  const lines = sorted.map((head) => {
    const note = utf8Text(head.note);
    if (note === undefined) throw new TypeError(`the note of ${head.origin} is not UTF-8`);
    return JSON.stringify({ timestampSeconds: head.timestampSeconds, note });
  });
  return `{"format":"${FORMAT}","heads":[\n${lines.join(',\n')}\n]}\n`;
}

/** Reads exactly what formatState writes; anything else is `malformed`. Notes are not verified again. */
export function parseState(text: string): RememberedHeads {
  if (text.length > MAX_STATE_CHARACTERS) {
    throw new LimmatError('malformed', `the state has ${text.length} characters, above ${MAX_STATE_CHARACTERS}`);
  }
  const heads = new Map<string, LogHead>();
  for (const item of stateItems(text)) {
    const head = parseHead(item);
    heads.set(head.origin, head);
  }
  if (formatState(heads) !== text) throw new LimmatError('malformed', `the state is not in the form ${FORMAT}`);
  return heads;
}

function stateItems(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LimmatError('malformed', 'the state is not JSON', { cause: error });
  }
  if (!isObject(value) || !Array.isArray(value['heads'])) {
    throw new LimmatError('malformed', 'the state has no list of heads');
  }
  return value['heads'];
}

function parseHead(item: unknown): LogHead {
  if (!isObject(item)) throw new LimmatError('malformed', 'a head of the state is not an object');
  const { timestampSeconds, note } = item;
  if (typeof note !== 'string' || typeof timestampSeconds !== 'number' || !Number.isSafeInteger(timestampSeconds)) {
    throw new LimmatError('malformed', 'a head of the state has no note or no time');
  }
  if (timestampSeconds < 0) throw new LimmatError('malformed', `the time ${timestampSeconds} is below 0`);
  const bytes = utf8(note);
  const { origin, size, rootHash } = parseCheckpoint(parseNote(bytes).text);
  return { origin, size, rootHash, timestampSeconds, note: bytes };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
