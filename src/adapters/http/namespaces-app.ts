// Who may log what, as JSON: the namespaces of a log, and what is in force in each. What is said here is of the committed
// tree, which is what the next entry of a chain has to follow; the entries that made it so are linked.

import * as v from 'valibot';

import { toBase64, toHex } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { namespaceInForce, namespacePage } from '../../record/admission/in-force.ts';
import type { ChainPlace, LivingKey, NamespaceInForce } from '../../record/admission/in-force.ts';
import { formatTime, isNamespace } from '../../record/index.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import { jsonAnswer } from './answer.ts';
import { printable } from './body.ts';
import { decimal, NO_QUERY, queryOf } from './parameters.ts';
import type { ServedLog } from './served-log.ts';

/** A log, as these resources need it. */
export type NamespacedLog = Pick<ServedLog, 'admission' | 'admissionState' | 'status'>;

const MAX_PAGE = 100;

const PAGE_QUERY = v.object({
  limit: v.optional(
    v.pipe(decimal, v.minValue(1, 'must be at least 1'), v.maxValue(MAX_PAGE, `must be at most ${MAX_PAGE}`)),
  ),
  after: v.optional(v.pipe(v.string(), v.check(isNamespace, 'must be a namespace'))),
});

/** /api/v1/namespaces and /api/v1/namespaces/{namespace}, to be mounted at the log's prefix. */
export function namespacesApp(log: NamespacedLog): App {
  const app = newApp();
  const scan = log.admissionState.bind(log);

  onRead(app, '/api/v1/namespaces', async (c) => {
    const { limit = MAX_PAGE, after } = queryOf(c.req, PAGE_QUERY);
    assertRecords(log);
    const { page, isMore } = await namespacePage(scan, after, limit);
    const items = page.map(({ namespace, state: { sequence, leftAt, roles } }) => ({
      namespace,
      sequence,
      roles: roles.map(({ role }) => role),
      leftAt: leftAt ?? undefined,
    }));
    const next = isMore ? page.at(-1)!.namespace : undefined;
    return jsonAnswer({ size: log.status().head.size, items, next }, 'momentary');
  });

  onRead(app, '/api/v1/namespaces/:namespace', async (c) => {
    queryOf(c.req, NO_QUERY);
    assertRecords(log);
    const name = c.req.param('namespace') ?? '';
    const found = isNamespace(name) ? await namespaceInForce(scan, name) : undefined;
    if (found === undefined) {
      throw new LimmatError('not-found', `there is no namespace ${printable(name)} in this log`);
    }
    return jsonAnswer(namespaceJson(found), 'momentary');
  });
  return app;
}

function assertRecords(log: NamespacedLog): void {
  if (log.admission === 'records') return;
  throw new LimmatError('not-found', 'this log takes any bytes: it has no namespaces and no policy');
}

/** What is in force in a namespace, as JSON. */
export function namespaceJson(found: NamespaceInForce) {
  const { namespace, isLogs, leftAt, head, policy, root, logKeys, roles, require, dead } = found;
  return {
    namespace,
    /** True in the one namespace in which the log speaks of itself. */
    isLogs,
    leftAt: leftAt ?? undefined,
    chain: head && placeJson(head),
    policy: policy && placeJson(policy),
    root: { threshold: root.threshold, keys: root.keys.map(keyJson) },
    logKeys: isLogs ? logKeys.map(keyJson) : undefined,
    roles: roles.map(({ role, types, threshold, products, sites, issuers, keys }) => ({
      role,
      types,
      threshold,
      products: products ?? undefined,
      sites: sites ?? undefined,
      issuers: issuers ?? undefined,
      keys: keys.map(keyJson),
    })),
    require,
    deadKeys: dead.map(({ kid, deadAt }) => ({ kid: toHex(kid), deadAt })),
  };
}

/** Index, leaf hash and where the proof of a link is. */
function placeJson({ sequence, index, leafHash }: ChainPlace) {
  return { sequence, index, leafHash: toBase64(leafHash), proof: `/api/v1/entries/${index}/proof` };
}

function keyJson({ kid, key, site, validFrom, validUntil }: LivingKey) {
  return {
    kid: toHex(kid),
    /** False while no key event has brought its bytes: until then it signs nothing. */
    known: key !== undefined,
    site: site ?? undefined,
    validFrom: validFrom === null ? undefined : formatTime(validFrom),
    validUntil: validUntil === null ? undefined : formatTime(validUntil),
  };
}
