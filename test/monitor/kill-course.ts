// What the logs of monitor-until-killed.ts do wrong, and from which step on.

export const T = 1_790_000_000;
export const STEPS = 80;

export interface Course {
  readonly origin: string;
  readonly wrong: 'nothing' | 'fork' | 'client' | 'bad-signature' | 'withheld' | 'unreachable';
  readonly step: number;
}

const WRONGS = ['fork', 'client', 'bad-signature', 'client', 'withheld', 'unreachable', 'nothing'] as const;

export const COURSE: readonly Course[] = Array.from({ length: 21 }, (_, i) => ({
  origin: `log-${i}.example/x`,
  wrong: WRONGS[i % WRONGS.length]!,
  step: 2 + 3 * i,
}));

/** The key of the alert that a log's wrong brings, or undefined for an honest one. */
export function alertOf({ origin, wrong }: Course): string | undefined {
  if (wrong === 'nothing') return undefined;
  return `${wrong === 'fork' || wrong === 'client' ? 'fork-prefix' : wrong} ${origin}`;
}

/** Entries of every log at a step. */
export function sizeAt(step: number): number {
  return 30 + 9 * step;
}
