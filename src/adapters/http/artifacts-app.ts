// Many digests looked up with one request (docs/lookups.md): for who has a directory to check and verifies the entries
// anyway, so an answer has their indexes and nothing else.

import { fromHex, toHex, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { LookupQueries, NamedRecord } from '../../log/lookup.ts';
import { asHash } from '../../merkle/hash.ts';
import type { Hash } from '../../merkle/hash.ts';
import type { Answer } from './answer.ts';
import { bodyHeaders } from './answer.ts';
import type { App } from './app.ts';
import { onQuestion } from './app.ts';
import { bodyLimit, printable, readBody } from './body.ts';
import { MAX_LOOKUP_DIGESTS } from './limits.ts';
import { NO_QUERY, queryOf } from './parameters.ts';

/** A digest in hexadecimal and its newline. */
const LINE_BYTES = 65;
const DIGESTS_LIMIT = bodyLimit('body-too-large', MAX_LOOKUP_DIGESTS * LINE_BYTES);

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

function itemJson({ index, rebuilds, takenBack }: NamedRecord): object {
  return { index, rebuilds: rebuilds.map(reference), takenBack: takenBack.map(reference) };
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
