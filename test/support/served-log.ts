// A log that exists only as the resources it would serve: tiles and bundles computed the plain way from its entries,
// checkpoints signed with fixed keys at any time. It answers through `fetch`, and can be made to lie.

import { createHash } from 'node:crypto';
import { portableCrypto } from '../../src/crypto/portable.ts';
import type { Fetch } from '../../src/client/http-reader.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { generateSignerKey, SIGNATURE_TYPE } from '../../src/note/key.ts';
import type { SignatureTypeByte, SignerKey } from '../../src/note/key.ts';
import { formatNote } from '../../src/note/note.ts';
import { checkpointVerifier, noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner, CheckpointVerifier } from '../../src/note/signer.ts';
import { utf8 } from '../../src/bytes.ts';

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const leafHash = (entry: Uint8Array): Uint8Array => sha256(Uint8Array.of(0), entry);
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Uint8Array.of(1), left, right);

/** RFC 6962 §2.1, as it is written there, over leaf hashes. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** RFC 6962 §2.1.1, as it is written there. */
function inclusionPath(index: number, leaves: readonly Uint8Array[]): readonly Uint8Array[] {
  if (leaves.length <= 1) return [];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return index < split
    ? [...inclusionPath(index, left), treeHash(right)]
    : [...inclusionPath(index - split, right), treeHash(left)];
}

/** The signer of a key that is derived from its name, the same in every run. */
export function fixedSigner(name: string, type: SignatureTypeByte): CheckpointSigner {
  return noteSigner(fixedKey(name, type), portableCrypto);
}

export function fixedKey(name: string, type: SignatureTypeByte): SignerKey {
  return generateSignerKey(name, type, () => sha256(utf8(`${name}/${type}`)));
}

export class ServedLog {
  readonly origin: string;
  readonly entries: Uint8Array[];
  /** The log's two keys. */
  readonly signers: readonly CheckpointSigner[];
  readonly verifiers: readonly CheckpointVerifier[];
  /** Served at /checkpoint; set it with publish. */
  checkpoint: Uint8Array | undefined;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Replaces answers, to lie or to fail: undefined = the honest answer, null = 404. */
  tamper: (path: string, honest: Uint8Array | null) => Uint8Array | null | undefined = () => undefined;

  constructor(entries: readonly Uint8Array[], origin = 'log.example/test') {
    this.origin = origin;
    this.entries = [...entries];
    this.signers = [fixedSigner(origin, SIGNATURE_TYPE.ed25519), fixedSigner(origin, SIGNATURE_TYPE.mldsa44)];
    this.verifiers = this.signers.map(({ vkey }) => checkpointVerifier(vkey, portableCrypto));
  }

  rootHash(size: number = this.entries.length): Hash {
    return asHash(treeHash(this.entries.slice(0, size).map(leafHash)));
  }

  inclusionProof(index: number, size: number = this.entries.length): Hash[] {
    return inclusionPath(index, this.entries.slice(0, size).map(leafHash)).map(asHash);
  }

  /** A signed checkpoint, with the lines of these signers after the log's own. */
  async note(
    timestampSeconds: number,
    options: { readonly size?: number; readonly rootHash?: Hash; readonly signers?: readonly CheckpointSigner[] } = {},
  ): Promise<Uint8Array> {
    const size = options.size ?? this.entries.length;
    const rootHash = options.rootHash ?? this.rootHash(size);
    const text = formatCheckpoint({ origin: this.origin, size, rootHash });
    const lines = await Promise.all(
      (options.signers ?? this.signers).map((signer) => signer.sign(text, timestampSeconds)),
    );
    return utf8(formatNote(text, lines));
  }

  async publish(timestampSeconds: number, options: Parameters<ServedLog['note']>[1] = {}): Promise<void> {
    this.checkpoint = await this.note(timestampSeconds, options);
  }

  /** The honest answer for a path below the prefix, or null. */
  resource(path: string): Uint8Array | null {
    if (path === 'checkpoint') return this.checkpoint ?? null;
    const match = /^tile\/(entries|\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
    if (match === null) return null;
    const index = Number(match[2]!.replaceAll(/[x/]/g, ''));
    const width = Number(match[3] ?? 256);
    if (match[1] === 'entries') {
      const entries = this.entries.slice(256 * index, 256 * index + width);
      return entries.length < width ? null : bundle(entries);
    }
    const leaves = 256 ** Number(match[1]);
    const hashes: Uint8Array[] = [];
    for (let i = 256 * index; i < 256 * index + width; i++) {
      if ((i + 1) * leaves > this.entries.length) return null;
      hashes.push(treeHash(this.entries.slice(i * leaves, (i + 1) * leaves).map(leafHash)));
    }
    return new Uint8Array(Buffer.concat(hashes));
  }

  readonly fetch: Fetch = (url) => {
    const path = new URL(url).pathname.slice(1);
    this.asked.push(path);
    const honest = this.resource(path);
    const answer = this.tamper(path, honest);
    const body = answer === undefined ? honest : answer;
    return Promise.resolve(body === null ? new Response('', { status: 404 }) : new Response(body.slice()));
  };
}

function bundle(entries: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      entries.flatMap((entry) => [Uint8Array.of(Math.floor(entry.length / 256), entry.length % 256), entry]),
    ),
  );
}

/** Entries "entry 0", "entry 1", … */
export function numberedEntries(count: number, start = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8(`entry ${start + i}`));
}
