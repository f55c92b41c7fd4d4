// Channel heads: what a log signs about the newest record of one product's channel, so that nobody can be kept on an old
// one unnoticed (docs/channel-head.md). A signed note by a key of its own, named `<origin>/channel`. What a channel is,
// and which record is in which, is for record/channel.ts.

import { concat, compareBytes, fromBase64, parseDecimal, toBase64, utf8, utf8Text } from '../bytes.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE, asHash, portableHasher } from '../merkle/hash.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { SIGNATURE_TYPE, formatKeyId, parseSignerKey, parseVerifierKey, verifierKeyOf } from './key.ts';
import type { SignerKey, VerifierKey } from './key.ts';
import { checkNoteText, formatNote, formatSignatureLine, parseNote } from './note.ts';
import type { Note } from './note.ts';
import { checkpointVerifier } from './signer.ts';
import type { CheckpointVerifier } from './signer.ts';

/** What a channel head says: as of `issuedSeconds`, in the tree of `size` entries with that root. */
export interface ChannelHead {
  /** The log's identity: not empty, one line. */
  readonly origin: string;
  /** Entries in a tree that the log has published; at least 1. */
  readonly size: number;
  readonly rootHash: Hash;
  /** `<namespace>/<product>/<stream>/<channel>`: four steps, in which `/` and `%` stand as %2F and %25. */
  readonly channel: string;
  /** The entry with the channel's highest sequence in that tree, retracted or not: its index, below size. */
  readonly index: number;
  readonly leafHash: Hash;
  readonly sequence: number;
  /** One past the highest sequence that was recalled, 0 where none was: what is below must not be used. At most sequence + 1. */
  readonly minimumSequence: number;
  /** recalledDigest of all of the channel's recalled records. */
  readonly recalledHash: Hash;
  /** Unix seconds. */
  readonly issuedSeconds: number;
  /** The last second at which this is to be believed; later than issuedSeconds. */
  readonly validUntilSeconds: number;
}

/** The first line, so that no other text that somebody signs is a channel head. */
export const CHANNEL_HEAD_FORMAT = 'limmat/channel-head/v1';
/** Largest note of a channel head that is read, in bytes: the text takes at most some 4 kB, and lines of other keys may come along. */
export const MAX_CHANNEL_HEAD_BYTES: number = 64 * 1024;
const LINES = 12;
/** Four names of 256 bytes in which every character is escaped, and what a stream has before its name. */
const MAX_CHANNEL_CHARACTERS = 4 * 3 * 256;
/** The last second of the year 9999: what can be written as a date, as with the times of records. */
const MAX_TIME = 253_402_300_799;
/** One step: not empty, and "%" only where it stands for "/" or for itself. */
const STEP = /^(?:[^%/]|%2F|%25)+$/u;

/**
 * The channel head in a note's text (with its final newline). LimmatError `malformed` unless the text is exactly what
 * formatChannelHead writes for the result. Roots, leaf hash and digest are base64, numbers decimal.
 *
 * ```text
 * limmat/channel-head/v1
 * log.example/a
 * 20852163
 * CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 * acme/Acme Shield/avdb-release:main/stable
 * 20851007
 * Z9d0Js5sIjTZnc1hPqn0ePLYWyWIurwLxRUFmdVQBXw=
 * 417
 * 12
 * 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
 * 1790000000
 * 1790086400
 * ```
 */
export function parseChannelHead(text: string): ChannelHead {
  checkNoteText(text);
  const lines = text.slice(0, -1).split('\n');
  if (lines[0] !== CHANNEL_HEAD_FORMAT) throw malformed(`does not start with "${CHANNEL_HEAD_FORMAT}"`);
  if (lines.length !== LINES) throw malformed(`has ${lines.length} lines, not ${LINES}`);
  const head: ChannelHead = {
    origin: parseOrigin(lines[1]!),
    size: parseNumber('size', lines[2]!),
    rootHash: parseHash('root hash', lines[3]!),
    channel: parseChannel(lines[4]!),
    index: parseNumber('index', lines[5]!),
    leafHash: parseHash('leaf hash', lines[6]!),
    sequence: parseNumber('sequence', lines[7]!),
    minimumSequence: parseNumber('minimum sequence', lines[8]!),
    recalledHash: parseHash('digest of what was recalled', lines[9]!),
    issuedSeconds: parseTime('time of issue', lines[10]!),
    validUntilSeconds: parseTime('end of validity', lines[11]!),
  };
  const { size, index, sequence, minimumSequence, issuedSeconds, validUntilSeconds } = head;
  if (index >= size) throw malformed(`has index ${index}, which is not below its size ${size}`);
  if (minimumSequence > sequence + 1) {
    throw malformed(`has minimum sequence ${minimumSequence}, more than one past its sequence ${sequence}`);
  }
  if (validUntilSeconds <= issuedSeconds) {
    throw malformed(`is valid until ${validUntilSeconds}, which is not after ${issuedSeconds}, when it was issued`);
  }
  return Object.freeze(head);
}

/** The note text of a channel head. RangeError when a field cannot be in one. */
export function formatChannelHead(head: ChannelHead): string {
  const text = [
    CHANNEL_HEAD_FORMAT,
    head.origin,
    head.size,
    toBase64(head.rootHash),
    head.channel,
    head.index,
    toBase64(head.leafHash),
    head.sequence,
    head.minimumSequence,
    toBase64(head.recalledHash),
    head.issuedSeconds,
    head.validUntilSeconds,
    '',
  ].join('\n');
  try {
    // Twelve lines, of which the number is checked: a newline in a field would make more.
    parseChannelHead(text);
  } catch (cause) {
    throw new RangeError('a field does not fit into a channel head', { cause });
  }
  return text;
}

/** SHA-256 over the recalled records' leaf hashes, sorted bytewise, one after another; the same hash twice counts once. */
export function recalledDigest(leafHashes: readonly Uint8Array[], hasher: Hasher = portableHasher): Hash {
  const sorted = leafHashes.map(asHash).toSorted(compareBytes);
  return hasher.sha256(concat(...sorted.filter((hash, i) => i === 0 || compareBytes(hash, sorted[i - 1]!) !== 0)));
}

/** The name of the key that signs a log's channel heads. */
export function channelKeyName(origin: string): string {
  return `${origin}/channel`;
}

/** The origin of the log whose channel heads a key signs. LimmatError `bad-key` unless it is Ed25519 (0x01) and named so. */
export function channelKeyOrigin({ name, type }: Pick<VerifierKey, 'name' | 'type'>): string {
  const suffix = channelKeyName('');
  if (!name.endsWith(suffix) || name === suffix) {
    throw new LimmatError('bad-key', `the name of a channel key is the log's origin and "${suffix}", not "${name}"`);
  }
  if (type !== SIGNATURE_TYPE.ed25519) {
    throw new LimmatError('bad-key', `the channel key ${name} has type 0x0${type}, not Ed25519 (0x01)`);
  }
  return name.slice(0, -suffix.length);
}

/** Signs the channel heads of one log. */
export interface ChannelHeadSigner {
  readonly origin: string;
  readonly name: string;
  readonly keyId: number;
  readonly vkey: string;
  /** The signed note. RangeError when a field does not fit, or the head is another log's. */
  sign(head: ChannelHead): Promise<Uint8Array>;
}

/** The signer of an skey. LimmatError `bad-key`, also when it is no channel key. */
export function channelHeadSigner(skey: string | SignerKey, crypto: CryptoSuite): ChannelHeadSigner {
  const key = typeof skey === 'string' ? parseSignerKey(skey, crypto) : skey;
  const origin = channelKeyOrigin(key);
  const { name, keyId, vkey } = verifierKeyOf(key, crypto);
  const secret = key.secret.slice();
  return Object.freeze({
    origin,
    name,
    keyId,
    vkey,
    sign: async (head: ChannelHead): Promise<Uint8Array> => {
      if (head.origin !== origin) throw new RangeError(`the key ${name} does not sign for ${head.origin}`);
      const text = formatChannelHead(head);
      const signature = await crypto.ed25519.sign(secret, utf8(text));
      return utf8(formatNote(text, [formatSignatureLine(name, keyId, signature)]));
    },
  });
}

/** The verifier of a channel key. LimmatError `bad-key`, also when it is none. */
export function channelHeadVerifier(vkey: string | VerifierKey, crypto: CryptoSuite): CheckpointVerifier {
  const key = typeof vkey === 'string' ? parseVerifierKey(vkey) : vkey;
  channelKeyOrigin(key);
  return checkpointVerifier(key, crypto);
}

/** A channel head that a known channel key of its log has signed. */
export interface OpenedChannelHead {
  readonly head: ChannelHead;
  /** The note with the lines of those keys only: what may be kept, and what is evidence if the head is false. */
  readonly note: Uint8Array;
}

/**
 * Opens the note of a channel head with the channel keys that the caller knows, of which one has to have signed; lines of
 * other keys are ignored. LimmatError: `malformed` when it is no channel head, `unknown-log` when none of the keys is of
 * its log, `log-signature-missing` when none of them signed, `bad-note` when a line of one does not hold.
 */
export async function openChannelHead(
  bytes: Uint8Array,
  verifiers: readonly CheckpointVerifier[],
): Promise<OpenedChannelHead> {
  const { note, head } = readChannelHeadNote(bytes);
  const keys = verifiers.filter(({ name }) => name === channelKeyName(head.origin));
  if (keys.length === 0) {
    throw new LimmatError('unknown-log', `no channel key of log ${JSON.stringify(head.origin)} is known here`);
  }
  const kept: string[] = [];
  for (const signature of note.signatures) {
    const key = keys.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (key === undefined) continue;
    if ((await key.verify(note, signature)) === false) {
      throw new LimmatError(
        'bad-note',
        `the signature of ${key.name}+${formatKeyId(key.keyId)} on the channel head does not hold`,
      );
    }
    if (!kept.includes(signature.line)) kept.push(signature.line);
  }
  if (kept.length === 0) {
    throw new LimmatError(
      'log-signature-missing',
      `the channel head is signed by none of the ${keys.length} known channel keys of ${head.origin}`,
    );
  }
  return Object.freeze({ head, note: utf8(formatNote(note.text, kept)) });
}

/** A channel head's note, taken apart and not verified. LimmatError `malformed`. */
export function readChannelHeadNote(bytes: Uint8Array): { readonly note: Note; readonly head: ChannelHead } {
  if (bytes.length > MAX_CHANNEL_HEAD_BYTES) {
    throw malformed(`has ${bytes.length} bytes, above the limit of ${MAX_CHANNEL_HEAD_BYTES}`);
  }
  if (utf8Text(bytes.subarray(0, CHANNEL_HEAD_FORMAT.length)) !== CHANNEL_HEAD_FORMAT) {
    throw malformed(`does not start with "${CHANNEL_HEAD_FORMAT}"`);
  }
  const note = parseNote(bytes);
  return { note, head: parseChannelHead(note.text) };
}

function parseOrigin(line: string): string {
  if (line === '') throw malformed('names no log');
  return line;
}

function parseNumber(what: string, line: string): number {
  const value = parseDecimal(line);
  if (value === undefined) throw malformed(`has a ${what} that is not a decimal number below 2^53`);
  return value;
}

function parseTime(what: string, line: string): number {
  const seconds = parseNumber(what, line);
  if (seconds > MAX_TIME) throw malformed(`has a ${what} after the year 9999`);
  return seconds;
}

function parseHash(what: string, line: string): Hash {
  const bytes = line.length === 44 ? fromBase64(line) : undefined;
  if (bytes?.length !== HASH_SIZE) throw malformed(`has a ${what} that is not the base64 of ${HASH_SIZE} bytes`);
  return asHash(bytes);
}

function parseChannel(line: string): string {
  const steps = line.length <= MAX_CHANNEL_CHARACTERS ? line.split('/') : [];
  if (steps.length === 4 && steps.every((step) => STEP.test(step))) return line;
  throw malformed('has a channel that is not namespace/product/stream/channel');
}

function malformed(what: string): LimmatError {
  return new LimmatError('malformed', `channel head ${what}`);
}
