import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../src/bytes.ts';
import { generateStatementKey } from '../../src/node/statement-key.ts';
import { parseStatement } from '../../src/record/statement.ts';
import type { FieldsOf } from '../../src/record/types.ts';
import { compareOutputs, firstDifference, namedFile, resultOf } from '../../tools/rebuild/files.ts';
import { treeDigest } from '../../tools/rebuild/find.ts';
import { CheckWorld, PRODUCT } from '../support/check-world.ts';
import { limmat } from '../support/run-limmat.ts';
import type { Ran } from '../support/run-limmat.ts';
import { digestOf } from '../support/shipped.ts';

let dir: string;
let world: CheckWorld;
let server: Server;
let url: string;
let isAway: boolean;
const path = (name: string): string => join(dir, name);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'limmat-rebuild-'));
  world = new CheckWorld();
  world.nowSeconds = Math.floor(Date.now() / 1000) - 5;
  isAway = false;
  writeFileSync(path('trust.txt'), world.trustText());
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void answer(request.url!, new Uint8Array(Buffer.concat(chunks))).then((bytes) => {
        response.statusCode = bytes === null ? 404 : 200;
        response.end(bytes);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  url = `http://127.0.0.1:${address.port}`;
  writeFileSync(path('key.pem'), generateStatementKey('ed25519').secretPem, { mode: 0o600 });
});

async function answer(asked: string, body: Uint8Array): Promise<Uint8Array | null> {
  if (asked !== '/add?wait=published') return world.answer(asked.slice(1));
  if (isAway) return null;
  world.log.entries.push(body);
  await world.publish();
  return world.proof(world.log.entries.length - 1);
}

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

const sha256 = (content: string): { sha256: Uint8Array } => ({ sha256: digestOf(utf8(content)) });
type Artifacts = FieldsOf<'build'>['artifacts'];

const build = (version: string, artifacts: Artifacts, more: Partial<FieldsOf<'build'>> = {}): Promise<Uint8Array> =>
  world.add('build', { ...PRODUCT, version, platform: 'linux', artifacts, ...more });

/** `limmat rebuild … -- sh -c SCRIPT`, with these options before. */
async function rebuild(script: string, ...options: readonly string[]): Promise<Ran> {
  await world.publish();
  const who = ['--key', path('key.pem'), '--namespace', 'rebuilders', '--issuer', 'University', '--work', path('work')];
  const which = options.includes('--entry') ? [] : ['--next'];
  const log = ['--trust', path('trust.txt'), '--url', url];
  return limmat('rebuild', ...which, ...log, ...who, ...options, '--', 'sh', '-c', script);
}

/** The newest entry, a rebuild. */
function logged(): FieldsOf<'rebuild'> {
  const { record, iss } = parseStatement(world.log.entries.at(-1)!);
  if (record.type !== 'rebuild') throw new TypeError(`it is a ${record.type}`);
  expect(iss).toBe('University');
  return record.fields;
}

const report = (id: Uint8Array): Record<string, unknown> =>
  JSON.parse(readFileSync(path(`work/${toHex(id)}/report.json`), 'utf8'));

describe('limmat rebuild', () => {
  test('makes the oldest build again, logs that it is the same, and prints where the proof is', async () => {
    const first = await build('1', [{ name: 'a', digest: sha256('one') }]);
    await build('2', [{ name: 'a', digest: sha256('two') }]);
    const { code, stdout } = await rebuild('printf one > "$LIMMAT_OUTPUT/a"', '--independence', 'a university');
    expect(stdout).toContain('match all 1 files came out the same\nadded as entry 2\n');
    expect(stdout).toContain(`proof  ${path(`work/${toHex(first)}/rebuild.tlog-proof`)}`);
    expect(code).toBe(0);
    expect(readFileSync(path(`work/${toHex(first)}/rebuild.tlog-proof`))).toEqual(Buffer.from(world.proof(2)!));
    const fields = logged();
    expect(fields).toMatchObject({ build: first, result: 'match', method: 'rebuild', independence: 'a university' });
    expect(fields.obtained).toEqual([{ name: 'a', size: 3, digest: sha256('one') }]);
    expect(fields.source).toBeUndefined();
    for (const [name, digest] of [
      ['report.json', fields.diffReportDigest],
      ['environment.json', fields.environmentDigest],
    ] as const) {
      expect(digest!.sha256).toEqual(digestOf(readFileSync(path(`work/${toHex(first)}/${name}`))));
    }
    expect(report(first)).toMatchObject({ index: 0, result: 'match', exitStatus: 0, source: 'not checked' });
    const second = await rebuild('printf "$LIMMAT_VERSION" > "$LIMMAT_OUTPUT/a"', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ build: { index: 1 }, result: 'mismatch', appended: true });
    expect(await rebuild('exit 9')).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to rebuild') });
  });

  test('logs other files as a mismatch, and says where they differ', async () => {
    const id = await build('1', [
      { name: 'a', size: 3, digest: sha256('one') },
      { name: 'b', digest: sha256('same') },
    ]);
    mkdirSync(path('published'));
    writeFileSync(path('published/a'), 'one');
    const { code, stdout } = await rebuild(
      'mkdir "$LIMMAT_OUTPUT/d"; printf ons > "$LIMMAT_OUTPUT/d/a"; printf same > "$LIMMAT_OUTPUT/b"; touch "$LIMMAT_OUTPUT/log"',
      '--artifacts',
      path('published'),
    );
    expect([code, stdout]).toEqual([4, expect.stringContaining('mismatch 1 of 2 files differ')]);
    expect(logged().result).toBe('mismatch');
    expect(report(id)).toMatchObject({
      otherFiles: 1,
      others: [{ path: 'log', size: 0 }],
      artifacts: [
        {
          name: 'a',
          same: false,
          expected: { size: 3, sha256: toHex(sha256('one').sha256) },
          found: { file: 'd/a', size: 3, sha256: toHex(sha256('ons').sha256) },
          published: { file: 'a', size: 3 },
          firstDifference: 2,
        },
        { name: 'b', same: true },
      ],
    });
  });

  test.each([
    ['a command that fails', 'printf one > "$LIMMAT_OUTPUT/a"; exit 3', 'not-buildable', 'ended with code 3'],
    ['nothing that came out', 'true', 'not-buildable', 'left none of the files'],
    ['a part that came out', 'printf one > "$LIMMAT_OUTPUT/a"', 'inconclusive', '1 of 2 files did not come out'],
  ])('%s is no mismatch, and logged on demand only', async (_, script, result, why) => {
    const id = await build('1', [
      { name: 'a', digest: sha256('one') },
      { name: 'b', digest: sha256('two') },
    ]);
    const silent = await rebuild(script);
    expect([silent.code, silent.stdout]).toEqual([3, expect.stringContaining(why)]);
    expect(silent.stdout).toContain('nothing was logged');
    expect(world.log.entries).toHaveLength(1);
    expect(report(id)).toMatchObject({ result });
    // It was tried here, so it does not stand in the way of the next one.
    expect((await rebuild(script)).stdout).toContain('nothing to rebuild');
    expect((await rebuild(script, '--entry', '0', '--report-failure')).code).toBe(4);
    expect(logged().result).toBe(result);
  });

  test('builds from a source only that is the one the build names', async () => {
    const fields = { product: 'Shield', version: '1', archiveDigest: sha256('source') };
    const source = await world.add('source-snapshot', fields);
    const id = await build('1', [{ name: 'a', digest: sha256('source') }], { source });
    writeFileSync(path('wrong.tar'), 'other');
    writeFileSync(path('source.tar'), 'source');
    mkdirSync(path('tree'));
    const script = 'cp "$LIMMAT_SOURCE" "$LIMMAT_OUTPUT/a"';
    expect(await rebuild(script, '--source', path('wrong.tar'))).toMatchObject({ code: 4 });
    expect(await rebuild(script, '--source', path('tree'))).toMatchObject({ code: 2 });
    expect(readdirSync(path('work'))).toEqual([]);
    expect((await rebuild(script, '--source', path('source.tar'))).code).toBe(0);
    expect(logged()).toMatchObject({ build: id, source, result: 'match' });
    await build('2', [{ name: 'a', digest: sha256('x') }]);
    expect(await rebuild(script, '--source', path('source.tar'))).toMatchObject({ code: 2 });
  });

  test('checks a directory by the digest of its list of files', async () => {
    mkdirSync(path('tree/sub'), { recursive: true });
    writeFileSync(path('tree/b'), 'b');
    writeFileSync(path('tree/sub/a'), 'a');
    const hex = (content: string): string => toHex(sha256(content).sha256);
    const list = `${hex('b')}  b\n${hex('a')}  sub/a\n`;
    expect(await treeDigest(path('tree'))).toEqual(sha256(list).sha256);
    const source = await world.add('source-snapshot', { product: 'Shield', version: '1', treeDigest: sha256(list) });
    await build('1', [{ name: 'a', digest: sha256('a') }], { source });
    expect((await rebuild('cp "$LIMMAT_SOURCE/sub/a" "$LIMMAT_OUTPUT"', '--source', path('tree'))).code).toBe(0);
  });

  test('the digest of a tree is one that find, sort and sha256sum give, whatever the names', async () => {
    mkdirSync(path('tree/a'), { recursive: true });
    // By code units of UTF-16 the last two would change places, and by locale the first ones.
    for (const name of ['a/b', 'a-b', 'B', 'ä', '.hidden', '-n', ' two  spaces', '\uff61', '\u{1f600}']) {
      writeFileSync(join(path('tree'), name), name);
    }
    const command = `find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0r sha256sum -- | sha256sum`;
    expect(readFileSync(join(import.meta.dirname, '../../docs/rebuilders.md'), 'utf8')).toContain(command);
    const said = execFileSync('sh', ['-c', command], { cwd: path('tree'), encoding: 'utf8' });
    expect(toHex(await treeDigest(path('tree')))).toBe(said.slice(0, 64));
  });

  test('a tree that a list of files does not fix has no digest', async () => {
    for (const [i, name] of ['new\nline', 'back\\slash', 'return\r'].entries()) {
      mkdirSync(path(`tree${i}`));
      writeFileSync(join(path(`tree${i}`), name), 'x');
      await expect(treeDigest(path(`tree${i}`))).rejects.toMatchObject({ code: 'usage' });
    }
    mkdirSync(path('linked'));
    symlinkSync('/etc/hostname', path('linked/a'));
    await expect(treeDigest(path('linked'))).rejects.toThrow('a in');
    mkdirSync(path('bytes'));
    writeFileSync(Buffer.concat([Buffer.from(`${path('bytes')}/`), Buffer.from([0xff])]), 'x');
    await expect(treeDigest(path('bytes'))).rejects.toMatchObject({ code: 'usage' });
  });

  test('tells the command what the record says, and not what the key is', async () => {
    const id = await build('1.0; rm -rf $HOME', [{ digest: sha256('x') }]);
    process.env['TEST_REBUILD_KEY'] = readFileSync(path('key.pem'), 'utf8');
    try {
      await rebuild('env > "$LIMMAT_OUTPUT/env"', '--key', 'env:TEST_REBUILD_KEY');
    } finally {
      delete process.env['TEST_REBUILD_KEY'];
    }
    const env = readFileSync(path(`work/${toHex(id)}/output/env`), 'utf8');
    expect(env).not.toContain('PRIVATE KEY');
    const output = path(`work/${toHex(id)}/output`);
    for (const line of [
      `LIMMAT_BUILD=${toHex(id)}`,
      'LIMMAT_INDEX=0',
      'LIMMAT_NAMESPACE=acme',
      'LIMMAT_PRODUCT=Shield',
      'LIMMAT_VERSION=1.0; rm -rf $HOME',
      'LIMMAT_CHANNEL=stable',
      'LIMMAT_PLATFORM=linux',
      `LIMMAT_OUTPUT=${output}`,
    ]) {
      expect(env.split('\n')).toContain(line);
    }
    expect(env).not.toContain('LIMMAT_SOURCE');
  });

  test('leaves out what strangers built, other products, and what it has judged before', async () => {
    const fields = { ...PRODUCT, version: '1', platform: 'linux', artifacts: [{ digest: sha256('x') }] };
    await world.add('build', fields, 'Somebody');
    await world.add('build', { ...fields, product: 'Sword' });
    const shield = await build('2', [{ name: 'a', digest: sha256('x') }]);
    const { stdout } = await rebuild('printf y > "$LIMMAT_OUTPUT/a"', '--product', 'Shield', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ build: { index: 2, leafHash: toHex(shield) }, result: 'mismatch' });
    // On another machine of the same rebuilder.
    rmSync(path('work'), { recursive: true });
    expect((await rebuild('exit 1', '--product', 'Shield')).stdout).toContain('nothing to rebuild');
    expect((await rebuild('exit 1', '--entry', '0')).stderr).toContain('the trust file does not name');
  });

  test('a log that names something else, or proves something else, builds nothing', async () => {
    await build('1', [{ name: 'a', digest: sha256('x') }]);
    await world.rebuild(await build('2', [{ name: 'a', digest: sha256('x') }]), 'Rebuilders Inc');
    world.lie = (given) => ({ ...given, items: [{ index: 2 }] });
    expect((await rebuild('exit 1')).stdout).toContain('nothing to rebuild');
    world.lie = (given) => given;
    world.tamper = (asked, honest) => (asked === 'api/v1/entries/0/proof' ? world.proof(1)! : honest);
    expect((await rebuild('exit 1')).code).toBe(4);
    world.tamper = (asked, honest) => (asked.includes('builds') ? utf8('{"items":[{}]}') : honest);
    expect((await rebuild('exit 1')).code).toBe(3);
    expect(readdirSync(path('work'))).toEqual([]);
  });

  test('a verdict that the log was not there for is sent by the next run', async () => {
    const id = await build('1', [{ name: 'a', digest: sha256('one') }]);
    isAway = true;
    const { code, stderr } = await rebuild('printf one > "$LIMMAT_OUTPUT/a"');
    expect([code, stderr]).toEqual([3, expect.stringContaining('the signed verdict is kept in')]);
    isAway = false;
    // Another log gets nothing of it.
    const waits = path(`work/${toHex(id)}`);
    const origin = readFileSync(join(waits, 'origin'), 'utf8');
    writeFileSync(join(waits, 'origin'), 'other.example/1\n');
    expect((await rebuild('exit 1')).stderr).toContain('is for other.example/1, not for');
    expect(existsSync(join(waits, 'rebuild.tlog-proof'))).toBe(false);
    writeFileSync(join(waits, 'origin'), origin);
    const { stderr: said, stdout } = await rebuild('exit 1');
    expect(said).toContain('was added as entry 1');
    expect(stdout).toContain('nothing to rebuild');
    expect(logged()).toMatchObject({ build: id, result: 'match' });
    expect(existsSync(path(`work/${toHex(id)}/rebuild.tlog-proof`))).toBe(true);
  });

  test('needs a build and a command that starts', async () => {
    await build('1', [{ name: 'a', digest: sha256('one') }]);
    expect(await rebuild('true', '--next', '--entry', '0')).toMatchObject({ code: 2 });
    await world.publish();
    const args = ['--trust', path('trust.txt'), '--url', url, '--key', path('key.pem'), '--namespace', 'r'];
    const gone = await limmat('rebuild', '--next', ...args, '--work', path('work'), '--', path('gone'));
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('cannot start')]);
  });
});

const listed = (...paths: readonly string[]) =>
  paths.map((each) => ({ path: each, size: each.length, sha256: digestOf(utf8(each)) }));

describe('comparing', () => {
  test('a name is looked up in the listing and never is a path', () => {
    const files = listed('a', 'x/b', 'x/c', 'y/c', '../d');
    expect(namedFile('a', files)!.path).toBe('a');
    expect(namedFile('b', files)!.path).toBe('x/b');
    expect(namedFile('x/c', files)!.path).toBe('x/c');
    for (const name of ['c', '/etc/passwd', '../a', '']) expect(namedFile(name, files)).toBeUndefined();
  });

  test('files without names are found by their digests, and one alone stands for one alone', () => {
    const artifact = { digest: { sha256: digestOf(utf8('b')) } };
    expect(compareOutputs([artifact], listed('a', 'b'))).toMatchObject([{ isSame: true, found: { path: 'b' } }]);
    expect(compareOutputs([artifact], listed('a'))).toMatchObject([{ isSame: false, found: { path: 'a' } }]);
    expect(compareOutputs([artifact], listed('a', 'c'))).toMatchObject([{ found: undefined }]);
    expect(resultOf(compareOutputs([artifact], []))).toBeUndefined();
  });

  test('the first difference is found across chunks, and at the end of the shorter one', async () => {
    const bytes = new Uint8Array(200_000).fill(7);
    writeFileSync(path('a'), bytes);
    for (const at of [0, 65_535, 65_536, 199_999]) {
      const other = bytes.slice();
      other[at] = 8;
      writeFileSync(path('b'), other);
      expect(await firstDifference(path('a'), path('b'))).toBe(at);
    }
    writeFileSync(path('b'), bytes.subarray(0, 65_536));
    expect(await firstDifference(path('a'), path('b'))).toBe(65_536);
  });
});
