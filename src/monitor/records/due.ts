// What time had to pass for: judged when a heartbeat of the log says that it has, by the state as the entries before that
// heartbeat left it. So what is found follows from the entries and their order alone: a monitor that catches up years later
// finds what one found that was there.

import type { Hasher } from '../../merkle/hash.ts';
import type { AdmissionWrite, StateKey } from '../../record/admission.ts';
import { dueAt, judgeDue } from '../../record/rules/domain.ts';
import type { DomainFinding, StateReader } from '../../record/rules/domain.ts';
import type { KeyedState } from '../ports.ts';

/** Reminders that are judged, and kept, at once. */
const DUE_AT_ONCE = 256;

/** What some of the reminders came to. */
export interface DueOutcome {
  readonly findings: readonly DomainFinding[];
  readonly writes: readonly AdmissionWrite[];
}

/**
 * Judges the first reminders whose time is over at `nowSeconds`; undefined when there are none. What it comes to has to be
 * written before the next call.
 */
export async function judgeFirstDue(
  store: KeyedState,
  nowSeconds: number,
  hasher: Hasher,
): Promise<DueOutcome | undefined> {
  const { from, below } = dueAt(nowSeconds);
  const rows = await store.scan(from, below, DUE_AT_ONCE);
  if (rows.length === 0) return undefined;
  const written = new Written(store);
  const findings: DomainFinding[] = [];
  for (const row of rows) {
    const outcome = await judgeDue(row, nowSeconds, written, hasher);
    written.apply(outcome.writes);
    findings.push(...outcome.findings);
  }
  return { findings, writes: written.rows };
}

/** The state, and over it what judging the reminders before has changed; none of them changes what another one scans. */
class Written implements StateReader {
  readonly #store: KeyedState;
  readonly #rows = new Map<StateKey, AdmissionWrite>();

  constructor(store: KeyedState) {
    this.#store = store;
  }

  get rows(): readonly AdmissionWrite[] {
    return [...this.#rows.values()];
  }

  apply(writes: readonly AdmissionWrite[]): void {
    for (const write of writes) this.#rows.set(write.key, write);
  }

  async get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    const kept = await this.#store.get(keys);
    return keys.map((key, i) => {
      const row = this.#rows.get(key);
      return row === undefined ? kept[i] : (row.value ?? undefined);
    });
  }

  scan(from: StateKey, below: StateKey, limit: number): ReturnType<StateReader['scan']> {
    return this.#store.scan(from, below, limit);
  }
}
