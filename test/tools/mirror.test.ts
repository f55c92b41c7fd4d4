import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { toHex, utf8 } from '../../src/bytes.ts';
import { formatTilePath, tilesForSize, bundlesForSize } from '../../src/merkle/tile.ts';
import { parseMirrorConfig, MIRROR_KEY_NAMES, mirrorTemplate } from '../../src/node/mirror/config.ts';
import { startLyingLog } from '../../tools/misbehave/lying-log.ts';
import type { LyingLog } from '../../tools/misbehave/lying-log.ts';
import type { LieName } from '../../tools/misbehave/modes.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { limmat } from '../support/run-limmat.ts';
import { tableRows } from '../support/markdown.ts';
import { answered, workbench } from './workbench.ts';

const LAUNCHER = fileURLToPath(new URL('../../tools/limmat.mjs', import.meta.url));
const dir = workbench();
// In this process, which is faster by the start of one; paths are relative all the same.
const home = process.cwd();
beforeAll(() => process.chdir(dir));
afterAll(() => process.chdir(home));
const mirror = (...args: readonly string[]) => limmat('mirror', ...args);

const LOG = v.looseObject({
  origin: v.string(),
  originHash: v.string(),
  size: v.optional(v.number()),
  lag: v.number(),
  stopped: v.optional(v.string()),
  contradictions: v.number(),
  trouble: v.optional(v.looseObject({ code: v.string() })),
});
const REPORT = v.looseObject({ name: v.string(), vkeys: v.array(v.string()), logs: v.array(LOG) });

/** A log that will tell this lie, and its list in a file. */
async function lying(mode: LieName, name: string, leaves?: readonly Uint8Array[]): Promise<LyingLog> {
  const log = await startLyingLog({ mode, ...(leaves === undefined ? { size: 300 } : { leaves }) });
  writeFileSync(join(dir, `${name}.txt`), log.trustFile);
  return log;
}

describe('a mirror of a log', () => {
  let log: LyingLog;
  beforeAll(async () => {
    log = await lying('fork', 'plain');
  });
  afterAll(() => log.close());

  test('does not begin anew with keys that came back alone', async () => {
    expect((await mirror('--data', 'lost', '--init', '--once', '--trust', 'plain.txt')).code).toBe(0);
    rmSync(join(dir, 'lost.guard'), { recursive: true });
    for (const gone of ['nothing', 'logs', 'mirror.toml']) {
      rmSync(join(dir, 'lost', gone), { recursive: true, force: true });
      const { code, stdout, stderr } = await mirror('--data', 'lost', '--init', '--once', '--trust', 'plain.txt');
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(
        /^limmat: there is no \S+lost\.guard, so what the mirror in \S+lost has signed is not known/u,
      );
      expect(readdirSync(dir)).not.toContain('lost.guard');
    }
  });

  test('goes on with the keys of an interrupted first try', async () => {
    const init = ['--data', 'begun', '--init', '--once', '--json', '--trust', 'plain.txt'];
    const first = v.parse(REPORT, JSON.parse((await mirror(...init)).stdout));
    expect(readdirSync(join(dir, 'begun')).toSorted()).toEqual([
      'logs',
      'mirror.mldsa.skey',
      'mirror.skey',
      'mirror.toml',
    ]);
    // As it is between the keys and the settings.
    for (const gone of ['begun.guard', 'begun/logs', 'begun/mirror.toml']) rmSync(join(dir, gone), { recursive: true });
    writeFileSync(join(dir, 'begun', 'unused-keys'), '');
    const again = v.parse(REPORT, JSON.parse((await mirror(...init)).stdout));
    expect(again.vkeys).toEqual(first.vkeys);
    expect(readdirSync(join(dir, 'begun'))).not.toContain('unused-keys');
  });

  test('is made with keys of its own, and copies the log', async () => {
    const { code, stdout } = await mirror('--init', '--once', '--trust', 'plain.txt', '--name', 'mirror.example/a');
    expect(stdout).toBe(`limmat mirror mirror.example/a\n${log.origin}  300 entries\n`);
    expect(code).toBe(0);
    expect(statSync(join(dir, 'mirror', 'mirror.skey')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'mirror', 'mirror.mldsa.skey')).mode & 0o777).toBe(0o600);
    expect(parseMirrorConfig(readFileSync(join(dir, 'mirror', 'mirror.toml'), 'utf8'))).toEqual({
      trust: [join(dir, 'plain.txt')],
    });
    await log.grow(10);
    const report = answered(REPORT, await mirror('--once', '--json'));
    expect(report).toMatchObject({ name: 'mirror.example/a', logs: [{ size: 310, lag: 0 }] });
    expect(report.vkeys.map((vkey) => vkey.split('+')[0])).toEqual(['mirror.example/a', 'mirror.example/a']);
    expect(await mirror('--check')).toMatchObject({ code: 0, stdout: `${log.origin}  310 entries, clean\n` });
  });

  test('refuses names, keys and directories of others', async () => {
    const named = await mirror('--data', 'm2', '--init', '--once', '--trust', 'plain.txt', '--name', log.origin);
    expect(named).toMatchObject({ code: 2 });
    expect(named.stderr).toContain('a name and keys of their own');
    mkdirSync(join(dir, 'other', 'keys'), { recursive: true });
    const other = await mirror('--data', 'other', '--init', '--trust', 'plain.txt', '--once');
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain('holds no mirror: keys');
    mkdirSync(join(dir, 'gone.guard'));
    const gone = await mirror('--data', 'gone', '--init', '--trust', 'plain.txt', '--once');
    expect(gone).toMatchObject({ code: 2 });
    expect(gone.stderr).toContain('what an earlier mirror');
    expect(await mirror('--data', 'nowhere', '--once')).toMatchObject({ code: 2 });
    expect(await mirror('--data', 'm3', '--init')).toMatchObject({ code: 2 });
    expect(await mirror('--once', '--check')).toMatchObject({ code: 2 });
    expect(await mirror('--once', '--name', 'x')).toMatchObject({ code: 2 });
    expect(await mirror('--once', '--listen', '127.0.0.1:0')).toMatchObject({ code: 2 });
    expect(await mirror('--resume', 'log.example/none')).toMatchObject({ code: 2 });
    expect(await mirror('--resume', log.origin)).toMatchObject({ code: 2 });
  });

  test('is found damaged where a byte of it is another, and mended by fetching it anew', async () => {
    const [hash = ''] = readdirSync(join(dir, 'mirror', 'logs'));
    const entries = join(dir, 'mirror', 'logs', hash, 'entries');
    const [segment = ''] = readdirSync(entries);
    const bytes = readFileSync(join(entries, segment));
    bytes[1000] = bytes[1000]! ^ 1;
    writeFileSync(join(entries, segment), bytes);
    const checked = await mirror('--check');
    expect(checked.code).toBe(4);
    expect(checked.stdout).toContain('tile/0/000');
    rmSync(join(dir, 'mirror', 'logs', hash), { recursive: true });
    expect(await mirror('--once')).toMatchObject({ code: 0 });
    expect(await mirror('--check')).toMatchObject({ code: 0 });
  });

  test('serves the log’s bytes, and says how it stands', async () => {
    const other = await mirror('--data', 'served', '--init', '--once', '--trust', 'plain.txt');
    expect(other.code).toBe(0);
    const child = run(
      '--data',
      'served',
      '--listen',
      '127.0.0.1:0',
      '--metrics-listen',
      '127.0.0.1:0',
      '--interval',
      '1s',
      '--json',
    );
    try {
      const started = await firstLine(child.stdout);
      const { url, metricsUrl, logs, vkeys } = v.parse(
        v.looseObject({
          url: v.string(),
          metricsUrl: v.string(),
          vkeys: v.array(v.string()),
          logs: v.array(v.looseObject({ copy: v.string() })),
        }),
        JSON.parse(started),
      );
      expect(vkeys).toHaveLength(2);
      const { size } = log.head();
      await sameBytes(log.url, logs[0]!.copy, size);
      const [ours, theirs] = await Promise.all([get(`${logs[0]!.copy}checkpoint`), get(`${log.url}/checkpoint`)]);
      expect(ours.text.startsWith(theirs.text.split('\n\n')[0]!)).toBe(true);
      expect((await get(`${url}/`)).text).toContain(`${size} entries mirrored`);
      expect((await get(`${url}/healthz`)).status).toBe(200);
      expect((await get(`${url}/${'0'.repeat(64)}/checkpoint`)).status).toBe(404);
      const metrics = (await get(metricsUrl)).text;
      expect(metrics).toContain(`limmat_mirror_size{origin="${log.origin}"} ${size}`);
      for (const [name = ''] of tableRows('docs/mirror.md', 'name')) {
        expect(metrics).toContain(name.replaceAll('`', ''));
      }
      for (const flag of ['--once', '--check']) {
        const second = await mirror('--data', 'served', flag);
        expect(second).toMatchObject({ code: 3 });
        expect(second.stderr).toContain('another process runs the mirror');
      }
    } finally {
      child.kill('SIGTERM');
      expect(await exitOf(child)).toBe(0);
    }
  }, 60_000);
});

describe('a log that lies', () => {
  const outcomes: readonly (readonly [LieName, number, string])[] = [
    ['fork', 6, 'followed no more'],
    ['rollback', 6, 'went back'],
    ['freeze', 0, ''],
    ['bad-signature', 4, 'bad-note'],
    ['unknown-key', 4, 'log-signature-missing'],
    ['missing-tile', 3, 'not-found'],
    ['bit-flip', 4, 'bad-tile'],
    ['truncate', 3, 'bad-response'],
    ['oversize', 3, 'bad-response'],
    ['reorder', 4, 'bad-tile'],
  ];
  test.each(outcomes)(
    'as %s ends with exit code %i, and the copy stays good',
    async (mode, exitCode, said) => {
      const log = await lying(mode, mode);
      try {
        const args = ['--data', `m-${mode}`, '--once'];
        expect(await mirror(...args, '--init', '--trust', `${mode}.txt`)).toMatchObject({ code: 0 });
        await log.lie();
        await log.grow(50);
        const { code, stdout } = await mirror(...args);
        expect([stdout, code]).toEqual([expect.stringContaining(said), exitCode]);
        expect(await mirror('--data', `m-${mode}`, '--check')).toMatchObject({ code: 0 });
        if (exitCode !== 6) return;
        const { logs } = answered(REPORT, await mirror(...args, '--json'));
        expect(logs[0]).toMatchObject({ size: 300, contradictions: 1, trouble: { code: 'fork' } });
        const resumed = await mirror('--data', `m-${mode}`, '--resume', log.origin);
        expect(resumed).toMatchObject({ code: 0 });
        expect(await mirror(...args)).toMatchObject({ code: 6 });
      } finally {
        await log.close();
      }
    },
    60_000,
  );
});

describe('limmat mirror push', () => {
  test('brings a mirror up to a log that it cannot read itself', async () => {
    const log = await lying('fork', 'pushed', numbered(0));
    const keys = log.vkeys.flatMap((vkey) => ['--key', vkey]);
    const address = ['--url', 'http://127.0.0.1:9/', '--listen', '127.0.0.1:0'];
    const child = run('--init', '--data', 'pushed', '--interval', '1s', '--json', ...address, ...keys);
    try {
      const START = v.looseObject({ url: v.string(), vkeys: v.array(v.string()), fingerprint: v.string() });
      const { url, vkeys, fingerprint } = v.parse(START, JSON.parse(await firstLine(child.stdout)));
      expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
      const mirrorKeys = vkeys.flatMap((vkey) => ['--mirror-key', vkey]);
      const args = ['push', '--url', log.url, '--to', url, '--trust', 'pushed.txt', '--json', ...mirrorKeys];
      const pushed = await mirror(...args);
      expect(pushed).toMatchObject({ code: 0, stderr: '' });
      const { size, cosignatures } = v.parse(
        v.looseObject({ size: v.number(), cosignatures: v.array(v.string()) }),
        JSON.parse(pushed.stdout),
      );
      expect([size, cosignatures.length]).toEqual([20_000, 2]);
      await log.grow(300);
      expect(await mirror(...args)).toMatchObject({ code: 0 });
      const { logs } = v.parse(REPORT, JSON.parse((await get(`${url}/api/v1/mirror`)).text));
      expect(logs[0]).toMatchObject({ size: 20_300, lag: 0, trouble: { code: 'network' } });
      await sameBytes(log.url, `${url}/${logs[0]!.originHash}/`, 20_300);
      // A body that nobody reads to its end: the answer comes all the same.
      const stray = await fetch(`${url}/add-entries`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/octet-stream' },
        body: new Uint8Array(4 * 1024 * 1024),
      });
      expect(stray.status).toBe(404);
      expect(await mirror('push', '--url', log.url, '--to', url)).toMatchObject({ code: 2 });
    } finally {
      child.kill('SIGTERM');
      expect(await exitOf(child)).toBe(0);
      await log.close();
    }
  }, 60_000);
});

const KILLS = process.env['LIMMAT_LONG'] === undefined ? 2 : 20;

describe('a mirror that is killed', () => {
  test('at any moment goes on from what is durable, and ends with the log’s bytes', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    const log = await lying('fork', 'killed', numbered(0));
    for (const from of [20_000, 40_000]) await log.append(numbered(from));
    try {
      expect(await mirror('--data', 'killed', '--init', '--check', '--trust', 'killed.txt')).toMatchObject({ code: 0 });
      for (let i = 0; i < KILLS; i++) {
        const child = run('--data', 'killed', '--once');
        const exited = exitOf(child);
        await sleep(300 + random() * 900);
        child.kill('SIGKILL');
        await exited;
      }
      const checked = await mirror('--data', 'killed', '--check', '--json');
      expect([0, 3], `seed ${seed}: ${checked.stdout}`).toContain(checked.code);
      const { logs } = answered(REPORT, await mirror('--data', 'killed', '--once', '--json'));
      expect(logs[0], `seed ${seed}`).toMatchObject({ size: 60_000, lag: 0 });
      expect(await mirror('--data', 'killed', '--check')).toMatchObject({ code: 0 });
    } finally {
      await log.close();
    }
  }, 120_000);
});

describe('mirror.toml', () => {
  test('has the keys that docs/mirror.md lists, with their defaults', () => {
    const rows = tableRows('docs/mirror.md', 'key').map(([key = '']) => key.replaceAll('`', ''));
    expect(rows.toSorted()).toEqual([...MIRROR_KEY_NAMES].toSorted());
    const template = mirrorTemplate({ trust: ['a.txt'], url: undefined });
    for (const key of MIRROR_KEY_NAMES) expect(template).toMatch(new RegExp(`^(?:# )?${key} = `, 'm'));
    expect(parseMirrorConfig(template.replaceAll(/^# (?=[a-z-]+ = )/gm, ''))).toMatchObject({ interval: 10_000 });
  });

  test('is read strictly', () => {
    expect(() => parseMirrorConfig('intervall = "1s"')).toThrow(/interval/);
    expect(() => parseMirrorConfig('interval = "10ms"')).toThrow(/at least 1s/);
    expect(() => parseMirrorConfig('trust = []')).toThrow(/at least one log list/);
  });
});

/** 20,000 entries of about 220 bytes. */
function numbered(from: number): Uint8Array[] {
  return Array.from({ length: 20_000 }, (_, i) => utf8(`entry ${from + i} `.repeat(20)));
}

function run(...args: readonly string[]) {
  return spawn(process.execPath, [LAUNCHER, 'mirror', ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
}

async function exitOf(child: ReturnType<typeof run>): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code]: (number | null)[] = await once(child, 'exit');
  return code ?? null;
}

async function firstLine(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('\n')) return text.split('\n')[0]!;
  }
  throw new Error('it said nothing');
}

async function get(url: string): Promise<{ status: number; text: string; hex: string }> {
  const response = await fetch(url);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, text: new TextDecoder().decode(bytes), hex: toHex(bytes) };
}

/** Every tile and bundle of the tree, from the log and from the copy. */
async function sameBytes(logUrl: string, copyUrl: string, size: number): Promise<void> {
  for (const path of [...tilesForSize(size), ...bundlesForSize(size)].map(formatTilePath)) {
    const [theirs, ours] = await Promise.all([get(`${logUrl}/${path}`), get(`${copyUrl}${path}`)]);
    expect([path, ours.status, ours.hex]).toEqual([path, 200, theirs.hex]);
  }
}
