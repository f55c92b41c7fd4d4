// What this project has to reach on its reference machine (two cores, native Node 24), and how a measured value compares.

/** A number that a bench reports under a name of its own. */
export interface Measured {
  readonly name: MetricName;
  readonly value: number;
  /** How it was measured, and what else was seen: connections, percentiles, counts. */
  readonly details: Readonly<Record<string, string | number>>;
}

interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly target?: number;
  /** The bare rate of this machine that it is a share of. */
  readonly bare?: 'bare-get' | 'bare-post' | 'bare-verify';
  readonly digits?: number;
}

const METRICS = {
  'bare-get': { title: 'bare node:http, GET of 8 KiB', unit: 'requests/s', better: 'higher' },
  'bare-post': { title: 'bare node:http, POST of an entry', unit: 'requests/s', better: 'higher' },
  'bare-verify': { title: 'Ed25519 verifications, all cores', unit: 'signatures/s', better: 'higher' },
  'append-rate': { title: 'library append, every commit flushed', unit: 'entries/s', better: 'higher', target: 90_000 },
  'append-rss': { title: 'resident memory of that, highest', unit: 'MB', better: 'lower', target: 350 },
  'append-rss-growth': { title: 'resident memory of that, last tenth − second tenth', unit: 'MB', better: 'lower' },
  'add-rate': {
    title: 'POST /add, 256 connections',
    unit: 'entries/s',
    better: 'higher',
    target: 30_000,
    bare: 'bare-post',
  },
  'add-p99': { title: 'POST /add, 256 connections, p99', unit: 'ms', better: 'lower', target: 40, digits: 1 },
  'add-single-p50': { title: 'POST /add, one connection, median', unit: 'ms', better: 'lower', target: 2, digits: 2 },
  'batch-rate': { title: 'batches of opaque entries', unit: 'entries/s', better: 'higher', target: 80_000 },
  'witnessed-millis': {
    title: 'five witnesses add to ?wait=witnessed, median',
    unit: 'ms',
    better: 'lower',
    target: 20,
    digits: 1,
  },
  'witnessed-rate': { title: 'POST /add beside five witnesses', unit: 'entries/s', better: 'higher' },
  'unwitnessed-rate': { title: 'the same without them', unit: 'entries/s', better: 'higher' },
  'statements-rate': {
    title: 'batches of Ed25519 statements',
    unit: 'entries/s',
    better: 'higher',
    target: 20_000,
    bare: 'bare-verify',
  },
  'admission-micros': {
    title: 'admission of a record, without its signature',
    unit: 'µs',
    better: 'lower',
    target: 15,
    digits: 1,
  },
  'replay-rate': { title: 'replay, without signatures', unit: 'entries/s', better: 'higher', target: 40_000 },
  'lookups-rate': {
    title: 'lookups by digest',
    unit: 'requests/s',
    better: 'higher',
    target: 10_000,
    bare: 'bare-get',
  },
  'lookups-bytes': { title: 'lookup rows', unit: 'bytes/entry', better: 'lower', target: 250 },
  'check-rate': { title: 'check of a directory', unit: 'files/s', better: 'higher' },
  'check-hashing': { title: 'hashing the same files alone takes, of that', unit: '%', better: 'higher' },
  'verify-native': {
    title: 'verify a proof file, 3 of 5 cosignatures, native',
    unit: 'ms',
    better: 'lower',
    target: 1.5,
    digits: 2,
  },
  'verify-portable': { title: 'the same in JavaScript alone', unit: 'ms', better: 'lower', target: 15, digits: 1 },
  'tiles-rate': { title: 'GET of full tiles', unit: 'requests/s', better: 'higher', target: 45_000, bare: 'bare-get' },
  'proofs-rate': {
    title: 'inclusion proofs by hash',
    unit: 'requests/s',
    better: 'higher',
    target: 10_000,
    bare: 'bare-get',
  },
  'fsck-rate': { title: 'fsck from loopback', unit: 'entries/s', better: 'higher', target: 200_000 },
  'follow-rate': { title: 'follow from loopback', unit: 'entries/s', better: 'higher', target: 200_000 },
  'monitor-rate': { title: 'monitor, catching up from loopback', unit: 'entries/s', better: 'higher', target: 150_000 },
  'monitor-rss': { title: 'resident memory of that, highest', unit: 'MB', better: 'lower', target: 300 },
  'monitor-mirror': { title: 'leaf-hash mirror of that', unit: 'bytes/entry', better: 'lower', target: 36, digits: 1 },
  'monitor-idle': { title: 'round over 100 idle logs', unit: 'ms', better: 'lower', target: 1000 },
  'mirror-rate': { title: 'mirror, catching up from loopback', unit: 'entries/s', better: 'higher', target: 100_000 },
  'mirror-rss': { title: 'resident memory of that, highest', unit: 'MB', better: 'lower', target: 300 },
  'witness-ed25519-rate': {
    title: 'add-checkpoint, 1,000 logs, Ed25519 alone',
    unit: 'requests/s',
    better: 'higher',
    target: 3_000,
  },
  'witness-both-rate': {
    title: 'the same with both keys on both sides',
    unit: 'requests/s',
    better: 'higher',
    target: 1_000,
  },
  'start-millis': { title: 'process start to first checkpoint', unit: 'ms', better: 'lower', target: 1000 },
  'growth-1e4': { title: 'append rate at 10⁴ entries', unit: 'entries/s', better: 'higher' },
  'growth-1e5': { title: 'append rate at 10⁵ entries', unit: 'entries/s', better: 'higher' },
  'growth-1e6': { title: 'append rate at 10⁶ entries', unit: 'entries/s', better: 'higher' },
  'growth-1e7': { title: 'append rate at 10⁷ entries', unit: 'entries/s', better: 'higher' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** A measured value beside its target. */
export interface BenchRow {
  readonly name: MetricName;
  readonly title: string;
  readonly unit: string;
  readonly value: number;
  readonly target: number | undefined;
  /** Above 1 is better than the target, whichever way the metric runs. */
  readonly ratio: number | undefined;
  readonly reached: boolean | undefined;
  /** Share of the machine's bare rate, where that was measured in the same run. */
  readonly ofBare: number | undefined;
  readonly details: Measured['details'];
}

/** The row of a measured value; `bare` finds a rate of this machine that was measured before in the same run. */
export function benchRow(
  { name, value, details }: Measured,
  bare: (name: MetricName) => number | undefined = () => undefined,
): BenchRow {
  const metric: Metric = METRICS[name];
  const { title, unit, better, target } = metric;
  const ratio = target === undefined ? undefined : better === 'higher' ? value / target : target / value;
  const ceiling = metric.bare && bare(metric.bare);
  return {
    name,
    title,
    unit,
    value,
    target,
    ratio,
    reached: ratio === undefined ? undefined : ratio >= 1,
    ofBare: ceiling && value / ceiling,
    details,
  };
}

/** A value of this metric for people. */
export function formatValue(name: MetricName, value: number): string {
  const { digits = 0 }: Metric = METRICS[name];
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
