import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { limmat } from '../support/run-limmat.ts';
import type { Ran } from '../support/run-limmat.ts';
import { ServedLog } from '../support/served-log.ts';
import { ARTIFACT, ship, trustText } from '../support/shipped.ts';
import type { Shipment } from '../support/shipped.ts';

/** The commands measure ages by the clock. */
const now = (): number => Math.floor(Date.now() / 1000);

let directory: string;
let shipment: Shipment;
const path = (name: string): string => join(directory, name);

const verify = (...more: string[]): Promise<Ran> =>
  limmat('verify', path('app.bin'), '--trust', path('trust.txt'), ...more);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'limmat-verify-'));
  shipment = await ship({ signedAt: now() - 100 });
  writeFileSync(path('app.bin'), ARTIFACT);
  writeFileSync(path('app.bin.tlog-proof'), shipment.options.proofFile);
  writeFileSync(path('trust.txt'), trustText(shipment.log));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('limmat verify', () => {
  test('says what was verified, to people and to programs', async () => {
    const people = await verify();
    expect(people).toMatchObject({ code: 0, stderr: '' });
    expect(people.stdout).toContain('verified');
    expect(people.stdout).toContain('Acme Shield 7.1.2');
    expect(people.stdout).toContain('A, B');
    const programs = await verify('--json', '--proof', path('app.bin.tlog-proof'), '--product', 'Acme Shield');
    expect(programs).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(programs.stdout)).toMatchObject({
      verified: true,
      index: 20,
      record: { type: 'build', namespace: 'acme', issuer: 'Acme Security' },
      log: { origin: shipment.log.origin, size: 37 },
      witnesses: [{ witness: 'A' }, { witness: 'B' }],
    });
  });

  test('refuses one changed byte of the file with exit code 4 and one sentence', async () => {
    const changed = ARTIFACT.slice();
    changed[0]! ^= 1;
    writeFileSync(path('app.bin'), changed);
    const people = await verify();
    expect(people).toMatchObject({ code: 4, stdout: '' });
    expect(people.stderr).toMatch(/^refused .*app\.bin: the file has SHA-256 .*\(artifact-mismatch\)\n$/);
    const programs = await verify('--json');
    expect(programs).toMatchObject({ code: 4, stderr: '' });
    expect(JSON.parse(programs.stdout)).toMatchObject({
      verified: false,
      error: { code: 'artifact-mismatch', details: { found: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    });
  });

  test.each([
    ['--product', 'Other', 'wrong-product'],
    ['--channel', 'beta', 'wrong-channel'],
    ['--namespace', 'other', 'wrong-namespace'],
    ['--type', 'avdb-release', 'wrong-type'],
    ['--max-age', '99s', 'too-old'],
  ])('refuses with %s %s as %s', async (flag, value, code) => {
    const ran = await verify(flag, value);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain(`(${code})`);
  });

  test('takes alternatives, and no laxer age than the trust file’s', async () => {
    expect((await verify('--channel', 'beta', '--channel', 'stable', '--max-age', '1h')).code).toBe(0);
    writeFileSync(path('trust.txt'), trustText(shipment.log, 'max-age 50s'));
    expect((await verify('--max-age', '1h')).stderr).toContain('(too-old)');
  });

  test('remembers the log, and calls another history of the same size a fork with exit code 6', async () => {
    expect((await verify('--state', path('state'))).code).toBe(0);
    const state = readFileSync(path('state'), 'utf8');
    expect(state).toContain(shipment.log.origin);
    expect((await verify('--state', path('state'))).code).toBe(0);
    expect(readFileSync(path('state'), 'utf8')).toBe(state);

    const entries = shipment.log.entries.with(36, utf8('only for you'));
    const fork = await ship({ log: new ServedLog(entries), entry: shipment.statement, signedAt: now() - 50 });
    writeFileSync(path('fork.tlog-proof'), fork.options.proofFile);
    expect((await verify('--proof', path('fork.tlog-proof'))).code).toBe(0);
    const ran = await verify('--proof', path('fork.tlog-proof'), '--state', path('state'));
    expect(ran.code).toBe(6);
    expect(ran.stderr).toContain('(fork)');
    expect(readFileSync(path('state'), 'utf8')).toBe(state);
  });

  test('cannot tell from proof files whether a larger tree extends the remembered one', async () => {
    expect((await verify('--state', path('state'))).code).toBe(0);
    const entries = [...shipment.log.entries.with(36, utf8('only for you')), utf8('one more')];
    const fork = await ship({ log: new ServedLog(entries), entry: shipment.statement, signedAt: now() - 50 });
    writeFileSync(path('fork.tlog-proof'), fork.options.proofFile);
    expect((await verify('--proof', path('fork.tlog-proof'), '--state', path('state'))).code).toBe(0);
  });

  test('checks a record that is about no file only when told so', async () => {
    const content = {
      type: 'relocation',
      namespace: 'acme',
      fields: { relocationId: 'eu-data', action: 'start', activity: 'store' },
      issuer: 'Acme Security',
      iatSeconds: now(),
    } as const;
    const { options } = await ship({ content, signedAt: now() });
    writeFileSync(path('r.tlog-proof'), options.proofFile);
    const trust = ['--trust', path('trust.txt')];
    expect((await limmat('verify', '--record-only', '--proof', path('r.tlog-proof'), ...trust)).code).toBe(0);
    expect((await verify('--proof', path('r.tlog-proof'))).stderr).toContain('(artifact-mismatch)');
    for (const argv of [
      ['--record-only'],
      ['--proof', path('r.tlog-proof')],
      [path('app.bin'), '--record-only', '--proof', path('r.tlog-proof')],
    ]) {
      expect((await limmat('verify', ...argv, ...trust)).code).toBe(2);
    }
  });

  test('tells a check that it could not make from a refusal', async () => {
    for (const argv of [
      ['verify', path('app.bin')],
      ['verify', path('none.bin'), '--trust', path('trust.txt')],
      ['verify', path('app.bin'), '--trust', path('none.txt')],
      ['verify', path('app.bin'), '--trust', path('app.bin')],
      ['verify', path('app.bin'), '--trust', path('trust.txt'), '--proof', path('none')],
      ['verify', path('app.bin'), '--trust', path('trust.txt'), '--max-age', 'long'],
      ['verify', path('app.bin'), '--trust', path('trust.txt'), '--state', path('app.bin')],
      ['verify', path('app.bin'), '--trust', path('trust.txt'), '--sate', path('x')],
    ]) {
      const ran = await limmat(...argv);
      expect(ran.code, argv.join(' ')).toBe(2);
      expect(ran.stderr.trimEnd().split('\n').length).toBe(1);
    }
  });

  test('refuses a proof file that is none, or far too large', async () => {
    writeFileSync(path('app.bin.tlog-proof'), 'hello');
    expect((await verify()).stderr).toContain('(bad-proof-file)');
    writeFileSync(path('app.bin.tlog-proof'), new Uint8Array(1_000_000));
    expect(await verify()).toMatchObject({ code: 4, stderr: expect.stringContaining('1000000 bytes') });
  });
});
