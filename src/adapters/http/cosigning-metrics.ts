// What is counted of a log's witnesses, under which names.

import type { WitnessStatus } from '../../log/cosigner.ts';
import type { LogStatus } from '../../log/log.ts';
import type { MetricsRegistry } from './metrics.ts';

/** Registers what a log with witnesses knows of them; a log without any has none of these series. */
export function cosigningMetrics(registry: MetricsRegistry, log: { status(): LogStatus }): void {
  const rows = (value: (witness: WitnessStatus) => number | undefined): [readonly string[], number][] =>
    (log.status().cosigning?.witnesses ?? []).flatMap((witness) => {
      const number = value(witness);
      return number === undefined ? [] : [[[witness.name], number]];
    });
  const totals = (value: (witness: WitnessStatus) => number): [string, number][] =>
    rows(value).map(([labels, number]) => [labels[0]!, number]);
  registry.gauge(
    'limmat_checkpoint_uncosigned',
    "1 while the published checkpoint lacks the quorum's cosignatures.",
    () => {
      const isCosigned = log.status().published?.isCosigned;
      return isCosigned === undefined ? undefined : Number(!isCosigned);
    },
  );
  registry.gauge('limmat_fail_open', '1 when checkpoints are published without the quorum too.', () => {
    const cosigning = log.status().cosigning;
    return cosigning && Number(cosigning.failOpen);
  });
  const one = ['witness'];
  registry.gauges('limmat_witness_size', 'The size that a witness cosigned last.', one, () => rows(({ size }) => size));
  registry.gauges('limmat_witness_latency_seconds', "How long a witness's last cosignature took.", one, () =>
    rows(({ latencyMillis }) => latencyMillis && latencyMillis / 1000),
  );
  registry.gauges('limmat_witness_last_success_timestamp_seconds', "When a witness's last cosignature came.", one, () =>
    rows(({ lastSuccessSeconds }) => lastSuccessSeconds),
  );
  registry.gauges('limmat_witness_alarm', '1 while a witness contradicts the log or itself.', one, () =>
    rows(({ isAlarming }) => Number(isAlarming)),
  );
  registry.totals('limmat_witness_cosignatures_total', 'Cosignatures of a witness.', 'witness', () =>
    totals(({ successes }) => successes),
  );
  registry.totals('limmat_witness_failures_total', 'Times that a witness did not cosign.', 'witness', () =>
    totals(({ failures }) => failures),
  );
  registry.totals(
    'limmat_witness_steps_back_total',
    'Times that a witness had forgotten what it cosigned.',
    'witness',
    () => totals(({ stepsBack }) => stepsBack),
  );
}
