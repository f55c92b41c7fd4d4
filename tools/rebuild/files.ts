// What a build put out, and how it compares with what a record says. Names in a record come from the network: they are
// looked up in the listing of a directory, and never become a path.

import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { equalBytes, toHex, utf8Text } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import type { FieldsOf } from '../../src/record/types.ts';

/** A file below a directory; `path` is from there, with slashes. */
export interface ListedOutput {
  readonly path: string;
  readonly size: number;
  readonly sha256: Uint8Array;
}

/** The regular files below a directory, hashed, sorted by path. Links are not followed. */
export async function listFiles(directory: string): Promise<readonly ListedOutput[]> {
  const files: ListedOutput[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) files.push({ path, ...(await hashFile(join(directory, path))) });
    }
  };
  await walk('');
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Every file of a source tree, hashed, in the order of the bytes of their paths, whatever the locale. `usage` where there
 * is anything that a list of files does not fix: two trees of one digest are then the same to a build.
 */
export async function listTree(directory: string): Promise<readonly ListedOutput[]> {
  const files: { readonly path: Buffer; readonly text: string }[] = [];
  const walk = async (below: Buffer): Promise<void> => {
    const at = Buffer.concat([Buffer.from(`${directory}/`), below]);
    for (const entry of await readdir(at, { withFileTypes: true, encoding: 'buffer' })) {
      const path = below.length === 0 ? entry.name : Buffer.concat([below, SLASH, entry.name]);
      const text = utf8Text(new Uint8Array(path));
      if (text === undefined || /[\n\r\\]/.test(text)) {
        throw cannotBeListed(directory, JSON.stringify(path.toString('utf8')), 'has a name that a list cannot have');
      }
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) files.push({ path, text });
      else throw cannotBeListed(directory, text, 'is a link or a device, and no file');
    }
  };
  await walk(Buffer.alloc(0));
  const sorted = files.toSorted((a, b) => Buffer.compare(a.path, b.path));
  const listed: ListedOutput[] = [];
  for (const { text } of sorted) listed.push({ path: text, ...(await hashFile(join(directory, text))) });
  return listed;
}

const SLASH = Buffer.from('/');

function cannotBeListed(directory: string, path: string, why: string): LimmatError {
  return new LimmatError(
    'usage',
    `${path} in ${directory} ${why}, so the digest of the tree would not fix it: give the archive instead`,
  );
}

async function hashFile(path: string): Promise<{ size: number; sha256: Uint8Array }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: new Uint8Array(hash.digest()) };
}

type Artifact = FieldsOf<'build'>['artifacts'][number];

/** An artifact of the record, and the file that came out for it. */
export interface Compared {
  readonly artifact: Artifact;
  readonly found: ListedOutput | undefined;
  readonly isSame: boolean;
}

/**
 * Finds a file for each artifact: of its name, as a path or as the last step of just one path; for one without a name the
 * file with its digest, or the only file there is for the only artifact.
 */
export function compareOutputs(artifacts: readonly Artifact[], files: readonly ListedOutput[]): readonly Compared[] {
  return artifacts.map((artifact) => {
    const found = artifact.name === undefined ? unnamed(artifact, artifacts, files) : namedFile(artifact.name, files);
    return { artifact, found, isSame: found !== undefined && equalBytes(found.sha256, artifact.digest.sha256) };
  });
}

/** The file of that name in a listing; undefined when there is none, or more than one. */
export function namedFile(name: string, files: readonly ListedOutput[]): ListedOutput | undefined {
  const exact = files.find(({ path }) => path === name);
  const [below, ...others] = files.filter(({ path }) => path.endsWith(`/${name}`));
  return exact ?? (others.length === 0 ? below : undefined);
}

function unnamed(
  { digest }: Artifact,
  artifacts: readonly Artifact[],
  files: readonly ListedOutput[],
): ListedOutput | undefined {
  const same = files.find(({ sha256 }) => equalBytes(sha256, digest.sha256));
  return same ?? (artifacts.length === 1 && files.length === 1 ? files[0] : undefined);
}

/** What comes of a comparison; undefined when nothing came out that could be compared: that is no verdict. */
export function resultOf(compared: readonly Compared[]): 'match' | 'mismatch' | 'inconclusive' | undefined {
  const found = compared.filter((each) => each.found !== undefined);
  if (found.length === 0) return undefined;
  if (found.some(({ isSame }) => !isSame)) return 'mismatch';
  return found.length === compared.length ? 'match' : 'inconclusive';
}

const CHUNK_BYTES = 64 * 1024;

/** The offset of the first byte in which two files differ; the shorter one's length where it is the other's beginning. */
export async function firstDifference(a: string, b: string): Promise<number> {
  const files = await Promise.all([open(a), open(b)]);
  const buffers = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)] as const;
  try {
    for (let offset = 0; ;) {
      const counts = await Promise.all(
        files.map(async (file, i) => (await file.read(buffers[i]!, 0, CHUNK_BYTES, offset)).bytesRead),
      );
      const common = Math.min(...counts);
      for (let i = 0; i < common; i++) if (buffers[0][i] !== buffers[1][i]) return offset + i;
      if (common === 0 || counts[0] !== counts[1]) return offset + common;
      offset += common;
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** For a report: one artifact, what was expected and what came out. */
export async function artifactReport(
  { artifact, found, isSame }: Compared,
  output: string,
  published: { readonly directory: string; readonly files: readonly ListedOutput[] } | undefined,
): Promise<object> {
  const expected = {
    sha256: toHex(artifact.digest.sha256),
    ...(artifact.size !== undefined && { size: artifact.size }),
  };
  const row = {
    ...(artifact.name !== undefined && { name: artifact.name }),
    same: isSame,
    expected,
    ...(found !== undefined && { found: { file: found.path, size: found.size, sha256: toHex(found.sha256) } }),
  };
  if (isSame || found === undefined || published === undefined) return row;
  // Only the published file itself says where the difference is.
  const theirs = published.files.find(({ sha256 }) => equalBytes(sha256, artifact.digest.sha256));
  if (theirs === undefined) return { ...row, published: 'not in the directory of published artifacts' };
  const at = await firstDifference(join(output, found.path), join(published.directory, theirs.path));
  return { ...row, published: { file: theirs.path, size: theirs.size }, firstDifference: at };
}
