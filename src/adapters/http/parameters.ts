// Query and path parameters: one schema a resource, strict spelling, errors that name the parameter and its value.

import type { Context } from 'hono';
import * as v from 'valibot';
import { fromBase64, fromHex, parseDecimal } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { asHash } from '../../merkle/hash.ts';
import { printable } from './body.ts';

/** The query of a resource that takes no parameters. */
export const NO_QUERY = v.object({});

/** What a query is read from: every value of every parameter, decoded. */
export interface QuerySource {
  queries(): Record<string, string[]>;
}

/** A size or index: canonical decimal text below 2^53. */
export const decimal = v.pipe(
  v.string(),
  v.check(
    (text) => parseDecimal(text) !== undefined,
    'must be a decimal number below 2^53 without sign or leading zero',
  ),
  v.transform(Number),
);

/** Items on one page. */
const MAX_PAGE = 100;
/** One past the largest index that a row of lookups can hold. */
const MAX_INDEX = 2 ** 48;

/** How many items a page of a lookup has at most. */
export const limit = v.optional(
  v.pipe(decimal, v.minValue(1, 'must be at least 1'), v.maxValue(MAX_PAGE, `must be at most ${MAX_PAGE}`)),
  String(MAX_PAGE),
);
/** An index in a lookup. */
export const index = v.pipe(decimal, v.maxValue(MAX_INDEX - 1, 'must be below 2^48'));
/** Which page of a lookup. */
export const PAGE = { limit, after: v.optional(index) };

/** A hash in a URL of this API: 64 lowercase hexadecimal digits. */
export const hexHash = v.pipe(
  v.string(),
  v.check((text) => fromHex(text)?.length === 32, 'must be 64 lowercase hexadecimal digits'),
  v.transform((text) => asHash(fromHex(text)!)),
);

/** A hash in a 6962-style URL: standard base64 of 32 bytes, where `+` has to be written %2B. */
export const base64Hash = v.pipe(
  v.string(),
  v.check((text) => fromBase64(text)?.length === 32, 'must be standard base64 of 32 bytes, with "+" written as %2B'),
  v.transform((text) => asHash(fromBase64(text)!)),
);

/**
 * The query of a request, read by a schema. Throws `bad-parameter` for a value that does not fit, a missing one, one
 * that is given twice and, with `unknown: 'refuse'`, one that the resource does not have.
 */
export function queryOf<const T extends v.ObjectEntries>(
  request: QuerySource,
  schema: v.ObjectSchema<T, undefined>,
  unknown: 'refuse' | 'ignore' = 'refuse',
): v.InferOutput<v.ObjectSchema<T, undefined>> {
  const { entries } = schema;
  const given: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.queries())) {
    if (!Object.hasOwn(entries, name)) {
      if (unknown === 'ignore') continue;
      const known = Object.keys(entries);
      throw new LimmatError(
        'bad-parameter',
        `there is no parameter ${printable(name)} here; ${known.length === 0 ? 'this resource takes none' : `known are ${known.join(', ')}`}`,
      );
    }
    if (values.length !== 1) {
      throw new LimmatError('bad-parameter', `parameter ${name} is given ${values.length} times`, {
        details: { parameter: name },
      });
    }
    given[name] = values[0]!;
  }
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw badParameter(v.getDotPath(issue) ?? '', given, issue.message);
}

function badParameter(name: string, given: Readonly<Record<string, string>>, problem: string): LimmatError {
  const value = given[name];
  if (value === undefined) {
    return new LimmatError('bad-parameter', `parameter ${name} is missing`, { details: { parameter: name } });
  }
  return new LimmatError('bad-parameter', `parameter ${name} is ${printable(value)}, but ${problem}`, {
    details: { parameter: name },
  });
}

/** A decimal path segment; `bad-parameter` for anything else. */
export function pathDecimal(c: Context, name: string): number {
  const text = c.req.param(name) ?? '';
  const value = parseDecimal(text);
  if (value === undefined) throw badParameter(name, { [name]: text }, 'must be a decimal number below 2^53');
  return value;
}
