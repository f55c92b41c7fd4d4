// The part of a check that is about what entries say: each is judged again by the log's own rules, with its signatures,
// and what they lead to is compared with the derived state of the store, where there is one.

import { byteText, textBytes, toHex } from '../../src/bytes.ts';
import type { VerifyJob } from '../../src/crypto/suite.ts';
import { asLimmatError } from '../../src/errors.ts';
import type { ErrorCode, LimmatError } from '../../src/errors.ts';
import { DERIVED_SPACES, derive } from '../../src/log/derive.ts';
import { VERSION_KEY } from '../../src/log/lookup.ts';
import { assertRowsVersion, derivedRows, isReindexUnfinished } from '../../src/log/reindex.ts';
import type { Hash, Hasher } from '../../src/merkle/index.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import type { ReplayFinding } from '../../src/record/admission/replay.ts';
import { AdmissionState, StateDigest } from '../../src/record/admission/state.ts';
import { KEY_SPACE, type LogStorage, type StateKey } from '../../src/storage.ts';
import type { Findings } from './findings.ts';

export interface AdmissionCheckOptions {
  readonly hasher: Hasher;
  readonly verifyMany: (jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>;
  readonly findings: Findings;
}

const MEND = 'limmat reindex makes it again';

/** Takes all entries of a log in order. Keeps the rows that they lead to in memory: some 2 kB an entry. */
export class AdmissionCheck {
  readonly #options: AdmissionCheckOptions;
  readonly #roots: TreeRoots;
  readonly #state = new AdmissionState();
  /** The rows by which nobody is judged, key and value as text: a third of the memory that arrays of bytes take. */
  readonly #others = new Map<string, string>();

  constructor(options: AdmissionCheckOptions) {
    this.#options = options;
    this.#roots = new TreeRoots(options.hasher);
  }

  /** Judges the next entries, given their leaf hashes. */
  async push(entries: readonly Uint8Array[], leafHashes: readonly Hash[]): Promise<void> {
    const { hasher, verifyMany, findings } = this.#options;
    const start = this.#roots.size;
    for (const leafHash of leafHashes) this.#roots.append(leafHash);
    const leaves = entries.map((bytes, i) => ({ bytes, leafHash: leafHashes[i]! }));
    const derived = await derive(leaves, start, {
      get: (keys) => Promise.resolve(keys.map((key) => this.#get(key))),
      rootHashAt: (size) => this.#roots.at(size),
      hasher,
      verifyMany,
    });
    this.#state.apply(derived.writes.filter(isAdmission));
    for (const { key, value } of derived.writes) {
      if (isAdmission({ key })) continue;
      if (value === null) this.#others.delete(key);
      else this.#others.set(key, byteText(value));
    }
    for (const finding of derived.findings) findings.add(codeOf(finding), findingLine(finding));
  }

  #get(key: StateKey): Uint8Array | undefined {
    if (isAdmission({ key })) return this.#state.get(key);
    const text = this.#others.get(key);
    return text === undefined ? undefined : textBytes(text);
  }

  /** The digest of the admission state that the entries lead to: whoever replays them has the same. */
  digest(): Uint8Array {
    const digest = new StateDigest(this.#options.hasher);
    for (const { key, value } of this.#state.pairs()) digest.add(key, value);
    return digest.digest;
  }

  /** Compares the rows of the store with those that the entries lead to. How many are right. */
  async compare(storage: LogStorage): Promise<number> {
    const { findings } = this.#options;
    if (await isReindexUnfinished(storage)) {
      findings.add('store-corrupt', 'a reindex of this store was not finished: limmat reindex finishes it');
      return 0;
    }
    const missing = new Map([
      ...this.#state.pairs().map(({ key, value }) => [key, byteText(value)] as const),
      ...this.#others,
    ]);
    const old = missing.has(VERSION_KEY) ? await oldRows(storage) : undefined;
    if (old !== undefined) {
      findings.add('store-corrupt', old.message);
      for (const key of missing.keys()) if (key[0] === KEY_SPACE.lookup) missing.delete(key);
    }
    let right = 0;
    for (const space of DERIVED_SPACES) {
      // Of rows of another version none is what it would be now: to say so once is enough.
      if (old !== undefined && space === KEY_SPACE.lookup) continue;
      for await (const { key, value } of derivedRows(storage, space)) {
        const expected = missing.get(key);
        missing.delete(key);
        if (expected === byteText(value)) right++;
        else if (expected === undefined) {
          findings.add(
            'store-corrupt',
            `the state has a row ${toHex(textBytes(key))} to which no entry leads: ${MEND}`,
          );
        } else
          findings.add(
            'store-corrupt',
            `the row ${toHex(textBytes(key))} of the state is not what the entries lead to: ${MEND}`,
          );
      }
    }
    for (const name of missing.keys()) {
      findings.add('store-corrupt', `the row ${toHex(textBytes(name))} of the state is missing: ${MEND}`);
    }
    return right;
  }
}

/** What is wrong with the version of the rows for lookups; undefined when it is this one's, or there are none of any. */
async function oldRows(storage: LogStorage): Promise<LimmatError | undefined> {
  try {
    await assertRowsVersion(storage);
    return undefined;
  } catch (error) {
    return asLimmatError(error);
  }
}

function isAdmission({ key }: { readonly key: StateKey }): boolean {
  return key[0] === KEY_SPACE.admission;
}

function codeOf(finding: ReplayFinding): ErrorCode {
  if (finding.kind === 'inadmissible') return 'not-admitted';
  if (finding.kind === 'repeated') return 'already-logged';
  return finding.code === 'bad-signature' ? 'bad-signature' : 'bad-record';
}

/** A finding in one sentence. */
export function findingLine(finding: ReplayFinding): string {
  const entry = `entry ${finding.index}`;
  if (finding.kind === 'inadmissible') return `${entry} is not admitted by the log's rules: ${finding.refusal.message}`;
  if (finding.kind === 'repeated') return `${entry} is the same as an earlier one`;
  if (finding.code === 'bad-signature') return `${entry}: ${finding.message}`;
  return `${entry} is no statement: ${finding.message}`;
}
