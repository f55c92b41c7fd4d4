import { exec } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../../tools/support/serve-process.ts';
import { answered, limmatIn, serveIn, workbench } from './workbench.ts';
import type { Served } from './workbench.ts';

const dir = workbench();
const limmat = limmatIn(dir);
const serve = serveIn(dir);

const LISTED = v.array(v.object({ kid: v.string(), role: v.string() }));
const LINE = v.looseObject({});

describe('on the first start', () => {
  let served: Served;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    served = await serve('--init', '--data', 'my data', '--listen', `127.0.0.1:${port}`);
  });
  afterAll(() => served.stop());

  test('a log is made with keys that nobody else can read', () => {
    for (const key of [
      'log.skey',
      'log-mldsa.skey',
      'channel.skey',
      'root.pem',
      'log-statements.pem',
      'submitter.pem',
    ]) {
      expect(statSync(join(dir, 'my data', 'keys', key)).mode & 0o777, key).toBe(0o600);
    }
    expect(served.stdout()).toMatch(/^limmat serves limmat\.invalid\/[0-9a-f]{16} \(3 entries, made just now\)$/m);
    expect(existsSync(join(dir, 'my data.guard'))).toBe(true);
  });

  test('the page is where it says', async () => {
    const [, page] = / {2}page +(\S+)/.exec(served.stdout())!;
    expect(page).toBe(`http://127.0.0.1:${port}/`);
    const response = await fetch(page!);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
  });

  test('the three lines work as they are printed', async () => {
    const lines = served
      .stdout()
      .split('\n')
      .filter((line) => /^ {2}(echo|node|npx|limmat) /.test(line));
    expect(lines).toHaveLength(3);
    const outputs: string[] = [];
    // A shell that finds this Node, as the terminal would in which the server was started.
    for (const line of lines) outputs.push((await promisify(exec)(line, { cwd: dir })).stdout);
    expect(outputs[0]).toContain('added as entry 3: Build of hello 1.0');
    expect(outputs[1]).toContain('verified hello.txt');
    expect(outputs[2]).toContain('Build of hello 1.0');
  });

  test('a second process on the data is told in one line to talk to the first, where it is', async () => {
    const { code, stdout, stderr } = await limmat('serve', '--data', 'my data', '--listen', '127.0.0.1:0');
    expect(code).toBe(3);
    expect(stderr).toMatch(
      new RegExp(
        `^limmat: another process has .* open: talk to the running log with --url ${served.url}, or stop it first\n$`,
      ),
    );
    expect(stdout).toBe('');
  });

  test('so is one that reads the data', async () => {
    const { code, stderr } = await limmat('fsck', '--data', 'my data');
    expect(code).toBe(3);
    expect(stderr).toContain(`talk to the running log with --url ${served.url}, or stop it first`);
  });

  test('a copy of the data shares the guard, and does not start beside it', async () => {
    cpSync(join(dir, 'my data'), join(dir, 'copy'), { recursive: true });
    const { code, stderr } = await limmat('serve', '--data', 'copy', '--listen', '127.0.0.1:0');
    expect(code).toBe(3);
    expect(stderr).toContain('my data.guard open');
  });

  test('init leaves a log that is there alone', async () => {
    const before = readFileSync(join(dir, 'my data', 'meta.json'), 'utf8');
    const { code, stderr } = await limmat('init', '--data', 'my data', '--origin', 'other.example/log');
    expect(code).toBe(2);
    expect(stderr).toBe('limmat: there is a log in my data already; nothing was changed\n');
    expect(readFileSync(join(dir, 'my data', 'meta.json'), 'utf8')).toBe(before);
  });

  test('a file that is no statement is refused with what to do about it', async () => {
    const refused = await limmat('add', 'hello.txt', '--url', served.url);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toBe(
      'limmat: hello.txt is no signed statement: give --key to sign it, or sign it with "limmat sign"\n',
    );
  });

  test('a key that is let in signs from then on, and one that is revoked signs no more', async () => {
    await limmat('keygen', '--out', 'acme.pem');
    const add = () =>
      limmat(
        ...'add acme.pem --key acme.pem --namespace demo --issuer acme --product p --version 1 --wait sequenced'.split(
          ' ',
        ),
        '--url',
        served.url,
      );
    const data = ['--data', 'my data'];
    const refused = await add();
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/^limmat: .*key [0-9a-f]{64} .*limmat submitter add/);
    const added = await limmat('submitter', 'add', 'acme.pub.pem', '--issuer', 'acme', '--namespace', 'demo', ...data);
    expect(added.stdout).toMatch(/^added ([0-9a-f]{64}) to role submitter-2 of demo: entries 4 and 5$/m);
    expect((await add()).code).toBe(0);
    const list = answered(LISTED, await limmat('submitter', 'list', ...data, '--json'));
    const kid = list.find(({ role }) => role === 'submitter-2')!.kid;
    expect((await limmat('submitter', 'remove', kid.slice(0, 12), ...data)).stdout).toBe(
      `removed ${kid} from demo: entry 7\n`,
    );
    expect(await add()).toMatchObject({ code: 4, stderr: expect.stringContaining(`${kid}, dead since entry 7`) });
    expect(await limmat('submitter', 'remove', kid.slice(0, 12), ...data)).toMatchObject({ code: 2 });
  });

  test('without its root key nothing is decided, and one line says so', async () => {
    const root = join(dir, 'my data', 'keys', 'root.pem');
    renameSync(root, join(dir, 'root.pem'));
    const add = (...more: readonly string[]) =>
      limmat(
        'submitter',
        'add',
        'acme.pub.pem',
        '--issuer',
        'demo',
        '--namespace',
        'demo',
        '--data',
        'my data',
        ...more,
      );
    await limmat('keygen', '--out', 'other.pem');
    const { code, stderr } = await limmat(
      ...'submitter add other.pub.pem --issuer demo --namespace demo --data'.split(' '),
      'my data',
    );
    expect([code, stderr]).toEqual([
      2,
      `limmat: the root key is not in ${root}: say where one is with --root-key FILE\n`,
    ]);
    expect((await add('--root-key', 'root.pem')).stderr).toContain('is dead in demo since entry 7');
  });

  test('the logs have request ids and codes, and neither keys nor bodies', async () => {
    await fetch(`${served.url}/api/v1/entries/999`, { headers: { 'X-Request-Id': 'from-the-test' } });
    await fetch(`${served.url}/api/v1/batch`, { method: 'POST', body: 'a-secret-body' });
    await sleep(100);
    const lines = served
      .stderr()
      .trimEnd()
      .split('\n')
      .map((line) => v.parse(LINE, JSON.parse(line)));
    expect(lines.find(({ requestId }) => requestId === 'from-the-test')).toMatchObject({
      status: 404,
      code: 'not-found',
      path: '/api/v1/entries/999',
    });
    expect(lines.find(({ status }) => status === 415)).toMatchObject({ method: 'POST', requestId: expect.any(String) });
    expect(served.stderr()).not.toContain('a-secret-body');
    expect(served.stderr()).not.toContain('PRIVATE');
  });

  test('SIGTERM publishes what was taken and ends with code 0', async () => {
    expect(await served.stop()).toBe(0);
    expect(served.stderr()).toContain('"msg":"stopped"');
    expect(existsSync(join(dir, 'my data', 'admin.json'))).toBe(false);
    const { code, stdout } = await limmat('fsck', '--data', 'my data');
    expect(stdout).toContain('clean');
    expect(code).toBe(0);
  });
});
