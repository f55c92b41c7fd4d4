// Lookups over HTTP (docs/lookups.md): records by what people know of them, as JSON, page by page. Every item says where
// its proof is, because an answer of a server is a hint and the proof is not.

import * as v from 'valibot';
import { byteText, fromHex, textBytes, toHex } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { RELOCATION_CURSOR_BYTES } from '../../log/lookup.ts';
import type { LookupQueries } from '../../log/lookup.ts';
import { ACTIVITIES, CATEGORIES } from '../../record/common.ts';
import { formatTime, parseTime } from '../../record/time.ts';
import { isNamespace } from '../../record/types.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import { ARTIFACT_PATH, artifactRead, assertLookups, onArtifacts } from './artifacts-app.ts';
import { fateJson, listAnswer, rebuildWithFateJson, recordJson, relocationJson } from './lookup-json.ts';
import { hexHash, index, limit, PAGE, queryOf } from './parameters.ts';

/** What this app asks of a log. */
export type ServedLookups = Pick<
  LookupQueries,
  'artifact' | 'named' | 'builds' | 'notRebuilt' | 'releases' | 'relocations' | 'rebuilds' | 'commitments' | 'changes'
>;

const DAY_SECONDS = 86_400;

const name = v.pipe(v.string(), v.nonEmpty('must not be empty'));
const namespace = v.pipe(v.string(), v.check(isNamespace, 'must be a namespace'));

/** A day is over with its last second: what took effect on it holds "as of" it. */
const asOf = v.pipe(
  v.string(),
  v.check(
    (text) => asOfSeconds(text) !== undefined,
    'must be a day like 2020-12-31 or a time like 2020-12-31T12:00:00Z',
  ),
  v.transform((text) => asOfSeconds(text)!),
);

const BUILDS_QUERY = v.object({
  namespace: v.optional(namespace),
  product: v.optional(name),
  version: v.optional(name),
  channel: v.optional(name),
  platform: v.optional(name),
  rebuilt: v.optional(v.literal('none', 'must be none, or left out')),
  ...PAGE,
});
const RELEASES_QUERY = v.object({ namespace, product: name, database: name, channel: name, ...PAGE });
const RELOCATIONS_QUERY = v.object({
  region: v.optional(
    v.pipe(v.string(), v.regex(/^(?:[A-Z]{2}|[0-9]{3})$/, 'must be a code of ISO 3166 or UN M.49, like CH or 150')),
  ),
  category: v.optional(v.picklist(CATEGORIES, `must be one of ${CATEGORIES.join(', ')}`)),
  activity: v.optional(v.picklist(ACTIVITIES, `must be one of ${ACTIVITIES.join(', ')}`)),
  asOf: v.optional(asOf),
  limit,
  after: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => fromHex(text)?.length === RELOCATION_CURSOR_BYTES, 'must be "next" of the page before'),
      v.transform((text) => byteText(fromHex(text)!)),
    ),
  ),
});
const REBUILDS_QUERY = v.object({ build: hexHash, ...PAGE });
const COMMITMENTS_QUERY = v.object({ namespace: v.optional(namespace), ...PAGE });
const CHANGES_QUERY = v.object({
  since: v.optional(index, '0'),
  namespace: v.optional(namespace),
  product: v.optional(name),
  ...PAGE,
});

export interface LookupAppOptions {
  /** For "as of" now; default the system's. */
  readonly nowMillis?: () => number;
}

/** The lookups of a log, to be mounted at its prefix; without `lookups` the log takes any bytes and has none. */
export function lookupApp(
  lookups: ServedLookups | undefined,
  { nowMillis = () => Date.now() }: LookupAppOptions = {},
): App {
  const app = newApp();
  const served = (): ServedLookups => assertLookups(lookups);

  const artifact = artifactRead(served);
  onRead(app, `${ARTIFACT_PATH}:digest`, (c) => artifact(c.req.param('digest') ?? '', c.req));
  onArtifacts(app, served);

  onRead(app, '/api/v1/builds', async (c) => {
    const { rebuilt, ...filter } = queryOf(c.req, BUILDS_QUERY);
    const { version, channel, platform } = filter;
    if (rebuilt === 'none') {
      if ((version ?? channel ?? platform) !== undefined) {
        throw new LimmatError('bad-parameter', 'rebuilt=none goes with namespace and product only');
      }
      const { size, items, next } = await served().notRebuilt(filter, filter);
      return listAnswer(size, items.map(fateJson), next);
    }
    if (filter.namespace === undefined || filter.product === undefined) {
      throw new LimmatError('bad-parameter', 'give the parameters namespace and product, or rebuilt=none');
    }
    const { size, items, next } = await served().builds(
      { namespace: filter.namespace, product: filter.product, version, channel, platform },
      filter,
    );
    return listAnswer(size, items.map(fateJson), next);
  });

  onRead(app, '/api/v1/releases', async (c) => {
    const query = queryOf(c.req, RELEASES_QUERY);
    const { size, items, next } = await served().releases(query.namespace, query, query);
    return listAnswer(size, items.map(fateJson), next);
  });

  onRead(app, '/api/v1/relocations', async (c) => {
    const query = queryOf(c.req, RELOCATIONS_QUERY);
    const asOfTime = query.asOf ?? Math.floor(nowMillis() / 1000);
    const { size, items, next } = await served().relocations({ ...query, asOfSeconds: asOfTime }, query);
    return listAnswer(size, items.map(relocationJson), next && toHex(textBytes(next)), { asOf: formatTime(asOfTime) });
  });

  onRead(app, '/api/v1/rebuilds', async (c) => {
    const query = queryOf(c.req, REBUILDS_QUERY);
    const found = await served().rebuilds(query.build, query);
    if (found === undefined) {
      throw new LimmatError('not-found', `no published entry has the leaf hash ${toHex(query.build)}`);
    }
    return listAnswer(found.size, found.items.map(rebuildWithFateJson), found.next);
  });

  onRead(app, '/api/v1/commitments', async (c) => {
    const query = queryOf(c.req, COMMITMENTS_QUERY);
    const { size, items, next } = await served().commitments(query, query);
    return listAnswer(size, items.map(fateJson), next);
  });

  onRead(app, '/api/v1/changes', async (c) => {
    const { since, ...query } = queryOf(c.req, CHANGES_QUERY);
    if (query.product !== undefined && query.namespace === undefined) {
      throw new LimmatError('bad-parameter', 'give the parameter namespace with product');
    }
    const { size, items, next } = await served().changes(since, query, query);
    return listAnswer(size, items.map(recordJson), next);
  });
  return app;
}

function asOfSeconds(text: string): number | undefined {
  if (text.length > 10) return parseTime(text);
  const day = parseTime(`${text}T00:00:00Z`);
  return day === undefined ? undefined : day + DAY_SECONDS - 1;
}
