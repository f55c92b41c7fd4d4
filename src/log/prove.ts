// Proofs for readers: inclusion and consistency at any published size, and proof files. The prover is the clients' own;
// every proof is verified before it leaves.

import { LimmatError } from '../errors.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import type { Prover } from '../merkle/prover.ts';
import { formatTlogProof } from '../note/tlog-proof.ts';
import type { Published } from './publish.ts';

export interface ProofMakerOptions {
  readonly prover: Prover;
  readonly hasher: Hasher;
  readonly published: () => Published | undefined;
}

export class ProofMaker {
  readonly #options: ProofMakerOptions;

  constructor(options: ProofMakerOptions) {
    this.#options = options;
  }

  /** The published checkpoint; `no-checkpoint` before the first one. */
  published(): Published {
    const published = this.#options.published();
    if (published !== undefined) return published;
    throw new LimmatError('no-checkpoint', 'no checkpoint is published yet', { retryAfterSeconds: 1 });
  }

  /**
   * The audit path of entry `index` in the tree of `size` (RFC 9162 §2.1.3). Errors: `bad-parameter` unless
   * index < size, `not-published` when size is above the published one.
   */
  async inclusion(index: number, size: number): Promise<Hash[]> {
    if (index >= size) {
      throw new LimmatError('bad-parameter', `index ${index} is not below size ${size}`, { details: { index, size } });
    }
    return this.#options.prover.inclusionProof(this.#upTo(size).head, index, size);
  }

  /**
   * The proof that the tree of `toSize` extends the one of `fromSize` (RFC 9162 §2.1.4); empty when they are equal.
   * Errors: `bad-parameter` unless 0 < fromSize ≤ toSize, `not-published` when toSize is above the published size.
   */
  async consistency(fromSize: number, toSize: number): Promise<Hash[]> {
    if (fromSize < 1 || fromSize > toSize) {
      throw new LimmatError('bad-parameter', `sizes ${fromSize} and ${toSize} are not 0 < from ≤ to`, {
        details: { from: fromSize, to: toSize },
      });
    }
    return this.#options.prover.consistencyProof(this.#upTo(toSize).head, fromSize, toSize);
  }

  /** A proof file (C2SP tlog-proof) for entry `index` under this checkpoint, the statement in its `extra` line. */
  async proofFile(index: number, statement: Uint8Array, published: Published): Promise<Uint8Array> {
    const proof = await this.#options.prover.inclusionProof(published.head, index);
    // Bound by its own leaf hash: what is in the file is what the proof is about, or the file does not leave.
    const leafHash = this.#options.hasher.leafHash(statement);
    const { size, rootHash } = published.head;
    verifyInclusion({ leafHash, index, size, rootHash, proof }, this.#options.hasher);
    return formatTlogProof({ extra: statement, index, proof, checkpoint: published.note });
  }

  #upTo(size: number): Published {
    const published = this.published();
    if (size <= published.size) return published;
    throw new LimmatError('not-published', `size ${size} is above the published size ${published.size}`, {
      details: { size, publishedSize: published.size },
      retryAfterSeconds: 1,
    });
  }
}
