// The derived state again, from the entries: what the log wrote beside each entry when it took it, by the same functions.
// Whoever has the entries can say what a log's state has to be (fsck), or make it again (reindex). Entries that the rules
// do not admit, or whose signatures do not hold, are findings and change nothing, as in a replay (record/admission).

import { LimmatError, isLimmatError } from '../errors.ts';
import { uintBytes } from '../bytes.ts';
import type { VerifyJob } from '../crypto/suite.ts';
import type { Hash, Hasher } from '../merkle/hash.ts';
import { admit, keysFor, signatureJobs, sizeOfRootKey } from '../record/admission.ts';
import type { Facts, StateKey } from '../record/admission.ts';
import { entryKey } from '../record/admission/keys.ts';
import type { ReplayFinding } from '../record/admission/replay.ts';
import { AdmissionState } from '../record/admission/state.ts';
import { parseStatement } from '../record/statement.ts';
import type { Statement } from '../record/statement.ts';
import { KEY_SPACE, statementKey } from '../storage.ts';
import type { StateWrite } from '../storage.ts';
import { LookupBatch } from './lookup.ts';

/** The key spaces of which every row follows from the entries of a log that takes records. */
export const DERIVED_SPACES: readonly StateKey[] = Object.freeze(
  [KEY_SPACE.admission, KEY_SPACE.statement, KEY_SPACE.lookup].toSorted(),
);

/** An entry and its leaf hash. */
export interface Leaf {
  readonly bytes: Uint8Array;
  readonly leafHash: Hash;
}

export interface DeriveOptions {
  /** Values of the state that the entries before the batch led to, in order of the keys. */
  readonly get: (keys: readonly StateKey[]) => Promise<readonly (Uint8Array | undefined)[]>;
  /** The root of this log's tree at a size up to that with the whole batch. */
  readonly rootHashAt: (size: number) => Hash | Promise<Hash>;
  readonly hasher: Hasher;
  /** Verifies signatures, in order; without it they are taken to hold. */
  readonly verifyMany?: ((jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>) | undefined;
}

/** What a batch of entries leads to. */
export interface Derived {
  /** One for each key that the batch changes: what it is afterwards. */
  readonly writes: readonly StateWrite[];
  readonly findings: readonly ReplayFinding[];
}

/** What the signatures of an entry came to: true, or why they do not hold. */
type Verdicts = Map<number, true | LimmatError>;

interface Judged extends Derived {
  /** Signatures of entries that the rules admit, and that nobody has verified yet. */
  readonly open: readonly { readonly index: number; readonly jobs: readonly VerifyJob[] }[];
}

/** Judges these entries, the first of which stands at `start`, and gives the state writes that they bring. */
export async function derive(leaves: readonly Leaf[], start: number, options: DeriveOptions): Promise<Derived> {
  const batch = leaves.map(({ bytes, leafHash }, i) => ({
    index: start + i,
    length: bytes.length,
    leafHash,
    statement: readStatement(bytes),
  }));
  const before = await fetchFacts(batch, options);
  const verdicts: Verdicts = new Map();
  for (;;) {
    // All signatures are taken to hold at first, so that they are verified together. What comes after one that does not
    // is judged again without its entry; a key id is a key's thumbprint, so what was verified stays verified.
    const { open, ...derived } = judge(batch, before, verdicts, options);
    if (open.length === 0 || !(await verify(open, verdicts, options))) return derived;
  }
}

interface BatchEntry {
  readonly index: number;
  /** Bytes of the entry. */
  readonly length: number;
  readonly leafHash: Hash;
  /** Or why it is none. */
  readonly statement: Statement | LimmatError;
}

function readStatement(bytes: Uint8Array): Statement | LimmatError {
  try {
    return parseStatement(bytes);
  } catch (error) {
    if (isLimmatError(error)) return error;
    throw error;
  }
}

/** What the state was before the batch, and the log's own roots: everything that judging the batch may look at. */
interface Before {
  readonly state: Facts;
  readonly roots: ReadonlyMap<number, Hash>;
  /** The lookup rows that the batch may go on with. */
  readonly rows: ReadonlyMap<StateKey, Uint8Array | undefined>;
}

async function fetchFacts(batch: readonly BatchEntry[], { get, rootHashAt, hasher }: DeriveOptions): Promise<Before> {
  const wanted = new Set<StateKey>();
  const roots = new Map<number, Hash>();
  const end = batch.length === 0 ? 0 : batch.at(-1)!.index + 1;
  for (const { statement, leafHash } of batch) {
    const keys = statement instanceof LimmatError ? [] : keysFor(statement, hasher);
    for (const key of [entryKey(leafHash), ...keys]) {
      const size = sizeOfRootKey(key);
      if (size === undefined) wanted.add(key);
      else if (size <= end && !roots.has(size)) roots.set(size, await rootHashAt(size));
    }
  }
  const keys = [...wanted];
  const values = await get(keys);
  const state = new AdmissionState();
  state.apply(keys.map((key, i) => ({ key, value: values[i] ?? null })));
  return { state, roots, rows: await fetchRows(batch, state, get, hasher) };
}

async function fetchRows(
  batch: readonly BatchEntry[],
  state: Facts,
  get: DeriveOptions['get'],
  hasher: Hasher,
): Promise<ReadonlyMap<StateKey, Uint8Array | undefined>> {
  const rows = new Map<StateKey, Uint8Array | undefined>();
  const fetchWanted = async (lookups: LookupBatch): Promise<void> => {
    const keys = lookups.keys();
    const values = await get(keys);
    for (const [i, key] of keys.entries()) rows.set(key, values[i]);
    lookups.give(values);
  };
  const lookups = lookupsFor(batch, hasher);
  await fetchWanted(lookups);
  lookups.wantTargets(state);
  await fetchWanted(lookups);
  return rows;
}

/** The lookup rows of the batch, before anything is known of them. */
function lookupsFor(batch: readonly BatchEntry[], hasher: Hasher): LookupBatch {
  const lookups = new LookupBatch(batch[0]?.index ?? 0, undefined, hasher);
  for (const { statement } of batch) if (!(statement instanceof LimmatError)) lookups.want(statement);
  return lookups;
}

function openLookups(batch: readonly BatchEntry[], { state, rows }: Before, hasher: Hasher): LookupBatch {
  const lookups = lookupsFor(batch, hasher);
  lookups.give(lookups.keys().map((key) => rows.get(key)));
  lookups.wantTargets(state);
  lookups.give(lookups.keys().map((key) => rows.get(key)));
  return lookups;
}

function judge(batch: readonly BatchEntry[], before: Before, verdicts: Verdicts, options: DeriveOptions): Judged {
  const { hasher, verifyMany } = options;
  const state = new AdmissionState(before.state);
  const writes = new Map<StateKey, StateWrite>();
  const findings: ReplayFinding[] = [];
  const open: { index: number; jobs: readonly VerifyJob[] }[] = [];
  const lookups = openLookups(batch, before, hasher);
  for (const { index, length, leafHash, statement } of batch) {
    const bringsNothing = (finding: ReplayFinding): void => {
      findings.push(finding);
      lookups.skip(length);
    };
    if (state.get(entryKey(leafHash)) !== undefined) {
      bringsNothing({ index, kind: 'repeated' });
      continue;
    }
    if (statement instanceof LimmatError) {
      bringsNothing(invalid(index, statement));
      continue;
    }
    const facts: Facts = {
      get: (key) => {
        const size = sizeOfRootKey(key);
        if (size === undefined) return state.get(key);
        return size <= index ? before.roots.get(size) : undefined;
      },
    };
    const decision = admit(facts, statement, index, leafHash, hasher);
    if (!decision.admitted) {
      bringsNothing({ index, kind: 'inadmissible', refusal: decision });
      continue;
    }
    if (verifyMany !== undefined) {
      const verdict = verdicts.get(index) ?? jobsOf(facts, statement);
      if (verdict instanceof LimmatError) {
        bringsNothing(invalid(index, verdict));
        continue;
      }
      if (verdict !== true) open.push({ index, jobs: verdict });
    }
    const brought: StateWrite[] = [
      { key: statementKey(hasher.sha256(statement.toBeSigned)), value: uintBytes(index, 8) },
      ...decision.writes,
    ];
    lookups.add(statement, length, facts);
    state.apply(decision.writes);
    for (const write of brought) writes.set(write.key, write);
  }
  for (const write of lookups.writes()) writes.set(write.key, write);
  return { writes: [...writes.values()], findings, open };
}

function jobsOf(facts: Facts, statement: Statement): readonly VerifyJob[] | LimmatError {
  try {
    return signatureJobs(facts, statement)!;
  } catch (error) {
    if (isLimmatError(error)) return error;
    throw error;
  }
}

/** Adds the verdicts on these signatures; true when one of them does not hold. */
async function verify(open: Judged['open'], verdicts: Verdicts, { verifyMany }: DeriveOptions): Promise<boolean> {
  const holds = await verifyMany!(open.flatMap(({ jobs }) => jobs));
  let next = 0;
  let anyBroken = false;
  for (const { index, jobs } of open) {
    const own = holds.slice(next, (next += jobs.length));
    const isBroken = own.includes(false);
    verdicts.set(index, isBroken ? new LimmatError('bad-signature', 'a signature does not verify') : true);
    anyBroken ||= isBroken;
  }
  return anyBroken;
}

function invalid(index: number, { code, message }: LimmatError): ReplayFinding {
  return { index, kind: 'invalid', code, message };
}
