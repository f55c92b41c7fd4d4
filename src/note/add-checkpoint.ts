// The request with which a log asks a witness or a mirror to cosign a checkpoint (C2SP tlog-witness, "add-checkpoint").
// This file takes requests apart and puts them together; what a witness answers is for witness/.

import { concat, fromBase64, parseDecimal, toBase64, utf8, utf8Text } from '../bytes.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, asHash } from '../merkle/hash.ts';
import type { Hash } from '../merkle/hash.ts';
import { MAX_NOTE_BYTES } from './note.ts';

/** A request's parts, none of them verified. */
export interface AddCheckpointRequest {
  /** Entries in the tree that the witness is thought to have cosigned last; 0 where it has cosigned none. */
  readonly oldSize: number;
  /** The consistency proof from the old size to the checkpoint's, at most 63 hashes. */
  readonly proof: readonly Hash[];
  /** The signed checkpoint, byte for byte. */
  readonly checkpoint: Uint8Array;
}

/** The content type of a 409, whose body is the size that the witness cosigned last: decimal, with a newline. */
export const SIZE_MEDIA_TYPE = 'text/x.tlog.size';

/** The most hashes that a request may have. */
const MAX_PROOF_HASHES = 63;
/** "old ", 16 digits and the newline. */
const MAX_OLD_LINE_BYTES = 4 + 16 + 1;
/** 44 characters of base64 and the newline. */
const HASH_LINE_BYTES = 45;
/** Largest request that is read, in bytes. */
export const MAX_ADD_CHECKPOINT_BYTES: number =
  MAX_OLD_LINE_BYTES + MAX_PROOF_HASHES * HASH_LINE_BYTES + 1 + MAX_NOTE_BYTES;

const NEWLINE = 0x0a;

/**
 * A request's parts. LimmatError `malformed` unless the body is exactly what its parts are written as: an old size
 * below 2^53, at most 63 hashes, an empty line, and something after it. The checkpoint is only cut off, not parsed. A
 * proof beside the old size 0 is taken, since a witness answers 422 for it, not 400.
 *
 * ```text
 * old 20852014
 * PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
 * jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
 *
 * example.com/behind-the-sofa
 * 20852163
 * CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *
 * — example.com/behind-the-sofa Az3grlgt…
 * ```
 */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpointRequest {
  if (body.length > MAX_ADD_CHECKPOINT_BYTES) {
    throw malformed(`has ${body.length} bytes, above the limit of ${MAX_ADD_CHECKPOINT_BYTES}`);
  }
  let at = body.subarray(0, MAX_OLD_LINE_BYTES).indexOf(NEWLINE);
  const first = at < 0 ? undefined : utf8Text(body.subarray(0, at));
  const oldSize = first?.startsWith('old ') ? parseDecimal(first.slice(4)) : undefined;
  if (oldSize === undefined) throw malformed('does not start with a line "old <decimal number below 2^53>"');
  const proof: Hash[] = [];
  for (at += 1; body[at] !== NEWLINE; at += HASH_LINE_BYTES) {
    if (at >= body.length) throw malformed('has no empty line before its checkpoint');
    if (proof.length === MAX_PROOF_HASHES) throw malformed(`has more than ${MAX_PROOF_HASHES} proof lines`);
    proof.push(parseHash(body.subarray(at, at + HASH_LINE_BYTES), proof.length));
  }
  const checkpoint = body.slice(at + 1);
  if (checkpoint.length === 0) throw malformed('has no checkpoint');
  return Object.freeze({ oldSize, proof: Object.freeze(proof), checkpoint });
}

/** A request's body. RangeError when a part does not fit into one, or there is a proof beside the old size 0. */
export function formatAddCheckpoint(request: {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
}): Uint8Array {
  const { oldSize, proof, checkpoint } = request;
  if (oldSize === 0 && proof.length > 0) throw new RangeError('the old size 0 needs no proof, and must have none');
  const head = [`old ${oldSize}`, ...proof.map(toBase64), '', ''].join('\n');
  const body = concat(utf8(head), checkpoint);
  try {
    parseAddCheckpoint(body);
  } catch (cause) {
    throw new RangeError('a part does not fit into an add-checkpoint request', { cause });
  }
  return body;
}

/** One line with its newline. */
function parseHash(line: Uint8Array, i: number): Hash {
  const text = line.at(-1) === NEWLINE ? utf8Text(line.subarray(0, -1)) : undefined;
  const hash = text === undefined ? undefined : fromBase64(text);
  if (hash?.length !== HASH_SIZE) throw malformed(`has a proof line, number ${i}, that is not the base64 of 32 bytes`);
  return asHash(hash);
}

function malformed(what: string): LimmatError {
  return new LimmatError('malformed', `add-checkpoint request ${what}`);
}
