// How a command reads what is in force in a log's namespaces and appends to their chains: over HTTP, or in the data
// directory of a log that is not running. A log that runs on the directory is found by itself.

import * as v from 'valibot';

import { namespaceJson } from '../../src/adapters/http/namespaces-app.ts';
import { fromBase64, toHex } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import { openNodeLog, readSettings } from '../../src/node.ts';
import type { NodeLog } from '../../src/node.ts';
import { readAdminAddress } from '../../src/node/admin-file.ts';
import { dataPaths } from '../../src/node/meta.ts';
import { namespaceInForce, namespacesOf } from '../../src/record/admission/in-force.ts';
import { parseStatement } from '../../src/record/index.ts';
import type { Statement } from '../../src/record/index.ts';
import { addBatchToLog } from './log-api.ts';
import type { BatchResult } from './log-api.ts';

const PLACE = v.object({
  sequence: v.number(),
  index: v.number(),
  /** Lowercase hexadecimal, as records have it in JSON. */
  leafHash: v.pipe(
    v.string(),
    v.check((text) => fromBase64(text)?.length === 32),
    v.transform((text) => toHex(fromBase64(text)!)),
  ),
});
const KEY = v.object({ kid: v.string(), known: v.boolean() });
const NAMES = v.optional(v.array(v.string()));
export const NAMESPACE = v.object({
  namespace: v.string(),
  isLogs: v.boolean(),
  leftAt: v.optional(v.number()),
  chain: v.optional(PLACE),
  policy: v.optional(PLACE),
  root: v.object({ threshold: v.number(), keys: v.array(KEY) }),
  roles: v.array(
    v.object({
      role: v.string(),
      types: v.array(v.string()),
      threshold: v.number(),
      products: NAMES,
      sites: NAMES,
      issuers: NAMES,
      keys: v.array(KEY),
    }),
  ),
  require: v.array(v.object({ type: v.string(), fields: v.array(v.string()) })),
  deadKeys: v.array(v.object({ kid: v.string(), deadAt: v.number() })),
});
/** What is in force in a namespace, as /api/v1/namespaces/{namespace} says it. */
export type NamespaceJson = v.InferOutput<typeof NAMESPACE>;
export type RoleJson = NamespaceJson['roles'][number];

const PAGE = v.object({ items: v.array(v.object({ namespace: v.string() })), next: v.optional(v.string()) });
const LEAF = v.object({ leaf: v.string() });

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** A link may be newer than the checkpoint; the next one comes after a second unless the log is set otherwise. */
const PUBLISH_MILLIS = 15_000;
const RETRY_MILLIS = 250;

export interface AdmissionDesk {
  /** Undefined for a namespace that was never in the log. */
  namespace(name: string): Promise<NamespaceJson | undefined>;
  names(): Promise<readonly string[]>;
  /** The statement that is entry `index`. */
  statement(index: number): Promise<Statement>;
  append(statements: readonly Uint8Array[]): Promise<readonly BatchResult[]>;
  close(): Promise<void>;
}

/** The desk that the options name: --url, or the log of --data, running or not. */
export async function openDesk(options: { readonly url?: string; readonly data: string }): Promise<AdmissionDesk> {
  if (options.url !== undefined) return urlDesk(options.url);
  const settings = readSettings(options.data, { 'checkpoint-interval': 0, 'verify-threads': 0 });
  const running = readAdminAddress(dataPaths(options.data).root)?.url;
  if (running !== undefined && (await answers(running))) return urlDesk(running);
  return dataDesk(await openNodeLog(settings));
}

async function answers(url: string): Promise<boolean> {
  try {
    await httpReader({ url }).resource('api/v1/log', MAX_ANSWER_BYTES);
    return true;
  } catch (error) {
    // What a killed log left behind.
    if (isLimmatError(error, 'network')) return false;
    throw error;
  }
}

function urlDesk(url: string): AdmissionDesk {
  const reader = httpReader({ url });
  const ask = async <T extends v.GenericSchema>(schema: T, path: string): Promise<v.InferOutput<T>> => {
    const text = new TextDecoder().decode(await reader.resource(path, MAX_ANSWER_BYTES));
    const parsed = v.safeParse(schema, JSON.parse(text));
    if (parsed.success) return parsed.output;
    throw new LimmatError('bad-response', `${url}/${path} does not answer as a limmat log does`);
  };
  return {
    namespace: (name) =>
      orUndefined(() => ask(NAMESPACE, `api/v1/namespaces/${encodeURIComponent(name)}`), 'not-found'),
    async names() {
      const names: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await ask(PAGE, `api/v1/namespaces${after === undefined ? '' : `?after=${after}`}`);
        names.push(...page.items.map(({ namespace }) => namespace));
        after = page.next;
        if (after === undefined) return names;
      }
    },
    async statement(index) {
      const deadline = performance.now() + PUBLISH_MILLIS;
      for (;;) {
        const found = await orUndefined(() => ask(LEAF, `api/v1/entries/${index}`), 'not-found');
        if (found !== undefined) return parseStatement(fromBase64(found.leaf) ?? new Uint8Array());
        if (performance.now() > deadline) {
          throw new LimmatError('not-published', `entry ${index} is not published yet: try again in a moment`);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLIS));
      }
    },
    append: (statements) => addBatchToLog(url, statements),
    close: () => Promise.resolve(),
  };
}

function dataDesk(opened: NodeLog): AdmissionDesk {
  const { log } = opened;
  const scan = log.admissionState.bind(log);
  return {
    async namespace(name) {
      const found = await namespaceInForce(scan, name);
      // The same way as over HTTP, so that both say the same.
      return found && v.parse(NAMESPACE, JSON.parse(JSON.stringify(namespaceJson(found))));
    },
    names: async () => (await namespacesOf(scan)).map(({ namespace }) => namespace),
    async statement(index) {
      await log.waitPublished(index, PUBLISH_MILLIS);
      return parseStatement(await log.entry(index));
    },
    append: async (statements) =>
      (await log.append(statements)).map((result) =>
        result.ok ? { index: result.index, duplicate: result.duplicate } : { error: result.error },
      ),
    close: () => opened.close(),
  };
}

async function orUndefined<T>(ask: () => Promise<T>, code: 'not-found'): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isLimmatError(error, code)) return undefined;
    throw error;
  }
}
