// What is wrong with one field, before it is known which record it is in.

/** Thrown inside this part only; statement.ts turns it into a LimmatError `bad-record`. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  /** Where it is, e.g. `artifacts[0].digest.sha256`; empty for the record itself. */
  readonly field: string;
  /** The value in words, where one value is what is wrong. */
  readonly value: string | undefined;

  constructor(message: string, field = '', value?: string) {
    super(message);
    this.field = field;
    this.value = value;
  }

  /** The error that this value is not what it should be: `"x" is not a time`. */
  static of(value: unknown, what: string): FieldError {
    return new FieldError(`${show(value)} ${what}`, '', show(value));
  }

  /** The error as seen from outside: its field's path with one step put before it. Other errors pass through. */
  static inside(step: string, error: unknown): unknown {
    if (!(error instanceof FieldError)) return error;
    const joint = error.field === '' || error.field.startsWith('[') ? '' : '.';
    return new FieldError(error.message, `${step}${joint}${error.field}`, error.value);
  }
}

const MAX_SHOWN = 60;

/** A value in a few words for a message: never long, never raw bytes or control characters. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const quoted = JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
    return quoted.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
  }
  if (value instanceof Uint8Array) return `byte string of ${value.length}`;
  if (value === null) return 'null';
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === undefined ? 'nothing' : value instanceof Map ? 'map' : typeof value;
}
