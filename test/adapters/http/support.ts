// A served log for these tests: every app of the HTTP part over a real log in memory.

import { expect } from 'vitest';
import {
  assertLogReady,
  ctApp,
  healthApp,
  logApp,
  namespacesApp,
  pagesApp,
  serverApp,
} from '../../../src/adapters/http/index.ts';
import type {
  App,
  LogAppOptions,
  RequestEvent,
  ServedLog,
  ServerAppOptions,
} from '../../../src/adapters/http/index.ts';
import { fromBase64 } from '../../../src/bytes.ts';
import { portableCrypto } from '../../../src/crypto/portable.ts';
import { asHash } from '../../../src/merkle/hash.ts';
import type { Hash } from '../../../src/merkle/hash.ts';
import { createStatement, statementSigner } from '../../../src/record/statement.ts';
import type { StatementSigner } from '../../../src/record/statement.ts';
import { firstStatements, genesisOptions } from '../../support/admitted-log.ts';
import { fixedSeed, opaqueEntries, openTestLog } from '../../support/test-log.ts';
import type { TestLog } from '../../support/test-log.ts';

export interface Served extends TestLog {
  readonly app: App;
  readonly requests: RequestEvent[];
  /** A request to the app; paths start with a slash. */
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
}

/** All apps of one log under a prefix. */
export function appOf(
  log: ServedLog,
  options: { readonly prefix?: string; readonly logOptions?: LogAppOptions } & Omit<ServerAppOptions, 'mounts'> = {},
): App {
  const { prefix = '', logOptions, ...rest } = options;
  const apps = [
    logApp(log, logOptions),
    ctApp(log),
    pagesApp(log),
    namespacesApp(log),
    healthApp(() => assertLogReady(log)),
  ];
  return serverApp({ ...rest, mounts: apps.map((app) => ({ prefix, app })) });
}

/** What a test changes about its log. */
type LogOverrides = NonNullable<Parameters<typeof openTestLog>[0]>;

/**
 * A log with `entries` published entries, and its apps: an open one, or one of records that begins with a genesis and the
 * key of the tests' submitter.
 */
export async function serve(
  entries = 0,
  options: LogOverrides & { readonly prefix?: string; readonly logOptions?: LogAppOptions } = {},
): Promise<Served> {
  const { prefix, logOptions, ...logOverrides } = options;
  const test = await openTestLog(logOverrides);
  if (logOverrides.admission === 'records') {
    const genesis = genesisOptions({ submitterKey: testSubmitter() });
    const nowSeconds = Math.floor(test.clock.nowMillis() / 1000);
    for (const result of await test.log.append(await firstStatements(genesis, nowSeconds)))
      expect(result.ok).toBe(true);
  }
  if (entries > 0) await test.log.append(opaqueEntries(0, entries));
  await test.clock.advance(2000);
  const requests: RequestEvent[] = [];
  const app = appOf(test.log, {
    ...(prefix === undefined ? {} : { prefix }),
    ...(logOptions === undefined ? {} : { logOptions }),
    onRequest: (event) => requests.push(event),
  });
  return { ...test, app, requests, ask: async (path, init) => app.request(path, init) };
}

/** A JSON answer, in the form that the test expects of it. */
export async function jsonOf<T = Record<string, unknown>>(response: Response): Promise<T> {
  const body: T = JSON.parse(await response.text());
  return body;
}

/** The same log with some of its members replaced. */
export function overriding(log: ServedLog, changes: Partial<ServedLog>): ServedLog {
  return new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The hashes of a JSON list of base64. */
export function hashesOf(list: unknown): Hash[] {
  if (!Array.isArray(list)) throw new TypeError('not a list of hashes');
  return list.map((text) => asHash(fromBase64(String(text))!));
}

/** The problem body of a refused request, after checking its form. */
export async function problem(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = await jsonOf(response);
  expect(body['status']).toBe(response.status);
  expect(body['type']).toBe(`urn:limmat:error:${String(body['code'])}`);
  expect(typeof body['title']).toBe('string');
  expect(typeof body['detail']).toBe('string');
  if (response.status === 503) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  return body;
}

/** Status and code of an answer that must be a problem. */
export async function refusal(response: Response | Promise<Response>): Promise<string> {
  const answer = await response;
  const { code } = await problem(answer);
  return `${answer.status} ${String(code)}`;
}

/** The signer of the tests' submitter. */
export function testSubmitter(): StatementSigner {
  return statementSigner(fixedSeed(7), -19, portableCrypto);
}

/** A signed build statement; its version tells it from others. */
export function buildStatement(version: string, iatSeconds: number, signer = testSubmitter()): Promise<Uint8Array> {
  return createStatement(
    {
      type: 'build',
      namespace: 'acme',
      issuer: 'acme.example',
      iatSeconds,
      fields: {
        product: 'scanner <b>',
        version,
        channel: 'stable',
        platform: 'linux-x64',
        artifacts: [{ name: 'scanner.tar', digest: { sha256: fixedSeed(9) } }],
      },
    },
    signer,
  );
}
