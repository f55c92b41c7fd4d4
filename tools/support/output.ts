// What a command says: one JSON value for programs or lines for people on standard output, remarks on standard error.

import { styleText } from 'node:util';

import { asLimmatError } from '../../src/errors.ts';

type Format = Parameters<typeof styleText>[0];

/** The text in this style, where standard output shows colours. */
export function style(format: Format, text: string): string {
  return styled(process.stdout, format, text);
}

/** As style, for standard error. */
export function styleError(format: Format, text: string): string {
  return styled(process.stderr, format, text);
}

function styled(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return showsColours(stream) ? styleText(format, text, { validateStream: false }) : text;
}

/** Decided here, because Node 20 leaves it to the caller: a terminal, unless the environment says otherwise. */
function showsColours(stream: NodeJS.WriteStream): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused } = process.env;
  if (forced !== undefined && forced !== '') return forced !== '0';
  // Not every stream that calls itself a terminal has the method: those of a worker thread do not.
  return stream.isTTY && (refused === undefined || refused === '') && (stream.hasColors?.() ?? false);
}

export interface Output {
  readonly json: boolean;
  /** A line of the result, for people only. */
  line(text?: string): void;
  /** The result, for programs only: one JSON document on one line. */
  value(value: unknown): void;
  /** Either: the value with --json, else the lines. */
  result(value: unknown, lines: string | readonly string[]): void;
  /** A remark on standard error; silent with --json. */
  note(text: string): void;
}

/** Output for one run of a command. */
export function createOutput(options: { readonly json?: boolean | undefined }): Output {
  const json = options.json === true;
  const line = (text = '') => void (json || process.stdout.write(`${text}\n`));
  const value = (data: unknown) => void (json && process.stdout.write(`${JSON.stringify(data)}\n`));
  return {
    json,
    line,
    value,
    result(data, lines) {
      value(data);
      for (const text of typeof lines === 'string' ? [lines] : lines) line(text);
    },
    note: (text) => void (json || process.stderr.write(`${text}\n`)),
  };
}

/** Says why a command failed: one line for people on standard error, one JSON document for programs. */
export function reportError(error: unknown, json: boolean): void {
  const { code, message, details, stack, cause } = asLimmatError(error);
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
    return;
  }
  process.stderr.write(`${styleError('red', 'limmat:')} ${message}\n`);
  // Only a fault of ours is worth a stack; everything else is a sentence for the person who caused it.
  if (code === 'internal') process.stderr.write(`${cause instanceof Error ? cause.stack : stack}\n`);
}
