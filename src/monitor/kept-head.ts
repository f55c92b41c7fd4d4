// Signed heads as they came in, one JSON line each: `checkpoints.jsonl` of a monitor. What throws the log's signature away
// throws the evidence away.

import { utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import type { HeadSource } from './watched-log.ts';

/** A signed head as it came in. */
export interface KeptHead {
  /** The note, verbatim but for the lines of keys that nobody here knows. */
  readonly note: Uint8Array;
  /** The time in the log's own line; 0 where it states none. */
  readonly timestampSeconds: number;
  readonly source: HeadSource;
  /** When it came in, by the monitor's clock. */
  readonly atSeconds: number;
}

const SOURCES: readonly HeadSource[] = ['log', 'peer', 'client', 'witness'];

/**
 * The line of a head, without a newline; RangeError when the note is not UTF-8.
 *
 *     {"at":1790000000,"via":"log","time":1789999999,"note":"example.com/log\n7\n…"}
 */
export function formatKeptHead({ note, timestampSeconds, source, atSeconds }: KeptHead): string {
  const text = utf8Text(note);
  if (text === undefined) throw new RangeError('a note that is not UTF-8 is no signed head');
  return JSON.stringify({ at: atSeconds, via: source, time: timestampSeconds, note: text });
}

/** Reads what formatKeptHead writes; anything else is `malformed`. The note is not verified. */
export function parseKeptHead(line: string): KeptHead {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new LimmatError('malformed', 'a kept head is not JSON', { cause: error });
  }
  const { at, via, time, note } = (value ?? {}) as Partial<Record<'at' | 'via' | 'time' | 'note', unknown>>;
  const source = SOURCES.find((known) => known === via);
  if (typeof note !== 'string' || source === undefined || !isTime(at) || !isTime(time)) {
    throw new LimmatError('malformed', 'a kept head has no note, no source or no time');
  }
  return { note: utf8(note), timestampSeconds: time, source, atSeconds: at };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
