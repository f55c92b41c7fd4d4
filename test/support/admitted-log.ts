// A log of records in memory, judged by the replay that anyone can run: real signatures, the genesis that `limmat init`
// makes, and what the HTTP apps, heartbeats and tools ask of a log. Every entry counts as published at once.

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import type { StatementSigner } from '../../src/cose/signer.ts';
import { LimmatError } from '../../src/errors.ts';
import type { AppendResult, Log } from '../../src/log/index.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { firstKeyRecord, genesisRecord, type GenesisOptions } from '../../src/node/genesis.ts';
import { SIGNATURE_TYPE, generateSignerKey, verifierKeyOf } from '../../src/note/key.ts';
import { admit, signatureJobs } from '../../src/record/admission.ts';
import { TreeRoots } from '../../src/record/admission/roots.ts';
import { AdmissionState } from '../../src/record/admission/state.ts';
import { sizeOfRootKey, type Facts, type StateKey } from '../../src/record/admission.ts';
import { createStatement, parseStatement, type LimmatRecord } from '../../src/record/index.ts';
import { signer } from './admission-world.ts';
import { TEST_ORIGIN, fixedSeed, testSigners } from './test-log.ts';

/** The options of the genesis of a test log: its keys have the names "root", "log" and that of the submitter. */
export function genesisOptions(
  more: Partial<GenesisOptions> & { readonly submitterKey?: StatementSigner } = {},
): GenesisOptions {
  const { submitterKey = signer('submitter'), ...rest } = more;
  const origin = rest.origin ?? TEST_ORIGIN;
  const channel = generateSignerKey(`${origin}/channel`, SIGNATURE_TYPE.ed25519, () => fixedSeed(3));
  return {
    namespace: 'acme',
    origin,
    vkeys: testSigners(origin).map(({ vkey }) => vkey),
    channelHead: verifierKeyOf(channel).vkey,
    root: signer('root').key,
    logStatements: signer('log').key,
    submitter: { key: submitterKey.key, issuer: 'acme.example' },
    ...rest,
  };
}

/** Genesis and key event, signed, as of this time. */
export async function firstStatements(options: GenesisOptions, iatSeconds: number): Promise<Uint8Array[]> {
  const genesis = await signed(genesisRecord(options), 'root', iatSeconds);
  const keyEvent = firstKeyRecord(options, nodeHasher.leafHash(genesis));
  return keyEvent === undefined ? [genesis] : [genesis, await signed(keyEvent, 'root', iatSeconds)];
}

/** The record, signed by the key of that name. */
export function signed(
  record: LimmatRecord,
  by: string,
  iatSeconds: number,
  issuer = 'acme.example',
): Promise<Uint8Array> {
  return createStatement({ ...record, issuer, iatSeconds }, signer(by));
}

export class AdmittedLog implements Facts {
  readonly origin = TEST_ORIGIN;
  readonly admission = 'records';
  readonly leaves: Uint8Array[] = [];
  readonly #state = new AdmissionState();
  readonly #roots = new TreeRoots(nodeHasher);

  /** A log that begins as `limmat init` makes one. */
  static async open(options = genesisOptions(), iatSeconds = 1_800_000_000): Promise<AdmittedLog> {
    const log = new AdmittedLog();
    for (const result of await log.append(await firstStatements(options, iatSeconds)))
      if (!result.ok) throw result.error;
    return log;
  }

  get(key: StateKey): Uint8Array | undefined {
    const size = sizeOfRootKey(key);
    if (size === undefined) return this.#state.get(key);
    return size <= this.leaves.length ? this.#roots.at(size) : undefined;
  }

  status(): ReturnType<Log['status']> {
    const size = this.leaves.length;
    const head = { size, rootHash: this.#roots.at(size) };
    const published = { head, size, timestampSeconds: 0, note: new Uint8Array() };
    return { state: 'ready', reason: undefined, head, published, waitingEntries: 0, waitingBytes: 0 };
  }

  async append(leaves: readonly Uint8Array[]): Promise<readonly AppendResult[]> {
    const results: AppendResult[] = [];
    for (const bytes of leaves) {
      const statement = parseStatement(bytes);
      const leafHash = nodeHasher.leafHash(bytes);
      const index = this.leaves.length;
      const decision = admit(this, statement, index, leafHash, nodeHasher);
      if (!decision.admitted) {
        const { rule, field } = decision;
        const details = { rule, field, kid: toHex(statement.kid) };
        results.push({ ok: false, error: new LimmatError('bad-record', decision.message, { details }) });
        continue;
      }
      if ((await nodeCrypto.verifyMany([...signatureJobs(this, statement)!])).includes(false)) {
        throw new Error(`a signature of entry ${index} does not hold`);
      }
      this.#state.apply(decision.writes);
      this.#roots.append(leafHash);
      this.leaves.push(bytes);
      results.push({ ok: true, index, leafHash: asHash(leafHash), duplicate: false });
    }
    return results;
  }

  entries(start: number, end: number): Promise<Uint8Array[]> {
    return Promise.resolve(this.leaves.slice(start, end));
  }

  async *admissionState(prefix: StateKey, after = ''): AsyncGenerator<{ key: StateKey; value: Uint8Array }> {
    for (const pair of this.#state.pairs()) if (pair.key.startsWith(prefix) && pair.key > after) yield pair;
  }
}
