// What a mirror's /metrics says, under which names. Values are read from the mirror when they are asked for.

import type { Mirror, MirroredLogView } from '../../mirror/mirror.ts';
import type { MetricsRegistry } from './metrics.ts';

/** Registers how the logs of a mirror stand; a registry takes one mirror. */
export function mirrorGauges(registry: MetricsRegistry, mirror: Mirror, nowMillis: () => number = Date.now): void {
  const perLog = (name: string, help: string, read: (log: MirroredLogView) => number | undefined): void =>
    registry.gauges(name, help, ['origin'], () =>
      mirror.logs.flatMap((log) => {
        const value = read(log.view());
        return value === undefined ? [] : [[[log.origin], value] as const];
      }),
    );
  perLog('limmat_mirror_size', 'Entries under the mirror checkpoint.', ({ size }) => size);
  perLog('limmat_mirror_next_entry', 'Entries that are durable here.', ({ nextEntry }) => nextEntry);
  perLog('limmat_mirror_log_size', 'Entries under the largest consistent checkpoint.', ({ logSize }) => logSize);
  perLog('limmat_mirror_lag_entries', 'Entries of it that are not mirrored yet.', ({ lag }) => lag);
  perLog('limmat_mirror_current_seconds_ago', 'Time since the copy was found to be complete.', (log) =>
    log.currentAtSeconds === undefined ? undefined : nowMillis() / 1000 - log.currentAtSeconds,
  );
  perLog('limmat_mirror_failures', 'Looks in a row that failed.', ({ failures }) => failures);
  perLog('limmat_mirror_stopped', '1 when the log contradicts itself and is followed no more.', ({ stopped }) =>
    stopped === undefined ? 0 : 1,
  );
  registry.totals('limmat_mirror_errors_total', 'Looks that failed, by error code.', 'code', () => {
    const totals = new Map<string, number>();
    for (const { errors } of mirror.logs) {
      for (const [code, count] of errors) totals.set(code, (totals.get(code) ?? 0) + count);
    }
    return totals;
  });
}
