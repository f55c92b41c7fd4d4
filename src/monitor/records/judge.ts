// Judging the records of a log that begins with a genesis: every entry is admitted again (M05), by the state that the
// entries before it made, and then looked at by the rules that admission leaves to readers. The state is in the monitor's
// store and moves on batch by batch, together with how far it is; nothing of it stays in memory.
//
// A few batches are under way: while one is judged, the values that the next ones look at are read and their signatures are
// verified. A key id is a key's thumbprint, so what was verified stays verified; whether the key is in force `admit` asks.

import { LimmatError, isLimmatError } from '../../errors.ts';
import type { VerifyJob } from '../../cose/signer.ts';
import { HASH_SIZE, asHash } from '../../merkle/hash.ts';
import type { Hash, Hasher } from '../../merkle/hash.ts';
import { admit, keysFor, signatureJobs, sizeOfRootKey } from '../../record/admission.ts';
import type { AdmissionWrite, Facts } from '../../record/admission.ts';
import { entryKey, identityKey } from '../../record/admission/keys.ts';
import { identityValue } from '../../record/admission/values.ts';
import { domainKeysFor, domainScanFor, judgeRecord } from '../../record/rules/domain.ts';
import type { Statement } from '../../record/statement.ts';
import type { PlainFinding } from '../finding.ts';
import type { KeyedState } from '../ports.ts';
import { COVERAGE_KEY, CoverageCounter, NOTHING_COVERED, formatCoverage, parseCoverage } from './coverage.ts';
import type { RecordCoverage } from './coverage.ts';
import { judgeFirstDue } from './due.ts';
import {
  alertOf,
  byRule,
  inadmissible,
  missed,
  otherOf,
  repeated,
  unjudged,
  unreadable,
  unsigned,
} from './findings.ts';
import type { RecordNews } from './findings.ts';
import { BatchFacts } from './layers.ts';
import type { WrittenRows } from './layers.ts';
import { AskedFacts } from './rests-on.ts';

/** Verified entries in order: what each says, or why it says nothing that this version can read. */
export interface RecordBatch {
  readonly start: number;
  /** None where the log withholds the bodies. */
  readonly statements: readonly (Statement | string)[];
  /** 32 bytes an entry, also of those that are withheld. */
  readonly leafHashes: Uint8Array;
}

export interface RecordJudgeOptions {
  readonly origin: string;
  readonly store: KeyedState;
  readonly hasher: Hasher;
  readonly verifyMany: (jobs: readonly VerifyJob[]) => Promise<readonly boolean[]>;
  /** The root of the log's tree at a size that it has, by the head that is being caught up with. */
  readonly rootAt: (size: number) => Promise<Hash>;
  /** Resolves when it is told, durably. */
  readonly tell: (finding: PlainFinding) => Promise<void>;
}

/** A batch whose values were read. */
interface Prepared extends RecordBatch {
  readonly facts: BatchFacts;
  /** By position: where its signatures are among the verdicts, undefined where its key was not known yet. */
  readonly signatures: readonly (readonly [start: number, end: number] | undefined)[];
  readonly verdicts: Promise<readonly boolean[]>;
}

type Scanned = Parameters<typeof judgeRecord>[4];

/**
 * Batches under way at once. Judging one keeps the thread; those behind it have their signatures verified by others
 * meanwhile, which takes as long.
 */
const AT_ONCE = 4;

export class RecordJudge {
  readonly #options: RecordJudgeOptions;
  #coverage: RecordCoverage;
  /** What the batches judged last wrote: the next ones were read before that was kept. */
  #recent: readonly WrittenRows[] = [];
  /** The size that the batches taken so far lead to. */
  #taken: number;
  /** By accused entry: the heartbeat with which evidence was tried, -1 without. */
  readonly #tried = new Map<number, number>();
  /** Of the batches under way, the oldest first. */
  #turns: readonly Promise<void>[] = [];

  private constructor(options: RecordJudgeOptions, coverage: RecordCoverage) {
    this.#options = options;
    this.#coverage = coverage;
    this.#taken = coverage.size;
  }

  /** `store-corrupt`, `store-failed`. */
  static async open(options: RecordJudgeOptions): Promise<RecordJudge> {
    const [value] = await options.store.get([COVERAGE_KEY]);
    return new RecordJudge(options, value === undefined ? NOTHING_COVERED : parseCoverage(value));
  }

  /** What was judged and is kept. */
  get coverage(): RecordCoverage {
    return this.#coverage;
  }

  /** Entries [0, size) were judged, told about and kept. */
  get size(): number {
    return this.#coverage.size;
  }

  /**
   * Takes the next batch; what was judged before is skipped. Resolves when the batch after it may come; what fails is
   * thrown here, at the next call or by `drain`, and the judge then stands where it was sure last.
   */
  async take(batch: RecordBatch): Promise<void> {
    const next = this.#unseen(batch);
    if (next === undefined) return;
    this.#taken = next.start + next.leafHashes.length / HASH_SIZE;
    // Then what is read now is behind the entries of so many batches at most, and what those wrote is remembered.
    if (this.#turns.length >= AT_ONCE) await this.#turns[0]!.catch((error: unknown) => this.#fail(error));
    const prepared = this.#prepare(next);
    const turn = Promise.all([prepared, this.#turns.at(-1)]).then(([ready]) => this.#judge(ready));
    turn.catch(() => undefined);
    this.#turns = [...this.#turns, turn].slice(-AT_ONCE);
  }

  /** Resolves when everything that was taken is judged and kept. */
  async drain(): Promise<void> {
    try {
      await Promise.all(this.#turns);
      this.#turns = [];
      // What is read from now on is behind nothing.
      this.#recent = [];
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** Forgets everything: the entries were not what they seemed. */
  async clear(): Promise<void> {
    await this.drain();
    await this.#options.store.clear();
    this.#coverage = NOTHING_COVERED;
    this.#taken = 0;
    this.#recent = [];
  }

  /**
   * Tries to have evidence made of every entry that should not be there: again when the log has signed another heartbeat,
   * and no more when one was tried that is behind the entry.
   */
  async prove(attempt: (index: number, heartbeat: number | undefined) => Promise<boolean>): Promise<void> {
    await this.drain();
    const { accused, heartbeat } = this.#coverage;
    for (const index of accused) {
      const isBehind = heartbeat !== null && heartbeat.size >= index;
      const tried = isBehind ? heartbeat.index : -1;
      if (this.#tried.get(index) === tried) continue;
      const isProven = await attempt(index, isBehind ? heartbeat.index : undefined);
      this.#tried.set(index, tried);
      if (!isProven && !isBehind) continue;
      const counter = new CoverageCounter(this.#coverage);
      counter.settle(index);
      await this.#keep(counter, []);
      this.#tried.delete(index);
    }
  }

  /**
   * Has evidence tried, once, of every pair of entries that cannot both be true. `attempt` says whether both still stand:
   * what was taken back is held against nobody.
   */
  async proveDisputes(attempt: (earlier: number, later: number) => Promise<boolean>): Promise<void> {
    await this.drain();
    for (const [earlier, later] of this.#coverage.disputes ?? []) {
      const stands = await attempt(earlier, later);
      const counter = new CoverageCounter(this.#coverage);
      counter.settleDispute(stands);
      await this.#keep(counter, []);
    }
  }

  #unseen(batch: RecordBatch): RecordBatch | undefined {
    const { start, statements, leafHashes } = batch;
    const skip = this.#taken - start;
    if (skip < 0) throw new Error(`bad math in records: entry ${start} after ${this.#taken}`);
    if (HASH_SIZE * skip >= leafHashes.length) return undefined;
    if (skip === 0) return batch;
    return {
      start: this.#taken,
      statements: statements.slice(skip),
      leafHashes: leafHashes.subarray(HASH_SIZE * skip),
    };
  }

  /** After a failure what is in the store is all that counts. */
  async #fail(error: unknown): Promise<never> {
    await Promise.allSettled(this.#turns);
    this.#turns = [];
    this.#taken = this.#coverage.size;
    this.#recent = [];
    throw error;
  }

  /** Reads what judging the batch looks at, and has its signatures verified as far as their keys are known. */
  async #prepare(batch: RecordBatch): Promise<Prepared> {
    const { store, hasher, verifyMany, rootAt } = this.#options;
    const facts = new BatchFacts();
    for (const [i, statement] of batch.statements.entries()) {
      if (typeof statement === 'string') continue;
      facts.ask(entryKey(leafAt(batch, i)));
      for (const key of domainKeysFor(statement, hasher)) facts.ask(key);
      for (const key of keysFor(statement, hasher)) {
        const size = sizeOfRootKey(key);
        if (size === undefined) facts.ask(key);
        else facts.know(key, size <= batch.start + i ? await rootAt(size) : undefined);
      }
    }
    await facts.read((keys) => store.get(keys));
    const jobs: VerifyJob[] = [];
    const signatures = batch.statements.map((statement) => {
      const own = typeof statement === 'string' ? undefined : jobsOf(facts, statement);
      if (own === undefined || own instanceof LimmatError) return undefined;
      return [jobs.length, jobs.push(...own)] as const;
    });
    const verdicts = jobs.length === 0 ? Promise.resolve([]) : verifyMany(jobs);
    verdicts.catch(() => undefined);
    return { ...batch, facts, signatures, verdicts };
  }

  async #judge(batch: Prepared): Promise<void> {
    const { start, statements, leafHashes, facts } = batch;
    const end = start + leafHashes.length / HASH_SIZE;
    for (const rows of this.#recent) facts.catchUp(rows);
    // A failure may have come before everything was judged that was due.
    if (this.#coverage.isDue === true) await this.#judgeDue(facts);
    let counter = new CoverageCounter(this.#coverage);
    if (statements.length === 0) counter.hide(end - start, end);
    const verdicts = await batch.verdicts;
    for (const [i, statement] of statements.entries()) {
      const index = start + i;
      let scanned: Scanned = [];
      const scan = domainScan(statement, this.#options.hasher);
      if (scan !== undefined) {
        // A scan sees what is kept.
        counter.reach(index);
        await this.#keep(counter, [...facts.rows.values()]);
        counter = new CoverageCounter(this.#coverage);
        scanned = await this.#options.store.scan(scan.from, scan.below, scan.limit);
      }
      // Nothing waits for most entries: a promise an entry would cost as much as a tenth of judging it.
      const own = batch.signatures[i];
      const held = own === undefined ? undefined : !verdicts.slice(...own).includes(false);
      const found =
        this.#entry(batch, i, held, scanned, counter) ??
        this.#entry(batch, i, await this.#holdsNow(facts, statement), scanned, counter)!;
      for (const news of found) await this.#tell(counter, news);
      if (!counter.isDue) continue;
      counter.reach(index + 1);
      await this.#keep(counter, [...facts.rows.values()]);
      await this.#judgeDue(facts);
      counter = new CoverageCounter(this.#coverage);
    }
    counter.reach(end);
    await this.#keep(counter, [...facts.rows.values()]);
    this.#recent = [...this.#recent, facts.rows].slice(1 - AT_ONCE);
  }

  /** Judges all that is due by the log's last heartbeat; `facts` learns what that changes, for the entries after it. */
  async #judgeDue(facts: BatchFacts): Promise<void> {
    const { store, hasher } = this.#options;
    for (;;) {
      const outcome = await judgeFirstDue(store, this.#coverage.clockSeconds!, hasher);
      const counter = new CoverageCounter(this.#coverage);
      if (outcome === undefined) {
        counter.settleDue();
        await this.#keep(counter, []);
        return;
      }
      for (const finding of outcome.findings) await this.#tell(counter, missed(finding, counter.withheld));
      await this.#keep(counter, outcome.writes);
      facts.apply(outcome.writes);
    }
  }

  /**
   * Judges one entry, of which the signatures hold or do not, or why they do not. Gives what is the matter with it;
   * undefined, and nothing changed, where that of the signatures has to be known first.
   */
  #entry(
    { start, statements, leafHashes, facts }: Prepared,
    i: number,
    held: boolean | string | undefined,
    scanned: Scanned,
    counter: CoverageCounter,
  ): readonly RecordNews[] | undefined {
    const { hasher } = this.#options;
    const index = start + i;
    const statement = statements[i]!;
    if (typeof statement === 'string') return [unreadable(index, statement)];
    const leafHash = leafAt({ leafHashes }, i);
    const accused = (news: RecordNews): readonly RecordNews[] => {
      counter.accuse(index);
      return [news];
    };
    /** Whether it is refused by nothing but what the admission chains say, of which no link is ever withheld. */
    const isByChains = (): boolean => {
      const asked = new AskedFacts(facts);
      admit(asked, statement, index, leafHash, hasher);
      return asked.isByChains;
    };
    if (facts.get(entryKey(leafHash)) !== undefined) return accused(repeated(index));
    const decision = admit(facts, statement, index, leafHash, hasher);
    if (!decision.admitted) {
      const first = decision.rule === 'D01' ? facts.get(identityKey(statement.sub, hasher)) : undefined;
      const other = first && identityValue.parse(first).index;
      const { withheld } = counter;
      const isSure = withheld === 0 || first !== undefined || (counter.hasWholeChains && isByChains());
      return accused(isSure ? inadmissible(index, decision, other) : unjudged(index, decision, withheld));
    }
    if (held === undefined) return undefined;
    if (held !== true) return accused(unsigned(index, held === false ? 'a signature does not verify' : held));
    const { findings, writes } = judgeRecord(facts, statement, index, leafHash, scanned, hasher);
    facts.apply(decision.writes);
    facts.apply(writes);
    counter.record(statement.type);
    const { record } = statement;
    if (record.type === 'log-event' && record.fields.heartbeat !== undefined) {
      counter.beat(index, record.fields.heartbeat.size, statement.iat);
    }
    return findings.map(byRule);
  }

  /** Whether the signatures hold of an admitted statement whose key was not known when the batch was read; or why not. */
  async #holdsNow(facts: Facts, statement: Statement | string): Promise<boolean | string> {
    const jobs = typeof statement === 'string' ? [] : jobsOf(facts, statement)!;
    if (jobs instanceof LimmatError) return jobs.message;
    const verdicts = await this.#options.verifyMany(jobs);
    return !verdicts.includes(false);
  }

  async #tell(counter: CoverageCounter, news: RecordNews): Promise<void> {
    const { rule, severity, index, sentence } = news;
    const before = counter.found({ rule, severity, index, sentence });
    const other = otherOf(news);
    if (other !== undefined) counter.dispute(rule, other, index);
    await this.#options.tell(alertOf(this.#options.origin, news, before));
  }

  async #keep(counter: CoverageCounter, writes: readonly AdmissionWrite[]): Promise<void> {
    const coverage = counter.now;
    await this.#options.store.write([...writes, { key: COVERAGE_KEY, value: formatCoverage(coverage) }]);
    this.#coverage = coverage;
  }
}

function leafAt({ leafHashes }: Pick<RecordBatch, 'leafHashes'>, i: number): Hash {
  return asHash(leafHashes.slice(HASH_SIZE * i, HASH_SIZE * (i + 1)));
}

function domainScan(statement: Statement | string, hasher: Hasher): ReturnType<typeof domainScanFor> {
  return typeof statement === 'string' ? undefined : domainScanFor(statement, hasher);
}

/** Undefined where a key is not known or not in force; the error where a signature cannot be its key's. */
function jobsOf(facts: Facts, statement: Statement): readonly VerifyJob[] | LimmatError | undefined {
  try {
    return signatureJobs(facts, statement);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    return error;
  }
}
