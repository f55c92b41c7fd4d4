// What a monitor has seen of a log's records, in numbers: kept beside the state that judging them made, in the same batch.

import { utf8, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { StateKey } from '../../record/admission.ts';
import type { Severity } from '../../record/rules/domain.ts';

/** One thing that was found about the records. */
export interface RecordFinding {
  /** A rule of docs/admission.md, `D26` for what is no statement, `signature`, `repeated`, or `unjudged`. */
  readonly rule: string;
  readonly severity: Severity;
  /** The entry that it is about. */
  readonly index: number;
  readonly sentence: string;
}

export interface RecordCoverage {
  /** Entries [0, size) were judged. */
  readonly size: number;
  /** Admitted records, by type. */
  readonly types: Readonly<Record<string, number>>;
  /** What was found, by rule. */
  readonly findings: Readonly<Record<string, number>>;
  /** Entries that this version cannot read (D26). */
  readonly unreadable: number;
  /** Entries whose bodies the log does not serve: what refers to them cannot be judged. */
  readonly withheld: number;
  /** The last findings, newest first. */
  readonly latest: readonly RecordFinding[];
  /** Entries that should not be there and of which no evidence was made yet. */
  readonly accused: readonly number[];
  /** How many were accused in all: of the first few evidence is tried. */
  readonly accusations: number;
  /** Pairs of entries that cannot both be true, of which nobody has tried to make evidence yet. Absent: none. */
  readonly disputes?: readonly (readonly [earlier: number, later: number])[];
  /** Those of which it was tried, and in which both statements stood when it was. Absent: none. */
  readonly disputedPairs?: readonly (readonly [earlier: number, later: number])[];
  /** By rule: how many pairs there were in all. Of the first few evidence is tried. */
  readonly disputed?: Readonly<Record<string, number>>;
  /** The log's last heartbeat, and the size that it names. */
  readonly heartbeat: { readonly index: number; readonly size: number } | null;
  /** The latest time in a heartbeat, Unix seconds: what time had to pass for is judged up to then. Absent: there was none. */
  readonly clockSeconds?: number;
  /** Present while something that was due by then may not be judged yet. */
  readonly isDue?: true;
  /** Where the last entries end whose bodies the log does not serve. Absent: it serves all. */
  readonly hiddenEnd?: number;
}

export const NOTHING_COVERED: RecordCoverage = Object.freeze({
  size: 0,
  types: Object.freeze({}),
  findings: Object.freeze({}),
  unreadable: 0,
  withheld: 0,
  latest: Object.freeze([]),
  accused: Object.freeze([]),
  accusations: 0,
  heartbeat: null,
});

/** A log that takes what it should not is convicted by a few entries; its evidence has to leave room for forks. */
const MAX_ACCUSED = 16;
/** Who signs what cannot be true is known by a few files a rule. */
const MAX_DISPUTED = 16;

/** Findings that are kept one by one; of all others the number is. */
const MAX_LATEST = 20;
const MAX_SENTENCE = 500;

/** The key of the coverage in a log's keyed state; no rule's keys begin with it. */
export const COVERAGE_KEY: StateKey = 'M';

/** Coverage that is being added to. */
export class CoverageCounter {
  #size: number;
  readonly #types: Record<string, number>;
  readonly #findings: Record<string, number>;
  #unreadable: number;
  #withheld: number;
  #latest: readonly RecordFinding[];
  #accused: readonly number[];
  #accusations: number;
  #disputes: readonly (readonly [earlier: number, later: number])[];
  #disputedPairs: readonly (readonly [earlier: number, later: number])[];
  readonly #disputed: Record<string, number>;
  #heartbeat: RecordCoverage['heartbeat'];
  #clockSeconds: number | undefined;
  #isDue: boolean;
  #hiddenEnd: number | undefined;

  constructor(coverage: RecordCoverage) {
    const { size, types, findings, unreadable, withheld, latest, accused, accusations, heartbeat } = coverage;
    const { disputes = [], disputedPairs = [], disputed = {} } = coverage;
    this.#size = size;
    this.#types = { ...types };
    this.#findings = { ...findings };
    this.#unreadable = unreadable;
    this.#withheld = withheld;
    this.#latest = latest;
    this.#accused = accused;
    this.#accusations = accusations;
    this.#disputes = disputes;
    this.#disputedPairs = disputedPairs;
    this.#disputed = { ...disputed };
    this.#heartbeat = heartbeat;
    this.#clockSeconds = coverage.clockSeconds;
    this.#isDue = coverage.isDue === true;
    this.#hiddenEnd = coverage.hiddenEnd;
  }

  get withheld(): number {
    return this.#withheld;
  }

  reach(size: number): void {
    this.#size = size;
  }

  record(type: string): void {
    this.#types[type] = (this.#types[type] ?? 0) + 1;
  }

  /** The entry should not be there: evidence is to be made of it. */
  accuse(index: number): void {
    if (this.#accusations++ < MAX_ACCUSED) this.#accused = [...this.#accused, index];
  }

  /** There is evidence of the entry, or none can be made. */
  settle(index: number): void {
    this.#accused = this.#accused.filter((one) => one !== index);
  }

  /** By this rule two entries cannot both be true: evidence is to be made of them. */
  dispute(rule: string, earlier: number, later: number): void {
    const before = this.#disputed[rule] ?? 0;
    this.#disputed[rule] = before + 1;
    if (before < MAX_DISPUTED) this.#disputes = [...this.#disputes, [earlier, later]];
  }

  /** Evidence of the oldest pair was tried; with what both its statements say standing, or with one taken back. */
  settleDispute(stands: boolean): void {
    const [oldest, ...rest] = this.#disputes;
    this.#disputes = rest;
    if (stands && oldest !== undefined) this.#disputedPairs = [...this.#disputedPairs, oldest];
  }

  /** The log has said at which size it was, at what time. */
  beat(index: number, size: number, seconds: number): void {
    this.#heartbeat = { index, size };
    if (seconds <= (this.#clockSeconds ?? 0)) return;
    this.#clockSeconds = seconds;
    this.#isDue = true;
  }

  /** True when a heartbeat has just said that it is later than it was known to be. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** What was due is judged. */
  settleDue(): void {
    this.#isDue = false;
  }

  /** Entries [end - count, end) are not served. */
  hide(count: number, end: number): void {
    this.#withheld += count;
    this.#hiddenEnd = end;
  }

  /**
   * True when no link of an admission chain can be among the entries that are not served: the log has named the heads of
   * its chains since, and they are those that are known here.
   */
  get hasWholeChains(): boolean {
    return this.#hiddenEnd === undefined || (this.#heartbeat?.size ?? 0) >= this.#hiddenEnd;
  }

  /** Counts a finding; gives how many of its rule there were before. */
  found(finding: RecordFinding): number {
    const before = this.#findings[finding.rule] ?? 0;
    this.#findings[finding.rule] = before + 1;
    if (finding.rule === 'D26') this.#unreadable++;
    const { sentence } = finding;
    this.#latest = [{ ...finding, sentence: sentence.slice(0, MAX_SENTENCE) }, ...this.#latest].slice(0, MAX_LATEST);
    return before;
  }

  get now(): RecordCoverage {
    return {
      size: this.#size,
      types: { ...this.#types },
      findings: { ...this.#findings },
      unreadable: this.#unreadable,
      withheld: this.#withheld,
      latest: this.#latest,
      accused: this.#accused,
      accusations: this.#accusations,
      ...(Object.keys(this.#disputed).length > 0 && {
        disputes: this.#disputes,
        disputedPairs: this.#disputedPairs,
        disputed: { ...this.#disputed },
      }),
      heartbeat: this.#heartbeat,
      ...(this.#clockSeconds !== undefined && { clockSeconds: this.#clockSeconds }),
      ...(this.#isDue && { isDue: true }),
      ...(this.#hiddenEnd !== undefined && { hiddenEnd: this.#hiddenEnd }),
    };
  }
}

/** True when judging the records came to it that these two entries cannot both be true. */
export function isDisputed(coverage: RecordCoverage | undefined, [earlier, later]: readonly [number, number]): boolean {
  const pairs = [...(coverage?.disputes ?? []), ...(coverage?.disputedPairs ?? [])];
  return pairs.some(([first, second]) => first === earlier && second === later);
}

export function formatCoverage(coverage: RecordCoverage): Uint8Array {
  return utf8(JSON.stringify(coverage));
}

/** Reads what formatCoverage wrote; `store-corrupt` for what is no such text. */
export function parseCoverage(bytes: Uint8Array): RecordCoverage {
  const text = utf8Text(bytes);
  try {
    // It is ours: written by the function above.
    const coverage: RecordCoverage = JSON.parse(text ?? '');
    if (Number.isSafeInteger(coverage.size) && coverage.size >= 0) return coverage;
  } catch {
    // Said below.
  }
  throw new LimmatError(
    'store-corrupt',
    "the monitor's state of a log's records is damaged; remove its directory records/",
  );
}
