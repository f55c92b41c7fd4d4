// Times, ages and rates as people read them. English and UTC everywhere, whatever the reader's machine says.

import { count } from '../../../record/words.ts';

/** Unix seconds as `2026-11-22 16:56:47 UTC`. */
export function timeInWords(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS = [
  { seconds: 86_400, name: 'day' },
  { seconds: 3600, name: 'hour' },
  { seconds: 60, name: 'minute' },
  { seconds: 1, name: 'second' },
] as const;

/** A duration in its largest sensible unit: "90 seconds", "2 hours", "3 days". */
export function durationInWords(seconds: number): string {
  const unit = UNITS.find((candidate) => seconds >= 2 * candidate.seconds) ?? UNITS.at(-1)!;
  return count(Math.max(0, Math.floor(seconds / unit.seconds)), unit.name);
}

/** So many in so many seconds: "about 12 a minute"; the smallest unit in which it is at least one. */
export function rateInWords(entries: number, seconds: number): string {
  if (seconds <= 0) return 'too new to say';
  const unit = UNITS.toReversed().find((candidate) => (entries / seconds) * candidate.seconds >= 1);
  if (unit === undefined) return 'less than one a day';
  return `about ${count(Math.round((entries / seconds) * unit.seconds))} a ${unit.name}`;
}
