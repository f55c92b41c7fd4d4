// What a log answers about a digest (`GET /api/v1/artifacts/<sha256>`). All of it is a hint: which entries to look at.
// Every entry that is named is fetched with its proof and judged by what it says itself.

import { utf8Text } from '../../bytes.ts';
import { LimmatError, isLimmatError } from '../../errors.ts';

/** The entries that a log names for a digest; unverified. */
export interface ArtifactAnswer {
  /** Entries whose records are about the file. */
  readonly records: readonly number[];
  /** Entries about those: rebuilds, retractions, and retractions of the rebuilds. */
  readonly about: readonly number[];
  /** Those of the records of which the log says that there are more rebuilds than it names. */
  readonly cut: readonly number[];
  /** Where the list goes on. */
  readonly next: string | undefined;
}

/** Records of one page. A file has one as a rule, and with the statements about it a record may take a megabyte. */
const PAGE = 20;
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;
/** On a page of all rebuilds of one record. */
const REBUILDS_PAGE = 50;
/** Entries that may be named for one file: one that more speak of is not one that a person checks. */
const MAX_NAMED = 4096;
/** Entries that may be named in answer to one question about many files; each has to be fetched. */
export const MAX_NAMED_TOGETHER = 16_384;

/** The path of a lookup of many digests, one a line, and how many it takes. */
export const ARTIFACTS_PATH = 'api/v1/artifacts';
export const MAX_DIGESTS = 1000;

/**
 * What is answered to many digests, in lowercase hexadecimal, in their order; the error in the place of a line that is no
 * answer. `bad-response` when there are not as many.
 */
export function parseArtifactLines(
  bytes: Uint8Array,
  digests: readonly string[],
  name: string,
): (ArtifactAnswer | LimmatError)[] {
  const lines = (utf8Text(bytes) ?? '').split('\n');
  if (lines.pop() !== '' || lines.length !== digests.length) {
    throw bad(name, `it was asked for ${digests.length} digests, and has not as many lines`);
  }
  return lines.map((line, i) => {
    try {
      const value = parseJson(line, name);
      if (memberOf(value, 'digest') === digests[i]) return answerIn(value, name);
      return bad(name, `line ${i + 1} is not about the digest in its place`);
    } catch (error) {
      if (isLimmatError(error)) return error;
      throw error;
    }
  });
}

/** The path of the lookup of one digest, below the log's prefix. */
export function artifactPath(sha256: string, after?: string): string {
  const cursor = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
  return `api/v1/artifacts/${sha256}?limit=${PAGE}${cursor}`;
}

/** The named entries; `bad-response` when the answer is none. */
export function parseArtifactAnswer(bytes: Uint8Array, name: string): ArtifactAnswer {
  return answerIn(parseJson(utf8Text(bytes) ?? '', name), name);
}

function answerIn(answer: unknown, name: string): ArtifactAnswer {
  const { items, next } = listIn(answer, name);
  const named: NamedEntries = { records: new Set(), about: new Set(), cut: new Set() };
  for (const item of items) {
    const index = indexOf(item, name);
    named.records.add(index);
    const rebuilds = mentionsOf(item, 'rebuilds', name);
    takeRebuilds(rebuilds, named.about, name);
    if (memberOf(item, 'more') === true) named.cut.add(index);
    for (const mention of mentionsOf(item, 'takenBack', name)) named.about.add(indexOf(mention, name));
  }
  checkNamed(named, name);
  return { ...listsOf(named), next };
}

/** Adds rebuilds, and what takes them back. */
function takeRebuilds(rebuilds: readonly unknown[], about: Set<number>, name: string): void {
  for (const rebuild of rebuilds) {
    about.add(indexOf(rebuild, name));
    for (const mention of mentionsOf(rebuild, 'takenBack', name)) about.add(indexOf(mention, name));
  }
}

/** The path of all rebuilds of a record, by its leaf hash in lowercase hexadecimal. */
export function rebuildsPath(build: string, after?: string): string {
  const cursor = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
  return `api/v1/rebuilds?build=${build}&limit=${REBUILDS_PAGE}${cursor}`;
}

/** Adds a page of the rebuilds of a record; resolves to where the list goes on. `bad-response` when it is none. */
export function takeRebuildsPage(bytes: Uint8Array, about: Set<number>, name: string): string | undefined {
  const { items, next } = readList(bytes, name);
  takeRebuilds(items, about, name);
  return next;
}

/** The entries of an answer, or of several pages of it. */
export interface NamedEntries {
  readonly records: Set<number>;
  readonly about: Set<number>;
  readonly cut: Set<number>;
}

/** The same in lists. */
export function listsOf({ records, about, cut }: NamedEntries): Omit<ArtifactAnswer, 'next'> {
  return { records: [...records], about: [...about], cut: [...cut] };
}

/** `bad-response` when they are more than are read for one file. */
export function checkNamed({ records, about }: Pick<NamedEntries, 'records' | 'about'>, name: string): void {
  if (records.size + about.size > MAX_NAMED) throw bad(name, `it names more than ${MAX_NAMED} entries for one file`);
}

/** The answers, those beyond what is read for one question replaced by the error. */
export function bounded(
  answers: readonly (ArtifactAnswer | LimmatError)[],
  name: string,
): readonly (ArtifactAnswer | LimmatError)[] {
  const named = new Set<number>();
  return answers.map((answer) => {
    if (answer instanceof LimmatError) return answer;
    for (const index of answer.records) named.add(index);
    for (const index of answer.about) named.add(index);
    if (named.size <= MAX_NAMED_TOGETHER) return answer;
    return bad(name, `it names more than ${MAX_NAMED_TOGETHER} entries for ${answers.length} files`);
  });
}

function mentionsOf(item: unknown, list: 'rebuilds' | 'takenBack', name: string): readonly unknown[] {
  const value = memberOf(item, list);
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw bad(name, `"${list}" is not a list`);
}

/** The items of a list that a log answers, and its cursor; `bad-response` when it is none. */
export function readList(
  bytes: Uint8Array,
  name: string,
): { readonly items: readonly unknown[]; readonly next: string | undefined } {
  return listIn(parseJson(utf8Text(bytes) ?? '', name), name);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LimmatError('bad-response', `${name} is not JSON`, { cause });
  }
}

function listIn(
  value: unknown,
  name: string,
): { readonly items: readonly unknown[]; readonly next: string | undefined } {
  const items = memberOf(value, 'items');
  if (!Array.isArray(items)) throw bad(name, 'it has no list of items');
  const next = memberOf(value, 'next');
  if (next === undefined || next === null) return { items, next: undefined };
  if (typeof next !== 'string' || next === '' || next.length > 1024) throw bad(name, '"next" is no cursor');
  return { items, next };
}

/** The index of an entry that an item names. */
export function indexOf(item: unknown, name: string): number {
  const index = memberOf(item, 'index');
  if (typeof index === 'number' && Number.isSafeInteger(index) && index >= 0) return index;
  throw bad(name, 'an item has no index');
}

/** A member of a JSON object; undefined where there is none. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

function bad(name: string, what: string): LimmatError {
  return new LimmatError('bad-response', `${name} does not answer as a limmat log does: ${what}`);
}
