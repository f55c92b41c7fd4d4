import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookupApp } from '../../src/adapters/http/index.ts';
import { toHex } from '../../src/bytes.ts';
import { LookupQueries } from '../../src/log/lookup.ts';
import { formatTime } from '../../src/record/time.ts';
import { DAY, digestOf, History } from '../log/lookup/history.ts';
import { T0 } from '../support/admission-world.ts';
import { seededRandom } from '../support/random.ts';
import { limmat } from '../support/run-limmat.ts';
import type { Ran } from '../support/run-limmat.ts';

let history: History;
let server: Server;
let url: string;

beforeAll(async () => {
  history = await History.of(seededRandom(7), 200);
  const listener = getRequestListener(lookupApp(new LookupQueries(history.source)).fetch);
  server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const find = (...args: readonly string[]): Promise<Ran> => limmat('find', '--url', url, ...args);

/** The indexes in the first column. */
function indexes({ code, stdout }: Ran): number[] {
  expect(code).toBe(0);
  if (stdout.startsWith('nothing found')) return [];
  const [title, ...rows] = stdout.trimEnd().split('\n');
  expect(title).toMatch(/^ *entry +signed +says +and$/);
  return rows.map((row) => Number(/^ *(\d+) {2}\d{4}-\d{2}-\d{2} {2}\S/.exec(row)?.[1]));
}

test('every question of the command line is the one that the log answers', async () => {
  const model = history.naive(Infinity);
  expect(indexes(await find(toHex(digestOf(2)).toUpperCase()))).toEqual(model.artifact(digestOf(2)));
  expect(indexes(await find('--product', 'acme/a/b', '--version', '1', '--platform', 'linux'))).toEqual(
    model.builds({ namespace: 'acme', product: 'a/b', version: '1', platform: 'linux' }).toReversed(),
  );
  expect(indexes(await find('--product', 'acme/av', '--database', 'main', '--channel', 'beta'))).toEqual(
    model.releases('acme', 'av', 'main', 'beta').toReversed(),
  );
  expect(indexes(await find('--not-rebuilt', '--product', 'vigil/av', '--limit', '150'))).toEqual(
    model.notRebuilt('vigil', 'av'),
  );
  expect(indexes(await find('--promises'))).toEqual(model.commitments());
  expect(indexes(await find('--since', '50', '--limit', '120'))).toEqual(model.changes(50).slice(0, 120));
  const day = formatTime(T0 + 4 * DAY).slice(0, 10);
  const asOf = Date.parse(`${day}T23:59:59Z`) / 1000;
  const where = await find('--region', 'US', '--as-of', day);
  expect(indexes(where).map(String).toSorted()).toEqual(
    model
      .relocations(asOf, 'US')
      .map((step) => step.slice(0, step.indexOf(' ')))
      .toSorted(),
  );
  expect(where.stdout).toMatch(
    /(?:planned|started|completed|suspended|reverted) since \d{4}-\d{2}-\d{2} \((?:own word|reported)\)/,
  );
});

test('it says that a search is a hint, and how to check a record', async () => {
  const { stderr } = await find(toHex(digestOf(2)));
  expect(stderr).toContain('may leave records out');
  expect(stderr).toMatch(new RegExp(`limmat proof \\d+ --url ${url}.*limmat check FILE`));
  const none = await find('00'.repeat(32));
  expect(none.stdout).toBe(`nothing found among the ${history.publishedSize} entries of this log\n`);
  expect(none.stderr).toContain('only whoever has all entries knows');
});

test('programs get the answer as it came, and whether there is more', async () => {
  const { stdout, stderr } = await find('--since', '0', '--limit', '3', '--json');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ size: 200, items: [{ index: 0 }, { index: 1 }, { index: 2 }], next: '2' });
});

test.each([
  [['abcd'], 'no SHA-256'],
  [[], 'say what to find'],
  [['--product', 'acme'], 'NAMESPACE/PRODUCT'],
  [['--not-rebuilt', '--since', '1'], 'one thing at a time'],
  [['--region', 'US', '--version', '1'], 'one thing at a time'],
  [['--promises', '--product', 'acme/av'], '--product goes with'],
  [['--product', 'acme/av', '--database', 'main'], '--channel'],
] as const)('%j is a usage error', async (args, reason) => {
  const { code, stderr } = await find(...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
});

test('what the log refuses is said in its words', async () => {
  const { code, stderr } = await find('--region', 'Europe');
  expect([code, stderr]).toEqual([2, expect.stringContaining('ISO 3166')]);
});
