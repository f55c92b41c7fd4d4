// Checkpoints: the text that a log signs for its head (C2SP tlog-checkpoint v1.0.0). Signatures are in note.ts and
// open.ts; nothing here says that a parsed checkpoint is true.

import { fromBase64, parseDecimal, toBase64 } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import { checkNoteText } from './note.ts';

/** What a checkpoint's text says. */
export interface Checkpoint {
  /** The log's identity: not empty, one line. */
  readonly origin: string;
  /** Entries in the tree. */
  readonly size: number;
  readonly rootHash: Hash;
  /** Lines after the third. ML-DSA-44 cosignatures do not cover them; limmat writes none and gives them no meaning. */
  readonly extensions: readonly string[];
}

/**
 * The checkpoint in a note's text (with its final newline). LimmatError `malformed` unless the text is exactly what
 * formatCheckpoint writes for the result.
 *
 * ```text
 * example.com/behind-the-sofa
 * 20852163
 * CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 * ```
 */
export function parseCheckpoint(text: string): Checkpoint {
  checkNoteText(text);
  const lines = text.slice(0, -1).split('\n');
  if (lines.includes('')) throw new LimmatError('malformed', 'checkpoint has an empty line');
  const [origin, sizeText, rootText, ...extensions] = lines;
  if (origin === undefined || sizeText === undefined || rootText === undefined) {
    throw new LimmatError('malformed', `checkpoint has ${lines.length} lines, not 3 or more`);
  }
  const size = parseDecimal(sizeText);
  if (size === undefined) {
    throw new LimmatError('malformed', `checkpoint size "${sizeText.slice(0, 40)}" is not a decimal number below 2^53`);
  }
  const root = fromBase64(rootText);
  if (root === undefined || root.length !== HASH_SIZE) {
    throw new LimmatError('malformed', `checkpoint root hash is not the base64 of ${HASH_SIZE} bytes`);
  }
  return Object.freeze({ origin, size, rootHash: asHash(root), extensions: Object.freeze(extensions) });
}

/** The note text of a checkpoint. RangeError when a field cannot be in one. */
export function formatCheckpoint(checkpoint: {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly extensions?: readonly string[];
}): string {
  const { origin, size, rootHash, extensions = [] } = checkpoint;
  const text = [origin, String(size), toBase64(rootHash), ...extensions, ''].join('\n');
  let parsed: Checkpoint;
  try {
    parsed = parseCheckpoint(text);
  } catch (cause) {
    throw new RangeError('a field does not fit into a checkpoint', { cause });
  }
  // A newline inside the origin or an extension would have moved the lines.
  if (parsed.origin !== origin || parsed.extensions.length !== extensions.length) {
    throw new RangeError('a field of a checkpoint has a newline in it');
  }
  return text;
}
