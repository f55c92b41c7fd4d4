// What a monitor remembers of one log between runs, as text. The notes in it are the monitor's own: they were verified
// when they came in, and are taken apart again, not verified again.

import { utf8, utf8Text } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError } from '../errors.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { NO_ENTRIES } from './entries.ts';
import type { EntryCounts } from './entries.ts';
import type { WitnessStanding } from './witnesses/standing.ts';

/** A trouble that goes on, round after round. */
export interface StandingTrouble {
  readonly key: string;
  /** Rounds in a row. */
  readonly rounds: number;
  readonly sinceSeconds: number;
}

export interface LogState {
  readonly origin: string;
  /** Since when this log is watched. */
  readonly sinceSeconds: number;
  /** The largest head that was proven to extend everything before it: the branch that this monitor is on. */
  readonly head: LogHead | undefined;
  /** The largest head all of whose entries were checked and whose leaf hashes are mirrored; at most head. */
  readonly settled: LogHead | undefined;
  /** Entries [0, cursor) were checked, told about and mirrored; from settled.size to head.size. */
  readonly cursor: number;
  readonly counts: EntryCounts;
  /** True when entry 0 is this log's genesis, so that its records are judged; undefined before anybody looked. */
  readonly hasGenesis?: boolean | undefined;
  /** Dated heads that the entries from cursor on are measured against. */
  readonly marks: readonly LogHead[];
  /** Where in the journal of heads those start that wait for the tree to grow. */
  readonly waiting: readonly number[];
  readonly troubles: readonly StandingTrouble[];
  /** Since when the log has shown a smaller tree than one that it showed before. */
  readonly behindSinceSeconds: number | undefined;
  /** What the log's witnesses have cosigned; absent where none is known. */
  readonly witnessed?: readonly WitnessStanding[];
}

const FORMAT = 'limmat/monitor-log/v1';
/** A few dozen notes; 100 lines of ML-DSA-44 have 340 kB. */
const MAX_STATE_CHARACTERS = 32 * 1024 * 1024;

/** A head as it is put away: the note says origin, size and root. */
interface StoredHead {
  readonly timestampSeconds: number;
  readonly note: string;
}

/** The state as JSON, the inverse of parseLogState. */
export function formatLogState(state: LogState): string {
  const { head, settled, marks, ...rest } = state;
  const isSettled = settled !== undefined && head !== undefined && sameNote(settled, head);
  return `${JSON.stringify({
    format: FORMAT,
    ...rest,
    head: head === undefined ? null : storedHead(head),
    settled: isSettled ? 'head' : settled === undefined ? null : storedHead(settled),
    marks: marks.map(storedHead),
  })}\n`;
}

/** Reads what formatLogState writes; anything else is `store-corrupt`. */
export function parseLogState(text: string): LogState {
  if (text.length > MAX_STATE_CHARACTERS) throw corrupt(`has ${text.length} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt('is not JSON', error);
  }
  const object = objectOf(value);
  if (object['format'] !== FORMAT) throw corrupt(`is not in the form ${FORMAT}`);
  const { origin, behindSinceSeconds } = object;
  if (typeof origin !== 'string') throw corrupt('has no origin');
  const counts = objectOf(object['counts']);
  const head = object['head'] === null ? undefined : headOf(object['head'], origin);
  const settled =
    object['settled'] === 'head' ? head : object['settled'] === null ? undefined : headOf(object['settled'], origin);
  const cursor = numberOf(object, 'cursor');
  if (cursor < (settled?.size ?? 0) || cursor > (head?.size ?? 0)) {
    throw corrupt(`has the cursor ${cursor}, outside of its heads ${settled?.size ?? 0} and ${head?.size ?? 0}`);
  }
  return {
    origin,
    sinceSeconds: numberOf(object, 'sinceSeconds'),
    head,
    settled,
    cursor,
    counts: {
      statements: numberOf(counts, 'statements'),
      unknown: numberOf(counts, 'unknown'),
      withheld: numberOf(counts, 'withheld'),
    },
    ...(typeof object['hasGenesis'] === 'boolean' && { hasGenesis: object['hasGenesis'] }),
    marks: listOf(object, 'marks').map((mark) => headOf(mark, origin)),
    waiting: listOf(object, 'waiting').map((position) => numberOf({ position }, 'position')),
    troubles: listOf(object, 'troubles').map((item) => {
      const trouble = objectOf(item);
      if (typeof trouble['key'] !== 'string') throw corrupt('has a trouble without a key');
      return {
        key: trouble['key'],
        rounds: numberOf(trouble, 'rounds'),
        sinceSeconds: numberOf(trouble, 'sinceSeconds'),
      };
    }),
    behindSinceSeconds: behindSinceSeconds === undefined ? undefined : numberOf(object, 'behindSinceSeconds'),
    ...(object['witnessed'] !== undefined && { witnessed: listOf(object, 'witnessed').map(standingOf) }),
  };
}

/** The state of a log of which nothing is known yet. */
export function newLogState(origin: string, nowSeconds: number): LogState {
  return {
    origin,
    sinceSeconds: nowSeconds,
    head: undefined,
    settled: undefined,
    cursor: 0,
    counts: NO_ENTRIES,
    marks: [],
    waiting: [],
    troubles: [],
    behindSinceSeconds: undefined,
  };
}

/** What has to be kept at once when it changes: everything but the time of a head that was signed again. */
export function contentOf({ head, settled, marks, witnessed = [], ...rest }: LogState): string {
  const cosigned = witnessed.map(({ size, others, behindSinceSeconds }) => [size, others.length, behindSinceSeconds]);
  return JSON.stringify([head?.size, settled?.size, marks.length, cosigned, rest]);
}

function standingOf(value: unknown): WitnessStanding {
  const standing = objectOf(value);
  const { vkey, note, shownSeconds, behindSinceSeconds } = standing;
  const others = listOf(standing, 'others').filter((other) => typeof other === 'string');
  if (typeof vkey !== 'string' || typeof note !== 'string') throw corrupt('has a witness without a key or a note');
  return {
    vkey,
    note,
    others,
    size: numberOf(standing, 'size'),
    timestampSeconds: numberOf(standing, 'timestampSeconds'),
    ...(shownSeconds !== undefined && { shownSeconds: numberOf(standing, 'shownSeconds') }),
    ...(behindSinceSeconds !== undefined && { behindSinceSeconds: numberOf(standing, 'behindSinceSeconds') }),
  };
}

function sameNote(a: LogHead, b: LogHead): boolean {
  return a === b || (a.size === b.size && utf8Text(a.note) === utf8Text(b.note));
}

function storedHead({ timestampSeconds, note }: LogHead): StoredHead {
  const text = utf8Text(note);
  if (text === undefined) throw new TypeError('a note that is not UTF-8');
  return { timestampSeconds, note: text };
}

function headOf(value: unknown, expectedOrigin: string): LogHead {
  const stored = objectOf(value);
  const { note } = stored;
  if (typeof note !== 'string') throw corrupt('has a head without a note');
  const bytes = utf8(note);
  const { origin, size, rootHash } = checkpointIn(bytes);
  if (origin !== expectedOrigin) throw corrupt(`of ${expectedOrigin} has a head of ${origin}`);
  return { origin, size, rootHash, timestampSeconds: numberOf(stored, 'timestampSeconds'), note: bytes };
}

function checkpointIn(note: Uint8Array): Checkpoint {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch (error) {
    throw corrupt('has a note that is none', error);
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw corrupt('has something else where an object belongs');
}

function listOf(object: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const value = object[name];
  if (Array.isArray(value)) return value;
  throw corrupt(`has no list "${name}"`);
}

function numberOf(object: Readonly<Record<string, unknown>>, name: string): number {
  const value = object[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw corrupt(`has no number "${name}"`);
}

function corrupt(what: string, cause?: unknown): LimmatError {
  return new LimmatError(
    'store-corrupt',
    `the monitor's state of a log ${what}; restore it, or begin anew with --init`,
    {
      ...(cause !== undefined && { cause }),
    },
  );
}
