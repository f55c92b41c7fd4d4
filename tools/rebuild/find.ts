// Which build to make again: the oldest that nobody has, by the log's list, which is a hint. What is taken from it is the
// index; the entry is verified, and so is the source snapshot that it names.

import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { equalBytes, toHex } from '../../src/bytes.ts';
import { indexOf, memberOf, readList } from '../../src/client/check/answer.ts';
import { openCited } from '../../src/client/check/cited.ts';
import type { ProvenCitation } from '../../src/client/check/cited.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import { NOTHING_REMEMBERED } from '../../src/client/state.ts';
import type { Trust } from '../../src/client/trust.ts';
import { checkExpected } from '../../src/client/verify.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import { MAX_TLOG_PROOF_BYTES } from '../../src/note/tlog-proof.ts';
import type { FieldsOf } from '../../src/record/types.ts';
import { utf8Text } from '../../src/bytes.ts';
import { listTree } from './files.ts';

/** A build whose entry was verified, signed by an issuer of the trust file. */
export interface LoggedBuild {
  readonly entry: ProvenCitation;
  readonly fields: FieldsOf<'build'>;
  readonly namespace: string;
  /** The leaf hash, lowercase hexadecimal: what a rebuild record and the working directory name it by. */
  readonly id: string;
}

export interface FindOptions {
  readonly reader: LogReader;
  readonly trust: Trust;
}

const PAGE = 20;
const MAX_LIST_BYTES = 16 * 1024 * 1024;
const MAX_PAGES = 500;

/**
 * The oldest build of which nobody has logged a match, that the trust file expects, that is not `isDone` here, and that
 * this issuer has not judged in the log. Undefined when there is none.
 */
export async function nextBuild(
  options: FindOptions & {
    readonly vendor?: string | undefined;
    readonly product?: string | undefined;
    readonly issuer: string;
    readonly kid: Uint8Array;
    readonly isDone: (id: string) => boolean;
  },
): Promise<LoggedBuild | undefined> {
  const { reader, vendor, product, issuer, kid, isDone } = options;
  const query = new URLSearchParams({ rebuilt: 'none', limit: String(PAGE) });
  if (vendor !== undefined) query.set('namespace', vendor);
  if (product !== undefined) query.set('product', product);
  for (let page = 0; page < MAX_PAGES; page++) {
    const path = `api/v1/builds?${query.toString()}`;
    const { items, next } = readList(await reader.resource(path, MAX_LIST_BYTES), `${reader.url}${path}`);
    for (const item of items) {
      const build = await buildAt(indexOf(item, reader.url), options).catch(strange);
      if (build === undefined || isDone(build.id)) continue;
      if (vendor !== undefined && build.namespace !== vendor) continue;
      if (product !== undefined && build.fields.product !== product) continue;
      if (!(await hasJudged(build, issuer, kid, reader))) return build;
    }
    if (next === undefined) return undefined;
    query.set('after', next);
  }
  return undefined;
}

/** A build of a stranger, or one that is not expected, is somebody else's to rebuild. */
function strange(error: unknown): undefined {
  const codes = ['unknown-issuer', 'wrong-type', 'wrong-namespace', 'wrong-product', 'wrong-channel'] as const;
  if (codes.some((code) => isLimmatError(error, code))) return undefined;
  throw error;
}

/** The build at an index. `wrong-type` and its like where it is not what the trust file expects. */
export async function buildAt(index: number, { reader, trust }: FindOptions): Promise<LoggedBuild> {
  const entry = await citedAt(index, { reader, trust });
  const { record, iss } = entry.statement;
  if (record.type !== 'build') throw new LimmatError('wrong-type', `entry ${index} is a ${record.type}, not a build`);
  if (!entry.isTrusted) {
    throw new LimmatError(
      'unknown-issuer',
      `entry ${index} is signed as ${iss}, with a key that the trust file does not name`,
    );
  }
  checkExpected(entry.statement, { ...trust.expected, type: ['build'] });
  return { entry, fields: record.fields, namespace: record.namespace, id: toHex(entry.leafHash) };
}

async function citedAt(index: number, { reader, trust }: FindOptions): Promise<ProvenCitation> {
  const proofFile = await reader.resource(`api/v1/entries/${index}/proof`, MAX_TLOG_PROOF_BYTES);
  const nowSeconds = Math.floor(Date.now() / 1000);
  const options = { trust, remembered: NOTHING_REMEMBERED, nowSeconds, crypto: nodeCrypto, hasher: nodeHasher };
  return openCited(proofFile, index, options);
}

/** True when the log lists a verdict of this key. Only a hint: what it costs to be wrong is a build that is left out. */
async function hasJudged({ id }: LoggedBuild, issuer: string, kid: Uint8Array, reader: LogReader): Promise<boolean> {
  const path = `api/v1/rebuilds?build=${id}`;
  const { items } = readList(await reader.resource(path, MAX_LIST_BYTES), `${reader.url}${path}`);
  return items.some((item) => {
    const record = memberOf(item, 'record');
    return memberOf(record, 'issuer') === issuer && memberOf(record, 'keyId') === toHex(kid);
  });
}

/**
 * Checks a file (the archive) or a directory (the tree) against the source snapshot that the build names, and gives its
 * leaf hash. `artifact-mismatch` when it is another source; `usage` where the build or its snapshot fixes nothing of that
 * kind; `unknown-issuer` for a snapshot of a stranger.
 */
export async function checkSource(path: string, build: LoggedBuild, options: FindOptions): Promise<Uint8Array> {
  const { source } = build.fields;
  if (source === undefined) {
    throw new LimmatError('usage', `the build names no source snapshot to check ${path} against: leave out --source`);
  }
  const entry = await citedAt(await indexOfLeaf(source, options), options);
  const { record, iss } = entry.statement;
  if (!equalBytes(entry.leafHash, source) || record.type !== 'source-snapshot') {
    throw new LimmatError('bad-proof', `the log proved another entry than the build's source ${toHex(source)}`);
  }
  if (!entry.isTrusted)
    throw new LimmatError(
      'unknown-issuer',
      `the source snapshot is signed as ${iss}, whom the trust file does not name`,
    );
  const isTree = statSync(path).isDirectory();
  const field = isTree ? 'treeDigest' : 'archiveDigest';
  const expected = record.fields[field]?.sha256;
  if (expected === undefined) {
    const other = isTree ? 'an archive, and no tree' : 'a tree of files, and no archive';
    throw new LimmatError('usage', `the source snapshot, entry ${entry.index}, fixes ${other}`);
  }
  const found = isTree ? await treeDigest(path) : await fileDigest(path);
  if (equalBytes(found, expected)) return source;
  throw new LimmatError(
    'artifact-mismatch',
    `${path} has SHA-256 ${toHex(found)}, and the source of the build, entry ${entry.index}, ${toHex(expected)}: nothing was built`,
    { details: { found: toHex(found), expected: toHex(expected) } },
  );
}

async function indexOfLeaf(leafHash: Uint8Array, { reader }: FindOptions): Promise<number> {
  const path = `api/v1/proof/inclusion?hash=${toHex(leafHash)}`;
  const bytes = await reader.resource(path, 64 * 1024);
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes) ?? '');
  } catch (cause) {
    throw new LimmatError('bad-response', `${reader.url}${path} is not JSON`, { cause });
  }
  return indexOf(value, `${reader.url}${path}`);
}

async function fileDigest(path: string): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(chunk);
  return new Uint8Array(hash.digest());
}

/**
 * The digest of a tree (docs/rebuilders.md): SHA-256 over a line for each regular file below the directory, in the order
 * of the bytes of their paths: the digest of its content in hexadecimal, two spaces, the path from the top with "/", and a
 * line feed. `usage` for what such a list cannot say: a link or a device, a name that is no UTF-8 or has a line feed, a
 * carriage return or a backslash, which sha256sum writes in another way.
 */
export async function treeDigest(directory: string): Promise<Uint8Array> {
  const files = await listTree(directory);
  const lines = files.map(({ path, sha256 }) => `${toHex(sha256)}  ${path}\n`);
  return new Uint8Array(createHash('sha256').update(lines.join('')).digest());
}
