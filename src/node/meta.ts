// The data directory of a log (README): where its parts are, and meta.json, which says what log it is. meta.json is
// written last when a log is made and never changes.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import * as v from 'valibot';

import { LimmatError } from '../errors.ts';
import { replaceFile } from './replace-file.ts';
import { shellWord } from './shell-word.ts';

const FORMAT = 'limmat-data/1';

const META = v.object({
  format: v.literal(FORMAT),
  origin: v.string(),
  /** Absolute: a copy of the directory elsewhere still finds, and respects, the guard of the log it was copied from. */
  guard: v.string(),
  admission: v.picklist(['records', 'open']),
  createdAt: v.string(),
});

/** What log a data directory holds. */
export type Meta = v.InferOutput<typeof META>;

/** Where everything in a data directory is. All paths are absolute. */
export interface DataPaths {
  readonly root: string;
  readonly config: string;
  readonly meta: string;
  readonly trust: string;
  readonly noteKey: string;
  readonly headKey: string;
  readonly channelKey: string;
  /** The root key (admission), which belongs on another machine, and its public key, which may stay. */
  readonly rootKey: string;
  readonly rootPublicKey: string;
  /** Signs the log's own events. */
  readonly logStatementsKey: string;
  readonly submitterKey: string;
  readonly submitterPublicKey: string;
  /** Where the guard of a new log goes: beside the directory, so that restoring an old copy does not restore it. */
  readonly defaultGuard: string;
}

export function dataPaths(dir: string): DataPaths {
  const root = resolve(dir);
  return {
    root,
    config: join(root, 'limmat.toml'),
    meta: join(root, 'meta.json'),
    trust: join(root, 'trust.txt'),
    noteKey: join(root, 'keys', 'log.skey'),
    headKey: join(root, 'keys', 'log-mldsa.skey'),
    channelKey: join(root, 'keys', 'channel.skey'),
    rootKey: join(root, 'keys', 'root.pem'),
    rootPublicKey: join(root, 'keys', 'root.pub.pem'),
    logStatementsKey: join(root, 'keys', 'log-statements.pem'),
    submitterKey: join(root, 'keys', 'submitter.pem'),
    submitterPublicKey: join(root, 'keys', 'submitter.pub.pem'),
    defaultGuard: `${root}.guard`,
  };
}

/** True when a log has been made in this directory. */
export function holdsLog(dir: string): boolean {
  return existsSync(dataPaths(dir).meta);
}

/** What log the directory holds. Fails with `bad-config` when there is none, naming the command that makes one. */
export function readMeta(dir: string): Meta {
  const { meta } = dataPaths(dir);
  if (!existsSync(meta)) {
    throw new LimmatError('bad-config', `there is no log in ${dir}: "limmat init --data ${shellWord(dir)}" makes one`);
  }
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(meta, 'utf8'));
  } catch (error) {
    throw new LimmatError('store-corrupt', `${meta} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(META, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new LimmatError('store-corrupt', `${meta}: "${v.getDotPath(issue) ?? '?'}": ${issue.message}`);
}

/** Writes meta.json as a whole or not at all. */
export function writeMeta(dir: string, facts: Omit<Meta, 'format'>): Meta {
  const { meta } = dataPaths(dir);
  const value: Meta = { format: FORMAT, ...facts };
  replaceFile(meta, `${JSON.stringify(value, null, 2)}\n`);
  return value;
}
