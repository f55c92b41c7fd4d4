// What a monitor's /metrics says, under which names. Values are read from the monitor when they are asked for.

import type { MetricsRegistry } from './metrics.ts';
import { CLASS_ORDER } from './monitor-json.ts';
import type { LogView, MonitorView } from './served-monitor.ts';

type WitnessView = NonNullable<LogView['witnessed']>[number];

/** What a monitor counts by itself. */
export interface MonitorCounters {
  round(seconds: number): void;
  /** A message that a hook took, or did not take. */
  delivered(hook: string): void;
  failed(hook: string): void;
}

/** Registers what a monitor counts while it runs; a registry takes one monitor. */
export function monitorCounters(registry: MetricsRegistry): MonitorCounters {
  const rounds = registry.histogram('limmat_monitor_round_seconds', 'Time of a round over all logs.');
  const messages = registry.counter('limmat_monitor_messages_total', 'Alerts sent to a hook, by what came of it.', [
    'hook',
    'outcome',
  ]);
  return {
    round: (seconds) => rounds.observe(seconds),
    delivered: (hook) => messages.add(1, hook, 'taken'),
    failed: (hook) => messages.add(1, hook, 'failed'),
  };
}

/** Registers how the logs, the peers and the alerts stand; a registry takes one monitor. */
export function monitorGauges(
  registry: MetricsRegistry,
  view: () => MonitorView,
  nowMillis: () => number = Date.now,
): void {
  const nowSeconds = (): number => nowMillis() / 1000;
  const perLog = (name: string, help: string, read: (log: LogView) => number | undefined): void =>
    registry.gauges(name, help, ['origin'], () =>
      view().logs.flatMap((log) => {
        const value = read(log);
        return value === undefined ? [] : [[[log.origin], value] as const];
      }),
    );
  perLog('limmat_monitor_log_size', 'Entries under the newest verified head.', ({ head }) => head?.size);
  perLog('limmat_monitor_verified_entries', 'Entries that were re-hashed and are mirrored.', (log) => log.verifiedSize);
  perLog(
    'limmat_monitor_backlog_entries',
    'Entries of the newest head that are still to be re-hashed.',
    (log) => log.backlog,
  );
  perLog('limmat_monitor_head_age_seconds', 'Age of the newest verified head, by its signed time.', ({ head }) =>
    head === undefined || head.timestampSeconds === 0 ? undefined : nowSeconds() - head.timestampSeconds,
  );
  perLog('limmat_monitor_seen_seconds_ago', 'Time since the log was last reached.', ({ seenAtSeconds }) =>
    seenAtSeconds === undefined ? undefined : nowSeconds() - seenAtSeconds,
  );
  perLog('limmat_monitor_trouble_rounds', 'Rounds in a row with trouble.', ({ failures }) => failures);
  perLog(
    'limmat_monitor_unresolved_heads',
    'Signed heads that are larger than what is verified.',
    (log) => log.unresolved,
  );
  perLog(
    'limmat_monitor_unknown_entries',
    'Entries that are no statement of a known type.',
    ({ counts }) => counts.unknown,
  );
  registry.gauges(
    'limmat_monitor_record_findings',
    'What the rules found about the records of a log.',
    ['origin', 'rule'],
    () =>
      view().logs.flatMap(({ origin, records }) =>
        Object.entries(records?.findings ?? {}).map(([rule, found]) => [[origin, rule], found] as const),
      ),
  );
  perLog(
    'limmat_monitor_judged_entries',
    'Entries of a log with a genesis that were judged.',
    (log) => log.records?.size,
  );
  const perWitness = (name: string, help: string, read: (witness: WitnessView) => number | undefined): void =>
    registry.gauges(name, help, ['origin', 'witness'], () =>
      view().logs.flatMap(({ origin, witnessed = [] }) =>
        witnessed.flatMap((witness) => {
          const value = read(witness);
          return value === undefined ? [] : [[[origin, witness.witness], value] as const];
        }),
      ),
    );
  perWitness('limmat_monitor_witness_size', 'The largest tree of a log that a witness cosigned.', ({ size }) => size);
  perWitness(
    'limmat_monitor_witness_age_seconds',
    'Age of the latest cosignature of a witness, by the time that it states.',
    ({ timestampSeconds }) => (timestampSeconds === 0 ? undefined : nowSeconds() - timestampSeconds),
  );
  perWitness(
    'limmat_monitor_witness_lost',
    '1 while a log has shown nothing fresh of a witness for too long.',
    ({ isLost }) => Number(isLost),
  );
  perWitness(
    'limmat_monitor_witness_behind',
    '1 while a witness stands at a smaller tree than others for too long.',
    ({ isBehind }) => Number(isBehind),
  );
  registry.gauges('limmat_monitor_open_alerts', 'Alerts that are open, not acknowledged, by class.', ['class'], () =>
    CLASS_ORDER.map((kind) => {
      const open = view().alerts.filter((alert) => alert.class === kind && alert.state === 'open');
      return [[kind], open.length] as const;
    }),
  );
  registry.gauges('limmat_monitor_peer_heard_seconds_ago', 'Time since a peer was last heard.', ['peer'], () =>
    view().peers.flatMap(({ id, heardAtSeconds }) =>
      heardAtSeconds === undefined ? [] : [[[id], nowSeconds() - heardAtSeconds] as const],
    ),
  );
  registry.gauge('limmat_monitor_round_seconds_ago', 'Time since the last round ended.', () => {
    const { roundAtSeconds } = view();
    return roundAtSeconds === undefined ? undefined : nowSeconds() - roundAtSeconds;
  });
}
