// The journal of an import: every statement that was signed for it, in order, on the disk before it is sent. A second run
// sends the same bytes again, so what is logged already keeps its index, and goes on where the first one ended. Signing
// again would give other bytes: the time of signing is in them.
//
// Form: one line of JSON that names the import, then statements in the entry-bundle form (u16 length and bytes).

import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';

import { concat, readUint, utf8, utf8Text } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { frameEntries } from '../support/log-api.ts';

const FORMAT = 'limmat-import/v1';
const NEWLINE = 0x0a;

/** What an import is: another log, key, issuer or input is another import. */
export interface ImportIdentity {
  readonly origin: string;
  readonly kid: string;
  readonly issuer: string;
  /** SHA-256 of the input, in hex. */
  readonly input: string;
}

export class Journal {
  readonly #path: string;
  #descriptor: number;
  /** The statements in it when it was opened. */
  readonly statements: readonly Uint8Array[];
  /** Where each of them, and the next one, begins in the file. */
  #offsets: readonly number[];
  #end: number;

  private constructor(path: string, descriptor: number, statements: readonly Uint8Array[], offsets: readonly number[]) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.statements = statements;
    this.#offsets = offsets;
    this.#end = offsets.at(-1)!;
  }

  /** Opens the journal in this file, or begins it. `usage` when the file is another import's. */
  static open(path: string, identity: ImportIdentity): Journal {
    const header = utf8(`${JSON.stringify({ format: FORMAT, ...identity })}\n`);
    if (!existsSync(path)) {
      const descriptor = openSync(path, 'wx');
      writeSync(descriptor, header);
      fsyncSync(descriptor);
      return new Journal(path, descriptor, [], [header.length]);
    }
    const bytes = new Uint8Array(readFileSync(path));
    checkHeader(path, bytes, identity);
    const { statements, offsets } = readFrames(bytes, bytes.indexOf(NEWLINE) + 1);
    const descriptor = openSync(path, 'r+');
    // What a crash cut off in the middle was never sent.
    ftruncateSync(descriptor, offsets.at(-1));
    return new Journal(path, descriptor, statements, offsets);
  }

  /** Adds statements, durably. */
  append(statements: readonly Uint8Array[]): void {
    const framed = frameEntries(statements);
    writeSync(this.#descriptor, framed, 0, framed.length, this.#end);
    fsyncSync(this.#descriptor);
    this.#end += framed.length;
  }

  /** Puts these statements in the place of all that are there, at once: a crash leaves the ones or the others. */
  replace(statements: readonly Uint8Array[]): void {
    const header = readFileSync(this.#path).subarray(0, this.#offsets[0]);
    const next = `${this.#path}.next`;
    const descriptor = openSync(next, 'w+');
    const bytes = concat(new Uint8Array(header), frameEntries(statements));
    writeSync(descriptor, bytes);
    fsyncSync(descriptor);
    renameSync(next, this.#path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#offsets = readFrames(bytes, header.length).offsets;
    this.#end = bytes.length;
  }

  /** Drops the statements from this one on; they are to be signed anew. */
  truncate(count: number): void {
    this.#end = this.#offsets[count]!;
    ftruncateSync(this.#descriptor, this.#end);
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function checkHeader(path: string, bytes: Uint8Array, identity: ImportIdentity): void {
  let header: unknown;
  try {
    header = JSON.parse(utf8Text(bytes.subarray(0, bytes.indexOf(NEWLINE))) ?? '');
  } catch {
    header = undefined;
  }
  const wanted: Readonly<Record<string, unknown>> = { format: FORMAT, ...identity };
  const found = new Map<string, unknown>(typeof header === 'object' && header !== null ? Object.entries(header) : []);
  const other = Object.keys(wanted).find((name) => found.get(name) !== wanted[name]);
  if (other === undefined) return;
  throw new LimmatError(
    'usage',
    `${path} is the journal of an import with another ${other}: name another file with --journal, or remove it`,
  );
}

function readFrames(bytes: Uint8Array, start: number): { statements: Uint8Array[]; offsets: number[] } {
  const statements: Uint8Array[] = [];
  const offsets = [start];
  let offset = start;
  while (offset + 2 <= bytes.length) {
    const end = offset + 2 + readUint(bytes, offset, 2)!;
    if (end > bytes.length) break;
    statements.push(bytes.subarray(offset + 2, end));
    offsets.push(end);
    offset = end;
  }
  return { statements, offsets };
}
