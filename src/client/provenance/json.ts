// JSON (RFC 8259) of others that is read for its meaning: a member that is there twice could mean one thing here and
// another elsewhere, so it is refused, and length and depth have their bounds.

import { utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
/** An object's members; a name like `__proto__` is a member like any other. */
export type JsonObject = ReadonlyMap<string, Json>;

/** Bounds of what parseJson takes. */
export interface JsonLimits {
  /** Bytes of the whole. */
  readonly bytes: number;
  /** Lists and objects inside each other. */
  readonly depth: number;
}

/** One JSON value in UTF-8, and nothing beside it; `malformed`, naming `what`, otherwise. */
export function parseJson(bytes: Uint8Array, what: string, limits: JsonLimits): Json {
  if (bytes.length > limits.bytes) {
    throw refuse(what, `has ${bytes.length} bytes, above the limit of ${limits.bytes}`);
  }
  const text = utf8Text(bytes);
  if (text === undefined) throw refuse(what, 'is not UTF-8');
  return new Reader(text, what, limits.depth).whole();
}

const BLANKS = /[ \t\n\r]*/y;
const PLAIN = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class Reader {
  readonly #text: string;
  readonly #what: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, what: string, maxDepth: number) {
    this.#text = text;
    this.#what = what;
    this.#maxDepth = maxDepth;
  }

  whole(): Json {
    const value = this.#value(0);
    this.#take(BLANKS);
    if (this.#at === this.#text.length) return value;
    const hint = this.#text[this.#at] === '{' ? '; of a file of JSON lines, give the one line that is meant' : '';
    throw refuse(this.#what, `goes on after the JSON value, at character ${this.#at}${hint}`);
  }

  #value(depth: number): Json {
    this.#take(BLANKS);
    const next = this.#text[this.#at];
    if (next === '"') return this.#string();
    if (next === '{' || next === '[') {
      if (depth === this.#maxDepth) throw refuse(this.#what, `is nested deeper than ${this.#maxDepth} levels`);
      this.#at++;
      return next === '{' ? this.#object(depth + 1) : this.#list(depth + 1);
    }
    const plain: unknown = JSON.parse(this.#take(PLAIN) ?? this.#stop());
    return typeof plain === 'number' || typeof plain === 'boolean' ? plain : null;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#stop();
    let end = start;
    do end = this.#text.indexOf('"', end + 1);
    while (end > 0 && this.#isEscaped(end));
    if (end < 0) this.#stop();
    this.#at = end + 1;
    try {
      return String(JSON.parse(this.#text.slice(start, end + 1)));
    } catch {
      throw refuse(this.#what, `is not JSON, in the text at character ${start}`);
    }
  }

  /** True when an odd number of backslashes stands before. Runs of them are disjoint, so all calls together are linear. */
  #isEscaped(at: number): boolean {
    let before = at;
    while (this.#text[before - 1] === '\\') before--;
    return (at - before) % 2 === 1;
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    if (this.#takes('}')) return members;
    do {
      this.#take(BLANKS);
      const name = this.#string();
      if (members.has(name)) throw refuse(this.#what, `has the member ${JSON.stringify(name.slice(0, 60))} twice`);
      if (!this.#takes(':')) this.#stop();
      members.set(name, this.#value(depth));
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#stop();
    return members;
  }

  #list(depth: number): readonly Json[] {
    const items: Json[] = [];
    if (this.#takes(']')) return items;
    do items.push(this.#value(depth));
    while (this.#takes(','));
    if (!this.#takes(']')) this.#stop();
    return items;
  }

  /** Goes past this character, with blanks before it, if it comes next. */
  #takes(character: string): boolean {
    this.#take(BLANKS);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #stop(): never {
    throw refuse(this.#what, `is not JSON, at character ${this.#at}`);
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function refuse(what: string, why: string): LimmatError {
  return new LimmatError('malformed', `${what} ${why}`);
}
