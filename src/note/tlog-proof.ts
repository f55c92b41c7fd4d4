// Proof files: an entry's index, its inclusion proof and the checkpoint, in one text (C2SP tlog-proof). Reading one
// verifies nothing; client/verify.ts does.

import { concat, fromBase64, parseDecimal, toBase64, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { asHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import { MAX_NOTE_BYTES } from './note.ts';

/** A proof file's parts, none of them verified. */
export interface TlogProof {
  /** Opaque bytes of at least 1, unauthenticated; limmat's own proof files carry the statement here. */
  readonly extra?: Uint8Array;
  /** Zero-based index of the entry. */
  readonly index: number;
  /** The inclusion proof, from the leaf's sibling up; at most 63 hashes. */
  readonly proof: readonly Hash[];
  /** The signed checkpoint, byte for byte. */
  readonly checkpoint: Uint8Array;
}

/** A tree of fewer than 2^53 entries has proofs of at most 53 hashes; 63 is what a u64 size could need. */
const MAX_PROOF_HASHES = 63;
/** Largest extra data: the largest entry. */
const MAX_EXTRA_BYTES = 65_535;
/** Index and hashes take less than 4 KiB beside the extra line (87,388 characters of base64) and the note. */
const MAX_HEAD_BYTES = 4 * Math.ceil(MAX_EXTRA_BYTES / 3) + 4096;
/** Largest proof file that is read, in bytes. */
export const MAX_TLOG_PROOF_BYTES: number = MAX_HEAD_BYTES + MAX_NOTE_BYTES;

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';

/**
 * A proof file's parts. LimmatError `malformed` unless the file is exactly what formatTlogProof writes for them. The
 * checkpoint is only cut off, not parsed.
 *
 * ```text
 * c2sp.org/tlog-proof@v1
 * extra AAEC
 * index 1
 * gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
 *
 * example.com/log
 * 2
 * sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
 *
 * — example.com/log hI2DJw…
 * ```
 */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > MAX_TLOG_PROOF_BYTES) {
    throw malformed(`has ${bytes.length} bytes, above the limit of ${MAX_TLOG_PROOF_BYTES}`);
  }
  const split = emptyLine(bytes);
  const head = split === undefined ? undefined : utf8Text(bytes.subarray(0, split));
  if (split === undefined || head === undefined) throw malformed('has no empty line before its checkpoint');
  const lines = head.split('\n');
  if (lines.shift() !== FIRST_LINE) throw malformed(`does not start with "${FIRST_LINE}"`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift()!.slice(6)) : undefined;
  const indexLine = lines.shift();
  const index = indexLine?.startsWith('index ') ? parseDecimal(indexLine.slice(6)) : undefined;
  if (index === undefined) throw malformed('has no line "index" with a decimal number below 2^53');
  if (lines.length > MAX_PROOF_HASHES) throw malformed(`has ${lines.length} hashes, more than ${MAX_PROOF_HASHES}`);
  const proof = Object.freeze(lines.map(parseHash));
  const checkpoint = bytes.slice(split + 2);
  if (checkpoint.length === 0) throw malformed('has no checkpoint');
  return Object.freeze({ ...(extra === undefined ? {} : { extra }), index, proof, checkpoint });
}

/** A proof file. RangeError when a part does not fit into one. */
export function formatTlogProof(parts: {
  readonly extra?: Uint8Array | undefined;
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
}): Uint8Array {
  const { extra, index, proof, checkpoint } = parts;
  if (extra?.length === 0) throw new RangeError('extra data has at least one byte, or is not given');
  const lines = [FIRST_LINE];
  if (extra !== undefined) lines.push(`extra ${toBase64(extra)}`);
  lines.push(`index ${index}`, ...proof.map(toBase64), '', '');
  const bytes = concat(utf8(lines.join('\n')), checkpoint);
  try {
    parseTlogProof(bytes);
  } catch (cause) {
    throw new RangeError('a part does not fit into a proof file', { cause });
  }
  return bytes;
}

/** Where the first empty line's newline pair starts, or undefined when the head would be too long. */
function emptyLine(bytes: Uint8Array): number | undefined {
  const end = Math.min(bytes.length - 1, MAX_HEAD_BYTES);
  for (let i = bytes.indexOf(0x0a); i >= 0 && i < end; i = bytes.indexOf(0x0a, i + 1)) {
    if (bytes[i + 1] === 0x0a) return i;
  }
  return undefined;
}

function parseExtra(text: string): Uint8Array {
  const extra = fromBase64(text);
  if (extra === undefined || extra.length === 0) throw malformed('has extra data that is not canonical base64');
  if (extra.length > MAX_EXTRA_BYTES) {
    throw malformed(`has ${extra.length} bytes of extra data, more than ${MAX_EXTRA_BYTES}`);
  }
  return extra;
}

function parseHash(line: string, i: number): Hash {
  const hash = fromBase64(line);
  if (hash?.length !== 32) throw malformed(`has a proof line, number ${i}, that is not the base64 of 32 bytes`);
  return asHash(hash);
}

function malformed(what: string): LimmatError {
  return new LimmatError('malformed', `proof file ${what}`);
}
