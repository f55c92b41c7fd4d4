import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import type { Evidence } from '../../src/monitor/evidence/evidence.ts';
import { KINDS } from '../../src/monitor/evidence/kinds.ts';
import { formatEvidence, parseEvidence } from '../../src/monitor/evidence/file.ts';
import { signObservation } from '../../src/monitor/evidence/observe.ts';
import { monitorSigner } from '../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { proofFileOf, samples } from '../monitor/evidence/samples.ts';
import { History, NOON, headOf, promisingKeys, testKeys, witnessSigners } from '../monitor/evidence/support.ts';
import { testKey } from '../support/notes.ts';
import { limmat } from '../support/run-limmat.ts';

const keys = promisingKeys();
const vkeys = keys.signers.map(({ vkey }) => vkey);
const monitor = monitorSigner(testKey('monitor.example/m', SIGNATURE_TYPE.ed25519, 9), nodeCrypto);
const all: readonly Evidence[] = await samples(keys);
const fork = all[1]!;

let directory: string;
const path = (name: string): string => join(directory, name);
const trust = (): string[] => ['--trust', path('logs.txt')];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'limmat-evidence-'));
  writeFileSync(
    path('logs.txt'),
    `${vkeys.map((vkey) => `log ${vkey}\n`).join('')}iat-window log.example/a 1d\nchannel-key ${keys.channelSigner.vkey}\n` +
      witnessSigners()
        .map(({ vkey }, i) => `witness W${i} ${vkey}\n`)
        .join(''),
  );
  const observation = {
    observer: monitor.name,
    atSeconds: NOON + 500,
    sources: [{ checkpoint: 1, via: 'client', atSeconds: NOON + 400 }],
  } as const;
  writeFileSync(path('fork.json'), formatEvidence(fork, await signObservation(fork, observation, monitor)));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('limmat evidence verify', () => {
  test('takes the key of channel heads from a list, or as --channel-key', async () => {
    const evidence = all.find(({ kind }) => kind === 'false-channel-head')!;
    writeFileSync(path('head.json'), formatEvidence(evidence));
    const verify = (...more: string[]): ReturnType<typeof limmat> =>
      limmat('evidence', 'verify', path('head.json'), ...more);
    const { vkey } = keys.channelSigner;
    expect((await verify(...trust())).code).toBe(6);
    expect(await verify('--channel-key', vkey)).toMatchObject({ code: 6, stderr: '' });
    expect((await verify('--key', vkeys[0]!, '--channel-key', vkey)).stdout).toContain('the newest of channel acme/');
    const without = await verify('--key', vkeys[0]!);
    expect([without.code, without.stderr]).toEqual([4, expect.stringContaining('which key signs the channel heads')]);
    expect((await verify('--channel-key', vkeys[0]!)).code).toBe(2);
  });

  test('takes the keys of witnesses from a list, or as --witness-key', async () => {
    const evidence = all.find(({ kind }) => kind === 'witness-conflict')!;
    writeFileSync(path('witness.json'), formatEvidence(evidence));
    const verify = (...more: string[]): ReturnType<typeof limmat> =>
      limmat('evidence', 'verify', path('witness.json'), ...more);
    const [{ vkey }, other] = witnessSigners();
    expect((await verify(...trust())).stdout).toContain('convicts    the witness');
    expect(await verify('--key', vkeys[0]!, '--witness-key', vkey)).toMatchObject({ code: 6, stderr: '' });
    const without = await verify('--key', vkeys[0]!);
    expect([without.code, without.stderr]).toEqual([4, expect.stringContaining('name them with "witness" lines')]);
    const wrong = await verify('--key', vkeys[0]!, '--witness-key', other.vkey);
    expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('cosigned by none of the 1 witnesses')]);
  });

  test('still counts what a retired key signed', async () => {
    const now = testKeys(keys.log.origin, undefined, 7)
      .signers.map(({ vkey }) => `log ${vkey}\n`)
      .join('');
    const verdictWith = async (lines: string): Promise<unknown> => {
      writeFileSync(path('logs.txt'), lines);
      return (await limmat('evidence', 'verify', path('fork.json'), ...trust())).code;
    };
    expect(await verdictWith(now)).toBe(4);
    expect(await verdictWith(`${now}retired-key ${vkeys[0]}\n`)).toBe(6);
    expect((await limmat('evidence', 'explain', path('fork.json'), ...trust())).code).toBe(0);
    expect((await limmat('evidence', 'list', directory, ...trust())).stdout).toContain(
      'proven log.example/a: fork-prefix',
    );
    for (const at of [17, 5]) {
      const history = History.of(17, at);
      writeFileSync(
        path(`head-${at}`),
        (await headOf(at === 5 ? keys : testKeys(undefined, undefined, 7), history, 17)).note,
      );
    }
    const made = await limmat(
      'evidence',
      'make',
      path('head-17'),
      path('head-5'),
      ...trust(),
      '--out',
      path('new.json'),
    );
    expect([made.code, made.stderr]).toEqual([6, '']);
  });

  test('ends with 6 when the log is convicted, and says of what', async () => {
    const people = await limmat('evidence', 'verify', path('fork.json'), ...trust());
    expect(people).toMatchObject({ code: 6, stderr: '' });
    expect(people.stdout).toMatch(/^proven .*fork\.json: log\.example\/a signed a history of 17 entries that does not/);
    expect(people.stdout).toContain(fork.id);
    expect(people.stdout).toContain(
      'monitor.example/m, 2026-09-21 14:21:40 UTC (not checked: give its key with --observer',
    );
    const programs = await limmat(
      'evidence',
      'verify',
      path('fork.json'),
      ...trust(),
      '--json',
      '--observer',
      monitor.vkey,
    );
    expect(programs).toMatchObject({ code: 6, stderr: '' });
    expect(JSON.parse(programs.stdout)).toMatchObject({
      verified: true,
      kind: 'fork-prefix',
      origin: 'log.example/a',
      id: fork.id,
      heads: [{ size: 9, signatures: [{ key: vkeys[0] }, { key: vkeys[1], timestampSeconds: NOON }] }, { size: 17 }],
      observation: { observer: 'monitor.example/m' },
      observationSignature: 'signed',
    });
  });

  test('takes one key of the log’s, and every kind', async () => {
    for (const vkey of vkeys) {
      expect((await limmat('evidence', 'verify', path('fork.json'), '--key', vkey)).code).toBe(6);
    }
    for (const evidence of all) {
      writeFileSync(path('one.json'), formatEvidence(evidence));
      const ran = await limmat('evidence', 'verify', path('one.json'), ...trust());
      const needsLog = KINDS[evidence.kind].needsReplay === true;
      expect([evidence.kind, ran.code]).toEqual([evidence.kind, needsLog ? 5 : 6]);
    }
    writeFileSync(path('one.json'), formatEvidence(all.find(({ kind }) => kind === 'backdated')!));
    const both = vkeys.flatMap((vkey) => ['--key', vkey]);
    expect((await limmat('evidence', 'verify', path('one.json'), ...both, '--iat-window', '1d')).code).toBe(6);
    expect((await limmat('evidence', 'verify', path('one.json'), ...both)).stderr).toContain('(bad-evidence)');
  });

  test('ends with 4 when nobody is convicted, and says why', async () => {
    const bytes = readFileSync(path('fork.json'));
    bytes[200]! ^= 1;
    writeFileSync(path('changed.json'), bytes);
    const people = await limmat('evidence', 'verify', path('changed.json'), ...trust());
    expect(people).toMatchObject({ code: 4, stdout: '' });
    expect(people.stderr).toMatch(/^refused .*changed\.json: .*\(bad-evidence\)\n$/);
    const programs = await limmat('evidence', 'verify', path('changed.json'), ...trust(), '--json');
    expect(programs).toMatchObject({ code: 4, stderr: '' });
    expect(JSON.parse(programs.stdout)).toMatchObject({ verified: false, error: { code: 'bad-evidence' } });

    const stranger = testKeys('log.example/b').signers[0]!.vkey;
    const unknown = await limmat('evidence', 'verify', path('fork.json'), '--key', stranger);
    expect(unknown).toMatchObject({ code: 4, stderr: expect.stringContaining('(unknown-log)') });
    writeFileSync(path('large.json'), new Uint8Array(600_000));
    const large = await limmat('evidence', 'verify', path('large.json'), ...trust());
    expect(large).toMatchObject({ code: 4, stderr: expect.stringContaining('600000 bytes') });
  });

  test('tells a check that it could not make from a verdict', async () => {
    for (const [more, message] of [
      [[], '--trust FILE, --key VKEY or --channel-key VKEY'],
      [['--key', 'log.example/a'], 'verifier key'],
      [['--trust', path('none.txt')], 'no such file'],
      [['--trust', path('fork.json')], 'fork.json: line 1'],
      [[...trust(), '--iat-window', '1d'], '--iat-window is about the log of --key'],
      [[...trust(), '--observer', vkeys[1]!], 'type 0x06'],
      [[...trust(), '--iat-window', 'long'], 'such as 90s'],
    ] as const) {
      const ran = await limmat('evidence', 'verify', path('fork.json'), ...more);
      expect([ran.code, ran.stdout]).toEqual([2, '']);
      expect(ran.stderr).toContain(message);
    }
    expect((await limmat('evidence', 'verify', path('none.json'), ...trust())).code).toBe(2);
    expect((await limmat('evidence', 'verify', directory, ...trust())).code).toBe(2);
  });
});

describe('limmat evidence explain', () => {
  test('says it in plain words, and draws it', async () => {
    const ran = await limmat('evidence', 'explain', path('fork.json'), ...trust(), '--svg', path('trees.svg'));
    expect(ran.code).toBe(0);
    for (const words of ['Why this cannot all be true', '|  0 to 8   |  9 to 16  |', 'Who came across it']) {
      expect(ran.stdout).toContain(words);
    }
    expect(ran.stderr).toContain('trees.svg');
    expect(readFileSync(path('trees.svg'), 'utf8')).toMatch(/^<svg /);
    const programs = await limmat('evidence', 'explain', path('fork.json'), ...trust(), '--json');
    expect(JSON.parse(programs.stdout)).toMatchObject({ headline: expect.stringContaining('17 entries'), id: fork.id });
  });

  test('says nothing about what does not hold', async () => {
    const bytes = readFileSync(path('fork.json'));
    bytes[200]! ^= 1;
    writeFileSync(path('changed.json'), bytes);
    const ran = await limmat('evidence', 'explain', path('changed.json'), ...trust(), '--svg', path('trees.svg'));
    expect(ran).toMatchObject({ code: 4, stdout: '' });
    expect(readdirSync(directory)).not.toContain('trees.svg');
  });
});

describe('limmat evidence list', () => {
  test('has files about one fork together, and apart what does not hold', async () => {
    mkdirSync(path('evidence'));
    for (const evidence of all) writeFileSync(path(`evidence/${evidence.id}.json`), formatEvidence(evidence));
    writeFileSync(path('evidence/broken.json'), '{}');
    writeFileSync(path('evidence/notes.txt'), 'not looked at');
    const people = await limmat('evidence', 'list', path('evidence'), ...trust());
    expect(people.code).toBe(6);
    for (const { id } of all) expect(people.stdout).toContain(id);
    expect(people.stderr).toMatch(/^refused .*broken\.json: .*\(bad-evidence\)\n$/);
    const programs = await limmat('evidence', 'list', path('evidence'), ...trust(), '--json');
    const { groups, refused } = JSON.parse(programs.stdout);
    // Both forks and the rollback are about the tree of 9 entries.
    expect(groups[0]).toMatchObject({
      origin: 'log.example/a',
      kinds: ['fork-same-size', 'fork-prefix', 'rollback', 'proof-contradicted', 'witness-conflict'],
    });
    expect(groups).toHaveLength(9);
    expect(refused).toMatchObject([{ file: path('evidence/broken.json'), error: { code: 'bad-evidence' } }]);
  });

  test('ends with 4 when no file holds, and with 0 when there is none', async () => {
    mkdirSync(path('evidence'));
    const empty = await limmat('evidence', 'list', path('evidence'), ...trust());
    expect(empty).toMatchObject({ code: 0, stdout: 'no evidence files (*.json) here\n' });
    writeFileSync(path('evidence/broken.json'), '{}');
    expect((await limmat('evidence', 'list', path('evidence'), ...trust())).code).toBe(4);
    expect((await limmat('evidence', 'list', path('nowhere'), ...trust())).code).toBe(2);
  });
});

function make(): ReturnType<typeof limmat> {
  return limmat('evidence', 'make', path('a'), path('b'), ...trust(), '--out', path('made.json'));
}

describe('limmat evidence make', () => {
  const [honest, forked] = [History.of(20), History.of(20, 5)];
  test.each([
    [
      'two proof files with two entries',
      'proof-contradicted',
      () => [proofFileOf(keys, honest, 7, 9), proofFileOf(keys, forked, 7, 17)],
    ],
    [
      'two proof files of one size',
      'fork-same-size',
      () => [proofFileOf(keys, honest, 2, 9), proofFileOf(keys, forked, 3, 9)],
    ],
    [
      'a proof file and a checkpoint',
      'rollback',
      async () => [proofFileOf(keys, honest, 7, 12), (await headOf(keys, honest, 9, NOON + 60)).note],
    ],
  ])('makes evidence of %s', async (_what, kind, files) => {
    for (const [i, file] of (await files()).entries()) writeFileSync(path('ab'[i]!), await file);
    const ran = await make();
    expect(ran).toMatchObject({ code: 6, stderr: '' });
    expect(parseEvidence(readFileSync(path('made.json'))).kind).toBe(kind);
    expect((await limmat('evidence', 'verify', path('made.json'), ...trust())).code).toBe(6);
    // Never over another file.
    expect(await make()).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
  });

  test('makes none of what does not contradict itself', async () => {
    writeFileSync(path('a'), await proofFileOf(keys, honest, 7, 9));
    writeFileSync(path('b'), await proofFileOf(keys, honest, 8, 17, NOON + 60));
    const ran = await make();
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing in these two files shows') });
    expect(readdirSync(directory)).not.toContain('made.json');
  });

  test('refuses what the log did not sign, and files of two logs', async () => {
    const stranger = testKeys(keys.log.origin, undefined, 7);
    writeFileSync(path('a'), await proofFileOf(keys, honest, 7, 9));
    writeFileSync(path('b'), await proofFileOf(stranger, forked, 7, 9));
    expect(await make()).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no line by a key of log.example/a'),
    });
    writeFileSync(path('b'), await proofFileOf(testKeys('log.example/b'), forked, 7, 9));
    expect(await make()).toMatchObject({ code: 4, stderr: expect.stringContaining('of log.example/b') });
    writeFileSync(path('b'), 'hello\n');
    expect(await make()).toMatchObject({ code: 4, stderr: expect.stringContaining('neither a proof file nor') });
  });
});
