// Logs that cost nothing, so that thousands of histories can be played: signatures are hashes with a secret, and all
// histories are beginnings of a few trees that are computed once.

import { createHash } from 'node:crypto';
import { concat, uintBytes, utf8 } from '../../src/bytes.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import type { LogHead } from '../../src/client/state.ts';
import { LimmatError } from '../../src/errors.ts';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { CompactRange, asHash, formatEntryBundle } from '../../src/merkle/index.ts';
import type { Hash, TilePath } from '../../src/merkle/index.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { formatNote, formatSignatureLine } from '../../src/note/note.ts';
import { openLogCheckpoint } from '../../src/note/open.ts';
import { SIGNATURE_TYPE } from '../../src/note/signature-type.ts';
import type { CheckpointVerifier } from '../../src/note/signer.ts';

/** A key whose signature is a hash with its secret: whoever has the code can sign, which is all that is needed here. */
export interface CheapKey {
  readonly verifier: CheckpointVerifier;
  sign(text: string, seconds: number): string;
}

function digest(secret: string, text: string, seconds: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`${secret}\n${seconds}\n${text}`).digest());
}

/** A key of this name; a dated one states its time on every line, as an ML-DSA-44 key does. */
export function cheapKey(name: string, secret: string, isDated: boolean): CheapKey {
  const keyId = new DataView(createHash('sha256').update(`${name}\n${secret}`).digest().buffer).getUint32(0);
  return {
    sign: (text, seconds) => {
      const time = isDated ? seconds : 0;
      const signature = digest(secret, text, time);
      return formatSignatureLine(name, keyId, isDated ? concat(uintBytes(time, 8), signature) : signature);
    },
    verifier: {
      name,
      keyId,
      type: isDated ? SIGNATURE_TYPE.mldsa44 : SIGNATURE_TYPE.ed25519,
      vkey: `${name}+${secret}`,
      verify: async ({ text }, { signature }) => {
        const time = isDated ? Number(new DataView(signature.slice().buffer).getBigUint64(0)) : 0;
        const expected = digest(secret, text, time);
        const found = isDated ? signature.subarray(8) : signature;
        return Buffer.compare(expected, found) === 0 ? time : false;
      },
    },
  };
}

/** A tree of some size, with the resources of all its beginnings. */
export class CheapTree {
  readonly size: number;
  readonly entries: readonly Uint8Array[];
  readonly #roots: readonly Hash[];
  readonly #levels: Hash[][] = [];

  /** From entry `forkAt` on the entries are other ones than those of a tree without it. */
  constructor(size: number, forkAt: number = size) {
    this.size = size;
    this.entries = Array.from({ length: size }, (_, i) => utf8(i < forkAt ? `entry ${i}` : `fork ${forkAt} ${i}`));
    const range = CompactRange.empty(nodeHasher);
    const roots = [range.rootHash()];
    this.#levels[0] = [];
    for (const entry of this.entries) {
      const leaf = nodeHasher.leafHash(entry);
      this.#levels[0].push(leaf);
      range.append(leaf, (height, _index, hash) => {
        if (height % 8 === 0) (this.#levels[height / 8] ??= []).push(hash);
      });
      roots.push(range.rootHash());
    }
    this.#roots = roots;
  }

  rootHash(size: number): Hash {
    return this.#roots[size]!;
  }

  /** What a log of this size serves at a path, or undefined. */
  resource(path: TilePath, size: number): Uint8Array | undefined {
    const start = 256 * path.index;
    if (path.kind === 'entries') {
      const entries = this.entries.slice(start, Math.min(size, start + path.width));
      return entries.length === path.width ? formatEntryBundle(entries) : undefined;
    }
    const count = Math.floor(size / 256 ** path.level);
    if (start + path.width > count) return undefined;
    return concat(...this.#levels[path.level]!.slice(start, start + path.width));
  }
}

/** The notes and resources of one log. What is shown, and from which tree tiles come, is set from outside. */
export class CheapLog {
  readonly origin: string;
  keys: readonly CheapKey[];
  tree: CheapTree;
  /** Of the tiles that are served. */
  size = 0;
  checkpoint: Uint8Array = new Uint8Array(0);
  /** Requests that fail from now on, as on a bad network. */
  failing = 0;
  asked = 0;

  constructor(origin: string, tree: CheapTree, keys: readonly CheapKey[]) {
    this.origin = origin;
    this.tree = tree;
    this.keys = keys;
  }

  get verifiers(): readonly CheckpointVerifier[] {
    return this.keys.map(({ verifier }) => verifier);
  }

  note(size: number, seconds: number, tree: CheapTree = this.tree): Uint8Array {
    const text = formatCheckpoint({ origin: this.origin, size, rootHash: tree.rootHash(size) });
    return utf8(
      formatNote(
        text,
        this.keys.map((key) => key.sign(text, seconds)),
      ),
    );
  }

  /** A head as somebody else verified it. */
  async head(note: Uint8Array): Promise<LogHead> {
    const { checkpoint, timestampSeconds } = await openLogCheckpoint(note, this);
    const { origin, size, rootHash } = checkpoint;
    return { origin, size, rootHash: asHash(rootHash), timestampSeconds, note };
  }

  readonly reader: LogReader = {
    url: 'http://log.example/',
    checkpoint: async () => {
      this.#ask();
      return this.checkpoint;
    },
    read: async (paths) =>
      paths.map((path) => {
        this.#ask();
        const bytes = this.tree.resource(path, this.size);
        if (bytes === undefined) throw new LimmatError('not-found', `nothing at ${JSON.stringify(path)}`);
        return bytes;
      }),
    resource: () => Promise.reject(new LimmatError('not-found', 'nothing else')),
  };

  #ask(): void {
    this.asked++;
    if (this.failing === 0) return;
    this.failing--;
    throw new LimmatError('network', 'the network is down');
  }
}
