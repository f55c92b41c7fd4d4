// Sequencing: entries → places. The only judge of "already logged", and of what the rules admit: by what the store holds,
// by the batch that is being written just now, and by the entries before it in its own batch. Nobody hears an index before
// the growth is durable.

import { equalBytes, readUint, toHex, uintBytes } from '../bytes.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError, asLimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { admit, keysFor, signatureJobs, signerKeysFor, sizeOfRootKey } from '../record/admission.ts';
import { statementKey } from '../storage.ts';
import type { LogStorage, StateWrite } from '../storage.ts';
import { BatchState } from './batch-state.ts';
import type { StateChanges } from './batch-state.ts';
import type { CommittedState } from './committed-state.ts';
import type { Entry, SequencedEntry, ValidatedRecord } from './entry.ts';
import { forbidGenesis, genesisMismatch } from './genesis.ts';
import type { LogName } from './genesis.ts';
import { LookupBatch } from './lookup.ts';
import type { Quotas } from './quota.ts';
import { strangersIn } from './strangers.ts';
import { refusalError } from './refusal.ts';

/** What became of an entry: a new index, the index it had already, or a refusal. */
export type Outcome = { readonly index: number; readonly duplicate: boolean } | LimmatError;

/** A batch in order: the new entries with their places, the state writes they bring, and every entry's outcome. */
export interface Sequenced {
  readonly entries: readonly SequencedEntry[];
  readonly writes: readonly StateWrite[];
  /** One for each entry given, in order. */
  readonly outcomes: readonly Outcome[];
  /** What the batch that comes while this one is being written has to know of it. */
  readonly placed: Placed;
}

/** Where the new entries of a batch are, and what they change in the admission state and in the rows of lookups. */
export interface Placed {
  readonly places: BatchIndex;
  readonly changes: StateChanges;
  readonly lookups: LookupBatch;
}

export interface SequenceContext {
  readonly storage: LogStorage;
  readonly committed: CommittedState;
  readonly name: LogName;
  readonly crypto: CryptoSuite;
  readonly hasher: Hasher;
  readonly quotas: Quotas;
  /** Monotonic. */
  readonly nowMillis: number;
  /** The batch that was placed before `size` and may not be in the store yet. */
  readonly writing: Placed | undefined;
  /**
   * The roots of the trees of these sizes, each below or at `size`; then, for trees of this very batch, of the entries
   * placed so far.
   */
  readonly roots: (
    sizes: readonly number[],
  ) => Promise<(size: number, placed: readonly SequencedEntry[]) => Uint8Array>;
}

/** Gives places from `size` on. The same leaf again gets its first index, before any rule. */
export async function sequence(batch: readonly Entry[], size: number, context: SequenceContext): Promise<Sequenced> {
  const { storage, writing } = context;
  const leaves = await storage.findLeaves(batch.map(({ leafHash }) => leafHash));
  const places = new BatchIndex();
  const entries: SequencedEntry[] = [];
  const known = await lookUp(batch, leaves, entries, size, context);
  const writes: StateWrite[] = [];
  const outcomes: Outcome[] = [];
  const find = (hash: Uint8Array): number | undefined => writing?.places.find(hash) ?? places.find(hash);
  // By index, here and below: a pair an entry is memory that thousands of entries take at once.
  for (let i = 0; i < batch.length; i++) {
    const entry = batch[i]!;
    const loggedAt = leaves[i] ?? find(entry.leafHash);
    if (loggedAt !== undefined) {
      outcomes.push({ index: loggedAt, duplicate: true });
      continue;
    }
    const index = size + entries.length;
    if (entry.record !== undefined) {
      const firstIndex = known.statements[i] ?? find(entry.record.statementHash);
      // Awaited only where signatures are left to verify, so that a batch is judged in one go.
      const judged = firstIndex === undefined ? judge(entry, entry.record, index, known, context) : undefined;
      const verdict = judged instanceof Promise ? await judged : (judged ?? alreadyLogged(entry.record, firstIndex!));
      if (verdict instanceof LimmatError) {
        outcomes.push(verdict);
        continue;
      }
      for (const write of verdict) writes.push(write);
      places.add(entry.record.statementHash, index);
    } else if (index === 0) {
      const refusal = forbidGenesis(entry.bytes, context.name);
      if (refusal !== undefined) {
        outcomes.push(refusal);
        continue;
      }
    }
    entries.push({ entry, index });
    outcomes.push({ index, duplicate: false });
    places.add(entry.leafHash, index);
  }
  for (const write of known.lookups.writes()) writes.push(write);
  return { entries, writes, outcomes, placed: { places, changes: known.state.changes, lookups: known.lookups } };
}

/** What is known of the entries of a batch that are not there yet. */
interface Known {
  readonly statements: readonly (number | undefined)[];
  readonly state: BatchState;
  readonly lookups: LookupBatch;
}

/** What the store says of them: one read of it, and one more where they are about other entries. */
async function lookUp(
  batch: readonly Entry[],
  leaves: readonly (number | undefined)[],
  placed: readonly SequencedEntry[],
  size: number,
  { committed, hasher, roots, storage, writing }: SequenceContext,
): Promise<Known> {
  const strangers = await strangersIn(batch, committed, writing?.changes);
  const wanted = committed.wanted();
  const lookups = new LookupBatch(size, writing?.lookups, hasher);
  const positions: number[] = [];
  const sizes: number[] = [];
  for (let i = 0; i < batch.length; i++) {
    const { record } = batch[i]!;
    if (record === undefined || leaves[i] !== undefined) continue;
    wanted.addOther(statementKey(record.statementHash));
    positions.push(i);
    const isStranger = strangers.has(record);
    if (!isStranger) lookups.want(record.statement);
    for (const key of isStranger ? signerKeysFor(record.statement) : keysFor(record.statement, hasher)) {
      const rootSize = sizeOfRootKey(key);
      if (rootSize === undefined) wanted.add(key);
      else if (rootSize <= size) sizes.push(rootSize);
    }
  }
  if (positions.length > 0) for (const key of lookups.keys()) wanted.addOther(key);
  const { values, others } = await wanted.read();
  lookups.give(others.slice(positions.length));
  const statements: (number | undefined)[] = [];
  for (const [k, i] of positions.entries()) statements[i] = others[k] && readUint(others[k], 0, 8);
  const rootOf = await roots(sizes);
  const rootAt = (rootSize: number): Uint8Array | undefined =>
    rootSize <= size + placed.length ? rootOf(rootSize, placed) : undefined;
  const state = new BatchState(writing?.changes, values, rootAt);
  if (lookups.refers) {
    lookups.wantTargets(state);
    lookups.give(await storage.get(lookups.keys()));
  }
  return { statements, state, lookups };
}

/** The writes that the record brings, applied to the state; or why it is refused. */
function judge(
  { leafHash, bytes }: Entry,
  record: ValidatedRecord,
  index: number,
  { state, lookups }: Known,
  context: SequenceContext,
): readonly StateWrite[] | LimmatError | Promise<readonly StateWrite[] | LimmatError> {
  const { statement, statementHash, isVerified } = record;
  const { hasher, name, crypto, quotas, nowMillis } = context;
  const decision = admit(state, statement, index, leafHash, hasher);
  if (!decision.admitted) return refusalError(decision, statement, state);
  const foreign = index === 0 ? genesisMismatch(statement, name) : undefined;
  if (foreign !== undefined) return foreign;
  const accept = (): readonly StateWrite[] | LimmatError => {
    const excess = quotas.take(statement, nowMillis);
    if (excess !== undefined) return excess;
    lookups.add(statement, bytes.length, state);
    state.apply(decision.writes);
    const own = { key: statementKey(statementHash), value: uintBytes(index, 8) };
    return [own, ...decision.writes];
  };
  if (isVerified) return accept();
  return verifyLate(record, state, crypto).then((refusal) => refusal ?? accept());
}

/** The signatures of an entry whose key came with an entry right before it; the rules have let it in. */
async function verifyLate(
  { statement }: ValidatedRecord,
  state: BatchState,
  crypto: CryptoSuite,
): Promise<LimmatError | undefined> {
  try {
    // Never undefined: the rules admit nothing that is signed by a key that is not in force.
    const verdicts = await crypto.verifyMany(signatureJobs(state, statement)!);
    return verdicts.includes(false) ? badSignature(statement) : undefined;
  } catch (error) {
    return asLimmatError(error);
  }
}

/** `bad-signature`: the statement's own or an approval's does not verify. */
export function badSignature({ kid, record }: ValidatedRecord['statement']): LimmatError {
  const id = toHex(kid);
  const whose = record.fields.approvals === undefined ? '' : ' or one of the approvals';
  return new LimmatError('bad-signature', `the signature by key ${id}${whose} does not verify over this statement`, {
    details: { kid: id },
  });
}

function alreadyLogged({ statementHash }: ValidatedRecord, firstIndex: number): LimmatError {
  return new LimmatError(
    'already-logged',
    `this statement is logged at index ${firstIndex} with another signature; that entry stands for it`,
    { details: { index: firstIndex, statement: toHex(statementHash) } },
  );
}

/**
 * Hashes of one batch → indexes. Found by the first six bytes as a number, which a Map does faster than by text; a hash
 * that shares them with another one lies one step of 2^48 further.
 */
export class BatchIndex {
  readonly #rows = new Map<number, number>();
  readonly #hashes: Uint8Array[] = [];
  readonly #indexes: number[] = [];

  add(hash: Uint8Array, index: number): void {
    let key = readUint(hash, 0, 6)!;
    while (this.#rows.has(key)) key += 2 ** 48;
    this.#rows.set(key, this.#hashes.push(hash) - 1);
    this.#indexes.push(index);
  }

  find(hash: Uint8Array): number | undefined {
    for (let key = readUint(hash, 0, 6)!; ; key += 2 ** 48) {
      const row = this.#rows.get(key);
      if (row === undefined) return undefined;
      if (equalBytes(this.#hashes[row]!, hash)) return this.#indexes[row];
    }
  }
}
