// Progress of anything long: on a terminal one line that is rewritten, with a bar, the rate and the time left;
// elsewhere a plain line every few seconds. Always on standard error, so that results can be piped.

/** A terminal line is rewritten at most this often; more would only cost time. */
const REDRAW_MILLIS = 100;
/** Plain lines come this often: a log file of an hour stays readable. */
const PLAIN_MILLIS = 5_000;
const BAR_WIDTH = 24;

export interface Progress {
  /** Now this many are done; total may become known, or change, on the way. */
  update(done: number, total?: number): void;
  /** So many more are done. */
  advance(count: number): void;
  /** Ends the line, and shows the whole: count, time, rate. */
  finish(): void;
  /** Removes the line, as before an error message. */
  clear(): void;
}

export interface ProgressOptions {
  readonly label: string;
  /** What is counted, in the plural: "entries". */
  readonly unit: string;
  readonly total?: number | undefined;
  /** Nothing at all is shown (as with --json). */
  readonly silent?: boolean;
  readonly stream?: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly nowMillis?: () => number;
}

/** "1,234,567" */
export function formatCount(value: number): string {
  // Not by toLocaleString, whose first call loads tables of all languages: some 50 ms.
  return `${Math.round(value)}`.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A span of time for people: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min". */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** "12.3 MiB" */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A progress display that starts now. */
export function createProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr;
  const nowMillis = options.nowMillis ?? (() => performance.now());
  const terminal = stream.isTTY === true;
  const silent = options.silent === true;
  const startMillis = nowMillis();
  let done = 0;
  let total = options.total;
  let lastMillis = terminal ? -Infinity : startMillis;
  let drawn = false;

  const rate = () => done / Math.max((nowMillis() - startMillis) / 1000, 0.001);

  function text(): string {
    const parts = [`${formatCount(done)}${total === undefined ? '' : ` of ${formatCount(total)}`} ${options.unit}`];
    parts.push(`${formatCount(rate())}/s`);
    if (total !== undefined && done > 0 && done < total) {
      parts.push(`${formatSeconds((total - done) / rate())} left`);
    }
    return parts.join(', ');
  }

  function bar(): string {
    if (total === undefined || total === 0) return '';
    const filled = Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
    return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} `;
  }

  function draw(): void {
    if (silent) return;
    const now = nowMillis();
    if (now - lastMillis < (terminal ? REDRAW_MILLIS : PLAIN_MILLIS)) return;
    lastMillis = now;
    // "\x1b[K" erases what a longer line before this one left behind.
    stream.write(terminal ? `\r${options.label} ${bar()}${text()}\x1b[K` : `${options.label}: ${text()}\n`);
    drawn = true;
  }

  return {
    update(newDone, newTotal) {
      done = newDone;
      total = newTotal ?? total;
      draw();
    },
    advance(count) {
      done += count;
      draw();
    },
    finish() {
      if (silent) return;
      const whole = `${formatCount(done)} ${options.unit} in ${formatSeconds((nowMillis() - startMillis) / 1000)}`;
      stream.write(
        `${terminal ? '\r' : ''}${options.label}: ${whole}, ${formatCount(rate())}/s${terminal ? '\x1b[K' : ''}\n`,
      );
    },
    clear() {
      if (terminal && drawn && !silent) stream.write('\r\x1b[K');
    },
  };
}
