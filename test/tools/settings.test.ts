import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

import * as v from 'valibot';
import { beforeAll, describe, expect, test } from 'vitest';

import { parseTrust } from '../../src/client/trust.ts';
import { freePort } from '../../tools/support/serve-process.ts';
import { answered, limmatHere, limmatIn, serveIn, workbench } from './workbench.ts';

const dir = workbench();
const limmat = limmatHere(dir);
const serve = serveIn(dir);

const MADE = v.object({ vkeys: v.tuple([v.string(), v.string()]) });

describe('init', () => {
  test('says how to run the log, in words that a shell takes', async () => {
    const { code, stdout } = await limmatIn(dir)('init', '--data', 'a log');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Run it with: node \S+limmat\.mjs serve --data 'a log'$/m);
  });

  test('leaves a directory alone that holds something else', async () => {
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    for (const command of [['init'], ['serve', '--init']]) {
      const { code, stderr } = await limmat(...command, '--data', '.');
      expect(stderr).toMatch(/^limmat: \. is not empty and holds no log: .*notes\.txt.*--data\n$/);
      expect(code).toBe(2);
    }
    expect(existsSync(join(dir, 'keys'))).toBe(false);
  });
});

describe('settings', () => {
  beforeAll(async () => {
    expect((await limmat('init', '--data', 'set', '--origin', 'log.example/1')).code).toBe(0);
  });

  test('limmat.toml is obeyed, and flags override it', async () => {
    writeFileSync(
      join(dir, 'set', 'limmat.toml'),
      'listen = "127.0.0.1:1"\nmetrics-listen = "127.0.0.1:0"\nlog-level = "silent"\n',
    );
    const served = await serve('--data', 'set', '--listen', '127.0.0.1:0');
    const [, metricsUrl] = / {2}metrics +(\S+)/.exec(served.stdout())!;
    expect(await (await fetch(metricsUrl!)).text()).toContain('limmat_tree_size 3');
    // Metrics and the log are two listeners: neither answers for the other.
    expect((await fetch(`${served.url}/metrics`)).status).toBe(404);
    expect((await fetch(metricsUrl!.replace('/metrics', '/checkpoint'))).status).toBe(404);
    expect(await served.stop()).toBe(0);
    expect(served.stderr()).toBe('');
  });

  const refused: readonly (readonly [what: string, args: readonly string[], toml: string, line: string])[] = [
    ['an unknown key', [], 'lissten = "x"', 'limmat.toml: unknown key "lissten": did you mean listen?'],
    ['another origin', ['--origin', 'log.example/2'], '', 'has the origin "log.example/1", not "log.example/2"'],
    [
      'another origin in limmat.toml',
      [],
      'origin = "log.example/3"',
      'has the origin "log.example/1", not "log.example/3"',
    ],
    ['another admission', ['--admission', 'open'], '', 'has the admission "records", not "open"'],
  ];
  test.each(refused)('%s is refused', async (_, args, toml, line) => {
    writeFileSync(join(dir, 'set', 'limmat.toml'), toml);
    const { code, stderr } = await limmat('serve', '--data', 'set', '--listen', '127.0.0.1:0', ...args);
    expect(stderr).toContain(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
    writeFileSync(join(dir, 'set', 'limmat.toml'), '');
  });

  test('a port that is taken is one line that names --listen', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const { code, stderr } = await limmat(
      'serve',
      '--data',
      'set',
      '--listen',
      `127.0.0.1:${port}`,
      '--log-level',
      'silent',
    );
    expect(stderr).toBe(
      `limmat: something listens on 127.0.0.1:${port} already: choose another with --listen HOST:PORT\n`,
    );
    expect(code).toBe(3);
    other.close();
  });

  test("a log's key that others can read stops it", async () => {
    const key = join(dir, 'set', 'keys', 'log.skey');
    chmodSync(key, 0o644);
    const { code, stderr } = await limmat('serve', '--data', 'set', '--listen', '127.0.0.1:0');
    expect(stderr).toMatch(/^limmat: key file .*log\.skey has mode 0644, .*: chmod 600 .*\n$/);
    expect(code).toBe(2);
    chmodSync(key, 0o600);
  });

  test("a log's key may be in the environment, or behind a command", async () => {
    const meta = answered(MADE, await limmat('init', '--data', 'hsm', '--json'));
    const key = join(dir, 'hsm', 'keys', 'log.skey');
    const signer = join(dir, 'sign-note.mjs');
    writeFileSync(
      signer,
      `import { createPrivateKey, sign } from 'node:crypto';
      import { readFileSync } from 'node:fs';
      const seed = Buffer.from(readFileSync(process.argv[2], 'utf8').trim().split('+').slice(4).join('+'), 'base64').subarray(1);
      const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
      process.stdout.write(sign(null, readFileSync(0), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })));`,
    );
    const command = `exec:'${process.execPath}' '${signer}' '${key}'`;
    writeFileSync(
      join(dir, 'hsm', 'limmat.toml'),
      `note-key = ${JSON.stringify(command)}\nnote-vkey = "${meta.vkeys[0]}"\nhead-key = "env:LIMMAT_HEAD"\n`,
    );
    process.env['LIMMAT_HEAD'] = readFileSync(join(dir, 'hsm', 'keys', 'log-mldsa.skey'), 'utf8');
    try {
      const served = await serve('--data', 'hsm', '--listen', '127.0.0.1:0');
      expect(await (await fetch(`${served.url}/checkpoint`)).text()).toContain('limmat.invalid/');
      expect(await served.stop()).toBe(0);
    } finally {
      delete process.env['LIMMAT_HEAD'];
    }
  });
});

describe('making a log', () => {
  test('serve does not make one unasked', async () => {
    const { code, stderr } = await limmat('serve', '--data', 'mistyped');
    expect(stderr).toBe('limmat: there is no log in mistyped: add --init to make one, or name another with --data\n');
    expect(code).toBe(2);
    expect(existsSync(join(dir, 'mistyped'))).toBe(false);
  });

  test.each([
    ['--issuer', 'a\u0007bell'],
    ['--namespace', 'Not A Namespace'],
    ['--origin', 'with space'],
  ])('%s %j is refused before anything is made', async (option, value) => {
    const { code, stderr } = await limmat('init', '--data', 'refused', option, value);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
    expect(existsSync(join(dir, 'refused', 'meta.json'))).toBe(false);
    expect(existsSync(join(dir, 'refused', 'keys', 'log.skey'))).toBe(false);
  });

  test('an issuer may be a name with spaces', async () => {
    expect((await limmat('init', '--data', 'spaced', '--issuer', 'Acme Security AG')).code).toBe(0);
    expect(() => parseTrust(readFileSync(join(dir, 'spaced', 'trust.txt')))).not.toThrow();
  });

  test('an interrupted start is taken up again with the same keys', async () => {
    const first = answered(MADE, await limmat('init', '--data', 'cut', '--json'));
    // All that is missing when the last step did not happen.
    const meta = join(dir, 'cut', 'meta.json');
    rmSync(meta);
    const second = answered(MADE, await limmat('init', '--data', 'cut', '--json'));
    expect(second.vkeys).toEqual(first.vkeys);
  });

  test('the guard of a log whose data is gone stops a new one in its place', async () => {
    const served = await serve(
      '--data',
      'gone',
      '--init',
      '--listen',
      '127.0.0.1:0',
      '--admission',
      'open',
      '--checkpoint-interval',
      '50ms',
    );
    await fetch(`${served.url}/add?wait=published`, { method: 'POST', body: 'anything' });
    await served.stop();
    rmSync(join(dir, 'gone'), { recursive: true });
    const { code, stderr } = await limmat('init', '--data', 'gone');
    expect(stderr).toMatch(
      /gone\.guard is the guard of limmat\.invalid\/[0-9a-f]{16}, which signed a tree of 1 entries/,
    );
    expect(code).toBe(3);
  });
});
