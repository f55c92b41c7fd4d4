// Signed notes: a text, an empty line, and signature lines (C2SP signed-note v1.0.0). This file takes notes apart and
// puts them together; it verifies nothing.

import { concat, fromBase64, readUint, toBase64, uintBytes, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';

/**
 * Largest note that is read, in bytes. An ML-DSA-44 line takes 3.3 kB, so this holds a log's lines and those of
 * more than 70 post-quantum witnesses; signed-note asks for 16 signatures at least.
 */
export const MAX_NOTE_BYTES: number = 256 * 1024;
/** Most signature lines that are read. */
export const MAX_SIGNATURES = 100;

/** One signature line. */
export interface NoteSignature {
  /** The key's name. */
  readonly name: string;
  /** The key id, a number below 2^32; names the key together with the name. */
  readonly keyId: number;
  /** What follows the key id, at least one byte; what it means depends on the key's type. */
  readonly signature: Uint8Array;
  /** The whole line as it was read, with its newline. */
  readonly line: string;
}

/** A note whose form is right. Nothing in it is verified. */
export interface Note {
  /** The signed text, with its final newline and without the empty line after it. */
  readonly text: string;
  /** The UTF-8 of the text: what signatures are over. */
  readonly textBytes: Uint8Array;
  readonly signatures: readonly NoteSignature[];
}

const LINE_START = '— ';

/** True for a key name: not empty, no white space, no plus sign, no control character, well-formed Unicode. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}\p{Surrogate}+]/u.test(name) && !hasControl(name);
}

/** True when the text has an ASCII control character other than a newline. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}

/** LimmatError `malformed` unless the text can be a note's: ends in a newline, no control characters, well-formed. */
export function checkNoteText(text: string): void {
  if (!text.endsWith('\n')) throw new LimmatError('malformed', 'note text does not end in a newline');
  if (hasControl(text)) throw new LimmatError('malformed', 'note text has a control character');
  if (/\p{Surrogate}/u.test(text)) throw new LimmatError('malformed', 'note text is not well-formed Unicode');
}

/**
 * A note's parts. LimmatError `malformed` for what is no note, is above MAX_NOTE_BYTES, or has more than
 * MAX_SIGNATURES lines. Lines of keys and types that nobody here knows are kept like any other.
 *
 * ```text
 * This is an example message.
 *
 * — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
 * ```
 */
export function parseNote(note: Uint8Array | string): Note {
  const length = note.length;
  if (length > MAX_NOTE_BYTES) throw tooLarge(length);
  const bytes = typeof note === 'string' ? utf8(note) : note;
  if (bytes.length > MAX_NOTE_BYTES) throw tooLarge(bytes.length);
  const whole = typeof note === 'string' ? note : utf8Text(note);
  if (whole === undefined) throw new LimmatError('malformed', 'note is not UTF-8');
  checkNoteText(whole);
  // The last empty line separates: a text may have empty lines of its own.
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) throw new LimmatError('malformed', 'note has no empty line between its text and its signatures');
  const text = whole.slice(0, split + 1);
  const lines = whole.slice(split + 2, -1).split('\n');
  if (split + 2 >= whole.length) throw new LimmatError('malformed', 'note has no signature');
  if (lines.length > MAX_SIGNATURES) {
    throw new LimmatError('malformed', `note has ${lines.length} signature lines, more than ${MAX_SIGNATURES}`);
  }
  const signatures = Object.freeze(lines.map(parseSignatureLine));
  return Object.freeze({ text, textBytes: utf8(text), signatures });
}

function tooLarge(length: number): LimmatError {
  return new LimmatError('malformed', `note has ${length} bytes or more, above the limit of ${MAX_NOTE_BYTES}`);
}

/** One signature line, without its newline. LimmatError `malformed`. */
function parseSignatureLine(line: string): NoteSignature {
  const space = line.indexOf(' ', LINE_START.length);
  if (!line.startsWith(LINE_START) || space < 0) {
    throw new LimmatError('malformed', 'signature line is not of the form "— name base64"');
  }
  const name = line.slice(LINE_START.length, space);
  if (!isKeyName(name)) throw new LimmatError('malformed', 'signature line has no valid key name');
  const bytes = fromBase64(line.slice(space + 1));
  if (bytes === undefined) throw new LimmatError('malformed', `signature of ${name} is not canonical base64`);
  if (bytes.length < 5) {
    throw new LimmatError('malformed', `signature of ${name} has ${bytes.length} bytes, fewer than 5`);
  }
  const keyId = readUint(bytes, 0, 4)!;
  return Object.freeze({ name, keyId, signature: bytes.slice(4), line: `${line}\n` });
}

/** A signature line with its newline. RangeError when the name is no key name, or the signature is empty. */
export function formatSignatureLine(name: string, keyId: number, signature: Uint8Array): string {
  if (!isKeyName(name)) throw new RangeError('not a key name');
  if (signature.length === 0) throw new RangeError('a signature has at least one byte');
  return `${LINE_START}${name} ${toBase64(concat(uintBytes(keyId, 4), signature))}\n`;
}

/**
 * The note with this text and these lines (each with its newline, as signers give them and parseNote keeps them).
 * RangeError unless parseNote takes the result apart into the same.
 */
export function formatNote(text: string, lines: readonly (string | NoteSignature)[]): string {
  const note = `${text}\n${lines.map((line) => (typeof line === 'string' ? line : line.line)).join('')}`;
  let parsed: Note;
  try {
    parsed = parseNote(note);
  } catch (cause) {
    throw new RangeError('text and lines do not make a note', { cause });
  }
  if (parsed.text !== text || parsed.signatures.length !== lines.length) {
    throw new RangeError('text and lines do not make a note');
  }
  return note;
}
