// Replay: a log's entries from index 0 on, judged again. Whoever has the entries gets the state that the log has, and
// finds every entry that it should not have taken; nothing of the log but its entries is asked.

import { LimmatError } from '../../errors.ts';
import type { VerifyJob } from '../../cose/signer.ts';
import { portableHasher, type Hash, type Hasher } from '../../merkle/hash.ts';
import { admit, signatureJobs } from '../admission.ts';
import { parseStatement, type Statement } from '../statement.ts';
import type { Facts, Refusal } from './decision.ts';
import { entryKey, sizeOfRootKey, type StateKey } from './keys.ts';
import { TreeRoots } from './roots.ts';
import { AdmissionState, stateDigest } from './state.ts';

/** An entry that the log should not have taken. It changed nothing in the state. */
export type ReplayFinding = { readonly index: number } & (
  | { readonly kind: 'inadmissible'; readonly refusal: Refusal }
  /** No statement, or a signature that does not hold: the error's code and message. */
  | { readonly kind: 'invalid'; readonly code: string; readonly message: string }
  | { readonly kind: 'repeated' }
);

export interface ReplayOptions {
  readonly hasher?: Hasher;
  /** Verifies signatures, in order; without it they are taken to hold. */
  readonly verifyMany?: (jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>;
}

export class Replay implements Facts {
  readonly #hasher: Hasher;
  readonly #verifyMany: ReplayOptions['verifyMany'];
  readonly #roots: TreeRoots;
  readonly #state = new AdmissionState();

  constructor({ hasher = portableHasher, verifyMany }: ReplayOptions = {}) {
    this.#hasher = hasher;
    this.#verifyMany = verifyMany;
    this.#roots = new TreeRoots(hasher);
  }

  /** Entries so far. */
  get size(): number {
    return this.#roots.size;
  }

  get rootHash(): Hash {
    return this.#roots.at(this.size);
  }

  /** The digest of the state after the entries so far. */
  get digest(): Uint8Array {
    return stateDigest(this.#state, this.#hasher);
  }

  get(key: StateKey): Uint8Array | undefined {
    const size = sizeOfRootKey(key);
    if (size === undefined) return this.#state.get(key);
    return size <= this.size ? this.#roots.at(size) : undefined;
  }

  /** Judges the next entry, given its bytes; a finding when it should not be there. */
  async entry(bytes: Uint8Array): Promise<ReplayFinding | undefined> {
    const index = this.size;
    const leafHash = this.#hasher.leafHash(bytes);
    try {
      return await this.#judge(bytes, index, leafHash);
    } finally {
      this.#roots.append(leafHash);
    }
  }

  async #judge(bytes: Uint8Array, index: number, leafHash: Hash): Promise<ReplayFinding | undefined> {
    if (this.#state.get(entryKey(leafHash)) !== undefined) return { index, kind: 'repeated' };
    let statement: Statement;
    try {
      statement = parseStatement(bytes);
      const decision = admit(this, statement, index, leafHash, this.#hasher);
      if (!decision.admitted) return { index, kind: 'inadmissible', refusal: decision };
      if (this.#verifyMany !== undefined) {
        const verdicts = await this.#verifyMany(signatureJobs(this, statement)!);
        if (verdicts.includes(false)) throw new LimmatError('bad-signature', 'a signature does not verify');
      }
      this.#state.apply(decision.writes);
      return undefined;
    } catch (error) {
      if (!(error instanceof LimmatError)) throw error;
      return { index, kind: 'invalid', code: error.code, message: error.message };
    }
  }
}

/** What a replay came to. */
export interface ReplayResult {
  readonly size: number;
  readonly rootHash: Hash;
  readonly digest: Uint8Array;
  readonly findings: readonly ReplayFinding[];
}

/** Judges all these entries, index 0 first. */
export async function replay(
  entries: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const run = new Replay(options);
  const findings: ReplayFinding[] = [];
  for await (const bytes of entries) {
    const finding = await run.entry(bytes);
    if (finding !== undefined) findings.push(finding);
  }
  return { size: run.size, rootHash: run.rootHash, digest: run.digest, findings };
}
