// Small pieces of the sentences that pages show. English, plain, the same everywhere: no locale of the reader's machine.

import { toHex } from '../bytes.ts';
import { formatTime } from './time.ts';

/** 1377557908 → "1,377,557,908"; with a noun "1 file", "3 files". */
export function count(value: number, noun?: string): string {
  const digits = String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
  return noun === undefined ? digits : `${digits} ${noun}${value === 1 ? '' : 's'}`;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** 1377557908 → "1.4 GB", in steps of 1000. */
export function bytesInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return count(bytes, 'byte');
  return `${value < 99.95 ? value.toFixed(1) : count(Math.round(value))} ${UNITS[unit]}`;
}

/** The day of a time, "2026-07-11". */
export function dayInWords(seconds: number): string {
  return formatTime(seconds).slice(0, 10);
}

/** The first 8 hex digits of a digest and a mark that there is more. */
export function shortHex(bytes: Uint8Array): string {
  return `${toHex(bytes.subarray(0, 4))}…`;
}

/** "all" is what Debian and others call a file that runs everywhere. */
export function platformInWords(platform: string): string {
  return platform === 'all' ? 'all platforms' : platform;
}

/** ["150", "CH"] → "regions 150 and CH". */
export function regionsInWords(regions: readonly string[]): string {
  return `region${regions.length === 1 ? '' : 's'} ${joined(regions)}`;
}

interface Place {
  readonly site?: string;
  readonly name?: string;
  readonly country?: string;
}

/** " from RU to new data centre, Zurich (CH)", or less, or nothing. */
export function placesInWords(from: readonly Place[] | undefined, to: readonly Place[] | undefined): string {
  const start = from === undefined ? '' : ` from ${joined(from.map(placeInWords))}`;
  const end = to === undefined ? '' : ` to ${joined(to.map(placeInWords))}`;
  return start + end;
}

function placeInWords(place: Place): string {
  const known = place.name ?? place.site;
  if (known === undefined) return place.country!;
  return place.country === undefined ? known : `${known} (${place.country})`;
}

/** ", reported on 2018-05-15", ", reported", or nothing for the vendor's own word. */
export function reportedInWords(basis: { readonly kind: string; readonly documentDate?: number } | undefined): string {
  if (basis?.kind !== 'reported') return '';
  return basis.documentDate === undefined ? ', reported' : `, reported on ${dayInWords(basis.documentDate)}`;
}

/** ["a", "b", "c"] → "a, b and c". */
export function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
