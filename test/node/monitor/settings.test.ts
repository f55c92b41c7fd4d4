import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { DEFAULT_LIMITS } from '../../../src/monitor/limits.ts';
import { parseMonitorConfig } from '../../../src/node/monitor/config.ts';
import { createMonitor, monitorPaths, readMonitorKey } from '../../../src/node/monitor/data.ts';
import { progressLog } from '../../../src/node/monitor/progress-log.ts';
import { hooksOf, limitsOf, readMonitorSettings, silenceRuleOf } from '../../../src/node/monitor/settings.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { temporaryDirectory } from '../../support/data-log.ts';
import { fixedSigner } from '../../support/served-log.ts';

describe('a new directory', () => {
  test('has a key of its own that nobody else can read, under a name that nobody else has', () => {
    const [one, other] = ['one', 'other'].map((name) => {
      const dir = join(temporaryDirectory(), name);
      createMonitor({ dir, trust: ['logs.txt'], list: 'log x\n' }, nodeCrypto);
      return monitorPaths(dir);
    });
    expect(statSync(one!.root).mode & 0o777).toBe(0o700);
    expect(statSync(one!.key).mode & 0o777).toBe(0o600);
    expect(readFileSync(one!.list, 'utf8')).toBe('log x\n');
    const names = [one!, other!].map((paths) => readMonitorKey(paths, nodeCrypto).name);
    expect(names[0]).toMatch(/^limmat\.invalid\/monitor\/[0-9a-f]{16}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  test('keeps the key of an interrupted first try, and settings that were there before', () => {
    const dir = join(temporaryDirectory(), 'm');
    mkdirSync(dir);
    writeFileSync(join(dir, 'monitor.toml'), 'failures = 7\n');
    createMonitor({ dir, trust: ['a'], name: 'monitor.example/m' }, nodeCrypto);
    const key = readFileSync(join(dir, 'monitor.skey'), 'utf8');
    createMonitor({ dir, trust: ['b'], name: 'monitor.example/other' }, nodeCrypto);
    expect(readFileSync(join(dir, 'monitor.skey'), 'utf8')).toBe(key);
    expect(readMonitorKey(monitorPaths(dir), nodeCrypto).name).toBe('monitor.example/m');
    expect(readMonitorSettings(dir, { failures: undefined, interval: 5_000 }).config).toEqual({
      failures: 7,
      interval: 5_000,
    });
  });

  test('is not made where something else lives', () => {
    const dir = temporaryDirectory();
    writeFileSync(join(dir, 'thesis.txt'), 'mine');
    expect(() => createMonitor({ dir, trust: [] }, nodeCrypto)).toThrow(/holds no monitor: thesis\.txt/);
    expect(existsSync(join(dir, 'monitor.skey'))).toBe(false);
  });
});

const vkeys = ['a', 'b', 'c'].map((name) => fixedSigner(`${name}.example/m`, SIGNATURE_TYPE.ed25519).vkey);
const peers = (count: number, more = '') =>
  parseMonitorConfig(
    `${more}\n${vkeys
      .slice(0, count)
      .map((key) => `[[peer]]\nkey = "${key}"\n`)
      .join('')}`,
  );

test('half of the peers have to be heard unless the settings say it', () => {
  expect(silenceRuleOf(peers(0))).toBeUndefined();
  expect(silenceRuleOf(peers(3))).toEqual({ needed: 2, withinSeconds: 900 });
  expect(silenceRuleOf(peers(3, 'peers-needed = 0'))).toBeUndefined();
  expect(silenceRuleOf(peers(3, 'peers-needed = 3\npeers-within = "5min"'))).toEqual({ needed: 3, withinSeconds: 300 });
  expect(() => silenceRuleOf(peers(1, 'peers-needed = 2'))).toThrow(/peers-needed is 2, and monitor\.toml names 1/);
});

test('the limits are the defaults where the settings say nothing', () => {
  expect(limitsOf({})).toEqual(DEFAULT_LIMITS);
  expect(limitsOf(parseMonitorConfig('max-age = "10min"\ngrace = "1d"\nfailures = 1'))).toEqual({
    ...DEFAULT_LIMITS,
    maxAgeSeconds: 600,
    graceSeconds: 86_400,
    failures: 1,
  });
});

/** The names of the hooks of these settings. */
const hooks = (toml: string) =>
  hooksOf({ paths: monitorPaths('/nowhere'), config: parseMonitorConfig(toml) }).map(({ name }) => name);

describe('hooks', () => {
  test('are the program and the webhooks of the settings, whose addresses may be in the environment', () => {
    process.env['LIMMAT_TEST_HOOK'] = 'https://hooks.example/T0KEN';
    onTestFinished(() => void delete process.env['LIMMAT_TEST_HOOK']);
    expect(
      hooks(
        'exec = ["./a", "b"]\nwebhook-allow = ["https://hooks.example"]\n[[webhook]]\nurl = "env:LIMMAT_TEST_HOOK"',
      ),
    ).toEqual(['./a', 'https://hooks.example']);
    expect(hooks('')).toEqual([]);
  });

  test('are refused when their address is missing or not allowed', () => {
    expect(() => hooks('[[webhook]]\nurl = "env:LIMMAT_TEST_NONE"')).toThrow(/LIMMAT_TEST_NONE .* is not set/);
    expect(() => hooks('[[webhook]]\nurl = "https://hooks.example/T0KEN"')).toThrow(
      /^a webhook leads to https:\/\/hooks\.example, which is not allowed/,
    );
  });
});

test('a long catch-up is in the log every five seconds, with the rate and the time left', () => {
  const lines: unknown[] = [];
  const time = { millis: 0 };
  const log = progressLog({ info: (facts: unknown) => void lines.push(facts) }, () => time.millis);
  for (let second = 0; second <= 20; second++) {
    time.millis = second * 1000;
    log('a.example', second * 100, 2_000);
  }
  expect(lines).toEqual([
    { origin: 'a.example', done: 500, total: 2_000, backlog: 1_500, perSecond: 100, secondsLeft: 15 },
    { origin: 'a.example', done: 1_000, total: 2_000, backlog: 1_000, perSecond: 100, secondsLeft: 10 },
    { origin: 'a.example', done: 1_500, total: 2_000, backlog: 500, perSecond: 100, secondsLeft: 5 },
    { origin: 'a.example', done: 2_000, total: 2_000, backlog: 0, perSecond: 100, secondsLeft: 0 },
  ]);
});
