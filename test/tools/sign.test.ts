import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { toHex } from '../../src/bytes.ts';
import { thumbprintHex } from '../../src/cose/key.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { algorithmOf } from '../../src/crypto/suite.ts';
import {
  approvalJob,
  approvalsOf,
  fileDigests,
  formatTime,
  parseStatement,
  recordToJson,
  verifySigned,
} from '../../src/record/index.ts';
import { readPublicKey } from '../../tools/support/keys.ts';
import { limmatHere, workbench } from './workbench.ts';

const dir = workbench();
const limmat = limmatHere(dir);
const KEY = ['--key', 'key.pem', '--namespace', 'acme'];

beforeAll(async () => {
  await limmat('keygen', '--out', 'key.pem');
  writeFileSync(join(dir, 'app.bin'), 'the app');
  writeFileSync(join(dir, 'app.sig'), 'its signature');
});

const jsonIn = (file: string): object => Object(JSON.parse(readFileSync(join(dir, file), 'utf8')));
/** What a record carries of an approval file. */
function approvalIn(file: string): { kid: unknown; signature: unknown } {
  const { kid, signature } = Object(jsonIn(file));
  return { kid, signature };
}
/** The time that many seconds from now. */
const at = (seconds: number): string => formatTime(Math.floor(Date.now() / 1000) + seconds);
const by = (name: string): string[] => ['--key', `${name}.pem`, '--namespace', 'acme'];
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

describe('fields one by one', () => {
  const SITE = 'site --set sequence=1 --set siteId=zrh --set country=CH --set city=2'.split(' ');

  test('are what their kind makes of the text', async () => {
    const kinds = ['--set', 'kinds=build', '--set', 'kinds=signing'];
    expect((await limmat('sign', ...SITE, ...kinds, ...KEY, '--out', 'site')).code).toBe(0);
    expect(recordToJson(statementIn('site').record).fields).toEqual({
      sequence: 1,
      siteId: 'zrh',
      kinds: ['build', 'signing'],
      country: 'CH',
      city: '2',
    });
  });

  test('may be lists as JSON, and members of objects, and override a file', async () => {
    const fields = { reviewId: 'R1', site: 'zrh', reviewerClass: 'partner', basis: { kind: 'reported' } };
    writeFileSync(join(dir, 'review.json'), JSON.stringify(fields));
    const flags = ['scope=["source","rules"]', 'underNda=true', 'site=tc', 'basis.documentName=a.txt', 'reviewer=A=B'];
    const set = flags.flatMap((flag) => ['--set', flag]);
    expect((await limmat('sign', 'review', '--fields', 'review.json', ...set, ...KEY, '--out', 'review')).code).toBe(0);
    expect(recordToJson(statementIn('review').record).fields).toEqual({
      ...fields,
      site: 'tc',
      scope: ['source', 'rules'],
      reviewer: 'A=B',
      underNda: true,
      basis: { kind: 'reported', documentName: 'a.txt' },
    });
  });

  test('are refused as in any record: with the field, the value and what it may be', async () => {
    const wrong = [
      ['sequence=x', 'site: sequence: "x" is not an integer'],
      ['kinds=castle', 'site: kinds: "castle" is not a list'],
      ['operatr=A', 'site: operatr: is not one of the fields'],
      ['openedAt=2026', 'site: openedAt: "2026" is not a time'],
      ['basis.kind.own=1', 'site: basis.kind: object is not one of own, reported'],
    ] as const;
    for (const [flag, line] of wrong) {
      const [name] = flag.split('=');
      const others = SITE.filter((word) => word !== '--set' && !word.startsWith(`${name}=`)).slice(1);
      const kinds = name === 'kinds' ? [] : ['kinds=build'];
      const set = [...others, ...kinds, flag].flatMap((each) => ['--set', each]);
      const { code, stderr } = await limmat('sign', 'site', ...set, ...KEY, '--out', 'x');
      expect([flag, code, stderr]).toEqual([flag, 4, expect.stringContaining(line)]);
    }
    const twice = await limmat('sign', ...SITE, '--set', 'city=a', '--set', 'kinds=build', ...KEY, '--out', 'x');
    expect([twice.code, twice.stderr]).toEqual([4, expect.stringContaining('site: city: list of 2 is not a text')]);
    const { code, stderr } = await limmat('sign', 'site', '--set', 'siteId', ...KEY, '--out', 'x');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--set takes NAME=VALUE, and "siteId" is not that')]);
  });
});

describe('a record that several keys sign', () => {
  const POLICY = ['policy', '--set', 'sequence=1', '--set', 'roles=[{"role": "release", "types": ["build"]}]'];

  beforeAll(async () => {
    for (const [name, type] of [
      ['one', 'ed25519'],
      ['two', 'p256'],
      ['three', 'ed25519'],
    ] as const) {
      await limmat('keygen', '--out', `${name}.pem`, '--type', type);
    }
  });

  test('carries the approvals of the others, and each of them holds', async () => {
    const signedAt = at(-3600);
    const draft = ['--approve', '--signer', 'three.pub.pem', '--issuer', 'Acme AG', '--signed-at', signedAt];
    for (const name of ['one', 'two']) {
      const { code, stdout } = await limmat('sign', ...POLICY, ...by(name), ...draft, '--out', `${name}.approval`);
      expect([code, stdout]).toEqual([0, expect.stringContaining('approved: Policy')]);
    }
    const given = ['--approval', 'one.approval', '--approval', 'two.approval'];
    expect((await limmat('sign', ...POLICY, ...by('three'), ...given, '--out', 'policy')).code).toBe(0);
    const statement = statementIn('policy');
    const approvals = approvalsOf(statement.record);
    expect(recordToJson(statement.record).fields).toMatchObject({
      approvals: ['one.approval', 'two.approval']
        .map(approvalIn)
        .toSorted((a, b) => (String(a.kid) < String(b.kid) ? -1 : 1)),
    });
    expect([statement.iss, formatTime(statement.iat)]).toEqual(['Acme AG', signedAt]);
    for (const name of ['one', 'two']) {
      const key = readPublicKey(join(dir, `${name}.pub.pem`));
      const own = approvals.find((approval) => toHex(approval.kid) === thumbprintHex(key))!;
      const { algorithm, publicKey, message, signature } = approvalJob(statement, own, key);
      expect(await algorithmOf(portableCrypto, algorithm).verify(publicKey, message, signature)).toBe(true);
    }
    expect(await verifySigned(statement, readPublicKey(join(dir, 'three.pub.pem')), portableCrypto)).toBe(true);
  });

  test('takes approvals from files only as they are, one a key, and none of the key that signs', async () => {
    writeFileSync(join(dir, 'no.approval'), 'not JSON');
    writeFileSync(join(dir, 'other.approval'), '{"kid": "00"}');
    const wrong = [
      [['--approval', 'no.approval'], 'no.approval is no approval', 2],
      [['--approval', 'other.approval'], 'other.approval is no approval', 2],
      [['--approval', 'one.approval', '--approval', 'one.approval'], 'approvals[1]: stands there twice', 4],
      [['--approval', 'one.approval', '--approve'], 'say one of them', 2],
    ] as const;
    for (const [args, line, exit] of wrong) {
      const { code, stderr } = await limmat('sign', ...POLICY, ...by('three'), ...args, '--out', 'x');
      expect([line, code, stderr]).toEqual([line, exit, expect.stringContaining(line)]);
    }
    const inFields = { sequence: 1, approvals: [approvalIn('one.approval')] };
    writeFileSync(join(dir, 'approved.json'), JSON.stringify(inFields));
    const unchecked = await limmat('sign', 'policy', '--fields', 'approved.json', ...by('three'), '--out', 'x');
    expect([unchecked.code, unchecked.stderr]).toEqual([2, expect.stringContaining('--approval')]);
    const own = await limmat('sign', ...POLICY, ...by('one'), '--approval', 'one.approval', '--out', 'x');
    expect([own.code, own.stderr]).toEqual([2, expect.stringContaining('signs the record')]);
  });

  test('is signed by the key, for the issuer and at the time that were approved, or not at all', async () => {
    const one = jsonIn('one.approval');
    const put = (file: string, change: object): void =>
      writeFileSync(join(dir, file), JSON.stringify({ ...one, ...change }));
    put('later.approval', { kid: 'ab'.repeat(32), signedAt: at(0) });
    put('old.approval', { signedAt: at(-90_000) });
    put('early.approval', { signedAt: at(90_000) });
    const given = ['--approval', 'one.approval'];
    const wrong = [
      ['two', given, 'one.approval approves the statement with signer'],
      ['three', [...given, '--issuer', 'Other AG'], 'with issuer Acme AG, not Other AG'],
      ['three', [...given, '--approval', 'later.approval'], 'later.approval approves the statement with signedAt'],
      ['three', ['--approval', 'old.approval'], 'is more than 24 h from now'],
      ['three', ['--approval', 'early.approval'], 'is more than 24 h from now'],
      ['three', [...given, '--signed-at', at(0)], 'go with --approve'],
      ['three', ['--signer', 'one.pub.pem'], 'go with --approve'],
      ['one', ['--approve'], 'an approval is for one signer'],
      ['one', ['--approve', '--signer', 'one.pub.pem'], 'signs the record'],
      ['one', ['--approve', '--signer', 'three.pub.pem', '--signed-at', 'noon'], '--signed-at noon is not a time'],
      ['one', ['--approve', '--signer', 'three.pub.pem', '--signed-at', at(-90_000)], 'is more than 24 h from now'],
    ] as const;
    for (const [name, args, line] of wrong) {
      const { code, stderr } = await limmat('sign', ...POLICY, ...by(name), ...args, '--out', 'x');
      expect([line, code, stderr]).toEqual([line, 2, expect.stringContaining(line)]);
    }
  });

  test('of a build is approved beside its file', async () => {
    const args = '--artifact app.bin --product app --version 3'.split(' ');
    expect((await limmat('sign', 'build', ...args, ...by('one'), '--approve', '--signer', 'two.pub.pem')).code).toBe(0);
    const given = ['--approval', 'app.bin.approval', '--out', 'build'];
    const { code, stdout } = await limmat('sign', 'build', ...args, ...by('two'), ...given, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ fields: { approvals: [approvalIn('app.bin.approval')] } });
  });
});

const refused: readonly (readonly [args: string, line: string, code: number])[] = [
  ['build --artifact app.bin --version 1 --out x', 'a build has a product: --product', 2],
  ['build --product app --version 1 --out x', 'a build has artifacts: name the files', 2],
  ['commitment --out x', 'the fields of a commitment come from a JSON file: --fields FILE', 2],
  [
    'commitment --fields promise.json --product y --out x',
    '--product describes a build; the fields of a commitment come from --fields or --set',
    2,
  ],
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
