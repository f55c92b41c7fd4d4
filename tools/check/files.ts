// What limmat check is to look at: files, all files below a directory, or the digests in a list.

import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { fromHex, utf8Text } from '../../src/bytes.ts';
import { memberOf } from '../../src/client/check/answer.ts';
import { LimmatError } from '../../src/errors.ts';
import type { FileToHash } from './hash.ts';

/** A name with its digest. */
export interface ListedFile {
  readonly name: string;
  readonly sha256: Uint8Array;
}

/** Files, and what was left out: what is no regular file, and what could not be looked at. */
export interface FoundFiles {
  readonly files: readonly FileToHash[];
  readonly leftOut: number;
  readonly unreadable: readonly UnreadPath[];
}

/** A directory that could not be listed, or a file that was gone when it was looked at. */
export interface UnreadPath {
  readonly path: string;
  readonly error: Error;
}

/** The regular files that these paths name or have below them, sorted. Links below a directory are not followed. */
export function findFiles(paths: readonly string[]): FoundFiles {
  const walk = new Walk();
  for (const path of paths) {
    const at = statSync(path);
    if (at.isFile()) walk.files.set(path, { path, size: at.size });
    else if (at.isDirectory()) walk.enter(path);
    else throw new LimmatError('usage', `${path} is neither a file nor a directory`);
  }
  const { leftOut, unreadable } = walk;
  return { files: [...walk.files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)), leftOut, unreadable };
}

/** All at once and in order: what the system remembers of a directory comes sooner than a thread would answer. */
class Walk {
  readonly files = new Map<string, FileToHash>();
  readonly unreadable: UnreadPath[] = [];
  leftOut = 0;

  enter(directory: string): void {
    const waiting = [directory];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) this.#list(path, waiting);
  }

  #list(directory: string, waiting: string[]): void {
    for (const entry of this.#try(directory, () => readdirSync(directory, { withFileTypes: true })) ?? []) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile()) this.#add(path);
      else this.leftOut++;
    }
  }

  #add(path: string): void {
    const at = this.#try(path, () => lstatSync(path));
    if (at !== undefined) this.files.set(path, { path, size: at.size });
  }

  /** One that cannot be read is told of beside the others, which are checked all the same. */
  #try<T>(path: string, look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      this.unreadable.push({ path, error: error instanceof Error ? error : new Error(String(error)) });
      return undefined;
    }
  }
}

/** A fleet of a hundred thousand files takes some 15 MB. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;

/** The list in a file, or on standard input for "-". */
export function readList(path: string): readonly ListedFile[] {
  if (path !== '-' && lstatSync(path).isFile() && statSync(path).size > MAX_LIST_BYTES) {
    throw new LimmatError('usage', `${path} has more than ${MAX_LIST_BYTES} bytes: split it`);
  }
  const text = utf8Text(readFileSync(path === '-' ? 0 : path));
  if (text === undefined) throw new LimmatError('usage', `${path} is not UTF-8`);
  return parseList(text, path);
}

/**
 * The files of a list: lines as `sha256sum` writes them ("<64 hex digits>  <name>"; an escaped name after a backslash), or
 * with `--tag` ("SHA256 (<name>) = <hex>"), or a JSON array of digests or of objects with `sha256` and a `name`. `usage`
 * with the line otherwise.
 */
export function parseList(text: string, path: string): readonly ListedFile[] {
  const files = /^\s*\[/.test(text) ? jsonList(text, path) : textList(text, path);
  if (files.length === 0) throw new LimmatError('usage', `${path} lists no files`);
  return files;
}

function textList(text: string, path: string): readonly ListedFile[] {
  return text.split('\n').flatMap((line, i) => {
    const trimmed = line.replace(/\r$/, '');
    if (trimmed === '') return [];
    const [, escaped, hex, name] =
      /^(\\?)([0-9a-f]{64}) [ *](.+)$/.exec(trimmed) ?? taggedLine(trimmed) ?? ([] as readonly string[]);
    if (hex === undefined || name === undefined) {
      throw new LimmatError('usage', `line ${i + 1} of ${path} is not as sha256sum writes it: <digest>  <name>`);
    }
    return [{ name: escaped === '' ? name : unescaped(name), sha256: fromHex(hex)! }];
  });
}

function taggedLine(line: string): readonly string[] | undefined {
  const [, escaped, name, hex] = /^(\\?)SHA256 \((.+)\) = ([0-9a-f]{64})$/.exec(line) ?? [];
  return hex === undefined ? undefined : ['', escaped!, hex, name!];
}

function unescaped(name: string): string {
  return name.replaceAll(/\\([\\nr])/g, (_, letter) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\'));
}

function jsonList(text: string, path: string): readonly ListedFile[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LimmatError('usage', `${path} is not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.map((item, i) => {
    const hex = typeof item === 'string' ? item : memberOf(item, 'sha256');
    const sha256 = typeof hex === 'string' ? fromHex(hex) : undefined;
    if (sha256?.length !== 32) {
      throw new LimmatError('usage', `item ${i} of ${path} has no "sha256" of 64 lowercase hexadecimal digits`);
    }
    const name = [memberOf(item, 'name'), memberOf(item, 'file'), hex].find((given) => typeof given === 'string');
    return { name: String(name), sha256 };
  });
}
