// The gossip protocol over HTTP (docs/gossip.md): exchanges between peers, evidence, heads that clients hand in, and what
// anyone may read. Whom to believe what is the node's business; here are limits, headers and paths.

import type { Context } from 'hono';
import * as v from 'valibot';
import { MAX_EVIDENCE_BYTES } from '../../monitor/evidence/limits.ts';
import { ANSWER_HEADER, REQUEST_HEADER, REQUEST_SCHEME } from '../../monitor/gossip/credential.ts';
import { MAX_EXCHANGE_BYTES, MAX_HEAD_BYTES } from '../../monitor/gossip/limits.ts';
import type { GossipNode } from '../../monitor/gossip/node.ts';
import { CHECKPOINT_PATH, EVIDENCE_PATH, EXCHANGE_PATH } from '../../monitor/gossip/protocol.ts';
import { headPage, logByHash, newestNote, provenConsistency } from '../../monitor/gossip/reads.ts';
import { bodyHeaders, jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { newApp, onRead, onReadAndWrite, onWrite } from './app.ts';
import type { App, AppEnv, RequestHandler } from './app.ts';
import { BodyBudget } from './body-budget.ts';
import { bodyLimit } from './body.ts';
import { NO_QUERY, decimal, queryOf } from './parameters.ts';
import { RateLimit, sourceOfAddress } from './rate-limit.ts';
import { withTimedBody } from './timed-body.ts';

export interface GossipAppOptions {
  /** Who sent a request, for the rate limit alone: an address. Default: everybody is one source. */
  readonly sourceOf?: (c: Context<AppEnv>) => string;
  /** How long a body may take to arrive, in milliseconds. */
  readonly bodyMillis?: number;
  /** Monotonic milliseconds, for the rate limit; default performance.now. */
  readonly monotonicMillis?: () => number;
}

/** 256 KiB in this time is a modem's speed. */
const DEFAULT_BODY_MILLIS = 10_000;
/** Bodies of all requests together, of strangers and again of peers: 32 of the largest. */
const BUDGET_BYTES = 32 * MAX_EVIDENCE_BYTES;
/** A peer that watches many logs sends up to 16 exchanges and some evidence a call, every minute or so. */
const RATES = { burst: 120, perSecond: 2, totalBurst: 1200, totalPerSecond: 50, sources: 4096 };
/** Evidence ids in one page. */
const PAGE_IDS = 256;

const PAGE_QUERY = v.object({ after: v.optional(decimal) });
const IDS_QUERY = v.object({
  after: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be an evidence id'))),
});
const CONSISTENCY_QUERY = v.object({ from: decimal, to: v.optional(decimal) });

/** /gossip/v1/…, to be mounted at the monitor's prefix. */
export function gossipApp(node: GossipNode, options: GossipAppOptions = {}): App {
  const app = newApp();
  const { monotonicMillis, sourceOf = () => '', bodyMillis: millis = DEFAULT_BODY_MILLIS } = options;
  const rate = new RateLimit({ ...RATES, ...(monotonicMillis !== undefined && { monotonicMillis }) });
  const budgets = { peers: new BodyBudget(BUDGET_BYTES), strangers: new BodyBudget(BUDGET_BYTES) };

  /** A POST of the protocol: its largest body, and the type of its answer. */
  const write = (path: string, maxBytes: number, contentType: string): RequestHandler => {
    const limit = bodyLimit('body-too-large', maxBytes);
    return async (c) => {
      queryOf(c.req, NO_QUERY);
      const credential = credentialOf(c);
      // A peer is limited by its own queue. Strangers, however many and however slow, must not keep it out.
      const isPeer = credential !== undefined && (await node.isPeer(credential, 'POST', path));
      if (!isPeer) rate.take(sourceOfAddress(sourceOf(c)));
      const budget = isPeer ? budgets.peers : budgets.strangers;
      return withTimedBody(c.req.raw, { limit, millis, budget }, async (body): Promise<Answer> => {
        const answer = await node.answer({ method: 'POST', path, body, credential });
        const signed = answer.credential === undefined ? {} : { [ANSWER_HEADER]: answer.credential };
        return answer.status === 204
          ? { status: 204, headers: { 'Cache-Control': 'no-store', ...signed }, body: null }
          : { status: 200, headers: { ...bodyHeaders(contentType, 'momentary'), ...signed }, body: answer.body };
      });
    };
  };
  onWrite(app, EXCHANGE_PATH, write(EXCHANGE_PATH, MAX_EXCHANGE_BYTES, 'application/json'));
  onWrite(app, CHECKPOINT_PATH, write(CHECKPOINT_PATH, MAX_HEAD_BYTES, 'text/plain; charset=utf-8'));

  const listEvidence: RequestHandler = async (c) => {
    const { after = '' } = queryOf(c.req, IDS_QUERY);
    const ids = (await node.evidenceIds()).filter((id) => id > after);
    return jsonAnswer({ evidence: ids.slice(0, PAGE_IDS), more: ids.length > PAGE_IDS }, 'changing');
  };
  onReadAndWrite(app, EVIDENCE_PATH, listEvidence, write(EVIDENCE_PATH, MAX_EVIDENCE_BYTES, 'application/json'));
  onRead(app, `${EVIDENCE_PATH}/:id`, async (c) => {
    queryOf(c.req, NO_QUERY);
    const id = c.req.param('id') ?? '';
    const headers = {
      ...bodyHeaders('application/json', 'fixed'),
      'Content-Disposition': `attachment; filename="evidence-${id.slice(0, 16)}.json"`,
    };
    return { status: 200, headers, body: await node.evidenceFile(id) };
  });

  const logOf = (c: Context<AppEnv>): ReturnType<typeof logByHash> =>
    logByHash(node.logs, c.req.param('hash') ?? '', node.crypto);
  onRead(app, '/gossip/v1/:hash/checkpoint', (c) => {
    queryOf(c.req, NO_QUERY);
    return { status: 200, headers: bodyHeaders('text/plain; charset=utf-8', 'changing'), body: newestNote(logOf(c)) };
  });
  onRead(app, '/gossip/v1/:hash/checkpoints', (c) => {
    const { after = 0 } = queryOf(c.req, PAGE_QUERY);
    return jsonAnswer(headPage(logOf(c), after), 'changing');
  });
  onRead(app, '/gossip/v1/:hash/consistency', async (c) => {
    const { from, to } = queryOf(c.req, CONSISTENCY_QUERY);
    rate.take(sourceOfAddress(sourceOf(c)));
    return jsonAnswer(await provenConsistency(logOf(c), from, to), 'changing');
  });
  return app;
}

/** The credential of a request; undefined where it has none, or one for something else. */
function credentialOf(c: Context<AppEnv>): string | undefined {
  const [scheme, credential, ...rest] = (c.req.header(REQUEST_HEADER) ?? '').split(' ');
  return scheme === REQUEST_SCHEME && rest.length === 0 ? credential : undefined;
}
