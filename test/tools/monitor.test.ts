import {
  appendFileSync,
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { monitorSigner } from '../../src/monitor/monitor-key.ts';
import { parseMonitorConfig } from '../../src/node/monitor/config.ts';
import { limmat } from '../support/run-limmat.ts';
import { ServedLog, numberedEntries } from '../support/served-log.ts';
import { startLyingLog } from '../../tools/misbehave/lying-log.ts';
import type { LyingLog } from '../../tools/misbehave/lying-log.ts';
import type { LieName } from '../../tools/misbehave/modes.ts';
import { answered, serveIn, watchIn, workbench } from './workbench.ts';
import type { Served } from './workbench.ts';

const dir = workbench();
const watch = watchIn(dir);
// In this process, which is faster by the start of one; paths are relative all the same.
const home = process.cwd();
beforeAll(() => process.chdir(dir));
afterAll(() => process.chdir(home));
const monitor = (...args: readonly string[]) => limmat('monitor', ...args);

const ALERT = v.looseObject({
  id: v.string(),
  key: v.string(),
  class: v.string(),
  state: v.string(),
  means: v.string(),
  evidence: v.array(v.string()),
});
const RUN = v.looseObject({
  worst: v.optional(v.string()),
  alerts: v.array(ALERT),
  logs: v.array(v.looseObject({ origin: v.string(), verifiedSize: v.number(), backlog: v.number() })),
  evidence: v.array(v.string()),
});
const EVENT = v.looseObject({ event: v.string(), key: v.optional(v.string()), class: v.optional(v.string()) });

/** A log that will tell this lie, and its list in a file. */
async function lying(mode: LieName, list: string): Promise<LyingLog> {
  const log = await startLyingLog({ mode, size: 40 });
  writeFileSync(join(dir, list), log.trustFile);
  return log;
}

/** What the program told.sh of that monitor was told. */
function told() {
  return readFileSync(join(dir, 'fork', 'told.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => v.parse(ALERT, JSON.parse(line)));
}

/** Waits until it is so, and fails when it is not within ten seconds. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error('it did not come to that');
}

describe('a limmat log that was just started', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serveIn(dir)('--init', '--data', 'data', '--listen', '127.0.0.1:0', '--checkpoint-interval', '50ms');
  });
  afterAll(() => served.stop());

  test('is watched with its trust file and its address, and is clean', async () => {
    const { code, stdout } = await monitor('--init', '--once', '--trust', 'data/trust.txt', '--url', served.url);
    const [line, ...rest] = stdout.split('\n');
    expect(line).toMatch(/^limmat\.invalid\/[0-9a-f]{16}: 3 entries, all checked, signed \d+\.\d s ago$/);
    expect(rest).toEqual(['  3 records judged (1 policy, 1 key-event, 1 log-event): nothing found', 'clean', '']);
    expect(code).toBe(0);
    expect(statSync(join(dir, 'monitor', 'monitor.skey')).mode & 0o777).toBe(0o600);
    const { trust, url } = parseMonitorConfig(readFileSync(join(dir, 'monitor', 'monitor.toml'), 'utf8'));
    expect([trust, url]).toEqual([[join(dir, 'data', 'trust.txt')], `${served.url}/`]);
  });

  test('goes on being watched from what is remembered, without any option', async () => {
    writeFileSync(join(dir, 'hello.txt'), 'hello');
    const added = await limmat(
      ...'add hello.txt --key data/keys/submitter.pem --namespace demo --product hello --version 1.0 --url'.split(' '),
      served.url,
    );
    expect(added.code).toBe(0);
    const run = answered(RUN, await monitor('--once', '--json'));
    expect(run).toMatchObject({ logs: [{ verifiedSize: 4, backlog: 0 }], alerts: [], evidence: [] });
    expect(run.worst).toBeUndefined();
    const status = await monitor('status');
    expect(status.stdout).toContain('4 entries, all checked');
    // Peers need it, and whoever runs rounds from cron never sees a page.
    const { vkey } = answered(v.looseObject({ vkey: v.string() }), await monitor('status', '--json'));
    expect(status.stdout).toContain(`the key of this monitor, for its peers: ${vkey}\n`);
    expect(status.stdout).toContain('the monitor is not running: this is what it remembers');
    expect(status.code).toBe(0);
  });

  test('is not begun to be watched anew by accident', async () => {
    const again = await monitor('--init', '--once', '--trust', 'data/trust.txt', '--url', served.url);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/has begun already, and goes on from what it remembers: leave --init out\n$/);
    const absent = await monitor('--once', '--data', 'nowhere');
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('there is no monitor in nowhere: add --init');
    expect(existsSync(join(dir, 'nowhere'))).toBe(false);
  });

  test('has a monitor that refuses to go on without its memory', async () => {
    const begun = await monitor(
      '--init',
      '--once',
      '--data',
      'forgetful',
      '--trust',
      'data/trust.txt',
      '--url',
      served.url,
    );
    expect(begun.code).toBe(0);
    rmSync(join(dir, 'forgetful', 'monitor.json'));
    const { code, stderr } = await monitor('--once', '--data', 'forgetful');
    expect([code, stderr]).toEqual([3, 'limmat: this monitor has no state: put it back, or begin anew with --init\n']);
  });
});

describe('on the command line', () => {
  const refused: readonly (readonly [what: string, args: readonly string[], says: string])[] = [
    ['nobody to watch', ['--init', '--data', 'new'], 'say whom to watch: --trust FILE, or --key VKEY'],
    ['a list that is not there', ['--init', '--data', 'new', '--trust', 'no.txt'], 'cannot read the log list'],
    ['a list that is none', ['--init', '--data', 'new', '--trust', 'bad.txt'], 'bad.txt: line 1'],
    ['a key that is none', ['--init', '--data', 'new', '--key', 'x'], 'key'],
    ['a key without --init', ['--key', 'x'], '--key and --name are for --init'],
    ['a listener with --once', ['--once', '--listen', '127.0.0.1:0'], 'with --once nothing listens'],
    ['an interval that is none', ['--interval', 'soon'], 'must be a time like'],
    ['a directory with other things in it', ['--init', '--data', '.', '--trust', 'data/trust.txt'], 'holds no monitor'],
    ['an unknown subcommand', ['akc'], 'unknown command \'akc\': "limmat monitor" has status, ack, self-test'],
    ['an unknown subcommand that asks for help', ['serve', '--help'], "unknown command 'serve'"],
  ];
  test.each(refused)('%s is refused in one line, and nothing is made', async (_, args, says) => {
    writeFileSync(join(dir, 'bad.txt'), 'nonsense\n');
    const { code, stdout, stderr } = await monitor(...args);
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([2, '']);
    expect(existsSync(join(dir, 'new'))).toBe(false);
  });
});

describe('a log that forks', () => {
  let log: LyingLog;
  beforeAll(async () => {
    log = await lying('fork', 'fork.txt');
    expect((await monitor('--init', '--once', '--data', 'fork', '--trust', 'fork.txt')).code).toBe(0);
    // A program that is told, and keeps what it was told.
    writeFileSync(join(dir, 'fork', 'told.sh'), '#!/bin/sh\ncat >> told.jsonl\necho >> told.jsonl\n');
    chmodSync(join(dir, 'fork', 'told.sh'), 0o700);
    const settings = readFileSync(join(dir, 'fork', 'monitor.toml'), 'utf8');
    writeFileSync(join(dir, 'fork', 'monitor.toml'), `exec = ["./told.sh"]\n${settings}`);
    await log.grow(10);
    await log.lie({ at: 7 });
  });
  afterAll(() => log.close());

  let file: string;

  test('is convicted: exit code 6, an alert in words, and a file that verifies with nothing but the keys', async () => {
    const { code, stdout } = await monitor('--once', '--data', 'fork');
    expect(code).toBe(6);
    expect(stdout).toContain('it rewrote its past, or showed two histories');
    expect(stdout).toContain(`monitor ack 'fork-prefix ${log.origin}' --data fork`);
    expect(stdout).toMatch(/\n\nnot clean: proof\n$/);
    const [, path] = / {2}evidence {2}(\S+)/.exec(stdout)!;
    file = path!;
    const verified = await limmat('evidence', 'verify', file, '--trust', 'fork.txt');
    expect(verified.code).toBe(6);
  });

  test('is told of once', async () => {
    expect(told()).toMatchObject([{ format: 'limmat/alert/v1', class: 'proof', key: `fork-prefix ${log.origin}` }]);
    const [id] = told()[0]!.evidence;
    expect(file).toContain(id);
    expect((await monitor('--once', '--data', 'fork')).code).toBe(6);
    expect(told()).toHaveLength(1);
  });

  test('counts no more once somebody took note', async () => {
    const wrong = await monitor('ack', 'nothing', '--data', 'fork');
    expect(wrong.stderr).toBe('limmat: there is no alert under the key "nothing"\n');
    expect(wrong.code).toBe(3);
    const taken = await monitor('ack', 'fork-prefix', '--data', 'fork');
    expect(taken.stdout).toContain('taken note of: ');
    expect(taken.code).toBe(0);
    const status = await monitor('status', '--data', 'fork');
    expect(status.stdout).toContain('\nproof acknowledged\n');
    expect(status.code).toBe(0);
    expect((await monitor('--once', '--data', 'fork')).code).toBe(0);
    expect(told()).toHaveLength(1);
  });

  test('is never called clean, nor all checked, by a monitor that stays on its branch', async () => {
    await log.grow(5);
    const run = await monitor('--once', '--data', 'fork');
    expect(run.stdout).toContain(`${log.origin}: 40 entries of one branch, all checked`);
    expect(run.stdout).toContain(
      '\n  the log forked: this monitor stays at 40 entries on its branch and does not follow the other, which the log shows now\n',
    );
    expect(run.stdout).toMatch(/\n\nproof acknowledged\n$/);
    expect(run.stdout).not.toContain('clean');
    const status = await monitor('status', '--data', 'fork');
    expect(status.stdout).toContain('the log forked: this monitor stays at 40 entries on its branch');
    expect(status.stdout).not.toContain('clean');
    const json = answered(RUN, await monitor('--once', '--data', 'fork', '--json'));
    expect(json).toMatchObject({
      acknowledged: 'proof',
      logs: [{ forked: true, elsewhere: true, verifiedSize: 40 }],
    });
    expect(json.worst).toBeUndefined();
  });
});

test('a log that cannot be reached says nothing about itself: exit code 3, and nobody is told at first', async () => {
  const log = await lying('fork', 'gone.txt');
  expect((await monitor('--init', '--once', '--data', 'gone', '--trust', 'gone.txt')).code).toBe(0);
  await log.close();
  const { code, stdout } = await monitor('--once', '--data', 'gone', '--json');
  expect(code).toBe(3);
  const run = v.parse(RUN, JSON.parse(stdout));
  expect(run).toMatchObject({ worst: 'operational', alerts: [] });
  const again = await monitor('--once', '--data', 'gone');
  expect(again.stdout).toMatch(
    /\n\noperational {2}cannot read .*\n {2}It becomes an alert if it lasts\.\n\nnot clean: operational\n$/,
  );
  const third = await monitor('--once', '--data', 'gone');
  expect(third.stdout).toContain(`monitor ack 'unreachable ${log.origin}'`);
  expect((await monitor('status', '--data', 'gone')).code).toBe(3);
});

test('a log with one key needs no list: its vkey and its address do', async () => {
  const log = new ServedLog(numberedEntries(300), 'foreign.example/log');
  const [ed25519] = log.signers;
  await log.publish(0, { signers: [ed25519!] });
  const server = createServer((request, response) => {
    const bytes = log.resource((request.url ?? '').slice(1));
    response.writeHead(bytes === null ? 404 : 200).end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}`;
  const begun = await monitor('--init', '--once', '--data', 'foreign', '--key', ed25519!.vkey, '--url', url, '--json');
  expect(begun.code).toBe(0);
  expect(v.parse(RUN, JSON.parse(begun.stdout))).toMatchObject({ logs: [{ origin: log.origin, verifiedSize: 300 }] });
  expect(readFileSync(join(dir, 'foreign', 'logs.txt'), 'utf8')).toBe(`log ${ed25519!.vkey} ${url}\n`);
  log.entries.push(...numberedEntries(10, 300));
  await log.publish(0, { signers: [ed25519!] });
  const again = await monitor('--once', '--data', 'foreign');
  expect(again.stdout).toContain('foreign.example/log: 310 entries, all checked\nclean\n');
  server.closeAllConnections();
  server.close();
});

describe('as a service', () => {
  let log: LyingLog;
  let served: Served;
  const got: unknown[] = [];
  let refusals = 2;
  const hooks = createServer((request, response) => {
    void text(request).then((body) => {
      response.writeHead(refusals-- > 0 ? 503 : 200).end();
      if (response.statusCode === 200) got.push(JSON.parse(body));
    });
  });

  beforeAll(async () => {
    log = await lying('fork', 'service.txt');
    hooks.listen(0, '127.0.0.1');
    await once(hooks, 'listening');
    const address = hooks.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const origin = `http://127.0.0.1:${address.port}`;
    expect((await monitor('--init', '--once', '--data', 'service', '--trust', 'service.txt')).code).toBe(0);
    const path = join(dir, 'service', 'monitor.toml');
    const settings = `interval = "1s"\nwebhook-allow = ["${origin}"]\n${readFileSync(path, 'utf8')}`;
    writeFileSync(path, `${settings}\n[[webhook]]\nurl = "${origin}/secret"\nprivate = true\n`);
    const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
    served = await watch('--data', 'service', ...listen, '--json');
  });
  afterAll(async () => {
    await served.stop();
    await log.close();
    hooks.closeAllConnections();
    hooks.close();
  });

  const events = () =>
    served
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => v.parse(EVENT, JSON.parse(line)));

  test('says where it is, and is ready after a round', async () => {
    await until(async () => (await fetch(`${served.url}/readyz`)).status === 200);
    expect(events()[0]).toMatchObject({ event: 'start', url: served.url, logs: [{ origin: log.origin }] });
    expect(events()[1]).toMatchObject({ event: 'round', backlog: 0, logs: [{ origin: log.origin, findings: [] }] });
  });

  test('has pages, JSON, gossip and metrics', async () => {
    const page = await (await fetch(`${served.url}/`)).text();
    expect(page).toContain(log.origin);
    const json = v.parse(RUN, await (await fetch(`${served.url}/api/v1/monitor`)).json());
    expect(json.logs).toMatchObject([{ origin: log.origin, verifiedSize: 40, backlog: 0 }]);
    const hash = v.parse(v.object({ originHash: v.string() }), json.logs[0]).originHash;
    const note = await (await fetch(`${served.url}/gossip/v1/${hash}/checkpoint`)).text();
    expect(note.startsWith(`${log.origin}\n40\n`)).toBe(true);
    const { metricsUrl } = v.parse(v.looseObject({ metricsUrl: v.string() }), events()[0]);
    const metrics = await (await fetch(metricsUrl)).text();
    expect(metrics).toContain(`limmat_monitor_verified_entries{origin="${log.origin}"} 40\n`);
    expect((await fetch(`${served.url}/metrics`)).status).toBe(404);
  });

  test('is asked by status, and keeps others off its directory', async () => {
    const status = await monitor('status', '--data', 'service', '--json');
    expect(answered(v.looseObject({ running: v.boolean() }), status)).toMatchObject({ running: true, alerts: [] });
    const other = await monitor('--once', '--data', 'service');
    expect(other.stderr).toBe(
      `limmat: another process runs the monitor in ${join(dir, 'service')}, at ${served.url}: stop it first\n`,
    );
    expect(other.code).toBe(3);
  });

  test('reads its lists again, and says what changed', async () => {
    const second = await startLyingLog({ mode: 'fork', size: 5, origin: 'second.example/log' });
    writeFileSync(join(dir, 'service.txt'), `${log.trustFile}${second.trustFile.replaceAll(/^quorum .*$/gm, '')}`);
    await until(() => events().some(({ key }) => key === 'log-added second.example/log'));
    writeFileSync(join(dir, 'service.txt'), 'half an edit');
    await until(() => served.stderr().includes('the lists before stay in force'));
    writeFileSync(join(dir, 'service.txt'), log.trustFile);
    await until(() => events().some(({ key }) => key === 'log-removed second.example/log'));
    await second.close();
  });

  test('says what is wrong as soon as it knows, to everybody, until somebody took note', async () => {
    await log.grow(10);
    await log.lie({ at: 7 });
    const key = `fork-prefix ${log.origin}`;
    await until(() => events().some((event) => event.event === 'alert' && event.key === key));
    // The webhook refused twice; what it took at last it got once.
    await until(() => got.length > 2);
    const mine = got.map((item) => v.parse(ALERT, item)).filter((alert) => alert.key === key);
    expect(mine).toHaveLength(1);
    const [id] = mine[0]!.evidence;
    expect(readdirSync(join(dir, 'service', 'evidence'))).toContain(`${id}.json`);
    const page = await (await fetch(`${served.url}/evidence/${id}`)).text();
    expect(page).toContain('Why this cannot all be true');
    const file = await (await fetch(`${served.url}/gossip/v1/evidence/${id}`)).text();
    writeFileSync(join(dir, 'fetched.json'), file);
    expect((await limmat('evidence', 'verify', 'fetched.json', '--trust', 'service.txt')).code).toBe(6);
    expect((await monitor('status', '--data', 'service')).code).toBe(6);
    expect((await monitor('ack', ...key.split(' '), '--data', 'service')).code).toBe(0);
    expect((await monitor('status', '--data', 'service')).code).toBe(0);
    expect(events().filter((event) => event.event === 'alert' && event.key === key)).toHaveLength(1);
  });

  test('ends at once and in order at a SIGTERM, and says no secret anywhere', async () => {
    const startedAt = performance.now();
    expect(await served.stop()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(served.stderr()).toContain('"msg":"stopped"');
    expect(existsSync(join(dir, 'service', 'admin.json'))).toBe(false);
    for (const said of [served.stdout(), served.stderr()]) expect(said).not.toMatch(/secret|PRIVATE/);
    expect((await monitor('--once', '--data', 'service')).code).toBe(0);
  });
});

test('two monitors that were shown two histories convict the log by gossip, each with a file of its own', async () => {
  const log = await lying('targeted', 'here.txt');
  const elsewhere = log.trustFile.replaceAll(`${log.url}/`, `${log.urlFor('victim')}/`);
  writeFileSync(join(dir, 'there.txt'), elsewhere);
  const vkeyOf = (name: string) =>
    monitorSigner(readFileSync(join(dir, name, 'monitor.skey'), 'utf8').trim(), nodeCrypto).vkey;
  for (const name of ['here', 'there']) {
    expect((await monitor('--init', '--once', '--data', name, '--trust', `${name}.txt`)).code).toBe(0);
  }
  const peer = (name: string, url?: string) =>
    appendFileSync(
      join(dir, name === 'here' ? 'there' : 'here', 'monitor.toml'),
      `\n[[peer]]\nkey = "${vkeyOf(name)}"\noperator = "${name} AG"\n${url === undefined ? '' : `url = "${url}"\n`}`,
    );
  // It only calls in, as behind NAT.
  peer('there');
  const served = await watch('--data', 'here', '--listen', '127.0.0.1:0', '--interval', '1s');
  try {
    peer('here', served.url);
    await log.lie({ at: 7 });
    await log.grow(5);
    const { code, stdout } = await monitor('--once', '--data', 'there', '--json');
    const run = v.parse(RUN, JSON.parse(stdout));
    expect([code, run.worst, run.evidence.length]).toEqual([6, 'proof', 1]);
    expect(JSON.parse(stdout)).toMatchObject({ peers: [{ operator: 'here AG', called: true }] });
    const other = v.parse(RUN, await (await fetch(`${served.url}/api/v1/monitor`)).json());
    expect(other.alerts.map((alert) => alert.class)).toContain('proof');
    expect(other.evidence).toEqual(run.evidence);
    for (const name of ['here', 'there']) {
      const file = join(name, 'evidence', `${run.evidence[0]}.json`);
      expect((await limmat('evidence', 'verify', file, '--trust', `${name}.txt`)).code).toBe(6);
    }
    expect(await (await fetch(`${served.url}/`)).text()).toContain('there AG');
  } finally {
    expect(await served.stop()).toBe(0);
    await log.close();
  }
});

test('a run that reaches too few peers is not clean', async () => {
  const log = await lying('targeted', 'lonely.txt');
  try {
    for (const name of ['lonely', 'silent']) {
      expect((await monitor('--init', '--once', '--data', name, '--trust', 'lonely.txt')).code).toBe(0);
    }
    const { vkey } = monitorSigner(readFileSync(join(dir, 'silent', 'monitor.skey'), 'utf8').trim(), nodeCrypto);
    const settings = join(dir, 'lonely', 'monitor.toml');
    const before = readFileSync(settings, 'utf8');
    appendFileSync(settings, `\n[[peer]]\nkey = "${vkey}"\nurl = "http://127.0.0.1:9/"\n`);
    const { code, stdout } = await monitor('--once', '--data', 'lonely');
    expect([code, stdout]).toEqual([3, expect.stringContaining('0 of 1 peers answered')]);
    // Who only calls in cannot be heard by a run.
    writeFileSync(settings, `${before}\n[[peer]]\nkey = "${vkey}"\n`);
    expect((await monitor('--once', '--data', 'lonely')).code).toBe(0);
  } finally {
    await log.close();
  }
});
