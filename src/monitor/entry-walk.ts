// The walk over a log's entries up to the own head: every one authenticated (M04), looked at (M05, M08), told of where
// something is the matter with it, and only then counted as seen and mirrored. Of a log that begins with a genesis the
// records are judged too, and before they are mirrored; a judge that is behind, because it is new or lost its newest state
// in a power cut, is given the entries again.

import { concat } from '../bytes.ts';
import type { LogHead } from '../client/state.ts';
import type { VerifyJob } from '../cose/signer.ts';
import { LimmatError } from '../errors.ts';
import { HASH_SIZE } from '../merkle/hash.ts';
import type { Hasher } from '../merkle/hash.ts';
import { verifiedEntries } from './catch-up.ts';
import type { VerifiedEntries } from './catch-up.ts';
import { conflictKey, plainFinding, proofFinding, suspicionKey } from './checks.ts';
import { NO_ENTRIES, lookAtEntries, marksFrom } from './entries.ts';
import type { EntryCounts, EntryIssue } from './entries.ts';
import type { Evidence } from './evidence/evidence.ts';
import { admissionEvidence, issuerEvidence } from './evidence/gather.ts';
import type { AdmissionSource } from './evidence/gather.ts';
import { backdatedEntry, futureEntry } from './evidence/make.ts';
import type { HeadBook } from './heads.ts';
import { MAX_CONVICTIONS } from './known-evidence.ts';
import type { MonitorLimits } from './limits.ts';
import type { LogState } from './log-state.ts';
import type { MirroredTree } from './mirrored-tree.ts';
import type { KeyedState, LeafMirror } from './ports.ts';
import { genesisIn } from './records/genesis.ts';
import type { RecordCoverage } from './records/coverage.ts';
import { includedEntry } from './records/included.ts';
import { RecordJudge } from './records/judge.ts';
import { stillStand } from './records/standing.ts';
import type { LogSource } from './source.ts';
import type { Troubles } from './troubles.ts';
import type { LogIdentity } from './watched-log.ts';

export interface EntryWalkOptions {
  readonly identity: LogIdentity;
  readonly source: LogSource;
  readonly tree: MirroredTree;
  readonly mirror: LeafMirror;
  /** What the records come to. */
  readonly records: KeyedState;
  /** Verifies the signatures of records, in order. */
  readonly verifyMany: (jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>;
  readonly troubles: Troubles;
  readonly hasher: Hasher;
  readonly limits: MonitorLimits;
  readonly nowMillis: () => number;
  /** Where the walk is, and where it notes how far it came. */
  readonly state: { current: LogState };
  /** Makes the state, and what was mirrored, durable. */
  readonly save: () => Promise<void>;
  readonly keepSuspect: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Takes note of evidence before it is told of: how much there is bounds what is made. */
  readonly book: HeadBook;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

/** Bundles whose leaf hashes are mirrored in one write: 512 KiB. */
const BUNDLES_PER_WRITE = 64;
/** What a kill costs at most, of work that is done again. */
const SAVE_MILLIS = 2000;

export class EntryWalk {
  readonly #options: EntryWalkOptions;
  /** Leaf hashes of what was looked at and is not mirrored yet; the entries themselves would be a gigabyte at worst. */
  #pending: Uint8Array[] = [];
  /** What the entries of those are. */
  #counts: EntryCounts = NO_ENTRIES;
  /** Of a log that begins with a genesis. */
  #judge: RecordJudge | undefined;

  constructor(options: EntryWalkOptions) {
    this.#options = options;
  }

  /** What the records came to; undefined of a log without a genesis, or before anybody looked. */
  get coverage(): RecordCoverage | undefined {
    return this.#judge?.coverage;
  }

  /** True when there is so much evidence against the log that more would say nothing. */
  get #isConvicted(): boolean {
    return this.#options.book.evidence.convictions >= MAX_CONVICTIONS;
  }

  /** Entries that were checked, and judged where they are records. */
  get reached(): number {
    const { cursor } = this.#options.state.current;
    return Math.min(cursor, this.#judge?.size ?? cursor);
  }

  /** Opens what is remembered of the records, where there are any. `store-corrupt`, `store-failed`. */
  async open(): Promise<void> {
    const { identity, records, hasher, verifyMany, troubles, tree, state } = this.#options;
    if (state.current.hasGenesis !== true || this.#judge !== undefined) return;
    this.#judge = await RecordJudge.open({
      origin: identity.origin,
      store: records,
      hasher,
      verifyMany,
      rootAt: (size) => tree.under(state.current.head!).ownProver.rootHashAt(size),
      tell: (finding) => troubles.tell(finding),
    });
  }

  /**
   * Walks from the cursor to the own head, until the time is over or the signal aborts. Rejects with what
   * verifiedEntries throws, with what the store fails with, and with `internal` when the mirror does not lead to the head;
   * the walk then stands where it was sure last.
   */
  async run(untilMillis: number, signal: AbortSignal | undefined): Promise<void> {
    const { state, nowMillis, save, onProgress } = this.#options;
    const { head } = state.current;
    if (head === undefined) return;
    const isOverNow = (): boolean => nowMillis() >= untilMillis || signal?.aborted === true;
    if (!(await this.#judgeAgain(head, isOverNow))) return;
    const suspects: [path: string, bytes: Uint8Array][] = [];
    let savedMillis = nowMillis();
    this.#pending = [];
    this.#counts = NO_ENTRIES;
    try {
      for await (const batch of this.#entriesFrom(state.current.cursor, head, suspects)) {
        await this.#look(batch, head);
        this.#pending.push(batch.leafHashes);
        const now = nowMillis();
        const isOver = now >= untilMillis || signal?.aborted === true;
        if (this.#pending.length < BUNDLES_PER_WRITE && !isOver) continue;
        await this.#mirror();
        onProgress?.(state.current.cursor, head.size);
        if (isOver) break;
        if (now - savedMillis < SAVE_MILLIS) continue;
        await save();
        savedMillis = now;
      }
    } finally {
      for (const [path, bytes] of suspects) await this.#options.keepSuspect(path, bytes);
      // What was verified before a failure stays verified.
      await this.#mirror();
    }
    onProgress?.(state.current.cursor, head.size);
    if (state.current.cursor !== head.size) return;
    await this.#settle(head);
    await this.#judge?.prove((index, heartbeat) => this.#prove(head, index, heartbeat));
    await this.#judge?.proveDisputes((earlier, later) => this.#proveDispute(head, earlier, later));
  }

  /** Makes evidence of an entry that should not be there; false where a file cannot show it, or cannot yet. */
  async #prove(head: LogHead, index: number, heartbeat: number | undefined): Promise<boolean> {
    const { identity, hasher, troubles } = this.#options;
    if (this.#isConvicted) return false;
    const from = { ...this.#decidingFrom(head), ...(heartbeat !== undefined && { heartbeat }) };
    const evidence = await admissionEvidence(identity, head, index, from, hasher);
    if (evidence === undefined) return false;
    this.#options.book.evidence.convict(evidence);
    await troubles.tell(proofFinding(evidence));
    return true;
  }

  /**
   * Makes evidence that two entries cannot both be true, where a file can show it. It accuses who signed them. False when one
   * of the two was taken back or replaced: then it is tried no more.
   */
  async #proveDispute(head: LogHead, earlier: number, later: number): Promise<boolean> {
    const { identity, troubles, book, records, hasher } = this.#options;
    const source = this.#decidingFrom(head);
    if (!(await stillStand(records, source, [earlier, later], hasher))) return false;
    const known = book.evidence.conflictOf(earlier, later);
    // A kill may have come between its evidence and the note that it was tried; or a peer was first. That may have been a
    // suspicion here: now it is known that nothing in between explains it.
    if (known !== undefined && troubles.knows(conflictKey(identity.origin, known, [earlier, later]))) return true;
    const evidence = await issuerEvidence(identity, head, [earlier, later], source);
    if (evidence === undefined || (known === undefined && !book.evidence.isNews(evidence))) return true;
    book.evidence.convict(evidence);
    await troubles.tell(proofFinding(evidence));
    await troubles.lookedFor(suspicionKey(identity.origin, evidence.kind, [earlier, later]));
    return true;
  }

  #decidingFrom(head: LogHead): Omit<AdmissionSource, 'heartbeat'> {
    const { records, source, hasher } = this.#options;
    return { get: (keys) => records.get(keys), entry: (at) => includedEntry(source, head, at, hasher) };
  }

  #entriesFrom(
    start: number,
    head: LogHead,
    suspects: [path: string, bytes: Uint8Array][],
  ): AsyncGenerator<VerifiedEntries, void, undefined> {
    const { source, hasher, limits } = this.#options;
    const onSuspect = (path: string, bytes: Uint8Array): void => void suspects.push([path, bytes]);
    return verifiedEntries({ source, hasher, head, start, parallel: limits.bundlesAhead, onSuspect });
  }

  /**
   * Judges what is mirrored and was not judged: of a log that an earlier version watched, or after a power cut. True when
   * that is done.
   */
  async #judgeAgain(head: LogHead, isOver: () => boolean): Promise<boolean> {
    const { state, identity } = this.#options;
    const { cursor, hasGenesis, marks } = state.current;
    if (cursor === 0 || hasGenesis === false || (this.#judge?.size ?? 0) >= cursor) return true;
    const suspects: [path: string, bytes: Uint8Array][] = [];
    try {
      for await (const { entries, start, leafHashes } of this.#entriesFrom(this.#judge?.size ?? 0, head, suspects)) {
        const { parsed } = lookAtEntries(identity, entries, start, { head, marks });
        // While entry 0 is withheld nobody knows whether there is anything to judge: it is looked at again each round.
        if (start === 0 && entries.length > 0) await this.#lookForGenesis(parsed[0]);
        if (this.#judge === undefined) break;
        await this.#judge.take({ start, statements: parsed, leafHashes });
        if (isOver() || start + leafHashes.length / HASH_SIZE >= cursor) break;
      }
    } finally {
      for (const [path, bytes] of suspects) await this.#options.keepSuspect(path, bytes);
      await this.#judge?.drain();
    }
    return this.#judge === undefined || this.#judge.size >= cursor;
  }

  /** Entry 0 says whether there is anything to judge. */
  async #lookForGenesis(first: Parameters<typeof genesisIn>[1]): Promise<void> {
    const { identity, troubles } = this.#options;
    const { isGenesis, finding } = genesisIn(identity, first);
    if (finding !== undefined) await troubles.tell(finding);
    this.#set({ hasGenesis: isGenesis });
    await this.open();
  }

  async #look({ entries, start, leafHashes }: VerifiedEntries, head: LogHead): Promise<void> {
    const { state, identity, troubles } = this.#options;
    const count = leafHashes.length / HASH_SIZE;
    const { marks } = state.current;
    const counts = this.#counts;
    if (entries.length === 0) {
      const summary = `${identity.origin} withholds the entries [${start}, ${start + count})`;
      await troubles.tell(plainFinding('withheld', identity.origin, summary, { start, count }));
      await this.#judge?.take({ start, statements: [], leafHashes });
      this.#counts = { ...counts, withheld: counts.withheld + count };
      return;
    }
    const { statements, parsed, issues } = lookAtEntries(identity, entries, start, { head, marks });
    for (const issue of issues) await this.#tell(issue, head);
    if (start === 0) await this.#lookForGenesis(parsed[0]);
    await this.#judge?.take({ start, statements: parsed, leafHashes });
    const unknown = counts.unknown + count - statements;
    this.#counts = { ...counts, statements: counts.statements + statements, unknown };
  }

  /** Mirrors what was looked at; from then on it counts as seen. */
  async #mirror(): Promise<void> {
    // Whoever is told of records is told before they count as seen.
    await this.#judge?.drain();
    if (this.#pending.length === 0) return;
    const leafHashes = concat(...this.#pending);
    await this.#options.mirror.append(leafHashes);
    const { current } = this.#options.state;
    const cursor = current.cursor + leafHashes.length / HASH_SIZE;
    const counts = sumOf(current.counts, this.#counts);
    this.#set({ cursor, counts, marks: marksFrom(cursor, current.marks) });
    this.#pending = [];
    this.#counts = NO_ENTRIES;
  }

  async #settle(head: LogHead): Promise<void> {
    const { state, tree, mirror, identity } = this.#options;
    const { settled } = state.current;
    if (settled !== undefined && settled.size === head.size) {
      this.#set({ settled: head });
      return;
    }
    if (await tree.holds(head)) {
      this.#set({ settled: head });
      return;
    }
    const sure = settled?.size ?? 0;
    await mirror.truncate(sure);
    this.#set({ cursor: sure });
    if (this.#judge !== undefined && this.#judge.size > sure) await this.#judge.clear();
    throw new LimmatError(
      'internal',
      `the mirror of ${identity.origin} did not lead to the root at size ${head.size}; it is fetched again from ${sure} on`,
    );
  }

  async #tell(issue: EntryIssue, head: LogHead): Promise<void> {
    const { identity, troubles } = this.#options;
    const { index } = issue;
    if (issue.issue === 'not-a-statement') {
      const summary = `entry ${index} of ${identity.origin} is no statement: ${issue.reason}`;
      await troubles.tell(plainFinding('not-a-statement', identity.origin, summary, { index }));
      return;
    }
    if (this.#isConvicted) return;
    let evidence: Evidence | undefined;
    try {
      evidence = await this.#evidenceOf(issue, head);
      this.#options.book.evidence.convict(evidence);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const summary = `entry ${index} of ${identity.origin} has a time that it cannot have, which could not be proven: ${error.message}`;
      await troubles.tell(plainFinding('unprovable', identity.origin, summary, { index }, issue.issue));
    }
    if (evidence !== undefined) await troubles.tell(proofFinding(evidence));
  }

  async #evidenceOf(
    issue: Exclude<EntryIssue, { readonly issue: 'not-a-statement' }>,
    head: LogHead,
  ): Promise<Evidence> {
    const { identity, source } = this.#options;
    const { index, leaf } = issue;
    const inclusion = await source.attempt(({ prover }) => prover.inclusionProof(head, index));
    const entry = { index, leaf, inclusion };
    if (issue.issue === 'future') return futureEntry(identity, head, entry);
    return backdatedEntry(identity, issue.before, head, entry);
  }

  #set(change: Partial<LogState>): void {
    const { state } = this.#options;
    state.current = { ...state.current, ...change };
  }
}

function sumOf(a: EntryCounts, b: EntryCounts): EntryCounts {
  return {
    statements: a.statements + b.statements,
    unknown: a.unknown + b.unknown,
    withheld: a.withheld + b.withheld,
  };
}
