// Every failure in the right class: what could not be read is operational, what an honest log does not do is suspicion,
// and neither is ever proof.

import { describe, expect, test } from 'vitest';
import { emptyRootHash } from '../../src/merkle/hash.ts';
import { utf8, utf8Text } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { CHECKS, TROUBLES } from '../../src/monitor/checks.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { formatNote } from '../../src/note/note.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { fixedSigner } from '../support/served-log.ts';
import type { ServedLog } from '../support/served-log.ts';
import { Desk, Stage, T, grow, servedLog, watched } from './support.ts';

/** A watched log of this size, and a monitor that has looked at it once. */
async function stageOf(size: number): Promise<{ log: ServedLog; stage: Stage; desk: Desk }> {
  const log = await servedLog(size);
  const stage = new Stage(log);
  const desk = new Desk();
  await desk.open([stage.watched()]);
  await desk.round();
  return { log, stage, desk };
}

function suspects(desk: Desk, log: ServedLog): readonly string[] {
  return [...desk.medium.logs.get(log.origin)!.suspects.keys()];
}

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1);
}

function half(bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, bytes.length / 2);
}

/** "entry 256" and "entry 257" change places: nine bytes each, with two bytes of length before them. */
function swap(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  out.set(bytes.subarray(11, 22), 0);
  out.set(bytes.subarray(0, 11), 11);
  return out;
}

/** Three rounds find this suspicion, tell of it once, and change nothing. */
async function expectSuspicion(desk: Desk, log: ServedLog, trouble: string): Promise<void> {
  for (let round = 1; round <= 3; round++) {
    const report = await desk.round(T + round);
    expect(report.findings).toMatchObject([{ key: `${trouble} ${log.origin}`, class: 'suspicion', check: 'M01' }]);
    expect(report.worst).toBe('suspicion');
  }
  expect(desk.keys()).toEqual([`${trouble} ${log.origin}`]);
  expect(desk.monitor.status().logs).toMatchObject([{ head: { size: 20, timestampSeconds: T } }]);
  expect(desk.medium.logs.get(log.origin)!.heads.length).toBe(1);
  expect(desk.medium.evidence.size).toBe(0);
}

describe('a log that cannot be read', () => {
  test.each([
    { what: 'does not answer', trouble: 'unreachable', answer: (): Response => Response.error() },
    { what: 'answers 500', trouble: 'bad-answer', answer: (): Response => new Response('', { status: 500 }) },
    { what: 'redirects', trouble: 'bad-answer', answer: (): Response => Response.redirect('http://other.example/') },
    { what: 'answers 404', trouble: 'bad-answer', answer: (): Response => new Response('', { status: 404 }) },
    {
      what: 'answers a page',
      trouble: 'bad-answer',
      answer: (): Response => new Response('<html>please log in</html>'),
    },
    {
      what: 'answers without an end',
      trouble: 'bad-answer',
      answer: (): Response => new Response('x'.repeat(300_000)),
    },
  ] as const)('because it $what is operational, told of at the third time, and over when it answers', async (row) => {
    const { log, stage, desk } = await stageOf(20);
    const key = `${row.trouble} ${log.origin}`;
    stage.answer = row.trouble === 'unreachable' ? () => Promise.reject(new TypeError('fetch failed')) : row.answer;
    for (const [round, told] of [0, 0, 1, 1, 1].entries()) {
      const report = await desk.round(T + 60 * round);
      expect(report.findings).toMatchObject([{ key, class: 'operational' }]);
      expect(report.worst).toBe('operational');
      expect(desk.keys().length, `round ${round}`).toBe(told);
    }
    expect(desk.monitor.status().logs).toMatchObject([{ failures: 3 }]);
    stage.answer = undefined;
    expect(await desk.round(T + 400)).toMatchObject({ findings: [], worst: undefined });
    expect(desk.monitor.status().alerts.find((alert) => alert.key === key)?.state).toBe('closed');
    expect(desk.monitor.status().logs).toMatchObject([{ failures: 0 }]);
    expect(desk.keys()).toEqual([key]);
  });

  test('twice in a row, or three times with a good one between, is told to nobody', async () => {
    const { log, stage, desk } = await stageOf(20);
    for (const [round, isDown] of [true, true, false, true, true, false].entries()) {
      stage.answer = isDown ? () => Promise.reject(new TypeError('fetch failed')) : undefined;
      await desk.round(T + round);
      if (round === 3) await desk.reopen([stage.watched()]);
    }
    expect(desk.keys()).toEqual([]);
    expect(desk.medium.logs.get(log.origin)!.heads.length).toBe(1);
  });

  test('counts its failures through restarts, as a monitor that cron starts does', async () => {
    const { log, stage, desk } = await stageOf(20);
    stage.answer = () => Promise.reject(new TypeError('fetch failed'));
    for (let round = 1; round <= 4; round++) {
      await desk.reopen([stage.watched()]);
      await desk.round(T + round);
      expect(desk.keys()).toEqual(round < 3 ? [] : [`unreachable ${log.origin}`]);
    }
  });

  test('is left alone for as long as it asks for', async () => {
    const { stage, desk } = await stageOf(20);
    let asked = 0;
    stage.answer = () => {
      asked++;
      return new Response('', { status: 429, headers: { 'retry-after': '120' } });
    };
    await desk.round(T + 1);
    const first = asked;
    expect((await desk.round(T + 100)).logs).toMatchObject([{ skipped: true }]);
    expect(asked).toBe(first);
    await desk.round(T + 121);
    expect(asked).toBeGreaterThan(first);
  });

  test('is suspected when it answers, but for long not with what its head promises', async () => {
    const { log, stage, desk } = await stageOf(20);
    stage.answer = () => new Response('', { status: 503 });
    for (let hour = 0; hour <= 7; hour++) await desk.round(T + 3600 * hour);
    expect(desk.keys()).toEqual([`bad-answer ${log.origin}`, `unserved ${log.origin}`]);
    expect(desk.classes()).toEqual(['operational', 'suspicion']);
    stage.answer = undefined;
    await log.publish(T + 3600 * 8);
    await desk.round(T + 3600 * 8);
    expect(desk.monitor.status().alerts.filter(({ state }) => state === 'open')).toEqual([]);
  });

  test('is never suspected of what the network does', async () => {
    const { log, stage, desk } = await stageOf(20);
    stage.answer = () => Promise.reject(new TypeError('fetch failed'));
    for (let day = 0; day < 30; day++) await desk.round(T + 86_400 * day);
    expect(desk.keys()).toEqual([`unreachable ${log.origin}`]);
  });
});

describe('a tile that is not there', () => {
  test.each(['tile/entries/002.p/88', 'tile/0/001', 'tile/entries/001'])(
    '%s is operational; what comes before it is checked, and the rest when it is back',
    async (missing) => {
      const { log, stage, desk } = await stageOf(20);
      log.entries.length = 20;
      await grow(log, 580, T + 1);
      stage.answer = (path) => (path === missing ? new Response('', { status: 404 }) : undefined);
      for (let round = 1; round <= 3; round++) await desk.round(T + round);
      expect(desk.keys()).toEqual([`missing-tile ${log.origin}`]);
      const { verifiedSize } = desk.monitor.status().logs[0]!;
      expect(verifiedSize).toBe(missing.includes('002') ? 512 : 256);
      stage.answer = undefined;
      expect(await desk.round(T + 4)).toMatchObject({ backlog: 0, findings: [] });
      expect(desk.monitor.status().logs).toMatchObject([{ verifiedSize: 600, counts: { unknown: 600 } }]);
    },
  );

  test('for long is a suspicion', async () => {
    const { log, stage, desk } = await stageOf(20);
    await grow(log, 580, T + 1);
    stage.answer = (path) => (path === 'tile/entries/001' ? new Response('', { status: 404 }) : undefined);
    for (let hour = 0; hour <= 6; hour++) {
      await log.publish(T + 3600 * hour + 1);
      await desk.round(T + 3600 * hour + 1);
    }
    expect(desk.keys()).toEqual([`missing-tile ${log.origin}`, `unserved ${log.origin}`]);
  });

  test('is looked for past caches and at mirrors', async () => {
    const log = await servedLog(600);
    const stage = new Stage(log);
    stage.answer = (path) => (path.startsWith('tile/') ? new Response('', { status: 404 }) : undefined);
    const reader = httpReader({ url: 'http://mirror.example/', fetch: log.fetch });
    for (const way of [{ fresh: reader }, { mirrors: [reader] }]) {
      const desk = new Desk();
      await desk.open([stage.watched(way)]);
      expect(await desk.round()).toMatchObject({ backlog: 0, findings: [] });
    }
  });

  test('because its bodies are withheld (451) is a finding about records, and the tree goes on', async () => {
    const { log, stage, desk } = await stageOf(20);
    await grow(log, 680, T + 1);
    stage.answer = (path) => (path === 'tile/entries/001' ? new Response('', { status: 451 }) : undefined);
    expect(await desk.round(T + 1)).toMatchObject({ backlog: 0, worst: 'record' });
    expect(desk.keys()).toEqual([`withheld ${log.origin}`]);
    expect(desk.monitor.status().logs).toMatchObject([
      { verifiedSize: 700, counts: { unknown: 444, withheld: 256, statements: 0 } },
    ]);
    const tree = desk.monitor.watch(log.origin)!.tree()!;
    expect(await tree.ownProver.rootHashAt(512)).toEqual(log.rootHash(512));
  });
});

describe('content that is not what the head commits to', () => {
  test.each([
    { what: 'a bundle with one bit changed', path: 'tile/entries/001', change: flip, trouble: 'entry-mismatch' },
    {
      what: 'the last bundle with one bit changed',
      path: 'tile/entries/002.p/88',
      change: flip,
      trouble: 'entry-mismatch',
    },
    { what: 'a bundle in another order', path: 'tile/entries/001', change: swap, trouble: 'entry-mismatch' },
    { what: 'half a bundle', path: 'tile/entries/001', change: half, trouble: 'entry-mismatch' },
    { what: 'a tile with one bit changed', path: 'tile/0/001', change: flip, trouble: 'tile-mismatch' },
    { what: 'a tile above with one bit changed', path: 'tile/1/000.p/2', change: flip, trouble: 'tile-mismatch' },
  ] as const)('$what is a suspicion at once, with the bytes, and nothing of it is taken', async (row) => {
    const { log, stage, desk } = await stageOf(20);
    await grow(log, 580, T + 1);
    stage.answer = (path) => (path === row.path ? new Response(row.change(log.resource(path)!).slice()) : undefined);
    for (let round = 1; round <= 3; round++) {
      expect((await desk.round(T + round)).worst).toBe('suspicion');
    }
    expect(desk.keys()).toEqual([`${row.trouble} ${log.origin}`]);
    expect(desk.classes()).toEqual(['suspicion']);
    expect(desk.medium.evidence.size).toBe(0);
    expect(suspects(desk, log)).toContain(row.path);
    expect(desk.monitor.status().logs[0]!.verifiedSize).toBeLessThan(600);
    stage.answer = undefined;
    expect(await desk.round(T + 4)).toMatchObject({ backlog: 0, findings: [] });
    // It stays until somebody has looked at it.
    expect((await desk.round(T + 5)).worst).toBe('suspicion');
    await desk.monitor.acknowledge(`${row.trouble} ${log.origin}`);
    expect((await desk.round(T + 6)).worst).toBeUndefined();
  });

  test('half a hash tile is an answer that is none', async () => {
    const { log, stage, desk } = await stageOf(20);
    await grow(log, 580, T + 1);
    stage.answer = (path) => (path === 'tile/0/001' ? new Response(half(log.resource(path)!).slice()) : undefined);
    expect((await desk.round(T + 1)).findings).toMatchObject([
      { key: `bad-answer ${log.origin}`, class: 'operational' },
    ]);
  });

  test('that only a cache has is nobody’s fault', async () => {
    const log = await servedLog(600);
    const stage = new Stage(log);
    stage.answer = (path) => (path.startsWith('tile/') ? new Response(flip(log.resource(path)!).slice()) : undefined);
    const desk = new Desk();
    await desk.open([stage.watched({ fresh: httpReader({ url: 'http://log.example/', fetch: log.fetch }) })]);
    expect(await desk.round()).toMatchObject({ backlog: 0, findings: [], worst: undefined });
  });

  test('that cannot be asked for again is not held against the log', async () => {
    const log = await servedLog(600);
    const stage = new Stage(log);
    stage.answer = (path) =>
      path === 'tile/entries/001' ? new Response(flip(log.resource(path)!).slice()) : undefined;
    const desk = new Desk();
    const down = httpReader({ url: 'http://log.example/', fetch: () => Promise.reject(new TypeError('down')) });
    await desk.open([stage.watched({ fresh: down })]);
    expect((await desk.round()).findings).toMatchObject([{ class: 'operational' }]);
  });
});

describe('a checkpoint that is not the log’s', () => {
  test('because a signature of its does not hold is a suspicion, and the bytes are kept', async () => {
    const { log, desk } = await stageOf(20);
    const note = utf8Text(await log.note(T + 1))!;
    log.checkpoint = utf8(note.replace('\n20\n', '\n21\n'));
    await expectSuspicion(desk, log, 'bad-signature');
    expect(suspects(desk, log)).toEqual(['checkpoint']);
  });

  test('because strangers signed it is a suspicion', async () => {
    const { log, desk } = await stageOf(20);
    await log.publish(T + 1, { signers: [fixedSigner('stranger.example', 0x01), fixedSigner('other.example', 0x06)] });
    await expectSuspicion(desk, log, 'unknown-key');
  });

  test('because it is longer than any peer would take is no answer', async () => {
    const { log, desk } = await stageOf(20);
    const extensions = [`x${'y'.repeat(70_000)}`];
    const text = formatCheckpoint({ origin: log.origin, size: 20, rootHash: log.rootHash(20), extensions });
    log.checkpoint = utf8(formatNote(text, await Promise.all(log.signers.map((signer) => signer.sign(text, T + 1)))));
    const report = await desk.round(T + 1);
    expect(report.findings).toMatchObject([{ key: `bad-answer ${log.origin}`, class: 'operational' }]);
    expect(report.findings[0]!.summary).toContain('above the 65536 that peers and evidence take');
  });

  test('because one of its keys has not signed is a suspicion', async () => {
    const { log, desk } = await stageOf(20);
    await log.publish(T + 1, { signers: log.signers.slice(0, 1) });
    await expectSuspicion(desk, log, 'signature-missing');
  });

  test('because it is another log’s is a suspicion', async () => {
    const { log, desk } = await stageOf(20);
    const other = await servedLog(20, 'log.example/other');
    log.checkpoint = await other.note(T + 1, { signers: log.signers.slice(0, 1) });
    await expectSuspicion(desk, log, 'wrong-origin');
  });

  test('because no empty tree has its root is a suspicion', async () => {
    const { log, desk } = await stageOf(20);
    await log.publish(T + 1, { size: 0, rootHash: log.rootHash(20) });
    await expectSuspicion(desk, log, 'impossible-head');
  });

  test('of an empty tree that was signed before is nothing', async () => {
    const { log, desk } = await stageOf(20);
    await log.publish(T - 1, { size: 0, rootHash: emptyRootHash() });
    expect(await desk.round(T + 1)).toMatchObject({ findings: [], worst: undefined });
  });
});

describe('the time of a log', () => {
  test('is stale after an hour, a freeze after three, and neither when it moves again', async () => {
    const { log, desk } = await stageOf(20);
    const open = (): readonly string[] =>
      desk.monitor
        .status()
        .alerts.filter((a) => a.state === 'open')
        .map((a) => a.key);
    for (let minutes = 0; minutes <= 60; minutes += 10) await desk.round(T + 60 * minutes);
    expect(open()).toEqual([]);
    for (let minutes = 70; minutes <= 180; minutes += 10) await desk.round(T + 60 * minutes);
    expect(open()).toEqual([`stale ${log.origin}`]);
    await desk.round(T + 3 * 3600 + 1);
    expect(open()).toEqual([`freeze ${log.origin}`]);
    expect(desk.classes()).toEqual(['operational', 'suspicion']);
    await log.publish(T + 3 * 3600 + 60);
    await desk.round(T + 3 * 3600 + 61);
    expect(open()).toEqual([]);
  });

  test('that is ahead of this clock is a suspicion while it is', async () => {
    const { log, desk } = await stageOf(20);
    await grow(log, 1, T + 300);
    expect((await desk.round(T)).findings).toEqual([]);
    await grow(log, 1, T + 302);
    expect((await desk.round(T + 1)).findings).toMatchObject([{ key: `ahead ${log.origin}`, class: 'suspicion' }]);
    expect((await desk.round(T + 10)).worst).toBeUndefined();
  });

  test('is a witness’s where the log signs none', async () => {
    const log = await servedLog(20);
    const witness = fixedSigner('witness.example', 0x04);
    const signers = [log.signers[0]!, witness];
    const desk = new Desk();
    const verifiers = log.verifiers.slice(0, 1);
    await log.publish(T, { signers });
    await desk.open([watched(log, { verifiers, witnesses: [checkpointVerifier(witness.vkey, portableCrypto)] })]);
    for (let i = 0; i < 4; i++) await desk.round(T + 3700 + i);
    expect(desk.keys()).toEqual([`stale ${log.origin}`]);
    await log.publish(T + 3700, { signers });
    expect((await desk.round(T + 3710)).worst).toBeUndefined();
  });

  test('is how long it has shown less than before, where nobody signs one', async () => {
    const log = await servedLog(20);
    const verifiers = log.verifiers.slice(0, 1);
    const signers = log.signers.slice(0, 1);
    await log.publish(T, { signers });
    const desk = new Desk();
    await desk.open([watched(log, { verifiers })]);
    for (let day = 0; day < 30; day++) await desk.round(T + 86_400 * day);
    expect(desk.keys()).toEqual([]);
    const later = T + 86_400 * 30;
    await log.publish(T, { signers, size: 15 });
    for (const seconds of [0, 3600, 3700, 3800, 3900, 3 * 3600 + 1]) await desk.round(later + seconds);
    expect(desk.keys()).toEqual([`stale ${log.origin}`, `freeze ${log.origin}`]);
    await log.publish(T, { signers });
    expect((await desk.round(later + 4 * 3600)).worst).toBeUndefined();
  });
});

test('the tables of checks and troubles fit each other', () => {
  const ids = CHECKS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [name, row] of Object.entries(TROUBLES)) {
    expect(ids, name).toContain(row.check);
    expect(row.class === 'proof', name).toBe(
      [
        'fork-same-size',
        'fork-prefix',
        'proof-contradicted',
        'rollback',
        'future',
        'backdated',
        'false-channel-head',
        'inadmissible-entry',
        'stream-break',
        'record-conflict',
        'location-breach',
        'verdict-conflict',
        'witness-conflict',
      ].includes(name),
    );
    if (row.class === 'proof') expect(row.ends).toBe('by hand');
    if (row.class === 'info') expect(row.ends).toBe('at once');
    expect(row.means.endsWith('.') && row.advice.endsWith('.'), name).toBe(true);
  }
});
