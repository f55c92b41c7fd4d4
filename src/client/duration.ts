// Durations as trust files and command lines write them.

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** Seconds of "90", "90s", "15m", "36h" or "7d"; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(0|[1-9][0-9]{0,9})([smhd]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * (UNITS.find(([name]) => name === unit)?.[1] ?? 1);
}

/** A duration in its largest whole unit, as parseDuration reads it. */
export function formatDuration(seconds: number): string {
  const [unit, length] = UNITS.find(([, unitSeconds]) => seconds !== 0 && seconds % unitSeconds === 0) ?? ['s', 1];
  return `${seconds / length}${unit}`;
}
