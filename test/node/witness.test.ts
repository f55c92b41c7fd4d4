// A witness on this machine: its settings, its log list that is read again while it runs, its guard on a disk, and the
// monitor that it tells of what a log should not have signed.

import { createServer } from 'node:http';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { openGuard } from '../../src/adapters/guard.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { asHash } from '../../src/merkle/hash.ts';
import { formatAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { serveMonitor } from '../../src/node/monitor/serve.ts';
import type { ServedNodeMonitor } from '../../src/node/monitor/serve.ts';
import { createMonitor } from '../../src/node/monitor/data.ts';
import { readMonitorSettings } from '../../src/node/monitor/settings.ts';
import { WITNESS_KEY_NAMES, parseWitnessConfig, witnessTemplate } from '../../src/node/witness/config.ts';
import { createWitness, openWitnessGuard } from '../../src/node/witness/data.ts';
import { readWitnessSettings } from '../../src/node/witness/open.ts';
import { serveWitness } from '../../src/node/witness/serve.ts';
import type { ServedNodeWitness } from '../../src/node/witness/serve.ts';
import type { WitnessConfig } from '../../src/node/witness/config.ts';
import { firstMark, nextMark } from '../../src/witness/index.ts';
import { temporaryDirectory } from '../support/data-log.ts';
import { ServedLog, numberedEntries } from '../support/served-log.ts';
import { RfcTree, rfcLeafHash, rfcTestTree } from '../support/rfc-tree.ts';
import { WitnessedTestLog } from '../support/witness-world.ts';

const ANYWHERE = { host: '127.0.0.1', port: 0 };

describe('witness.toml', () => {
  test('the template is what it says, and its samples are valid and all that there is', () => {
    const given = { guard: '/a "b"/w.guard', list: 'my logs\\.txt' };
    const template = witnessTemplate(given);
    expect(parseWitnessConfig(template)).toEqual({ guard: given.guard, 'log-list': given.list });
    const all = parseWitnessConfig(template.replaceAll(/^# (?=[a-z-]+ = )/gm, ''));
    expect(Object.keys(all).toSorted()).toEqual(WITNESS_KEY_NAMES.toSorted());
    expect(all).toMatchObject({ listen: { host: '127.0.0.1', port: 6982 }, 'per-source': 200, 'per-log': 5 });
  });

  test.each([
    ['log-lists = "a"', 'unknown key "log-lists": did you mean log-list?'],
    ['monitors = ["https://a.example/"]', 'unknown key "monitors": did you mean monitor?'],
    ['quorum = 3', 'unknown key "quorum"'],
    ['monitor = "https://a.example/"', '"monitor" must be a list in brackets'],
    ['monitor = ["ftp://a.example/"]', 'is not an http or https URL'],
    ['monitor = ["https://user:secret@a.example/"]', 'must not carry credentials'],
    ['per-log = 0', '"per-log" must be a whole number from 1'],
    ['log-level = "loud"', 'must be one of silent'],
    ['guard = 7', '"guard"'],
    ['guard = "a', 'line 1, column'],
  ])('%j is refused with a sentence', (source, says) => {
    expect(() => parseWitnessConfig(source)).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining(says) }),
    );
    expect(() => parseWitnessConfig(source)).toThrow('witness.toml: ');
  });
});

const TREE = rfcTestTree(20);

function lined(...logs: readonly WitnessedTestLog[]): string {
  return logs.flatMap(({ signers }) => signers.map(({ vkey }) => `log ${vkey}\n`)).join('');
}

interface StartedWitness {
  readonly served: ServedNodeWitness;
  /** Paths of its log list and of its guard. */
  readonly list: string;
  readonly guard: string;
  readonly restart: () => Promise<ServedNodeWitness>;
}

/** A witness in a new directory; `restart` runs it again over the same. */
async function startWitness(list: string, flags: WitnessConfig = {}): Promise<StartedWitness> {
  const root = temporaryDirectory();
  const dir = join(root, 'w');
  const path = join(root, 'logs.txt');
  writeFileSync(path, list);
  createWitness({ dir, name: 'witness.invalid/node', list: path }, nodeCrypto);
  const start = async (init: boolean): Promise<ServedNodeWitness> => {
    const settings = readWitnessSettings(dir, { listen: ANYWHERE, 'log-level': 'silent', 'per-log': 1000, ...flags });
    const started = await serveWitness(settings, { init });
    onTestFinished(() => started.close());
    return started;
  };
  const served = await start(true);
  return {
    served,
    list: path,
    guard: `${dir}.guard`,
    restart: async () => {
      await served.close();
      return start(false);
    },
  };
}

async function addCheckpoint({ url }: ServedNodeWitness, body: Uint8Array): Promise<number> {
  const answer = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: new Uint8Array(body) });
  await answer.arrayBuffer();
  return answer.status;
}

test('the log list counts as soon as it is changed: logs join, and none goes or changes its keys until a restart', async () => {
  const a = new WitnessedTestLog('a.invalid/log', TREE);
  const b = new WitnessedTestLog('b.invalid/log', TREE, undefined, 60);
  const c = new WitnessedTestLog('c.invalid/log', TREE, undefined, 90);
  const otherA = new WitnessedTestLog('a.invalid/log', TREE, undefined, 120);
  const { served, list, restart } = await startWitness(lined(a, b));
  expect(await addCheckpoint(served, await a.request(0, 5))).toBe(200);
  expect(await addCheckpoint(served, await c.request(0, 5))).toBe(404);

  // Another key for a, b is gone, c is new.
  writeFileSync(list, lined(otherA, c));
  await expect.poll(async () => addCheckpoint(served, await c.request(0, 5)), { timeout: 5000 }).toBe(200);
  expect(await addCheckpoint(served, await a.request(5, 6))).toBe(200);
  expect(await addCheckpoint(served, await otherA.request(6, 7))).toBe(403);
  expect(await addCheckpoint(served, await b.request(0, 5))).toBe(200);

  // A list that cannot be read changes nothing, and the next one counts again.
  writeFileSync(list, 'log nonsense\n');
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await addCheckpoint(served, await c.request(5, 6))).toBe(200);
  writeFileSync(list, lined(otherA, c));

  const again = await restart();
  expect(await addCheckpoint(again, await b.request(5, 6))).toBe(404);
  expect(await addCheckpoint(again, await a.request(6, 7))).toBe(403);
  // What was cosigned for the origin is remembered, whatever keys it has.
  expect(await addCheckpoint(again, await otherA.request(0, 7))).toBe(409);
  expect(await addCheckpoint(again, await otherA.request(6, 7))).toBe(200);
});

describe('the guard on a disk', () => {
  const mark = nextMark(firstMark('witness.invalid/node'), [], 1_790_000_000, nodeHasher);

  test('holds a witness’s mark, also after it was opened again, and is a lock', async () => {
    const dir = join(temporaryDirectory(), 'guard');
    const guard = await openWitnessGuard(dir, { create: true });
    expect(await guard.read()).toBeUndefined();
    await guard.write(mark);
    await expect(openWitnessGuard(dir, {})).rejects.toMatchObject({ code: 'guard-locked' });
    await guard.close();
    const again = await openWitnessGuard(dir, { create: false });
    onTestFinished(() => again.close());
    const { name, sequence, chain, lastSeconds } = mark;
    expect(await again.read()).toEqual({ name, sequence, chain, lastSeconds });
  });

  test('is refused where it is missing, and says that it is a witness’s', async () => {
    await expect(openWitnessGuard(join(temporaryDirectory(), 'gone'), { create: false })).rejects.toMatchObject({
      code: 'guard-missing',
      message: expect.stringContaining('what this witness signed last'),
    });
  });

  test('of a log opens no witness', async () => {
    const { served, guard: path, restart } = await startWitness(lined(new WitnessedTestLog('a.invalid/log', TREE)));
    await served.close();
    const guard = await openGuard(path);
    await guard.write({ origin: 'log.invalid', size: 0, rootHash: mark.chain, timestampSeconds: 1 });
    await guard.close();
    await expect(restart()).rejects.toMatchObject({ code: 'wrong-log' });
  });
});

describe('--init', () => {
  /** A witness that has cosigned, stopped; where its directory is, and how it would begin again. */
  async function stopped(): Promise<{ dir: string; guard: string; list: string; begin: () => Promise<unknown> }> {
    const { served, list, guard } = await startWitness(lined(LOG));
    expect(await addCheckpoint(served, await LOG.request(0, 5))).toBe(200);
    await served.close();
    const dir = guard.slice(0, -'.guard'.length);
    return {
      dir,
      guard,
      list,
      begin: async () => {
        createWitness({ dir, list }, nodeCrypto);
        const again = await serveWitness(readWitnessSettings(dir, { listen: ANYWHERE, 'log-level': 'silent' }), {
          init: true,
        });
        onTestFinished(() => again.close());
      },
    };
  }
  const LOG = new WitnessedTestLog('a.invalid/log', TREE);
  const KEPT = ['witness.skey', 'witness.mldsa.skey'];

  test.each([
    ['a key alone', ['witness.skey'], 'state-missing', 'nothing that says what was signed with it'],
    ['the keys alone', KEPT, 'state-missing', 'nothing that says what was signed with it'],
    ['the keys and the settings', [...KEPT, 'witness.toml'], 'bad-config', 'has forgotten what it signed'],
    ['everything but the guard', undefined, 'bad-config', 'If its store or its guard is lost'],
  ] as const)(
    'never begins anew under the keys of a witness of which %s came back',
    async (_what, kept, code, words) => {
      const { dir, guard, begin } = await stopped();
      rmSync(guard, { recursive: true });
      const lost = kept === undefined ? [] : readdirSync(dir).filter((file) => !kept.some((one) => one === file));
      for (const file of lost) rmSync(join(dir, file), { recursive: true });
      const before = readdirSync(dir);
      for (let i = 0; i < 2; i++) {
        await expect(begin()).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
        // Nothing that the next start would take for a witness that has signed nothing.
        expect(existsSync(guard)).toBe(false);
        expect(readdirSync(dir)).toEqual(before);
      }
    },
  );

  test('takes keys that were made before when it is told that nothing was signed with them, once', async () => {
    const { dir, guard, list, begin } = await stopped();
    rmSync(guard, { recursive: true });
    for (const file of readdirSync(dir)) if (!KEPT.includes(file)) rmSync(join(dir, file), { recursive: true });
    createWitness({ dir, list, unusedKeys: true }, nodeCrypto);
    // As after a crash: what was interrupted needs to be told nothing again.
    await begin();
    await expect(begin()).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('leave --init out'),
    });
    expect(() => createWitness({ dir, list, unusedKeys: true }, nodeCrypto)).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    );
  });
});

/** A log behind HTTP on loopback until the test ends; its URL. */
async function overHttp(log: ServedLog): Promise<string> {
  const server = createServer((request, response) => {
    const body = log.resource((request.url ?? '').slice(1));
    response.writeHead(body === null ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  return `http://127.0.0.1:${address.port}/`;
}

interface Told {
  readonly log: ServedLog;
  readonly nowSeconds: number;
  readonly served: ServedNodeWitness;
  readonly monitor: ServedNodeMonitor;
}

/** A log of 20 entries, published 20 seconds ago, a monitor that follows it, and a witness that tells the monitor. */
async function toldMonitor(): Promise<Told> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const log = new ServedLog(numberedEntries(20), 'forked.invalid/log');
  await log.publish(nowSeconds - 20);
  const list = log.verifiers.map(({ vkey }) => `log ${vkey}\n`).join('');
  const root = temporaryDirectory();
  const dir = join(root, 'm');
  writeFileSync(join(root, 'logs.txt'), list);
  const trust = [join(root, 'logs.txt')];
  const url = await overHttp(log);
  createMonitor({ dir, trust, url }, nodeCrypto);
  const flags = { listen: ANYWHERE, 'log-level': 'silent' } as const;
  const monitor = await serveMonitor(readMonitorSettings(dir, flags), { init: true, defaultUrl: url });
  onTestFinished(() => monitor.close());
  await expect.poll(async () => (await fetch(`${monitor.url}/readyz`)).status, { timeout: 5000 }).toBe(200);
  const { served } = await startWitness(list, { monitor: [`${monitor.url}/`] });
  return { log, nowSeconds, served, monitor };
}

/** The monitor has evidence of that kind, and an alert; nothing else. */
async function expectEvidence({ log, monitor }: Told, kind: string): Promise<void> {
  await expect.poll(() => monitor.monitor.evidenceIds(), { timeout: 5000 }).toHaveLength(1);
  const status: unknown = await (await fetch(`${monitor.url}/api/v1/monitor`)).json();
  expect(status).toMatchObject({ alerts: [{ key: `${kind} ${log.origin}`, state: 'open' }] });
  const [id] = await monitor.monitor.evidenceIds();
  const evidence: unknown = await (await fetch(`${monitor.url}/gossip/v1/evidence/${id}`)).json();
  expect(evidence).toMatchObject({ kind, origin: log.origin });
}

test('a head that the log signed and the witness refused is evidence at the monitor that it tells', async () => {
  const told = await toldMonitor();
  const { log, nowSeconds, served, monitor } = told;
  const honest = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: log.checkpoint! });
  expect(await addCheckpoint(served, honest)).toBe(200);
  // A log that is behind is no news.
  expect(await addCheckpoint(served, honest)).toBe(409);
  expect(await monitor.monitor.evidenceIds()).toEqual([]);

  const rootHash = asHash(nodeHasher.sha256(utf8('another history')));
  const checkpoint = await log.note(nowSeconds - 10, { rootHash });
  expect(await addCheckpoint(served, formatAddCheckpoint({ oldSize: 20, proof: [], checkpoint }))).toBe(422);
  await expectEvidence(told, 'fork-same-size');
});

test('so is a larger head that was signed at an earlier time, which is cosigned', async () => {
  const told = await toldMonitor();
  const { log, nowSeconds, served } = told;
  const smaller = await log.note(nowSeconds - 10, { size: 10 });
  expect(await addCheckpoint(served, formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: smaller }))).toBe(200);
  const proof = new RfcTree(log.entries.map((entry) => rfcLeafHash(entry))).proof(10, 20);
  const larger = formatAddCheckpoint({ oldSize: 10, proof: proof.map(asHash), checkpoint: log.checkpoint! });
  expect(await addCheckpoint(served, larger)).toBe(200);
  await expectEvidence(told, 'rollback');
});
