import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { createStatement } from '../../src/record/statement.ts';
import { parseTime } from '../../src/record/time.ts';
import { frameEntries } from '../../tools/support/log-api.ts';
import { appendTo, dataLog, temporaryDirectory } from '../support/data-log.ts';
import { SIGNER } from '../support/records.ts';
import { limmat } from '../support/run-limmat.ts';

/** A promise for 2030 and the step that keeps it. */
async function entries(): Promise<Uint8Array[]> {
  const iatSeconds = Math.floor(Date.now() / 1000);
  const about = { namespace: 'acme', issuer: 'Acme AG', iatSeconds };
  const fulfilledBy = { type: 'relocation', action: 'complete' } as const;
  const deadline = parseTime('2030-12-31T23:59:59Z')!;
  const subject = 'data \u0645 of users';
  const promise = {
    commitmentId: 'p1',
    kind: 'relocation',
    subject,
    activities: ['store'],
    deadline,
    fulfilledBy,
  } as const;
  const step = { relocationId: 'm1', action: 'complete', activity: 'store' } as const;
  const effectiveAt = parseTime('2031-06-01T00:00:00Z')!;
  return [
    await createStatement({ type: 'commitment', fields: promise, ...about }, SIGNER),
    await createStatement({ type: 'relocation', fields: { ...step, effectiveAt }, ...about }, SIGNER),
  ];
}

/** A log with these entries and 300 that are no records before them; its data directory and its trust file. */
async function log(): Promise<{ dir: string; data: string; trust: string }> {
  const dir = temporaryDirectory();
  const data = await dataLog(dir, 300);
  await appendTo(data, await entries());
  return { dir, data, trust: join(data, 'trust.txt') };
}

/** Serves the files of a directory; its address. */
async function serve(directory: string): Promise<string> {
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(directory, request.url!)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a data directory is read with its own keys, and the report is about a day', async () => {
  const { data } = await log();
  const late = await limmat('report', 'promises', '--data', data, '--as-of', '2031-06-01', '--json');
  expect([late.code, late.stderr]).toEqual([0, '']);
  expect(JSON.parse(late.stdout)).toMatchObject({
    origin: 'test.invalid/data',
    verified: true,
    size: 302,
    unread: 300,
    asOf: '2031-06-01T23:59:59Z',
    promises: [{ state: 'kept-late', statements: [{ index: 300 }], fulfilledBy: [{ index: 301 }] }],
  });
  const words = await limmat('report', 'promises', '--data', data, '--as-of', '2031-05-31');
  expect(words.stdout).toMatch(
    /^1 promise in 302 entries \(300 of them no statement\), as of 2031-05-31: 1 overdue\.\n/,
  );
  expect(words.stdout).toContain(`limmat proof N --data ${data}`);
});

test('a log over HTTP is checked by the keys of a trust file, and one that alters an entry is refused', async () => {
  const { dir, data, trust } = await log();
  const files = join(dir, 'files');
  expect((await limmat('export', '--data', data, '--to', files)).code).toBe(0);
  const url = await serve(files);
  const { code, stdout } = await limmat('report', 'promises', '--url', url, '--trust', trust, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ verified: true, promises: [{ commitmentId: 'p1' }] });
  const bundle = join(files, 'tile', 'entries', '001.p', '46');
  const bytes = readFileSync(bundle);
  bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
  writeFileSync(bundle, bytes);
  const altered = await limmat('report', 'promises', '--url', url, '--trust', trust, '--json');
  expect(altered.code).toBe(4);
  expect(JSON.parse(altered.stdout)).toMatchObject({ error: { code: 'bad-tile' } });
});

test('a file of entries is read as what it is, with the root hash that it comes to', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'entries');
  const [, ...rest] = await entries();
  writeFileSync(file, frameEntries(rest));
  const { stdout } = await limmat('report', 'promises', '--entries', file);
  expect(stdout).toMatch(/^0 promises in 1 entry/);
  expect(stdout).toMatch(
    /Not checked against a log: compare with its checkpoint of size 1, whose root hash has to be [0-9a-f]{64}/,
  );
  writeFileSync(file, frameEntries(rest).subarray(0, -1));
  const cut = await limmat('report', 'promises', '--entries', file, '--json');
  expect([cut.code, JSON.parse(cut.stdout)]).toMatchObject([4, { error: { code: 'malformed' } }]);
});

test('what is no day, and two logs at once, are told', async () => {
  expect((await limmat('report', 'promises', '--as-of', '2031-02-30')).code).toBe(2);
  const both = await limmat('report', 'promises', '--data', 'a', '--entries', 'b');
  expect([both.code, both.stderr]).toMatchObject([2, expect.stringMatching(/one of --url, --data and --entries/)]);
});
