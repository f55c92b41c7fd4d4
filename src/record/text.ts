// Which texts may stand in a record: nothing invisible, nothing that rearranges the text around it on a page.

import { utf8 } from '../bytes.ts';
import { FieldError } from './field-error.ts';

const PRINTABLE_ASCII = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
// Control characters, what has no width or turns the direction, line and paragraph ends, lone surrogates. Listed one by
// one: Unicode's own classes grow with each version, and replaying a log must give the same answer on every runtime.
const UNFIT_RANGES =
  '\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}';
const SPACES = ' \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000';
const UNFIT = new RegExp(`[${UNFIT_RANGES}\\ud800-\\udfff]`, 'u');
const OUTER_SPACE = new RegExp(`^[${SPACES}]|[${SPACES}]$`);

/**
 * What a fit text looks like, as a regular expression for schemas. It has the characters themselves and no escapes or
 * look-around, so that it means the same to every implementation (with the flag for Unicode).
 */
export const FIT_TEXT: string = `^[^${UNFIT_RANGES}${SPACES}](?:[^${UNFIT_RANGES}]*[^${UNFIT_RANGES}${SPACES}])?$`;

/** The text, or FieldError unless it is 1 to maxBytes bytes of UTF-8 without unfit characters or outer spaces. */
export function checkText(value: unknown, maxBytes: number): string {
  if (typeof value !== 'string') throw FieldError.of(value, 'is not a text');
  if (value.length <= maxBytes && PRINTABLE_ASCII.test(value)) return value;
  if (value === '') throw new FieldError('is empty; leave the field out instead');
  const size = utf8(value).length;
  if (size > maxBytes) throw new FieldError(`text of ${size} bytes is longer than ${maxBytes}`);
  if (UNFIT.test(value)) throw FieldError.of(value, 'has control or invisible characters');
  if (OUTER_SPACE.test(value)) throw FieldError.of(value, 'has a space at an end');
  return value;
}

/** A text as one step of `sub`: "/" and "%" become %2F and %25, so that different steps never join to the same path. */
export function subjectStep(value: string): string {
  if (!value.includes('%') && !value.includes('/')) return value;
  return value.replaceAll('%', '%25').replaceAll('/', '%2F');
}

/** The text of a step, the inverse of subjectStep. */
export function subjectStepText(step: string): string {
  return step.includes('%') ? step.replaceAll('%2F', '/').replaceAll('%25', '%') : step;
}
