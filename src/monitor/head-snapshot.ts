// The heads of a book as a value for JSON, and back. Notes are the monitor's own, so they are taken apart again and not
// verified again. Evidence is not in it: whoever restores a book calls `convict` for each file of its evidence.

import { equalBytes, utf8, utf8Text } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError } from '../errors.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { HeadBook } from './heads.ts';
import type { HeadBookOptions, HeadState } from './heads.ts';
import type { HeadSource } from './watched-log.ts';

/** A head as it is put away; the note says origin, size and root. */
export interface StoredNote {
  readonly timestampSeconds: number;
  readonly note: string;
}

/** What is put away of a book. */
export interface HeadBookSnapshot {
  readonly origin: string;
  /** What changed last at the end. */
  readonly records: readonly {
    readonly state: HeadState;
    readonly firstSeenSeconds: number;
    readonly sources: readonly HeadSource[];
    readonly earliest: StoredNote;
    /** Where it is another note than the earliest. */
    readonly latest?: StoredNote;
  }[];
}

const SOURCES: readonly HeadSource[] = ['log', 'peer', 'client', 'witness'];
const STATES: readonly HeadState[] = ['unresolved', 'consistent', 'contradicted'];

/** What is to be put away of a book. */
export function snapshotOf(book: HeadBook): HeadBookSnapshot {
  return {
    origin: book.origin,
    records: book.records().map(({ state, firstSeenSeconds, sources, earliest, latest }) => ({
      state,
      firstSeenSeconds,
      sources,
      earliest: storedNote(earliest),
      ...(latest !== earliest && { latest: storedNote(latest) }),
    })),
  };
}

/** The book of a snapshot, which may come straight from JSON.parse. LimmatError `malformed` for anything else. */
export function restoreBook(snapshot: unknown, options: HeadBookOptions): HeadBook {
  const book = new HeadBook(options);
  const { origin, records } = objectOf(snapshot);
  if (origin !== options.origin) throw malformed(`are not of ${options.origin}`);
  if (!Array.isArray(records)) throw malformed('have no list of records');
  for (const item of records as readonly unknown[]) restoreRecord(book, objectOf(item));
  return book;
}

function restoreRecord(book: HeadBook, item: Readonly<Record<string, unknown>>): void {
  const state = STATES.find((known) => known === item['state']);
  const given: unknown = item['sources'];
  const sources = Array.isArray(given) ? SOURCES.filter((known) => given.includes(known)) : [];
  if (state === undefined || sources.length === 0) throw malformed('have a record without a state or a source');
  const firstSeenSeconds = numberOf('firstSeenSeconds', item['firstSeenSeconds']);
  const earliest = headOf(item['earliest']);
  const latest = item['latest'] === undefined ? earliest : headOf(item['latest']);
  const isOneTree = latest.size === earliest.size && equalBytes(latest.rootHash, earliest.rootHash);
  if (earliest.origin !== book.origin || latest.origin !== book.origin || !isOneTree) {
    throw malformed('have a record whose notes are of different trees');
  }
  for (const source of sources) book.admit(earliest, source, firstSeenSeconds);
  if (latest !== earliest) book.admit(latest, sources[0]!, firstSeenSeconds);
  if (state !== 'unresolved') book.resolve(earliest, state);
}

function storedNote({ timestampSeconds, note }: LogHead): StoredNote {
  const text = utf8Text(note);
  if (text === undefined) throw new TypeError('a note that is not UTF-8');
  return { timestampSeconds, note: text };
}

function headOf(value: unknown): LogHead {
  const { timestampSeconds, note } = objectOf(value);
  if (typeof note !== 'string') throw malformed('have a record without a note');
  const bytes = utf8(note);
  const { origin, size, rootHash } = parseCheckpoint(parseNote(bytes).text);
  return { origin, size, rootHash, timestampSeconds: numberOf('timestampSeconds', timestampSeconds), note: bytes };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed('have something else where an object belongs');
}

function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`have no ${name}`);
}

function malformed(what: string): LimmatError {
  return new LimmatError('malformed', `the stored heads ${what}`);
}
