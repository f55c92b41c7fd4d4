// Settings in TOML, read strictly: an unknown key is an error that says what was meant, in tables too, and every error
// names the file, the key and the sentence of the key's own check.

import { existsSync, readFileSync } from 'node:fs';

import { parse as parseToml, TomlError } from 'smol-toml';
import * as v from 'valibot';

import { LimmatError } from '../errors.ts';
import { didYouMean } from './did-you-mean.ts';

/** A value in text form, checked by its own parser; the parser's sentence is the error. */
export function text<T>(parse: (value: string) => T) {
  return v.pipe(
    v.string(NOT_TEXT),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        addIssue({ message: error instanceof Error ? error.message : String(error) });
        return NEVER;
      }
    }),
  );
}

/** What is said of a value that has to be text. */
export const NOT_TEXT = 'must be text in quotes';

export function wholeNumber(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(least, message), v.maxValue(most, message));
}

/** A table that has these keys and no others; what is not wrapped in v.optional has to be there. */
export function table<const T extends v.ObjectEntries>(entries: T) {
  const names = Object.keys(entries);
  return v.strictObject(entries, ({ expected, received }) => {
    if (expected !== 'never') return expected.startsWith('"') ? 'is missing' : 'must be a table';
    const guess = didYouMean(received.slice(1, -1), names);
    return `unknown key ${received}${guess === '' ? `: the keys are ${names.join(', ')}` : guess}`;
  });
}

/** A whole file as this schema reads it. Fails with `bad-config`, naming the file, the key and what was meant. */
export function parseSettings<T extends v.GenericSchema>(schema: T, source: string, file: string): v.InferOutput<T> {
  const fail = (why: string) => new LimmatError('bad-config', `${file}: ${why}`, { details: { file } });
  let content: Record<string, unknown>;
  try {
    content = parseToml(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw fail(`line ${error.line}, column ${error.column}: ${error.message.split('\n', 1)[0]}`);
  }
  const parsed = v.safeParse(schema, content);
  if (parsed.success) return parsed.output;
  // A key that nobody knows may be the one that is missing, spelled wrong.
  const issue = parsed.issues.find(({ expected }) => expected === 'never') ?? parsed.issues[0];
  throw fail(issue.expected === 'never' ? `${within(issue)}${issue.message}` : `"${pathOf(issue)}" ${issue.message}`);
}

/** As parseSettings; an absent file is an empty one. */
export function readSettingsFile<T extends v.GenericSchema>(schema: T, file: string): v.InferOutput<T> {
  return parseSettings(schema, existsSync(file) ? readFileSync(file, 'utf8') : '', file);
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  return v.getDotPath(issue) ?? '?';
}

/** Where an unknown key stands: nothing for the top of the file. */
function within(issue: v.BaseIssue<unknown>): string {
  const path = pathOf(issue).split('.').slice(0, -1).join('.');
  return path === '' ? '' : `in ${path}: `;
}
