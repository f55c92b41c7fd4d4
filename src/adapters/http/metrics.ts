// Counters, gauges and histograms, and the text that a Prometheus server scrapes
// (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4). A registry is an object like any
// other: one a log, or one a process, as the wiring likes.

import { Histogram } from '../../log/events.ts';

/** Label values in the order of the metric's label names. */
type Labels = readonly string[];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: () => string[];
}

/** A number that only grows. */
export interface Counter {
  /** Adds `by` ≥ 0 to the series with these label values. */
  add(by?: number, ...labels: string[]): void;
  /** Adds 1 to the series with these label values, found once. */
  series(...labels: string[]): () => void;
}

/** A distribution: how many observations were at most each bound, their sum and their number. */
export interface HistogramSeries {
  observe(value: number, ...labels: string[]): void;
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Series that one metric may have: labels come from closed sets, so more than this is a mistake, and is dropped. */
const MAX_SERIES = 1_000;

export class MetricsRegistry {
  readonly #metrics = new Map<string, Metric>();

  #register(metric: Metric): void {
    if (!NAME.test(metric.name)) throw new TypeError(`metric name "${metric.name}" is not a Prometheus name`);
    if (this.#metrics.has(metric.name)) throw new TypeError(`metric ${metric.name} exists already`);
    this.#metrics.set(metric.name, metric);
  }

  /** A counter; its name ends in `_total`. */
  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    const series = new Series(labelNames, () => ({ value: 0 }));
    // A counter without labels is there from the start, so that its first increase shows as one.
    if (labelNames.length === 0) series.get([]);
    const lines = () =>
      series.rows().map(([labels, cell]) => `${name}${formatLabels(labelNames, labels)} ${number(cell.value)}`);
    this.#register({ name, help, type: 'counter', lines });
    return {
      add: (by = 1, ...labels) => {
        if (!(by >= 0)) throw new RangeError(`counter ${name} cannot grow by ${by}`);
        const cell = series.get(labels);
        if (cell !== undefined) cell.value += by;
      },
      series: (...labels) => {
        const cell = series.get(labels);
        return () => {
          if (cell !== undefined) cell.value += 1;
        };
      },
    };
  }

  /** A value that is asked for when it is scraped; undefined leaves the line out. */
  gauge(name: string, help: string, read: () => number | undefined): void {
    this.#register({ name, help, type: 'gauge', lines: () => gaugeLine(name, read()) });
  }

  /** Values by label values, asked for when they are scraped. */
  gauges(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Iterable<readonly [labels: Labels, value: number]>,
  ): void {
    const lines = () =>
      [...read()].map(([labels, value]) => `${name}${formatLabels(labelNames, labels)} ${number(value)}`);
    this.#register({ name, help, type: 'gauge', lines });
  }

  /** Totals that someone else counts, by the values of one label, asked for when they are scraped. */
  totals(
    name: string,
    help: string,
    labelName: string,
    read: () => Iterable<readonly [label: string, value: number]>,
  ): void {
    const lines = () =>
      [...read()].map(([label, value]) => `${name}${formatLabels([labelName], [label])} ${number(value)}`);
    this.#register({ name, help, type: 'counter', lines });
  }

  /** A total without labels that someone else counts. */
  total(name: string, help: string, read: () => number): void {
    this.#register({ name, help, type: 'counter', lines: () => [`${name} ${number(read())}`] });
  }

  /** A histogram by label values. */
  histogram(name: string, help: string, labelNames: readonly string[] = []): HistogramSeries {
    const series = new Series(labelNames, () => new Histogram());
    const lines = () => series.rows().flatMap(([labels, cell]) => histogramLines(name, labelNames, labels, cell));
    this.#register({ name, help, type: 'histogram', lines });
    return { observe: (value, ...labels) => series.get(labels)?.observe(value) };
  }

  /** A histogram that someone else fills. */
  observed(name: string, help: string, histogram: Histogram): void {
    this.#register({ name, help, type: 'histogram', lines: () => histogramLines(name, [], [], histogram) });
  }

  /** The exposition text: every metric with its help and type, in the order of registration. */
  render(): string {
    let text = '';
    for (const { name, help, type, lines } of this.#metrics.values()) {
      text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
      for (const line of lines()) text += `${line}\n`;
    }
    return text;
  }
}

class Series<T> {
  readonly #names: readonly string[];
  readonly #make: () => T;
  readonly #cells = new Map<string, readonly [labels: Labels, cell: T]>();

  constructor(names: readonly string[], make: () => T) {
    for (const name of names)
      if (!NAME.test(name)) throw new TypeError(`label name "${name}" is not a Prometheus name`);
    this.#names = names;
    this.#make = make;
  }

  /** The cell of these label values; undefined when there are too many already. */
  get(labels: Labels): T | undefined {
    if (labels.length !== this.#names.length) {
      throw new TypeError(`${labels.length} label values for ${this.#names.length} label names`);
    }
    const key = labels.join('\0');
    const known = this.#cells.get(key);
    if (known !== undefined) return known[1];
    if (this.#cells.size >= MAX_SERIES) return undefined;
    const cell = this.#make();
    this.#cells.set(key, [[...labels], cell]);
    return cell;
  }

  rows(): (readonly [labels: Labels, cell: T])[] {
    return [...this.#cells.values()];
  }
}

function formatLabels(names: readonly string[], values: Labels, extra?: string): string {
  const parts = values.map((value, i) => `${names[i]!}="${escapeLabel(value)}"`);
  if (extra !== undefined) parts.push(extra);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function histogramLines(name: string, names: readonly string[], labels: Labels, histogram: Histogram): string[] {
  const { bounds, cumulative, count, sum } = histogram;
  return [
    ...bounds.map((bound, i) => `${name}_bucket${formatLabels(names, labels, `le="${bound}"`)} ${cumulative[i]!}`),
    `${name}_bucket${formatLabels(names, labels, 'le="+Inf"')} ${count}`,
    `${name}_sum${formatLabels(names, labels)} ${number(sum)}`,
    `${name}_count${formatLabels(names, labels)} ${count}`,
  ];
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function gaugeLine(name: string, value: number | undefined): string[] {
  return value === undefined ? [] : [`${name} ${number(value)}`];
}
