// The lying log, seen by a client that checks everything: honest first, then exactly the one lie that it was asked for.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import * as v from 'valibot';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { equalBytes } from '../../src/bytes.ts';
import { follow, readHead } from '../../src/client/follow.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import { compareHeads } from '../../src/client/state.ts';
import type { LogHead } from '../../src/client/state.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { verifyProofFile } from '../../src/client/verify.ts';
import { isLimmatError } from '../../src/errors.ts';
import { Prover } from '../../src/merkle/index.ts';
import { parseLogList } from '../../src/monitor/log-list.ts';
import { parseStatement } from '../../src/record/index.ts';
import { startLyingLog } from '../../tools/misbehave/lying-log.ts';
import type { LieOptions, LyingLog } from '../../tools/misbehave/lying-log.ts';
import { LIE_NAMES } from '../../tools/misbehave/modes.ts';
import type { LieName } from '../../tools/misbehave/modes.ts';
import { limmat } from '../support/run-limmat.ts';
import { workbench } from './workbench.ts';

const LAUNCHER = fileURLToPath(new URL('../../tools/limmat.mjs', import.meta.url));
/** Of a log that answers a byte a second it is waited for; a busy machine has longer. */
const TIMEOUT_MILLIS = { slow: 700, other: 10_000 };

const closing: Promise<void>[] = [];
afterAll(() => Promise.all(closing));

/** A log that begins to end, which takes a moment, with its test; tests that run side by side give their own hook. */
async function start(mode: LieName, size?: number, finished = onTestFinished): Promise<LyingLog> {
  const log = await startLyingLog({ mode, ...(size !== undefined && { size }) });
  finished(() => void closing.push(log.close()));
  return log;
}

interface Seen {
  readonly head: LogHead;
  readonly entries: readonly Uint8Array[];
}

/** Everything that the log shows after `known`, verified, as a client that remembers `known` reads it. */
async function look(from: LyingLog, known?: Seen, url: string = from.url): Promise<Seen> {
  const reader = httpReader({ url, timeoutMillis: TIMEOUT_MILLIS[from.mode === 'slow' ? 'slow' : 'other'] });
  const entries = [...(known?.entries ?? [])];
  let head = known?.head;
  for await (const batch of follow({
    reader,
    origin: from.origin,
    verifiers: from.verifiers,
    hasher: nodeHasher,
    start: entries.length,
    ...(head !== undefined && { head }),
  })) {
    ({ head } = batch);
    entries.push(...batch.entries.map((entry) => entry.slice()));
  }
  return { head: head!, entries };
}

async function headOf(from: LyingLog): Promise<LogHead> {
  return readHead({ reader: httpReader({ url: from.url }), origin: from.origin, verifiers: from.verifiers });
}

/** The code that this fails with, or "nothing". */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'nothing';
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
}

describe('before it lies', () => {
  test('every log is honest: all entries under a head that both keys signed, growth that extends it', async () => {
    for (const mode of LIE_NAMES) {
      const honest = await start(mode, 3);
      const first = await look(honest);
      expect(first.entries, mode).toHaveLength(3);
      await honest.grow(3);
      const second = await look(honest, first);
      expect([mode, second.head.size, second.entries.length]).toEqual([mode, 6, 6]);
    }
  });

  test('its trust file is enough to verify a proof file of an entry', async () => {
    const honest = await start('fork');
    const proofFile = await httpReader({ url: honest.url }).resource('api/v1/entries/299/proof', 1 << 20);
    const trust = parseTrust(honest.trustFile);
    const verdict = await verifyProofFile({
      proofFile,
      artifactSha256: 'none',
      trust,
      crypto: nodeCrypto,
      hasher: nodeHasher,
    });
    expect([verdict.index, verdict.head.size]).toEqual([299, 300]);
  });

  test('its trust file is a list for a monitor too: both keys, where it is, and its promise about times', async () => {
    const honest = await start('fork', 2);
    const [listed, ...others] = parseLogList(honest.trustFile);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ origin: honest.origin, url: `${honest.url}/`, iatWindowSeconds: 86_400 });
    expect(listed!.keys.map(({ vkey }) => vkey)).toEqual(honest.vkeys);
  });

  test('two logs never share a name or a key', async () => {
    const one = await start('fork', 2);
    const other = await startLyingLog({ mode: 'fork', size: 2 });
    closing.push(other.close());
    expect(other.origin).not.toBe(one.origin);
    expect(other.vkeys).not.toEqual(one.vkeys);
  });
});

describe.concurrent('a client that remembers the honest head', () => {
  /** What the lie makes of a look after it, and of one after the log has grown by three entries as well. */
  const seen: readonly (readonly [LieName, string, string])[] = [
    ['fork', 'fork', 'not-consistent'],
    ['rollback', 'fork', 'fork'],
    ['freeze', 'nothing', 'nothing'],
    ['bad-signature', 'bad-note', 'bad-note'],
    ['unknown-key', 'log-signature-missing', 'log-signature-missing'],
    ['missing-tile', 'nothing', 'not-found'],
    ['bit-flip', 'nothing', 'bad-tile'],
    ['truncate', 'nothing', 'bad-response'],
    ['slow', 'network', 'network'],
    ['oversize', 'bad-response', 'bad-response'],
    ['reorder', 'nothing', 'bad-tile'],
    ['time-travel', 'nothing', 'nothing'],
    ['targeted', 'nothing', 'nothing'],
    ['unauthorised', 'nothing', 'nothing'],
    ['revoked-key', 'nothing', 'nothing'],
    ['broken-stream', 'nothing', 'nothing'],
    ['two-faced-witness', 'fork', 'not-consistent'],
    ['uncosigned', 'nothing', 'nothing'],
  ];

  test('has a row for every lie', () => {
    expect(seen.map(([mode]) => mode)).toEqual(LIE_NAMES);
  });

  test.for(seen)('%s: %s, and after growth %s', async ([mode, atOnce, afterGrowth], { onTestFinished: finished }) => {
    const lying = await start(mode, undefined, finished);
    const known = await look(lying);
    await lying.lie();
    expect(await codeOf(look(lying, known))).toBe(atOnce);
    await lying.grow(3);
    expect(await codeOf(look(lying, known))).toBe(afterGrowth);
  });
});

describe.concurrent('the lies that need a signature have the real one', () => {
  test('fork: the rewritten entry stands in a whole tree of its own, with the true entries around it', async ({
    onTestFinished: finished,
  }) => {
    const lying = await start('fork', undefined, finished);
    const known = await look(lying);
    const at: LieOptions = { at: 123 };
    await lying.lie(at);
    await lying.grow(2);
    const other = await look(lying);
    expect(other.head.size).toBe(302);
    const differing = known.entries.flatMap((entry, i) => (equalBytes(entry, other.entries[i]!) ? [] : [i]));
    expect(differing).toEqual([123]);
    expect(lying.head().size).toBe(302);
  });

  test('rollback: fewer entries as of a later time, and no other history', async ({ onTestFinished: finished }) => {
    const lying = await start('rollback', undefined, finished);
    const known = await look(lying);
    await lying.lie({ at: 200 });
    const head = await headOf(lying);
    expect(head.size).toBe(200);
    expect(head.timestampSeconds).toBeGreaterThan(known.head.timestampSeconds);
    const prover = new Prover({ read: (paths) => httpReader({ url: lying.url }).read(paths) });
    expect(await prover.rootHashAt(head, 200)).toEqual(head.rootHash);
    expect((await look(lying)).entries).toEqual(known.entries.slice(0, 200));
  });

  test('freeze: the log grows, and its head and its time stay', async ({ onTestFinished: finished }) => {
    const lying = await start('freeze', undefined, finished);
    await lying.lie();
    const before = await headOf(lying);
    await lying.grow(5);
    // Longer than an honest log takes to refresh its head.
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(lying.head()).toMatchObject({ size: 305 });
    expect(lying.head().timestampSeconds).toBeGreaterThan(before.timestampSeconds);
    expect(await headOf(lying)).toEqual(before);
  });

  test('targeted: who is no victim sees an honest log; victims, by address or by name, see another', async ({
    onTestFinished: finished,
  }) => {
    const lying = await start('targeted', undefined, finished);
    const known = await look(lying);
    await lying.lie();
    await lying.grow(4);
    const world = await look(lying, known);
    expect(world.head.size).toBe(304);
    expect((await look(lying, known, lying.urlFor('somebody'))).head.rootHash).toEqual(world.head.rootHash);
    const victim = await look(lying, undefined, lying.urlFor('victim'));
    expect(() => compareHeads(world.head, victim.head)).toThrow(expect.objectContaining({ code: 'fork' }));
    const byAgent = await fetch(`${lying.url}/checkpoint`, { headers: { 'User-Agent': 'updater victim/1.0' } });
    expect((await byAgent.text()).split('\n').slice(0, 3)).toEqual(
      new TextDecoder().decode(victim.head.note).split('\n').slice(0, 3),
    );
    expect(await codeOf(look(lying, known, lying.urlFor('victim')))).toBe('not-consistent');
  });

  test('time-travel: one entry from before its place in the log, one from after its head, both in the tree', async ({
    onTestFinished: finished,
  }) => {
    const lying = await start('time-travel', undefined, finished);
    const known = await look(lying);
    await lying.lie();
    const { head, entries } = await look(lying, known);
    const iats = entries.map((entry) => parseStatement(entry).iat);
    expect(iats).toHaveLength(302);
    expect(Math.abs(iats[299]! - head.timestampSeconds)).toBeLessThan(60);
    expect(known.head.timestampSeconds - iats[300]!).toBeGreaterThan(2 * 86_400);
    expect(iats[301]! - head.timestampSeconds).toBeGreaterThan(2 * 86_400);
  });
});

describe.concurrent('what costs the reader', () => {
  test('slow: it would be there some day', async ({ onTestFinished: finished }) => {
    const lying = await start('slow', undefined, finished);
    await lying.lie();
    const response = await fetch(`${lying.url}/checkpoint`);
    const reader = response.body!.getReader();
    const first = await reader.read();
    expect(first.value).toHaveLength(1);
    const startMillis = performance.now();
    expect((await reader.read()).value).toHaveLength(1);
    expect(performance.now() - startMillis).toBeGreaterThan(500);
    await reader.cancel();
  });

  test.for([
    ['oversize: packed, a megabyte of zeros takes a kilobyte', 'gzip'],
    ['oversize: plain for a reader that takes nothing else', 'identity'],
  ])('%s', async ([, encoding], { onTestFinished: finished }) => {
    const lying = await start('oversize', undefined, finished);
    await lying.lie();
    const response = await fetch(`${lying.url}/checkpoint`, { headers: { 'Accept-Encoding': encoding! } });
    expect(response.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null);
    let bytes = 0;
    for await (const chunk of response.body!) {
      expect(chunk.every((byte) => byte === 0)).toBe(true);
      bytes += chunk.length;
      if (bytes > 20 * 1024 * 1024) break;
    }
    expect(bytes).toBeGreaterThan(20 * 1024 * 1024);
  });

  test('a log with readers that wait for more still ends', async ({ onTestFinished: finished }) => {
    const lying = await start('slow', undefined, finished);
    await lying.lie();
    const response = await fetch(`${lying.url}/checkpoint`);
    const rest = response.arrayBuffer().catch(() => undefined);
    const startMillis = performance.now();
    await lying.close();
    await rest;
    expect(performance.now() - startMillis).toBeLessThan(4_000);
  });
});

describe('mistakes', () => {
  test('a lie is told once, and about an entry that is there', async () => {
    const lying = await start('fork', 5);
    await expect(lying.lie({ at: 5 })).rejects.toThrow(RangeError);
    await expect(lying.lie({ at: 0 })).rejects.toThrow(RangeError);
    await lying.lie({ at: 4 });
    await expect(lying.lie()).rejects.toThrow('lies already');
    await expect(startLyingLog({ mode: 'fork', size: 1 })).rejects.toThrow(RangeError);
  });
});

describe('limmat misbehave', () => {
  const dir = workbench();
  const EVENT = v.looseObject({ event: v.string(), url: v.optional(v.string()), trustFile: v.optional(v.string()) });

  test('says what it is, is honest, then lies, and ends when told to', async () => {
    const args = ['misbehave', '--mode', 'fork', '--listen', '127.0.0.1:0', '--after', '1', '--size', '10', '--json'];
    const child = spawn(process.execPath, [LAUNCHER, ...args, '--trust-out', 'trust.txt'], { cwd: dir });
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    const events: v.InferOutput<typeof EVENT>[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      events.push(v.parse(EVENT, JSON.parse(line)));
      if (events.length === 1) {
        const text = await (await fetch(`${events[0]!.url}/checkpoint`)).text();
        expect(Number(text.split('\n')[1])).toBeGreaterThanOrEqual(10);
        expect(readFileSync(join(dir, 'trust.txt'), 'utf8')).toBe(events[0]!.trustFile);
      }
      if (events.length === 2) child.kill('SIGTERM');
    }
    expect(await exited).toBe(0);
    expect(events.map(({ event }) => event)).toEqual(['honest', 'lying']);
    expect(parseTrust(events[0]!.trustFile!).logs.size).toBe(1);
  });

  test('the help names every lie, and another one is refused', async () => {
    const help = await limmat('misbehave', '--help');
    for (const name of LIE_NAMES) expect(help.stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
    const refused = await limmat('misbehave', '--mode', 'forks');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("argument 'forks' is invalid");
  });
});
