// A journal as a file of lines. A crash can only tear its end: what follows the last newline was never promised to anyone
// and is cut off before the next line is added.

import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { utf8, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { JournalLine, LineJournal } from '../../monitor/ports.ts';
import { isMissing, named, openToWrite, replaceFile, syncDirectory } from './files.ts';

const NEWLINE = 0x0a;
/** Bytes that are read at once. Most lines are far shorter; a longer one makes the buffer grow. */
const CHUNK = 64 * 1024;

/** Opens the journal in this file, which need not be there yet. */
export function openJournal(path: string): Promise<LineJournal> {
  return named(path, async () => new FileJournal(path, await endOf(path)));
}

class FileJournal implements LineJournal {
  readonly #path: string;
  #end: number;
  /** False until the file's directory is known to list it for good. */
  #listed: boolean;
  #writes: Promise<void> = Promise.resolve();

  constructor(path: string, end: number | undefined) {
    this.#path = path;
    this.#end = end ?? 0;
    this.#listed = end !== undefined;
  }

  get end(): number {
    return this.#end;
  }

  read(from: number, limit: number): Promise<readonly JournalLine[]> {
    return named(this.#path, async () => {
      if (from >= this.#end || limit <= 0) return [];
      const handle = await open(this.#path, 'r');
      try {
        // One byte before: whether a line starts at `from` is seen by what is in front of it.
        return await readLines(handle, Math.max(0, from - 1), this.#end, from, limit);
      } finally {
        await handle.close();
      }
    });
  }

  async append(lines: readonly string[]): Promise<void> {
    const bytes = bytesOf(lines);
    await this.#inTurn(async () => {
      if (bytes.length === 0) return;
      const handle = await openToWrite(this.#path);
      try {
        // What a crash or a failed write left behind the last line.
        if ((await handle.stat()).size > this.#end) await handle.truncate(this.#end);
        await writeAll(handle, bytes, this.#end);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      if (!this.#listed) await syncDirectory(dirname(this.#path));
      this.#listed = true;
      this.#end += bytes.length;
    });
  }

  async rewrite(lines: readonly string[]): Promise<void> {
    const bytes = bytesOf(lines);
    await this.#inTurn(async () => {
      await replaceFile(this.#path, bytes);
      this.#listed = true;
      this.#end = bytes.length;
    });
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#writes.then(() => named(this.#path, write));
    this.#writes = turn.catch(() => undefined);
    return turn;
  }
}

function bytesOf(lines: readonly string[]): Uint8Array {
  if (lines.some((line) => line.includes('\n'))) throw new RangeError('a line with a newline in it');
  return utf8(lines.map((line) => `${line}\n`).join(''));
}

/** Writes all the bytes at this position: one call may take fewer. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Reads exactly these bytes; `store-corrupt` when the file ends before them. */
export async function readExactly(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) {
      throw new LimmatError('store-corrupt', `${path} ends at byte ${position + done}, before ${position + length}`);
    }
    done += bytesRead;
  }
  return bytes;
}

/** The position behind the last whole line of a file; undefined when there is no file. */
async function endOf(path: string): Promise<number | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    let { size } = await handle.stat();
    while (size > 0) {
      const start = Math.max(0, size - CHUNK);
      const newline = (await readExactly(handle, path, start, size - start)).lastIndexOf(NEWLINE);
      if (newline >= 0) return start + newline + 1;
      size = start;
    }
    return 0;
  } finally {
    await handle.close();
  }
}

/** The lines that start at `from` or later, out of the bytes [start, end) of a file. */
async function readLines(
  handle: FileHandle,
  start: number,
  end: number,
  from: number,
  limit: number,
): Promise<readonly JournalLine[]> {
  const lines: JournalLine[] = [];
  let pending = new Uint8Array(0);
  let position = start;
  for (let next = start; next < end && lines.length < limit;) {
    const chunk = await readExactly(handle, 'the journal', next, Math.min(CHUNK, end - next));
    next += chunk.length;
    const bytes = new Uint8Array(pending.length + chunk.length);
    bytes.set(pending);
    bytes.set(chunk, pending.length);
    let at = 0;
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, at)) {
      if (position + at >= from && lines.length < limit) {
        const text = utf8Text(bytes.subarray(at, newline));
        if (text === undefined) throw new LimmatError('store-corrupt', `a line at byte ${position + at} is not UTF-8`);
        lines.push({ position: position + at, text });
      }
      at = newline + 1;
    }
    pending = bytes.slice(at);
    position += at;
  }
  return lines;
}
