// The troubles of one log that go on from round to round: a failure is only told of when it happened often enough in a
// row, and is over when a round looked and did not find it any more.

import { plainFinding, troubleKey } from './checks.ts';
import type { PlainTrouble } from './checks.ts';
import type { ErrorDetails } from '../errors.ts';
import type { Finding, PlainFinding } from './finding.ts';
import type { StandingTrouble } from './log-state.ts';

/** Whom a watch tells of what it found. Both resolve when that is durable. */
export interface FindingSink {
  report(finding: Finding): Promise<void>;
  end(key: string): Promise<void>;
  /** True when somebody was told of a finding with this key, however long ago. */
  knows(key: string): boolean;
}

export interface TroublesOptions {
  readonly origin: string;
  readonly sink: FindingSink;
  /** Rounds in a row before an operational trouble is told of. */
  readonly failures: number;
}

export class Troubles {
  readonly #origin: string;
  readonly #sink: FindingSink;
  readonly #failures: number;
  readonly #standing: Map<string, StandingTrouble>;
  /** What this round found, told of or not. */
  #found: Finding[] = [];
  #held = new Set<string>();

  constructor(options: TroublesOptions, standing: readonly StandingTrouble[]) {
    this.#origin = options.origin;
    this.#sink = options.sink;
    this.#failures = options.failures;
    this.#standing = new Map(standing.map((trouble) => [trouble.key, trouble]));
  }

  get standing(): readonly StandingTrouble[] {
    return [...this.#standing.values()];
  }

  /** Rounds in a row that the trouble which goes on longest has lasted. */
  get rounds(): number {
    return Math.max(0, ...this.standing.map(({ rounds }) => rounds));
  }

  /** Since when a trouble goes on. */
  since(trouble: PlainTrouble): number | undefined {
    return this.#standing.get(troubleKey(trouble, this.#origin))?.sinceSeconds;
  }

  begin(): void {
    this.#found = [];
    this.#held = new Set();
  }

  /** What this round found. */
  get found(): readonly Finding[] {
    return this.#found;
  }

  /** True when somebody was told of a finding with this key. */
  knows(key: string): boolean {
    return this.#sink.knows(key);
  }

  /** Tells of a finding at once. */
  async tell(finding: Finding): Promise<void> {
    if (this.#held.has(finding.key) && finding.class !== 'proof') return;
    this.#held.add(finding.key);
    this.#found.push(finding);
    await this.#sink.report(finding);
  }

  /** This round has this trouble: one more in a row. An operational one is told of when there were enough. */
  async hold(trouble: PlainTrouble, summary: string, details: ErrorDetails, nowSeconds: number): Promise<void> {
    await this.holdFinding(plainFinding(trouble, this.#origin, summary, details), nowSeconds);
  }

  /** `isPatient`: told of like an operational trouble, when it was there for rounds in a row, of whatever class it is. */
  async holdFinding(finding: PlainFinding, nowSeconds: number, isPatient = false): Promise<void> {
    const { key } = finding;
    if (this.#held.has(key)) return;
    this.#held.add(key);
    this.#found.push(finding);
    const before = this.#standing.get(key);
    const rounds = (before?.rounds ?? 0) + 1;
    // Counting further than the number that matters would be a write a round for nothing.
    if (rounds <= this.#failures) {
      this.#standing.set(key, { key, rounds, sinceSeconds: before?.sinceSeconds ?? nowSeconds });
    }
    const waits = isPatient || finding.class === 'operational';
    if (!waits || rounds >= this.#failures) await this.#sink.report(finding);
  }

  /** This round looked for these troubles: those that it did not find are over. */
  async looked(troubles: readonly PlainTrouble[]): Promise<void> {
    for (const trouble of troubles) await this.lookedFor(troubleKey(trouble, this.#origin));
  }

  async lookedFor(key: string): Promise<void> {
    if (this.#held.has(key)) return;
    this.#standing.delete(key);
    await this.#sink.end(key);
  }
}
