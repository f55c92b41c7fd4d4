import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { portableCrypto } from '../../src/crypto/portable.ts';
import { fileDigests, parseStatement, recordToJson, verifySigned } from '../../src/record/index.ts';
import { readPublicKey } from '../../tools/support/keys.ts';
import { limmatIn, workbench } from './workbench.ts';

const dir = workbench();
const limmat = limmatIn(dir);
const KEY = ['--key', 'key.pem', '--namespace', 'acme'];

beforeAll(async () => {
  await limmat('keygen', '--out', 'key.pem');
  writeFileSync(join(dir, 'app.bin'), 'the app');
  writeFileSync(join(dir, 'app.sig'), 'its signature');
});

const statementIn = (file: string) => parseStatement(new Uint8Array(readFileSync(join(dir, file))));

describe('a build', () => {
  test('is signed from flags', async () => {
    const args =
      '--artifact app.bin --artifact app.sig --product app --version 1.2 --channel beta --platform linux-x64'.split(
        ' ',
      );
    const { code, stdout } = await limmat('sign', 'build', ...args, ...KEY, '--issuer', 'Acme');
    expect(code).toBe(0);
    expect(stdout).toContain('Build of app 1.2 for linux-x64 in channel beta: 2 files');
    const statement = statementIn('app.bin.statement');
    expect(statement.iss).toBe('Acme');
    expect(statement.sub).toBe('acme/build/app/1.2/beta/linux-x64');
    expect(Math.abs(statement.iat - Date.now() / 1000)).toBeLessThan(60);
    for (const text of ['the app', 'its signature']) {
      const digest = new Uint8Array(createHash('sha256').update(text).digest());
      expect(fileDigests(statement.record)).toContainEqual(digest);
    }
    expect(await verifySigned(statement, readPublicKey(join(dir, 'key.pub.pem')), portableCrypto)).toBe(true);
  });

  test('is signed from JSON, and flags win', async () => {
    const fields = {
      product: 'app',
      version: '1',
      platform: 'any',
      builder: { id: 'ci' },
      artifacts: [{ digest: { sha256: 'ab'.repeat(32) } }],
    };
    writeFileSync(join(dir, 'fields.json'), JSON.stringify(fields));
    const { code } = await limmat('sign', 'build', '--fields', 'fields.json', '--version', '2', ...KEY, '--out', 'out');
    expect(code).toBe(0);
    expect(recordToJson(statementIn('out').record)).toEqual({
      type: 'build',
      namespace: 'acme',
      fields: { ...fields, version: '2', channel: 'stable' },
    });
  });
});

test('any other record is signed from JSON', async () => {
  const fields = { commitmentId: 'c1', kind: 'relocation', subject: 'user data' };
  writeFileSync(join(dir, 'promise.json'), JSON.stringify(fields));
  const { code, stdout } = await limmat(
    'sign',
    'commitment',
    '--fields',
    'promise.json',
    ...KEY,
    '--out',
    'promise',
    '--json',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'commitment', fields, issuer: 'acme', file: 'promise' });
});

const refused: readonly (readonly [args: string, line: string, code: number])[] = [
  ['build --artifact app.bin --version 1 --out x', 'a build has a product: --product', 2],
  ['build --product app --version 1 --out x', 'a build has artifacts: name the files', 2],
  ['commitment --out x', 'the fields of a commitment come from a JSON file: --fields FILE', 2],
  ['commitment --fields promise.json --product y --out x', '--product describes a build', 2],
  ['commitment --fields promise.json --artifact app.bin --out x', 'only a build is made of files', 2],
  ['build --artifact app.bin --product app --version 1 --fields app.bin', 'app.bin is not JSON', 2],
  ['build --artifact no.bin --product app --version 1', 'no.bin: no such file or directory', 2],
  ['relocation --fields promise.json --out x', 'relocation: ', 4],
];
test.each(refused)('%s is refused', async (args, line, wanted) => {
  const { code, stderr } = await limmat('sign', ...args.split(' '), ...KEY);
  expect(stderr).toContain(line);
  expect(code).toBe(wanted);
});
