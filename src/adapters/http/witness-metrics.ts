// What a witness's /metrics says, under which names.

import type { Witness, WitnessAnswer } from '../../witness/witness.ts';
import type { MetricsRegistry } from './metrics.ts';

/** What a witness counts by itself. */
export interface WitnessCounters {
  answer(status: WitnessAnswer['status']): void;
  /** A suspect head was kept for the first time, or handed to a monitor, or a monitor did not take it. */
  suspicion(kind: string): void;
  handedIn(outcome: 'taken' | 'failed' | 'unwanted'): void;
}

/** Registers what a witness counts while it runs; a registry takes one witness. */
export function witnessCounters(registry: MetricsRegistry): WitnessCounters {
  const answers = registry.counter('limmat_witness_answers_total', 'Decided add-checkpoint requests, by status.', [
    'status',
  ]);
  const suspicions = registry.counter(
    'limmat_witness_suspicions_total',
    'Signed heads that were kept as suspect, by what was wrong.',
    ['kind'],
  );
  const handedIn = registry.counter(
    'limmat_witness_hand_ins_total',
    'Heads that were handed to a monitor, by what came of it.',
    ['outcome'],
  );
  return {
    answer: (status) => answers.add(1, String(status)),
    suspicion: (kind) => suspicions.add(1, kind),
    handedIn: (outcome) => handedIn.add(1, outcome),
  };
}

/** Registers how a witness stands. */
export function witnessGauges(
  registry: MetricsRegistry,
  witness: Pick<Witness, 'status'>,
  nowMillis: () => number = Date.now,
): void {
  const gauge = (name: string, help: string, read: (status: ReturnType<Witness['status']>) => number | undefined) =>
    registry.gauge(name, help, () => read(witness.status()));
  gauge('limmat_witness_logs', 'Logs that are cosigned for.', ({ logs }) => logs);
  gauge('limmat_witness_waiting_requests', 'Requests that wait for their commit.', ({ waiting }) => waiting);
  gauge('limmat_witness_commits', 'Commits since the witness began.', ({ commits }) => commits);
  gauge('limmat_witness_kept_suspicions', 'Suspect heads that are kept.', ({ suspicions }) => suspicions);
  gauge('limmat_witness_sound', '1 while the store can be written, 0 after a failed write.', ({ isSound }) =>
    isSound ? 1 : 0,
  );
  gauge('limmat_witness_signed_seconds_ago', 'Time since the latest signed time.', ({ lastSeconds }) =>
    lastSeconds === 0 ? undefined : nowMillis() / 1000 - lastSeconds,
  );
}
