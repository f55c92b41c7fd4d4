import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { openNodeLog, readSettings } from '../../src/node.ts';
import { explainLock, writeAdminAddress } from '../../src/node/admin-file.ts';
import { LimmatError } from '../../src/errors.ts';
import { makeFile } from '../../src/node/replace-file.ts';
import { writeSecretFile } from '../../src/node/secret-file.ts';
import { makeLog } from '../../tools/support/new-log.ts';
import { dataLog, temporaryDirectory } from '../support/data-log.ts';

describe('a new log', () => {
  test.each([
    ['notes.txt', 'notes.txt'],
    ['keys/id_ed25519', 'keys/id_ed25519'],
    ['db/CURRENT', 'db'],
  ])('does not move in with %s', async (path, named) => {
    const dir = join(temporaryDirectory(), 'data');
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), 'mine');
    const before = readdirSync(dir, { recursive: true });
    await expect(makeLog({ dir })).rejects.toMatchObject({
      code: 'bad-config',
      message: `${dir} is not empty and holds no log: ${named}; nothing was changed, name another directory with --data`,
    });
    expect(readdirSync(dir, { recursive: true })).toEqual(before);
    expect(existsSync(`${dir}.guard`)).toBe(false);
  });

  test('is made where settings wait for it, and where a first try was cut short', async () => {
    const dir = join(temporaryDirectory(), 'data');
    mkdirSync(dir);
    writeFileSync(join(dir, 'limmat.toml'), 'origin = "log.example/1"\n');
    const first = await makeLog({ dir });
    expect(first.meta.origin).toBe('log.example/1');
    // As if it had ended before the last step.
    rmSync(join(dir, 'meta.json'));
    expect((await makeLog({ dir })).vkeys).toEqual(first.vkeys);
    expect(statSync(`${dir}.guard`).mode & 0o777).toBe(0o700);
  });
});

describe('a first try that was cut short', () => {
  test('is gone on with by the options that it had, and by no others', async () => {
    const dir = join(temporaryDirectory(), 'data');
    const first = await makeLog({ dir, origin: 'log.example/1', issuer: 'Acme AG', namespace: 'acme' });
    rmSync(join(dir, 'meta.json'));
    const policy = { roles: [{ role: 'release', types: ['build'] as const }] };
    const same = { dir, origin: 'log.example/1', issuer: 'Acme AG', namespace: 'acme' };
    for (const [options, field] of [
      [{ ...same, namespace: 'other' }, 'namespace'],
      [{ ...same, issuer: 'Other AG' }, 'fields.roles[0].issuers[0]'],
      [{ ...same, policy }, 'fields.roles[0].role'],
      [{ ...same, policy: {} }, 'fields.roles'],
      [{ ...same, admission: 'open' as const }, 'admission'],
    ] as const) {
      await expect(makeLog(options)).rejects.toMatchObject({
        code: 'bad-config',
        message: expect.stringContaining(`began this log with another ${field} (`),
        details: { field },
      });
      expect(existsSync(join(dir, 'meta.json'))).toBe(false);
    }
    expect(await makeLog(same)).toMatchObject({ vkeys: first.vkeys });
    const opened = await openNodeLog(readSettings(dir));
    expect(opened.log.status().head.size).toBe(3);
    await opened.close();
  });
});

describe('a key file', () => {
  test('appears whole, for its owner, once, and leaves nothing else behind', () => {
    const dir = temporaryDirectory();
    const file = join(dir, 'keys', 'a.pem');
    writeSecretFile(file, 'secret');
    expect([statSync(file).mode & 0o777, readFileSync(file, 'utf8')]).toEqual([0o600, 'secret']);
    expect(() => writeSecretFile(file, 'other')).toThrow('is there already');
    expect(() => makeFile(file, 'other', 0o600)).toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe('secret');
    expect(readdirSync(join(dir, 'keys'))).toEqual(['a.pem']);
  });

  test('that was being written when a first try was killed is not in the way of the next', async () => {
    const dir = join(temporaryDirectory(), 'data');
    mkdirSync(join(dir, 'keys'), { recursive: true });
    writeFileSync(join(dir, 'keys', '.log.skey.0123456789ab.new'), 'half');
    expect((await makeLog({ dir })).vkeys).toHaveLength(2);
  });
});

describe('the window that a trust file promises', () => {
  test('is not widened behind the back of who holds the file, and may be narrowed', async () => {
    const dir = join(temporaryDirectory(), 'data');
    await makeLog({ dir, origin: 'log.example/1' });
    await expect(openNodeLog(readSettings(dir, { 'iat-window': 3 * 86_400_000 }))).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(
        /^iat-window is 259200 s, and .*trust\.txt promises 86400 s: .* hand the file to /,
      ),
    });
    await (await openNodeLog(readSettings(dir, { 'iat-window': 3_600_000 }))).close();
    const trust = join(dir, 'trust.txt');
    writeFileSync(
      trust,
      readFileSync(trust, 'utf8').replace('iat-window log.example/1 1d', 'iat-window log.example/1 3d'),
    );
    await (await openNodeLog(readSettings(dir, { 'iat-window': 3 * 86_400_000 }))).close();
  });
});

describe('a log whose guard is missing', () => {
  test('does not start, says what to do, and starts again once the guard is put back', async () => {
    const dir = join(temporaryDirectory(), 'my data');
    renameSync(await dataLog(join(dir, '..'), 0), dir);
    // The log was moved; its guard stayed where it was, and that is in meta.json.
    const guard = join(dir, '..', 'data.guard');
    renameSync(guard, `${guard}.away`);
    await expect(openNodeLog(readSettings(dir))).rejects.toMatchObject({
      code: 'guard-missing',
      message: expect.stringContaining(
        `put ${guard} back; if it is lost: limmat recover --data '${dir}' --from SOURCE --guard-lost`,
      ),
    });
    expect(existsSync(guard)).toBe(false);
    renameSync(`${guard}.away`, guard);
    const opened = await openNodeLog(readSettings(dir));
    expect(opened.log.status().head.size).toBe(0);
    await opened.close();
  });
});

const locked = (dir: string): LimmatError =>
  new LimmatError('store-locked', 'locked', { details: { location: join(dir, 'db') } });

describe('a lock that is held', () => {
  test('names the address of the log that holds it', () => {
    const dir = temporaryDirectory();
    writeAdminAddress(dir, { pid: process.pid, port: 1, token: 't', url: 'http://127.0.0.1:7000' });
    expect(explainLock(locked(dir))).toMatchObject({
      code: 'store-locked',
      message: expect.stringContaining('with --url http://127.0.0.1:7000, or stop it first'),
    });
  });

  test('names no address where none is known, or where it is that of a log that was killed', () => {
    const dir = temporaryDirectory();
    const unnamed = { message: expect.stringContaining('with --url, or stop it first') };
    expect(explainLock(locked(dir))).toMatchObject(unnamed);
    writeAdminAddress(dir, { pid: 2 ** 30, port: 1, token: 't', url: 'http://127.0.0.1:7000' });
    expect(explainLock(locked(dir))).toMatchObject(unnamed);
  });
});
