// What the mirror's keys have signed of a log, kept apart from the copies: a copy that comes back from a backup, or is
// fetched anew, must not make the mirror sign less than it did, or another branch.

import { fromHex, toHex, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { isHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';

/** The largest tree that was cosigned, and the latest time that was stated. */
export interface GuardedHead {
  readonly size: number;
  readonly rootHash: Hash;
  readonly timestampSeconds: number;
}

/** The guard of one log. */
export interface MirrorGuard {
  /** Undefined before the first signature. */
  read(): Promise<GuardedHead | undefined>;
  /** Durable when it resolves: only then is the signature made. */
  write(head: GuardedHead): Promise<void>;
}

const FORMAT = 'limmat/mirror-guard/v1';

/** The guard's text: one line of JSON. */
export function formatGuard({ size, rootHash, timestampSeconds }: GuardedHead): Uint8Array {
  return utf8(`${JSON.stringify({ format: FORMAT, size, rootHash: toHex(rootHash), timestampSeconds })}\n`);
}

/** Reads exactly what formatGuard writes; `store-corrupt` for anything else. */
export function parseGuard(bytes: Uint8Array, name: string): GuardedHead {
  const head = read(utf8Text(bytes) ?? '');
  if (head !== undefined && utf8Text(formatGuard(head)) === utf8Text(bytes)) return head;
  throw new LimmatError('store-corrupt', `${name} is no guard of a mirror: bring it back from where it is whole`);
}

function read(text: string): GuardedHead | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('size' in value) || !('rootHash' in value) || !('timestampSeconds' in value)) return undefined;
  const { size, rootHash, timestampSeconds } = value;
  const hash = typeof rootHash === 'string' ? fromHex(rootHash) : undefined;
  if (!isCount(size) || !isCount(timestampSeconds) || hash === undefined || !isHash(hash)) return undefined;
  return { size, rootHash: hash, timestampSeconds };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
