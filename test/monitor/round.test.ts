import { describe, expect, test } from 'vitest';
import { nodeHasher } from '../../src/adapters/node-crypto.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import type { LogHead } from '../../src/client/state.ts';
import { utf8Text } from '../../src/bytes.ts';
import { memoryMonitorStore, monitorMedium } from '../../src/adapters/memory/monitor-store.ts';
import { parseEvidence } from '../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../src/monitor/evidence/verify.ts';
import { logIdentity, parseLogList } from '../../src/monitor/log-list.ts';
import type { WatchedLog } from '../../src/monitor/watched-log.ts';
import { Monitor } from '../../src/monitor/round.ts';
import type { MonitorOptions } from '../../src/monitor/round.ts';
import { generateSignerKey } from '../../src/note/key.ts';
import { checkpointVerifier, noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { ServedLog, fixedSigner, numberedEntries } from '../support/served-log.ts';
import { Desk, Stage, T, forkOf, grow, servedLog, watched } from './support.ts';

/** The signer of another key of that name than fixedSigner's. */
function otherSigner(name: string, type: 0x01 | 0x06): CheckpointSigner {
  return noteSigner(
    generateSignerKey(name, type, (length) => new Uint8Array(length).fill(0x5a)),
    portableCrypto,
  );
}

/** A head of a log as a peer or a client would hold it. */
async function headOf(log: ServedLog, size: number, seconds: number): Promise<LogHead> {
  const note = await log.note(seconds, { size });
  return { origin: log.origin, size, rootHash: log.rootHash(size), timestampSeconds: seconds, note };
}

describe('a monitor', () => {
  test('does not begin without being told to', async () => {
    const log = await servedLog(3);
    await expect(new Desk().open([watched(log)], {}, false)).rejects.toMatchObject({ code: 'state-missing' });
  });

  test('does not begin anew with a log whose state is lost', async () => {
    const log = await servedLog(3);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    await desk.close();
    desk.medium.logs.delete(log.origin);
    await expect(desk.open([watched(log)], {}, false)).rejects.toMatchObject({ code: 'state-missing' });
  });

  test('refuses a damaged state, and two logs of one name', async () => {
    const log = await servedLog(3);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    await desk.close();
    desk.medium.logs.get(log.origin)!.state = '{"format":';
    await expect(desk.open([watched(log)], {}, false)).rejects.toMatchObject({ code: 'store-corrupt' });
    await expect(new Desk().open([watched(log), watched(log)])).rejects.toThrow(RangeError);
  });

  test('watches many logs, whatever one of them does', async () => {
    const logs = await Promise.all(Array.from({ length: 12 }, (_, i) => servedLog(i * 30, `log-${i}.example/x`)));
    logs[3]!.tamper = () => null;
    logs[7]!.checkpoint = new Uint8Array(10);
    const desk = new Desk();
    await desk.open(
      logs.map((log) => watched(log)),
      { parallel: 3 },
    );
    for (let round = 0; round < 3; round++) await desk.round();
    const report = await desk.round();
    expect(report.logs.map(({ origin }) => origin)).toEqual(logs.map(({ origin }) => origin));
    expect(desk.keys().toSorted()).toEqual([`bad-answer ${logs[3]!.origin}`, `bad-answer ${logs[7]!.origin}`]);
    for (const [i, status] of desk.monitor.status().logs.entries()) {
      if (i !== 3 && i !== 7) expect(status).toMatchObject({ verifiedSize: i * 30, backlog: 0 });
    }
  });

  test('catches up in slices, and the others are looked at between them', async () => {
    const [long, short] = [await servedLog(256 * 100, 'long.example/x'), await servedLog(5, 'short.example/x')];
    const desk = new Desk();
    let clock = T * 1000;
    // Every look at the clock takes a millisecond.
    await desk.open([watched(long), watched(short)], { nowMillis: () => clock++, catchUpMillis: 25 });
    const sizes: number[] = [];
    for (let i = 0; i < 20 && (sizes.at(-1) ?? 0) < 256 * 100; i++) {
      const report = await desk.monitor.round();
      expect(report.backlog).toBe(256 * 100 - desk.monitor.status().logs[0]!.verifiedSize);
      expect(report.logs[1]).toMatchObject({ backlog: 0, findings: [] });
      sizes.push(desk.monitor.status().logs[0]!.verifiedSize);
    }
    expect(sizes.length).toBeGreaterThan(2);
    expect(sizes.at(-1)).toBe(256 * 100);
    expect(desk.keys()).toEqual([]);
  });

  test('stops at a signal, says nothing about it, and goes on where it was', async () => {
    const log = await servedLog(256 * 100);
    const stage = new Stage(log);
    const desk = new Desk();
    const abort = new AbortController();
    let asked = 0;
    stage.answer = () => {
      if (++asked === 70) abort.abort();
      return undefined;
    };
    await desk.open([stage.watched()]);
    const report = await desk.monitor.round(abort.signal);
    expect(report.findings).toEqual([]);
    const { verifiedSize } = desk.monitor.status().logs[0]!;
    expect(verifiedSize).toBeGreaterThan(0);
    expect(verifiedSize).toBeLessThan(256 * 100);
    await desk.reopen([stage.watched()]);
    expect((await desk.round()).logs).toMatchObject([{ entries: 256 * 100 - verifiedSize, backlog: 0 }]);
    expect(desk.monitor.watch(log.origin)!.tree()!.own.size).toBe(256 * 100);
  });

  test('tells of alerts that nobody took, until somebody takes them', async () => {
    const log = await servedLog(5);
    const desk = new Desk();
    let isDown = true;
    const errors: unknown[] = [];
    await desk.open([watched(log)], {
      notify: async (alert) => {
        if (isDown) throw new Error('webhook down');
        desk.told.push(alert);
      },
      onNotifyError: (error) => errors.push(error),
    });
    await log.publish(T + 1, { signers: [fixedSigner('x', 0x01)] });
    await desk.round(T + 1);
    expect(errors.length).toBeGreaterThan(0);
    expect(desk.told).toEqual([]);
    isDown = false;
    await desk.round(T + 2);
    expect(desk.told.map(({ id }) => id).toSorted()).toEqual([
      `log-added ${log.origin}#1`,
      `unknown-key ${log.origin}#1`,
    ]);
    await desk.round(T + 3);
    expect(desk.told.length).toBe(2);
  });

  test('that cannot write says so, and starts again from what is on its disk', async () => {
    const log = await servedLog(600);
    const medium = monitorMedium();
    let failing: string | undefined;
    const store = memoryMonitorStore({
      medium,
      hasher: nodeHasher,
      faults: (step) => {
        if (step === failing) throw new Error('disk full');
      },
    });
    const told: string[] = [];
    const monitor = await Monitor.open(
      {
        store,
        logs: [watched(log)],
        notify: async ({ key }) => void told.push(key),
        nowMillis: () => T * 1000,
        random: () => 0,
        hasher: nodeHasher,
      },
      true,
    );
    for (const step of ['state', 'mirror', 'heads', 'flush']) {
      failing = step;
      const report = await monitor.round();
      expect(
        report.findings.every((finding) => finding.class === 'operational'),
        step,
      ).toBe(true);
      failing = undefined;
      await grow(log, 1, T);
      await monitor.round();
      const [status] = monitor.status().logs;
      expect(status, step).toMatchObject({ verifiedSize: log.entries.length });
      expect(status!.counts, step).toEqual({ unknown: log.entries.length, statements: 0, withheld: 0 });
    }
    expect(told.filter((key) => !key.startsWith('log-added') && !key.startsWith('own-trouble'))).toEqual([]);
  });
});

describe('what is configured', () => {
  test('is news when it changes, while it runs and over restarts, once', async () => {
    const [one, two] = [await servedLog(3, 'one.example/x'), await servedLog(3, 'two.example/x')];
    const desk = new Desk();
    const first = watched(one);
    await desk.open([first]);
    const news = (): readonly string[] => desk.told.splice(0).map(({ key, summary }) => `${key}: ${summary}`);
    expect(news()).toEqual(['log-added one.example/x: one.example/x is watched from now on, at http://one.example/']);
    const watch = desk.monitor.watch(one.origin);
    await desk.monitor.setLogs([first, watched(two)]);
    expect(news().length).toBe(1);
    expect(desk.monitor.watch(one.origin)).toBe(watch);
    await desk.round();
    await desk.reopen([first, watched(two)]);
    expect(news()).toEqual([]);
    await desk.monitor.setLogs([first]);
    expect(news()).toEqual(['log-removed two.example/x: two.example/x is not watched any more']);
    await desk.reopen([watched(one, { url: 'http://new.example/', verifiers: one.verifiers.slice(0, 1) })]);
    const [changed, ...rest] = news();
    expect(rest).toEqual([]);
    expect(changed).toContain('the address from http://one.example/ to http://new.example/');
    expect(changed).toContain(`${one.verifiers[1]!.vkey} went, none came`);
    await desk.monitor.setLogs([first]);
    await desk.monitor.setLogs([first, watched(two)]);
    expect(news().length).toBe(2);
    expect(desk.monitor.status().alerts.every(({ state }) => state === 'closed')).toBe(true);
  });

  test('ends what was the matter with a log that is not watched any more, but no proof', async () => {
    const [one, two] = [await servedLog(30, 'one.example/x'), await servedLog(3, 'two.example/x')];
    const desk = new Desk();
    await desk.open([watched(one), watched(two)]);
    await desk.round();
    await desk.monitor.offer(await headOf(forkOf(one, 10), 20, T - 1), 'client');
    one.tamper = () => null;
    for (let round = 0; round < 3; round++) await desk.round();
    const open = (): readonly string[] =>
      desk.monitor
        .status()
        .alerts.filter(({ state }) => state === 'open')
        .map(({ key }) => key);
    expect(open().toSorted()).toEqual(['bad-answer one.example/x', 'fork-prefix one.example/x']);
    await desk.monitor.setLogs([watched(two)]);
    expect(open()).toEqual(['fork-prefix one.example/x']);
  });

  test('may change a log’s keys, and honest heads before and after contradict nothing', async () => {
    const log = await servedLog(300);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    const renewed = new ServedLog(log.entries, log.origin);
    const fresh = ([0x01, 0x06] as const).map((type) => otherSigner(log.origin, type));
    expect(fresh[0]!.vkey).not.toBe(log.signers[0]!.vkey);
    const verifiers = fresh.map(({ vkey }) => checkpointVerifier(vkey, portableCrypto));
    for (const retired of [[], log.verifiers]) {
      renewed.entries.push(...numberedEntries(50, renewed.entries.length));
      await renewed.publish(T + 10, { signers: fresh });
      await desk.reopen([watched(renewed, { verifiers, retired })]);
      expect(await desk.round(T + 10)).toMatchObject({ findings: [], backlog: 0 });
    }
    expect(desk.keys()).toEqual([]);
  });

  test('may keep a retired key, so that a fork across the change is still proven', async () => {
    const log = await servedLog(300);
    for (const [retired, keys] of [
      [log.verifiers, [`fork-prefix ${log.origin}`]],
      [[], [`unprovable ${log.origin}`]],
    ] as const) {
      const desk = new Desk();
      await desk.open([watched(log)]);
      await desk.round();
      const fresh = ([0x01, 0x06] as const).map((type) => otherSigner(log.origin, type));
      const verifiers = fresh.map(({ vkey }) => checkpointVerifier(vkey, portableCrypto));
      const other = forkOf(log, 100, 400);
      await other.publish(T + 1, { signers: fresh });
      await desk.reopen([watched(other, { verifiers, retired })]);
      await desk.round(T + 1);
      await desk.reopen([watched(other, { verifiers, retired })]);
      await desk.round(T + 2);
      expect(desk.keys()).toEqual(keys);
    }
  });
});

/** Lines of a list for these keys. */
const lines = (keyword: string, keys: readonly { readonly vkey: string }[]): string =>
  keys.map(({ vkey }) => `${keyword} ${vkey}\n`).join('');

/** A log that is watched by what a list says of it. */
const listed = (text: string, shown: ServedLog): WatchedLog =>
  watched(shown, logIdentity(parseLogList(text)[0]!, portableCrypto));

describe('a list that names a retired key', () => {
  test('has a fork across the change proven, also after the fact, and the evidence is there after a restart', async () => {
    const log = await servedLog(300);
    const fresh = ([0x01, 0x06] as const).map((type) => otherSigner(log.origin, type));
    const other = forkOf(log, 100, 400);
    await other.publish(T + 1, { signers: fresh });
    const desk = new Desk();
    await desk.open([listed(lines('log', log.signers), log)]);
    await desk.round();
    await desk.reopen([listed(lines('log', fresh), other)]);
    await desk.round(T + 1);
    expect(desk.keys()).toEqual([`unprovable ${log.origin}`]);
    const rotated = `${lines('log', fresh)}${lines('retired-key', log.signers)}`;
    await desk.reopen([listed(rotated, other)]);
    await desk.round(T + 2);
    expect(desk.keys()).toEqual([`unprovable ${log.origin}`, `fork-prefix ${log.origin}`]);
    await desk.reopen([listed(rotated, other)]);
    await desk.round(T + 3);
    const statuses = desk.monitor.status().alerts.filter(({ key }) => key.startsWith('fork-prefix'));
    expect(statuses).toMatchObject([{ state: 'open' }]);
    await desk.close();
    const store = memoryMonitorStore({ medium: desk.medium, hasher: nodeHasher });
    const [id, ...others] = await store.evidence.ids();
    expect(others).toEqual([]);
    const file = parseEvidence((await store.evidence.get(id!))!);
    const logs = parseLogList(rotated).map((one) => logIdentity(one, portableCrypto));
    expect((await verifyEvidence(file, logs)).id).toBe(id);
  });
});

describe('a head that somebody else holds', () => {
  test('of the own branch is nothing, older or newer', async () => {
    const log = new ServedLog(numberedEntries(700));
    await log.publish(T, { size: 500 });
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    for (const size of [1, 256, 499, 500, 501, 700]) {
      expect(await desk.monitor.offer(await headOf(log, size, T + size - 500), 'peer')).toBeUndefined();
    }
    await log.publish(T + 200);
    await desk.round(T + 200);
    expect(desk.monitor.status().logs).toMatchObject([{ verifiedSize: 700, unresolved: 0 }]);
    expect(desk.keys()).toEqual([]);
  });

  test('of another branch is proven at once where the own tree is larger, with the observer’s sources', async () => {
    const log = await servedLog(600);
    const desk = new Desk();
    const [observed, errors]: unknown[][] = [[], []];
    await desk.open([watched(log)], {
      observe: async (evidence, sources) => {
        observed!.push(sources);
        throw new RangeError(`not signed: ${evidence.id}`);
      },
      onNotifyError: (error) => errors!.push(error),
    });
    await desk.round();
    const other = forkOf(log, 300);
    const evidence = await desk.monitor.offer(await headOf(other, 400, T - 5), 'client');
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
    expect(errors).toMatchObject([{ message: `not signed: ${evidence!.id}` }]);
    expect(desk.medium.evidence.has(evidence!.id)).toBe(true);
    expect(observed).toEqual([
      [
        { checkpoint: 0, via: 'client', atSeconds: T },
        { checkpoint: 1, via: 'log', atSeconds: T },
      ],
    ]);
  });

  test('of another branch that is larger waits, on disk, until the own tree has grown', async () => {
    const log = await servedLog(300);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    const other = forkOf(log, 200, 400);
    expect(await desk.monitor.offer(await headOf(other, 400, T + 1), 'client')).toBeUndefined();
    expect(desk.monitor.status().logs).toMatchObject([{ unresolved: 1 }]);
    await desk.reopen([watched(log)]);
    await desk.round(T + 2);
    expect(desk.monitor.status().logs).toMatchObject([{ unresolved: 1 }]);
    expect(desk.keys()).toEqual([]);
    await grow(log, 200, T + 3);
    await desk.round(T + 3);
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
    const [file] = desk.medium.evidence.values();
    const { origin, verifiers } = log;
    expect((await verifyEvidence(parseEvidence(file!), [{ origin, verifiers }])).heads.map(({ size }) => size)).toEqual(
      [400, 500],
    );
    expect(desk.monitor.status().logs).toMatchObject([{ unresolved: 0 }]);
  });

  test('and the log hides is a suspicion after a while, unless its tiles show that it is the own branch', async () => {
    const log = new ServedLog(numberedEntries(600));
    await log.publish(T, { size: 300 });
    const stage = new Stage(log);
    const desk = new Desk();
    await desk.open([stage.watched()]);
    await desk.round();
    const frozen = log.checkpoint!;
    stage.answer = (path) =>
      path === 'checkpoint'
        ? new Response(frozen.slice())
        : path.includes('.p/')
          ? new Response('', { status: 404 })
          : undefined;
    await desk.monitor.offer(await headOf(log, 600, T + 10), 'peer');
    for (const seconds of [10, 3000, 3620]) await desk.round(T + seconds);
    expect(desk.keys()).toEqual([`hidden-growth ${log.origin}`]);
    stage.answer = (path) => (path === 'checkpoint' ? new Response(frozen.slice()) : undefined);
    await desk.round(T + 3700);
    await desk.round(T + 3710);
    expect(desk.monitor.status().logs).toMatchObject([{ head: { size: 600 }, verifiedSize: 600, unresolved: 0 }]);
    expect(desk.monitor.status().alerts.find(({ key }) => key.startsWith('hidden'))?.state).toBe('closed');
  });

  test('that was taken before a crash is judged after it', async () => {
    const log = await servedLog(300);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    // What a crash between keeping the head and judging it leaves: a line in the journal and nothing else.
    const { note } = await headOf(forkOf(log, 100), 200, T - 1);
    const line = JSON.stringify({ at: T, via: 'client', time: T - 1, note: utf8Text(note) });
    desk.medium.logs.get(log.origin)!.heads.push(line);
    await desk.reopen([watched(log)]);
    await desk.round(T + 1);
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
  });

  test('of which the evidence could not be written is judged again, and told of, when it can', async () => {
    const log = await servedLog(300);
    for (const failing of ['heads', 'evidence', 'alerts']) {
      const medium = monitorMedium();
      let isFull = false;
      const store = memoryMonitorStore({
        medium,
        hasher: nodeHasher,
        faults: (step) => {
          if (isFull && step === failing) throw new Error('disk full');
        },
      });
      const told: string[] = [];
      const monitor = await Monitor.open(
        {
          store,
          logs: [watched(log)],
          notify: async ({ key }) => void told.push(key),
          nowMillis: () => T * 1000,
          random: () => 0,
          hasher: nodeHasher,
        },
        true,
      );
      await monitor.round();
      isFull = true;
      const head = await headOf(forkOf(log, 100), 200, T - 1);
      await expect(monitor.offer(head, 'client'), failing).rejects.toMatchObject({ code: 'store-failed' });
      isFull = false;
      // Nobody shows the head again, unless it was not even taken.
      await monitor.round();
      if (failing === 'heads') await monitor.offer(head, 'client');
      await monitor.round();
      expect(
        told.filter((key) => !key.startsWith('log-added')),
        failing,
      ).toEqual([`fork-prefix ${log.origin}`]);
    }
  });

  test('of a log that is not watched is refused', async () => {
    const desk = new Desk();
    await desk.open([watched(await servedLog(3))]);
    const other = await servedLog(3, 'other.example/x');
    await expect(desk.monitor.offer(await headOf(other, 3, T), 'peer')).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('nobody who brings a head or evidence waits for whoever is told of it; the end of a round does', async () => {
  const log = await servedLog(300);
  const desk = new Desk();
  let release: (() => void) | undefined;
  const hook = new Promise<void>((resolve) => (release = resolve));
  const notify: MonitorOptions['notify'] = async (alert) => {
    await hook;
    desk.told.push(alert);
  };
  await desk.open([watched(log)]);
  await desk.round();
  await desk.reopen([watched(log)], { notify });
  const evidence = await desk.monitor.offer(await headOf(forkOf(log, 100), 200, T - 1), 'client');
  expect([evidence?.kind, desk.keys(), desk.medium.evidence.size]).toEqual(['fork-prefix', [], 1]);
  let isOver = false;
  const round = desk.round().then(() => (isOver = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isOver).toBe(false);
  release?.();
  await round;
  expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
});

test('a monitor that closes waits for those who are being told', async () => {
  const log = await servedLog(300);
  const desk = new Desk();
  await desk.open([watched(log)]);
  await desk.round();
  await desk.reopen([watched(log)], {
    notify: async (alert) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      desk.told.push(alert);
    },
  });
  await desk.monitor.offer(await headOf(forkOf(log, 100), 200, T - 1), 'client');
  await desk.reopen([watched(log)]);
  await desk.round();
  expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
});

describe('evidence that somebody else made', () => {
  test('is kept, told of once, and counts here too', async () => {
    const log = await servedLog(300);
    const maker = new Desk();
    await maker.open([watched(log)]);
    await maker.round();
    const evidence = (await maker.monitor.offer(await headOf(forkOf(log, 100), 200, T - 1), 'client'))!;
    const file = maker.medium.evidence.get(evidence.id)!;
    const news: string[] = [];
    const desk = new Desk();
    await desk.open([watched(log)], { onEvidence: ({ id }) => news.push(id) });
    await desk.monitor.takeEvidence(evidence, file);
    await desk.monitor.takeEvidence(evidence, file);
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
    expect(news).toEqual([evidence.id]);
    expect(desk.medium.evidence.get(evidence.id)).toEqual(file);
    expect(desk.monitor.watch(log.origin)!.book.evidence.has(evidence.id)).toBe(true);
  });

  test('and is there without an alert, because a crash came between, is told of at the next start', async () => {
    const log = await servedLog(300);
    const desk = new Desk();
    await desk.open([watched(log)]);
    await desk.round();
    await desk.monitor.offer(await headOf(forkOf(log, 100), 200, T - 1), 'client');
    const { alerts } = desk.medium;
    alerts.splice(0, alerts.length, ...alerts.filter((line) => !line.includes('fork-prefix')));
    desk.told.length = 0;
    await desk.reopen([watched(log)]);
    expect(desk.keys()).toEqual([`fork-prefix ${log.origin}`]);
  });
});
