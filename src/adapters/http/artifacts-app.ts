// Files by their digests (docs/lookups.md): one, with all that is known of it, or many with one request, for who has a
// directory to check and verifies the entries anyway, so that an answer has their indexes and nothing else.

import { fromHex, toHex, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { LookupQueries, NamedRecord } from '../../log/lookup.ts';
import { asHash } from '../../merkle/hash.ts';
import type { Hash } from '../../merkle/hash.ts';
import type { Answer } from './answer.ts';
import { bodyHeaders } from './answer.ts';
import { artifactJson, listAnswer } from './lookup-json.ts';
import type { App } from './app.ts';
import { onQuestion } from './app.ts';
import { bodyLimit, printable, readBody } from './body.ts';
import { MAX_LOOKUP_DIGESTS } from './limits.ts';
import { NO_QUERY, PAGE, queryOf } from './parameters.ts';
import type { QuerySource } from './parameters.ts';
import * as v from 'valibot';

/** A digest in hexadecimal and its newline. */
const LINE_BYTES = 65;
const DIGESTS_LIMIT = bodyLimit('body-too-large', MAX_LOOKUP_DIGESTS * LINE_BYTES);

/** GET of a digest is below this. */
export const ARTIFACT_PATH = '/api/v1/artifacts/';
const ARTIFACT_QUERY = v.object(PAGE);

/** The lookups of a log; `not-found` where it has none, because it takes any bytes. */
export function assertLookups<T>(lookups: T | undefined): T {
  if (lookups !== undefined) return lookups;
  throw new LimmatError('not-found', 'this log takes any bytes: it has no records to look up');
}

/** What is answered to GET of a digest; `lookups` throws where the log has none. */
export type ArtifactRead = (digest: string, request: QuerySource) => Promise<Answer>;

/** Answers GET of a digest, for the app and for the Node listener beside it. */
export function artifactRead(lookups: () => Pick<LookupQueries, 'artifact'>): ArtifactRead {
  return async (digest, request) => {
    const page = queryOf(request, ARTIFACT_QUERY);
    const sha256 = digestOf(digest);
    const { size, items, next } = await lookups().artifact(sha256, page);
    return listAnswer(size, items.map(artifactJson), next, { digest });
  };
}

function digestOf(text: string): Hash {
  const bytes = fromHex(text);
  if (bytes?.length === 32) return asHash(bytes);
  throw new LimmatError('bad-parameter', `${printable(text)} is no SHA-256 digest: 64 lowercase hexadecimal digits`);
}

/** Declares POST /api/v1/artifacts; `lookups` throws where the log has none. */
export function onArtifacts(app: App, lookups: () => Pick<LookupQueries, 'named'>): void {
  onQuestion(app, '/api/v1/artifacts', async (c): Promise<Answer> => {
    queryOf(c.req, NO_QUERY);
    const served = lookups();
    assertText(c.req.header('content-type'));
    const digests = parseDigests(await readBody(c.req.raw, DIGESTS_LIMIT));
    const pages = await served.named(digests);
    let lines = '';
    for (const [i, { size, items, next }] of pages.entries()) {
      const line = { digest: toHex(digests[i]!), size, items: items.map(itemJson) };
      lines += `${JSON.stringify(next === undefined ? line : { ...line, next: String(next) })}\n`;
    }
    return { status: 200, headers: bodyHeaders('application/x-ndjson', 'momentary'), body: lines };
  });
}

function itemJson({ index, rebuilds, moreRebuilds, takenBack }: NamedRecord): object {
  const more = moreRebuilds && { more: true };
  return { index, rebuilds: rebuilds.map(rebuildJson), ...more, takenBack: takenBack.map(reference) };
}

/** Most rebuilds are never taken back, and say nothing of it. */
function rebuildJson({ index, takenBack }: NamedRecord['rebuilds'][number]): object {
  return takenBack.length === 0 ? { index } : { index, takenBack: takenBack.map(reference) };
}

function reference(index: number): { readonly index: number } {
  return { index };
}

function assertText(contentType: string | undefined): void {
  const essence = contentType?.split(';', 1)[0]!.trim().toLowerCase();
  if (essence === 'text/plain') return;
  throw new LimmatError(
    'unsupported-media-type',
    `content-type ${contentType === undefined ? 'is missing' : `${printable(contentType)} is not taken`}; send text/plain`,
  );
}

/** The digests, a line each; `malformed` with the line that is none. */
function parseDigests(body: Uint8Array): Hash[] {
  const text = utf8Text(body) ?? '';
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new LimmatError('malformed', 'the body holds no digests: one a line, as UTF-8');
  return lines.map((line, i) => {
    const bytes = line.length === 64 ? fromHex(line) : undefined;
    if (bytes !== undefined) return asHash(bytes);
    throw new LimmatError(
      'malformed',
      `line ${i + 1} is ${printable(line)}, no SHA-256 digest: 64 lowercase hexadecimal digits`,
      { details: { line: i + 1 } },
    );
  });
}
