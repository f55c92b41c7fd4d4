// A log for tests of evidence that signs whatever it is told to: the trees of the oracle, with fixed keys.

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../../src/bytes.ts';
import type { LogHead } from '../../../src/client/state.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import type { Hash } from '../../../src/merkle/hash.ts';
import { channelHeadSigner, channelKeyName, recalledDigest } from '../../../src/note/channel-head.ts';
import type { ChannelHead, ChannelHeadSigner } from '../../../src/note/channel-head.ts';
import { formatCheckpoint } from '../../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import type { SignatureTypeByte } from '../../../src/note/key.ts';
import { formatNote, parseNote } from '../../../src/note/note.ts';
import { checkpointVerifier, noteSigner } from '../../../src/note/signer.ts';
import type { CheckpointSigner, CheckpointVerifier } from '../../../src/note/signer.ts';
import type { IncludedEntry, PrefixProof } from '../../../src/monitor/evidence/make.ts';
import type { LogIdentity } from '../../../src/monitor/watched-log.ts';
import { testKey } from '../../support/notes.ts';
import { RfcTree, rfcLeafHash, testEntry } from '../../support/rfc-tree.ts';

/** 2026-09-21T14:13:20Z: when the first head of a test is signed. */
export const NOON = 1_790_000_000;

/** A history of entries. */
export class History {
  readonly entries: readonly Uint8Array[];
  readonly tree: RfcTree;

  constructor(entries: readonly Uint8Array[]) {
    this.entries = entries;
    this.tree = new RfcTree(entries.map(rfcLeafHash));
  }

  /** Entries "entry 0" to "entry size - 1", those from `forkAt` on of another branch. */
  static of(size: number, forkAt = size, branch = 'fork'): History {
    return new History(
      Array.from({ length: size }, (_, i) => (i < forkAt ? testEntry(i) : utf8(`${branch} entry ${i}`))),
    );
  }

  root(size: number = this.entries.length): Hash {
    return asHash(this.tree.root(0, size));
  }

  /** What the tree of toSize has at fromSize. */
  prefix(fromSize: number, toSize: number): PrefixProof {
    return { prefixRoot: this.root(fromSize), consistency: this.tree.proof(fromSize, toSize).map(asHash) };
  }

  /** Entry `index` with its proof in the tree of `size`. */
  entry(index: number, size: number = this.entries.length): IncludedEntry {
    return {
      index,
      leaf: this.entries[index]!,
      inclusion: this.tree.path(index, 0, size).map(asHash),
    };
  }
}

export interface TestKeys {
  readonly signers: readonly CheckpointSigner[];
  readonly log: LogIdentity;
}

/** The keys of a log that signs channel heads too. */
export interface ChannelKeys extends TestKeys {
  readonly channelSigner: ChannelHeadSigner;
}

/** A log with keys of these types; every fill is another key. */
export function testKeys(
  origin = 'log.example/a',
  types: readonly SignatureTypeByte[] = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44],
  fill = 1,
): ChannelKeys {
  const signers = types.map((type, i) => noteSigner(testKey(origin, type, fill + i, nodeCrypto), nodeCrypto));
  const channelKey = testKey(channelKeyName(origin), SIGNATURE_TYPE.ed25519, fill + 100, nodeCrypto);
  const channelSigner = channelHeadSigner(channelKey, nodeCrypto);
  return { signers, channelSigner, log: { origin, verifiers: signers.map(({ vkey }) => rememberingVerifier(vkey)) } };
}

/** A limmat log that promised to take statements of the last day only, and signs channel heads. */
export function promisingKeys(fill = 1): ChannelKeys {
  const keys = testKeys(undefined, undefined, fill);
  const channelVerifiers = [rememberingVerifier(keys.channelSigner.vkey)];
  const witnesses = witnessSigners().map(({ vkey }) => rememberingVerifier(vkey));
  return { ...keys, log: { ...keys.log, iatWindowSeconds: 86_400, channelVerifiers, witnesses } };
}

/** Two witnesses, an Ed25519 and an ML-DSA-44 one. */
export function witnessSigners(): readonly [CheckpointSigner, CheckpointSigner] {
  const [ed25519, mldsa44] = [SIGNATURE_TYPE.cosignatureEd25519, SIGNATURE_TYPE.mldsa44].map((type, i) =>
    noteSigner(testKey(`witness.example/${i}`, type, 70 + i, nodeCrypto), nodeCrypto),
  );
  return [ed25519!, mldsa44!];
}

/** A head with cosignatures, each as of that time. */
export async function cosigned(
  head: LogHead,
  witnesses: readonly CheckpointSigner[],
  timestampSeconds: number = NOON,
): Promise<LogHead> {
  const { text, signatures } = parseNote(head.note);
  const lines = await Promise.all(witnesses.map((witness) => witness.sign(text, timestampSeconds)));
  return { ...head, note: utf8(formatNote(text, [...signatures, ...lines])) };
}

/** The channel head of a history that says so much of it, and beside that what is true of most. */
export function channelHeadOf(
  { log }: TestKeys,
  history: History,
  size: number,
  said: Pick<ChannelHead, 'channel' | 'index' | 'sequence'> & Partial<ChannelHead>,
): ChannelHead {
  return {
    origin: log.origin,
    size,
    rootHash: history.root(size),
    leafHash: asHash(rfcLeafHash(history.entries[said.index]!)),
    minimumSequence: 0,
    recalledHash: recalledDigest([]),
    issuedSeconds: NOON,
    validUntilSeconds: NOON + 86_400,
    ...said,
  };
}

/** A verifier that does not compute an answer twice: thousands of claims are about a hundred notes. */
function rememberingVerifier(vkey: string): CheckpointVerifier {
  const verifier = checkpointVerifier(vkey, nodeCrypto);
  const answers = new Map<string, Promise<number | false>>();
  return {
    ...verifier,
    verify: (note, signature) => {
      const name = `${note.text}\n${signature.line}`;
      const answer = answers.get(name) ?? verifier.verify(note, signature);
      answers.set(name, answer);
      return answer;
    },
  };
}

/** A head of `size` entries of a history, signed at that time. */
export async function headOf(
  { signers, log }: TestKeys,
  history: Pick<History, 'root'>,
  size: number,
  timestampSeconds: number = NOON,
  extensions: readonly string[] = [],
): Promise<LogHead> {
  const { origin } = log;
  const rootHash = history.root(size);
  const text = formatCheckpoint({ origin, size, rootHash, extensions });
  const lines = await Promise.all(signers.map((signer) => signer.sign(text, timestampSeconds)));
  const dated = signers.some(({ type }) => type === SIGNATURE_TYPE.mldsa44);
  return {
    origin,
    size,
    rootHash,
    timestampSeconds: dated ? timestampSeconds : 0,
    note: utf8(formatNote(text, lines)),
  };
}

/** Bytes for a message that says which case failed. */
export const shown = (bytes: Uint8Array): string => toHex(bytes).slice(0, 8);
