// Segment files: the entry bundles' bytes, one after another, in files of 256 bundles (65,536 entries). Appending is one
// write and one flush, nothing is ever rewritten, and what a crash left behind the committed end is cut off at open.
// Where a bundle lies is kept by the main database; its bytes are contiguous because entries only ever arrive in order.

import { constants } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { LimmatError } from '../../errors.ts';
import type { BundleWrite } from '../../storage.ts';
import { plain } from './database.ts';
import type { BundleLocation } from './keys.ts';

/** Bundles in a segment file. 256 make 65,536 entries: 64 MiB of 1 KiB entries, 4 GiB at the very most. */
export const SEGMENT_BUNDLES = 256;

/**
 * Segment files that a crash may leave behind the committed end: the one that a growth went on in is cut, and a growth
 * large enough to start others starts at most this many. More than that means the database is older than the entries.
 */
const MAX_STRAY_SEGMENTS = 2;

/** Segment files that are kept open for reading. */
const MAX_OPEN_READERS = 32;

/**
 * With O_DSYNC a write returns once it is on the disk: one trip to the thread pool instead of two. Elsewhere than on
 * Linux the flag means less than a flush does, so there each write is followed by one.
 */
export type FlushMode = 'dsync' | 'datasync';
export const DEFAULT_FLUSH: FlushMode = process.platform === 'linux' ? 'dsync' : 'datasync';

/** The last bundle that has bytes, and where they lie. An empty store's is bundle 0 from 0 to 0. */
export interface TailBundle extends BundleLocation {
  readonly index: number;
}

interface Writer {
  readonly segment: number;
  readonly handle: FileHandle;
}

/** The segment that a bundle's bytes are in. */
export function segmentOf(bundle: number): number {
  return Math.floor(bundle / SEGMENT_BUNDLES);
}

export function segmentPath(dir: string, segment: number): string {
  return join(dir, String(segment).padStart(10, '0'));
}

/** Makes a directory's entries durable: new, renamed and removed files. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export class Segments {
  readonly #dir: string;
  readonly #flush: FlushMode;
  /** The last committed bundle: the next growth goes on where it ends. */
  #tail: TailBundle;
  #writer: Writer | undefined;
  /** In order of last use. */
  readonly #readers = new Map<number, Promise<FileHandle>>();

  private constructor(dir: string, tail: TailBundle, flush: FlushMode) {
    this.#dir = dir;
    this.#tail = tail;
    this.#flush = flush;
  }

  /**
   * Opens the segment files whose last committed bundle is this one, after cutting off what lies behind it.
   * `store-corrupt` if committed bytes are missing, or if more lies behind than a crash can leave.
   */
  static async open(dir: string, tail: TailBundle, flush: FlushMode): Promise<Segments> {
    await mkdir(dir, { recursive: true });
    const last = segmentOf(tail.index);
    const segments = (await readdir(dir)).filter((name) => /^\d{10,}$/.test(name)).map(Number);
    const strays = segments.filter((segment) => segment > last);
    if (strays.length > MAX_STRAY_SEGMENTS) {
      throw new LimmatError(
        'store-corrupt',
        `${dir} has ${strays.length} segment files behind the last committed one, ${last}: ` +
          'the database beside it is an older copy; restore both from the same backup',
        { details: { strays: strays.length, segment: last } },
      );
    }
    for (const segment of strays) await rm(segmentPath(dir, segment));
    if (tail.end > 0 || segments.includes(last)) await cut(segmentPath(dir, last), tail.end);
    await syncDirectory(dir);
    return new Segments(dir, tail, flush);
  }

  /** Segment files that hold committed bytes. */
  get count(): number {
    return this.#tail.end === 0 ? 0 : segmentOf(this.#tail.index) + 1;
  }

  /**
   * Appends what these bundles grew by and gives where each one lies now, in order. The bytes are on the disk when the
   * promise resolves, but they count only once `committed` was called: until then an append starts from the same place.
   */
  async append(bundles: readonly BundleWrite[]): Promise<readonly TailBundle[]> {
    const grown: TailBundle[] = [];
    let tail = this.#tail;
    let position = tail.end;
    let pending: Uint8Array[] = [];
    for (const { index, oldWidth, appended } of bundles) {
      if (oldWidth > 0 && index !== tail.index) throw new Error('bad math in append: a bundle is not the last one');
      if (segmentOf(index) !== segmentOf(tail.index)) {
        await this.#write(segmentOf(tail.index), position, pending);
        [tail, position, pending] = [{ index, start: 0, end: 0 }, 0, []];
      }
      tail = { index, start: oldWidth > 0 ? tail.start : tail.end, end: tail.end + appended.length };
      pending.push(appended);
      grown.push(tail);
    }
    await this.#write(segmentOf(tail.index), position, pending);
    return grown;
  }

  /** What was appended last is committed: this is the last bundle now. */
  committed(tail: TailBundle): void {
    this.#tail = tail;
  }

  /** The bytes of a bundle. `store-corrupt` when the file does not have them. */
  async read(bundle: number, location: BundleLocation): Promise<Uint8Array> {
    const segment = segmentOf(bundle);
    const handle = await this.#reader(segment);
    // Not filled with zeros first: every byte is read or the read fails.
    const bytes = plain(Buffer.allocUnsafeSlow(location.end - location.start));
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, location.start + done);
      if (bytesRead === 0) {
        throw new LimmatError(
          'store-corrupt',
          `${segmentPath(this.#dir, segment)} ends at ${location.start + done}, bundle ${bundle} at ${location.end}`,
        );
      }
      done += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#writer?.handle.close();
    this.#writer = undefined;
    const readers = await Promise.allSettled(this.#readers.values());
    this.#readers.clear();
    for (const reader of readers) if (reader.status === 'fulfilled') await reader.value.close();
  }

  async #write(segment: number, position: number, buffers: readonly Uint8Array[]): Promise<void> {
    if (buffers.length === 0) return;
    const handle = await this.#writerFor(segment, position === 0);
    let rest = buffers;
    for (let at = position; rest.length > 0;) {
      const { bytesWritten } = await handle.writev(rest, at);
      at += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
    if (this.#flush === 'datasync') await handle.datasync();
  }

  async #writerFor(segment: number, start: boolean): Promise<FileHandle> {
    if (this.#writer?.segment === segment) return this.#writer.handle;
    await this.#writer?.handle.close();
    this.#writer = undefined;
    const dsync = this.#flush === 'dsync' ? constants.O_DSYNC : 0;
    const create = start ? constants.O_CREAT : 0;
    const handle = await open(segmentPath(this.#dir, segment), constants.O_WRONLY + dsync + create, 0o644);
    this.#writer = { segment, handle };
    // Bytes in a file that a power cut takes out of its directory again would not be durable.
    if (start) await syncDirectory(this.#dir);
    return handle;
  }

  #reader(segment: number): Promise<FileHandle> {
    let reader = this.#readers.get(segment);
    this.#readers.delete(segment);
    reader ??= open(segmentPath(this.#dir, segment), 'r').catch((error: unknown) => {
      this.#readers.delete(segment);
      throw openFailure(segmentPath(this.#dir, segment), error);
    });
    this.#readers.set(segment, reader);
    for (const [oldest, handle] of this.#readers) {
      if (this.#readers.size <= MAX_OPEN_READERS) break;
      this.#readers.delete(oldest);
      // Closing waits for the reads that are under way on it. Whoever reads hears of an open that failed.
      handle.then((file) => file.close()).catch(() => undefined);
    }
    return reader;
  }
}

/**
 * Why a segment file with committed bytes cannot be opened: only one that is not there is damage. Too many open files
 * or a disk that does not answer say nothing about the data.
 */
function openFailure(path: string, cause: unknown): LimmatError {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  const reason = cause instanceof Error ? cause.message : String(cause);
  return isMissing
    ? new LimmatError('store-corrupt', `${path} is missing, with committed bytes`, { cause })
    : new LimmatError('store-failed', `${path} cannot be opened: ${reason}`, { cause });
}

/** Cuts a segment file to its committed bytes. */
async function cut(path: string, committed: number): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r+');
  } catch (cause) {
    throw openFailure(path, cause);
  }
  try {
    const { size } = await handle.stat();
    if (size < committed) {
      throw new LimmatError('store-corrupt', `${path} has ${size} bytes, ${committed} are committed`, {
        details: { size, committed },
      });
    }
    if (size > committed) {
      await handle.truncate(committed);
      await handle.sync();
    }
  } finally {
    await handle.close();
  }
}

/** What is left of the buffers behind their first `count` bytes. */
function behind(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count;
  for (const [i, buffer] of buffers.entries()) {
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(i + 1)];
    skip -= buffer.length;
  }
  return [];
}
