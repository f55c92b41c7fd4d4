import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { channelHeadSigner, recalledDigest } from '../../src/note/channel-head.ts';
import type { ChannelHead } from '../../src/note/channel-head.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { testKey } from '../support/notes.ts';
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

const channelSigner = channelHeadSigner(testKey('log.example/test/channel', SIGNATURE_TYPE.ed25519, 5), portableCrypto);

/** Writes the channel head of the shipped build, entry 20 of 37, with these changes. */
async function writeChannelHead(name: string, change: Partial<ChannelHead> = {}): Promise<void> {
  const { log, index, statement } = shipment;
  const head = {
    origin: log.origin,
    size: 37,
    rootHash: log.rootHash(),
    channel: 'acme/Acme Shield/build:linux%2Famd64/stable',
    index,
    leafHash: portableHasher.leafHash(statement),
    sequence: index,
    minimumSequence: 0,
    recalledHash: recalledDigest([]),
    issuedSeconds: now() - 90,
    validUntilSeconds: now() + 3600,
    ...change,
  };
  writeFileSync(path(name), await channelSigner.sign(head));
}

const verify = (...more: string[]): Promise<Ran> =>
  limmat('verify', path('app.bin'), '--trust', path('trust.txt'), ...more);

const withHead = (name: string, ...more: string[]): Promise<Ran> => verify('--channel-head', path(name), ...more);

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
      cosigned: true,
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

  describe('with a channel head', () => {
    beforeEach(() => writeFileSync(path('trust.txt'), trustText(shipment.log, `channel-key ${channelSigner.vkey}`)));

    test('says whether there is a newer release', async () => {
      await writeChannelHead('newest');
      const people = await withHead('newest');
      expect(people).toMatchObject({ code: 0, stderr: '' });
      expect(people.stdout).toContain('channel    acme/Acme Shield/build:linux%2Famd64/stable, number 20: the newest');
      const newer = { index: 30, sequence: 30, leafHash: shipment.log.rootHash(1) };
      await writeChannelHead('newer', newer);
      expect((await withHead('newer')).stdout).toContain('there is a newer one: entry 30, number 30');
      const programs = await withHead('newer', '--json');
      expect(JSON.parse(programs.stdout)).toMatchObject({
        verified: true,
        channel: { standing: 'older', sequence: 20, newest: { index: 30, sequence: 30 }, minimumSequence: 0, size: 37 },
      });
    });

    test.each<[string, Partial<ChannelHead>, string, number]>([
      ['past its time', { validUntilSeconds: now() - 60 }, 'channel-expired', 4],
      ['from the future', { issuedSeconds: now() + 1000 }, 'from-the-future', 4],
      ['above the release', { index: 30, sequence: 30, minimumSequence: 21 }, 'below-minimum', 4],
      ['of another channel', { channel: 'acme/Acme Shield/build:linux%2Famd64/beta' }, 'wrong-channel', 4],
      ['that leaves the release out', { index: 3, sequence: 3 }, 'false-channel-head', 6],
      ['of another tree', { rootHash: portableHasher.sha256(utf8('x')) }, 'fork', 6],
    ])('%s refuses, with a code of its own', async (_what, change, code, exit) => {
      await writeChannelHead('head', change);
      const ran = await withHead('head', '--state', path('state'));
      expect([ran.code, ran.stdout]).toEqual([exit, '']);
      expect(ran.stderr).toContain(`(${code})`);
      expect(existsSync(path('state'))).toBe(false);
      // A head that lets this record not be used is remembered, and one that is refused itself is not.
      const isRecords = code === 'below-minimum' || code === 'wrong-channel';
      expect(existsSync(path('state.channels'))).toBe(isRecords);
    });

    test('that is none, or by a key that nobody named, is not believed', async () => {
      writeFileSync(path('none'), shipment.options.proofFile);
      expect((await withHead('none')).stderr).toContain('(bad-channel-head)');
      writeFileSync(path('large'), new Uint8Array(64 * 1024 + 1));
      expect(await withHead('large')).toMatchObject({ code: 4 });
      await writeChannelHead('head');
      const other = channelHeadSigner(testKey('log.example/test/channel', SIGNATURE_TYPE.ed25519, 6), portableCrypto);
      writeFileSync(path('trust.txt'), trustText(shipment.log, `channel-key ${other.vkey}`));
      expect((await withHead('head')).stderr).toContain('(log-signature-missing)');
      writeFileSync(path('trust.txt'), trustText(shipment.log));
      const unknown = await withHead('head');
      expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining('names no "channel-key"')]);
    });

    test('is remembered, and an older one is then a rollback', async () => {
      const state = ['--state', path('state')];
      await writeChannelHead('old');
      await writeChannelHead('new', {
        index: 30,
        sequence: 30,
        leafHash: shipment.log.rootHash(1),
        issuedSeconds: now() - 10,
      });
      expect((await withHead('old', ...state)).code).toBe(0);
      const first = readFileSync(path('state.channels'), 'utf8');
      expect(first).toContain('limmat/channel-state/v1');
      // Both name the newest of one tree: the log has contradicted itself.
      const both = await withHead('new', ...state);
      expect([both.code, both.stderr]).toEqual([6, expect.stringContaining('(false-channel-head)')]);
      rmSync(path('state.channels'));
      await writeChannelHead('old', { size: 25, rootHash: shipment.log.rootHash(25) });
      expect((await withHead('new', ...state)).code).toBe(0);
      const ran = await withHead('old', ...state);
      expect([ran.code, ran.stderr]).toEqual([4, expect.stringContaining('(channel-rollback)')]);
      expect((await withHead('old')).code).toBe(0);
      writeFileSync(path('state.channels'), 'state');
      expect(await withHead('new', ...state)).toMatchObject({ code: 2 });
    });
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
