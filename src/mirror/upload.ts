// What a mirror does with an add-entries request (C2SP tlog-mirror): entry packages of up to 256 entries, each proven by a
// subtree consistency proof to be in a pending checkpoint's tree before it is stored. The body has no bounded length: it
// is read package by package, and what is there when it breaks off stays.
//
// The mirror keeps the last pending checkpoints itself, so its tickets are empty and those of clients are not looked at.

import { readUint, utf8Text } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import { verifySubtree } from '../merkle/subtree.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import type { BodyReader } from './body-reader.ts';
import type { Mirror } from './mirror.ts';
import type { MirroredLog } from './mirrored-log.ts';
import { spanRoot } from './tree.ts';
import type { Piece } from './tree.ts';

/** The content type of a 202 and of a 409. */
export const MIRROR_INFO_MEDIA_TYPE = 'text/x.tlog.mirror-info';

/** `done`: the mirror checkpoint, cosigned. `partial` (202) and `conflict` (409): where to go on from. */
export type UploadOutcome =
  | { readonly kind: 'done'; readonly lines: string }
  | { readonly kind: 'partial' | 'conflict'; readonly size: number; readonly nextEntry: number };

/** The longest origin that is read; a key's name has at most 255 bytes. */
const MAX_ORIGIN_BYTES = 1024;
/** Entries that are there already and that a request may bring all the same: as many as one request should have. */
const MAX_EXCESS_ENTRIES = 32 * TILE_WIDTH;
const MAX_PROOF_HASHES = 63;
/** Entries' bytes that one commit writes. */
const COMMIT_BYTES = 4 * 1024 * 1024;

interface UploadHeader {
  readonly origin: string;
  /** Infinity for what is 2^53 or more. */
  readonly start: number;
  readonly end: number;
}

/** A log's copy; `unknown-log` (404) for one that is not mirrored, `fork` (403) for one that is followed no more. */
export async function copyOf(mirror: Mirror, origin: string): Promise<MirroredLog> {
  const log = mirror.log(origin);
  if (log === undefined) throw new LimmatError('unknown-log', 'no log of this origin is mirrored here');
  const copy = log.copy ?? (await log.open());
  if (copy.stopped === undefined) return copy;
  throw new LimmatError('fork', `${origin} contradicted itself and is followed no more`);
}

/**
 * Takes a request, and answers as soon as it is clear that it cannot be taken. Errors: `malformed` (400), `unknown-log`
 * (404), `no-checkpoint` before the first pending one and `bad-proof` (422), `fork` (403), and the store's. What was
 * proven before an error is kept.
 */
export async function addEntries(mirror: Mirror, body: BodyReader): Promise<UploadOutcome> {
  const { origin, start, end } = await readHeader(body);
  const log = await copyOf(mirror, origin);
  if (log.newest === undefined) {
    throw new LimmatError('no-checkpoint', 'send a checkpoint with add-checkpoint first: none is pending');
  }
  if (start > end) throw new LimmatError('malformed', `upload_start ${start} is above upload_end ${end}`);
  const head = log.pendingAt(end);
  if (head === undefined || end < (log.published?.size ?? 0)) return whereToGoOn('conflict', log);
  if (start > log.nextEntry || Math.min(end, log.nextEntry) - start > MAX_EXCESS_ENTRIES) {
    return whereToGoOn('conflict', log, end);
  }
  const { isAll, packages } = await takePackages(mirror, log, head, start, body);
  if (!isAll) {
    if (packages > 0) return whereToGoOn('partial', log, end);
    throw new LimmatError('malformed', 'the body ended before its first entry package was complete');
  }
  const published = await log.publish(end);
  return published === undefined ? whereToGoOn('conflict', log) : { kind: 'done', lines: published.lines };
}

/** The body of a 202 or a 409: a size to upload to, the next entry, a ticket in base64. */
export function formatMirrorInfo({ size, nextEntry }: { readonly size: number; readonly nextEntry: number }): string {
  return `${size}\n${nextEntry}\n\n`;
}

function whereToGoOn(kind: 'partial' | 'conflict', log: MirroredLog, end?: number): UploadOutcome {
  return { kind, size: end ?? log.newest?.size ?? 0, nextEntry: log.nextEntry };
}

async function readHeader(body: BodyReader): Promise<UploadHeader> {
  const originSize = await readNumber(body, 2);
  if (originSize > MAX_ORIGIN_BYTES) throw new LimmatError('unknown-log', 'no log of this origin is mirrored here');
  const origin = utf8Text(await readBytes(body, originSize));
  if (origin === undefined) throw new LimmatError('malformed', 'the log origin is not UTF-8');
  const start = await readNumber(body, 8);
  const end = await readNumber(body, 8);
  await readBytes(body, await readNumber(body, 2));
  return { origin, start, end };
}

async function readBytes(body: BodyReader, length: number): Promise<Uint8Array> {
  if (await body.ensure(length)) return body.take(length);
  throw new LimmatError('malformed', 'the body ends in its header');
}

async function readNumber(body: BodyReader, length: number): Promise<number> {
  return readUint(await readBytes(body, length), 0, length) ?? Infinity;
}

/** Proves and stores the packages of [start, head.size) as they come, until the last or the end of the body. */
async function takePackages(
  mirror: Mirror,
  log: MirroredLog,
  head: LogHead,
  start: number,
  body: BodyReader,
): Promise<{ readonly isAll: boolean; readonly packages: number }> {
  let group: Piece[] = [];
  let bytes = 0;
  let packages = 0;
  let next = start;
  const write = async (): Promise<void> => {
    const pieces = group;
    group = [];
    bytes = 0;
    await log.append(pieces);
  };
  try {
    while (next < head.size) {
      const end = Math.min(head.size, (Math.floor(next / TILE_WIDTH) + 1) * TILE_WIDTH);
      const piece = await readPackage(mirror, log, head, next, end, body);
      if (piece === undefined) break;
      group.push(piece);
      bytes += piece.bytes.length;
      packages++;
      next = end;
      // The next package may begin in the middle of a bundle only where this one did not end.
      if (bytes >= COMMIT_BYTES) await write();
    }
  } finally {
    await write();
  }
  return { isAll: next >= head.size, packages };
}

/** One package, proven; undefined when the body ends before it does. `bad-proof` when it is not in the tree. */
async function readPackage(
  { hasher }: Mirror,
  log: MirroredLog,
  head: LogHead,
  start: number,
  end: number,
  body: BodyReader,
): Promise<Piece | undefined> {
  const bundleStart = start - (start % TILE_WIDTH);
  const leafHashes = new Uint8Array(HASH_SIZE * (end - bundleStart));
  // What lies before in the bundle is here: start is not above the next entry.
  if (start > bundleStart) leafHashes.set(await log.leafHashes(bundleStart, start));
  let length = 0;
  for (let index = start; index < end; index++) {
    if (!(await body.ensure(length + 2))) return undefined;
    const entry = length + 2;
    length = entry + body.at(length) * 256 + body.at(length + 1);
    if (!(await body.ensure(length))) return undefined;
    hasher.leafHashInto(body.view(entry, length), leafHashes, HASH_SIZE * (index - bundleStart));
  }
  if (!(await body.ensure(length + 1))) return undefined;
  const count = body.at(length);
  if (count > MAX_PROOF_HASHES) {
    throw new LimmatError(
      'bad-proof',
      `the package of [${start}, ${end}) has ${count} hashes, more than ${MAX_PROOF_HASHES}`,
    );
  }
  if (!(await body.ensure(length + 1 + HASH_SIZE * count))) return undefined;
  const bytes = body.take(length);
  const hashes = body.take(1 + HASH_SIZE * count).subarray(1);
  verifySubtree(
    {
      start: bundleStart,
      end,
      subtreeHash: spanRoot(leafHashes, hasher),
      size: head.size,
      rootHash: head.rootHash,
      proof: Array.from({ length: count }, (_, i) => hashes.subarray(HASH_SIZE * i, HASH_SIZE * (i + 1))),
    },
    hasher,
  );
  return { start, bytes, leafHashes: leafHashes.slice(HASH_SIZE * (start - bundleStart)) };
}
