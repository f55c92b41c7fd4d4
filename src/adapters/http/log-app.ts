// The log's own API: tlog-tiles reads, appending, entries and proofs as JSON (DESIGN §6).

import * as v from 'valibot';
import { toBase64, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { PublishedHead } from '../../log/archive.ts';
import type { AppendResult } from '../../log/intake.ts';
import type { Published } from '../../log/publish.ts';
import type { CosigningStatus } from '../../log/witnessing.ts';
import type { Hash, Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import { ENTRY_LIMIT, WAIT_LEVELS, addEntry, waitForProof } from './add.ts';
import type { App, QueryReads } from './app.ts';
import { newApp, onQueryReads, onRead, onWrite } from './app.ts';
import type { BatchItem } from './batch.ts';
import { batchParser } from './batch.ts';
import { bodyLimit } from './body.ts';
import { BodyBudget } from './body-budget.ts';
import { entryJson } from './entry-json.ts';
import type { Answer } from './answer.ts';
import { bodyHeaders, jsonAnswer, textAnswer } from './answer.ts';
import { DEFAULT_WAIT_MILLIS, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_ENTRY_BYTES } from './limits.ts';
import { decimal, hexHash, pathDecimal, queryOf, NO_QUERY } from './parameters.ts';
import { publicError } from './problem.ts';
import { Resources, UNCOSIGNED, resourceAnswer } from './resource.ts';
import type { ServedLog } from './served-log.ts';
import { isUncosigned, publishedHead } from './served-log.ts';

export interface LogAppOptions {
  /** How long `?wait=` waits before it answers 202, in milliseconds. */
  readonly waitMillis?: number;
  /** The vkey of the key that signs its channel heads; absent where it signs none. */
  readonly channelKey?: string | undefined;
  /** For leaf hashes and ETags; default the portable one. */
  readonly hasher?: Hasher;
  /** Shared with the Node listener of the same log, if there is one; default one of its own. */
  readonly bodies?: BodyBudget;
}

const ADD_QUERY = v.object({
  wait: v.optional(v.picklist(WAIT_LEVELS, `must be one of ${WAIT_LEVELS.join(', ')}`)),
});
const PROOF_QUERY = v.object({ witnessed: v.optional(v.literal('', 'it takes no value')) });
const INCLUSION_QUERY = v.object({
  index: v.optional(decimal),
  hash: v.optional(hexHash),
  size: v.optional(decimal),
});
const CONSISTENCY_QUERY = v.object({ from: decimal, to: v.optional(decimal) });

const BATCH_LIMIT = bodyLimit('body-too-large', MAX_BATCH_BYTES);

/** /checkpoint, /tile/…, /add and /api/v1/…, to be mounted at the log's prefix. */
export function logApp(log: ServedLog, options: LogAppOptions = {}): App {
  const app = newApp();
  const hasher = options.hasher ?? portableHasher;
  const resources = new Resources(log, hasher);
  const waitMillis = options.waitMillis ?? DEFAULT_WAIT_MILLIS;
  const bodies = options.bodies ?? BodyBudget.for(log);

  onRead(app, '/checkpoint', (c) => resourceAnswer(resources.checkpoint(), c.req.header('if-none-match')));

  onRead(app, '/tile/:path{.+}', async (c) => {
    const resource = await resources.tile(`tile/${c.req.param('path')}`);
    return resourceAnswer(resource, c.req.header('if-none-match'));
  });

  onWrite(app, '/add', async (c) => {
    const { wait } = queryOf(c.req, ADD_QUERY);
    if (wait !== undefined) log.assertWaitLevel(wait);
    const { index, leafHash } = await bodies.withBody(c.req.raw, ENTRY_LIMIT, (body) => addEntry(log, body));
    if (wait === undefined || wait === 'sequenced') {
      return textAnswer(String(index), 'momentary');
    }
    const proof = await waitForProof(log, index, waitMillis, wait);
    if (proof !== undefined) return proofAnswer(proof, index, wait === 'published' && isUncosigned(log));
    // Relative to /add, so it holds under any prefix and behind any proxy.
    const location = `api/v1/entries/${index}/proof${wait === 'witnessed' ? '?witnessed' : ''}`;
    const answer = jsonAnswer({ index, leafHash: toBase64(leafHash), proof: location }, 'momentary');
    return { ...answer, status: 202, headers: { ...answer.headers, Location: location, 'Retry-After': '1' } };
  });

  onWrite(app, '/api/v1/batch', async (c) => {
    queryOf(c.req, NO_QUERY);
    const parse = batchParser(c.req.header('content-type'));
    const lines = await bodies.withBody(c.req.raw, BATCH_LIMIT, (body) => appendItems(log, parse(body)));
    return { status: 200, headers: bodyHeaders('application/x-ndjson', 'momentary'), body: lines };
  });

  onRead(app, '/api/v1/log', (c) => {
    queryOf(c.req, NO_QUERY);
    const { published, state, cosigning } = log.status();
    return jsonAnswer(
      {
        origin: log.origin,
        vkeys: log.vkeys,
        channelKey: options.channelKey ?? null,
        size: published?.size ?? 0,
        rootHash: published && toBase64(published.head.rootHash),
        timestamp: published?.timestampSeconds,
        admission: log.admission,
        limits: { entryBytes: MAX_ENTRY_BYTES, batchEntries: MAX_BATCH_ENTRIES, batchBytes: MAX_BATCH_BYTES },
        state,
        cosigning: cosigning && cosigningJson(cosigning, published),
      },
      'changing',
    );
  });

  onRead(app, '/api/v1/entries/:index', async (c) => {
    queryOf(c.req, NO_QUERY);
    const index = pathDecimal(c, 'index');
    return jsonAnswer(entryJson(index, await log.entry(index), hasher), 'fixed');
  });

  onRead(app, '/api/v1/entries/:index/proof', async (c) => {
    const { witnessed } = queryOf(c.req, PROOF_QUERY);
    const index = pathDecimal(c, 'index');
    if (witnessed !== undefined) return proofAnswer(await log.proofFile(index, 'witnessed'), index, false);
    const wasUncosigned = isUncosigned(log);
    const proof = await log.proofFile(index);
    return proofAnswer(proof, index, wasUncosigned || isUncosigned(log));
  });

  onRead(app, '/api/v1/entries/:index/time', async (c) => {
    queryOf(c.req, NO_QUERY);
    const index = pathDecimal(c, 'index');
    const { before, after } = await log.timeBracket(index);
    return jsonAnswer({ index, before: before && headJson(before), after: headJson(after) }, 'changing');
  });

  onQueryReads(app, proofReads(log));
  return app;
}

/** The JSON proofs by path, without a prefix. */
export function proofReads(log: ServedLog): QueryReads {
  return {
    '/api/v1/proof/inclusion': async (request) => {
      const query = queryOf(request, INCLUSION_QUERY);
      const size = query.size ?? publishedHead(log).size;
      const index = await resolveIndex(log, query, size);
      const proof = await log.inclusionProof(index, size);
      const answer = { index, size, leafHash: query.hash && toBase64(query.hash), proof: proof.map(toBase64) };
      return jsonAnswer(answer, query.size === undefined ? 'changing' : 'fixed');
    },

    '/api/v1/proof/consistency': async (request) => {
      const query = queryOf(request, CONSISTENCY_QUERY);
      const { from } = query;
      const to = query.to ?? publishedHead(log).size;
      const proof = await log.consistencyProof(from, to);
      return jsonAnswer({ from, to, proof: proof.map(toBase64) }, query.to === undefined ? 'changing' : 'fixed');
    },
  };
}

function headJson(head: PublishedHead): { size: number; timestamp: number; checkpoint: string | undefined } {
  return { size: head.size, timestamp: head.timestampSeconds, checkpoint: utf8Text(head.note) };
}

/** What readers may know of the witnesses: their addresses, and why one fails, are the operator's. */
function cosigningJson({ quorum, failOpen, witnesses }: CosigningStatus, published: Published | undefined): object {
  const words = published?.isCosigned === undefined ? undefined : published.isCosigned ? 'cosigned' : 'uncosigned';
  return {
    quorum: quorum ?? null,
    failOpen,
    checkpoint: words,
    witnesses: witnesses.map(({ name, size, lastSuccessSeconds, failuresInRow }) => ({
      name,
      size,
      lastCosigned: lastSuccessSeconds,
      failuresInRow,
    })),
  };
}

function proofAnswer(proof: Uint8Array, index: number, isBare: boolean): Answer {
  return {
    status: 200,
    headers: {
      // The proof is as good as long as it is kept, but a later one may carry more cosignatures.
      ...bodyHeaders('text/plain; charset=utf-8', 'changing'),
      // Only a log whose operator has allowed it publishes such a checkpoint, and then its proof files say so.
      ...(isBare && UNCOSIGNED),
      'Content-Disposition': `attachment; filename="entry-${index}${isBare ? '.uncosigned' : ''}.tlog-proof"`,
    },
    body: proof,
  };
}

async function resolveIndex(
  log: ServedLog,
  query: { readonly index?: number | undefined; readonly hash?: Hash | undefined },
  size: number,
): Promise<number> {
  if ((query.index === undefined) === (query.hash === undefined)) {
    throw new LimmatError('bad-parameter', 'give exactly one of the parameters index and hash');
  }
  if (query.index !== undefined) {
    if (query.index < size) return query.index;
    throw new LimmatError('bad-parameter', `index ${query.index} is not below size ${size}`, {
      details: { index: query.index, size },
    });
  }
  const index = await log.findLeaf(query.hash!);
  if (index !== undefined && index < size) return index;
  throw new LimmatError('not-found', `no entry below size ${size} has this leaf hash`, { details: { size } });
}

async function appendItems(log: ServedLog, items: readonly BatchItem[]): Promise<string> {
  if (items.length === 0) throw new LimmatError('malformed', 'the batch holds no entries');
  const entries = items.filter((item): item is Uint8Array => item instanceof Uint8Array);
  const results = entries.length === 0 ? [] : await log.append(entries);
  let next = 0;
  let lines = '';
  for (const item of items) {
    const result: AppendResult = item instanceof LimmatError ? { ok: false, error: item } : results[next++]!;
    lines += `${JSON.stringify(lineOf(result))}\n`;
  }
  return lines;
}

function lineOf(result: AppendResult): object {
  if (!result.ok) return publicError(result.error);
  const line = { index: result.index, leafHash: toBase64(result.leafHash) };
  return result.duplicate ? { ...line, duplicate: true } : line;
}
