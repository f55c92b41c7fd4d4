import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { text as textOf } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../src/bytes.ts';
import { CHECK_WORDS } from '../../src/client/check/words.ts';
import { hashFiles } from '../../tools/check/hash.ts';
import type { HashedFile } from '../../tools/check/hash.ts';
import { parseList } from '../../tools/check/files.ts';
import { CheckWorld } from '../support/check-world.ts';
import { tableRows } from '../support/markdown.ts';
import { limmat } from '../support/run-limmat.ts';
import type { Ran } from '../support/run-limmat.ts';
import { digestOf } from '../support/shipped.ts';

let dir: string;
let world: CheckWorld;
let server: Server;
let url: string;
const path = (name: string): string => join(dir, name);
const hexOf = (content: string): string => toHex(digestOf(utf8(content)));

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'limmat-check-'));
  world = new CheckWorld();
  world.nowSeconds = Math.floor(Date.now() / 1000) - 5;
  writeFileSync(path('trust.txt'), world.trustText());
  server = createServer((request, response) => {
    void textOf(request)
      .then((question) => world.answer(request.url!.slice(1), question))
      .then((bytes) => {
        response.statusCode = bytes === null ? 404 : 200;
        response.end(bytes);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('not listening on a port');
  url = `http://127.0.0.1:${address.port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

const run = (...args: readonly string[]): Promise<Ran> =>
  limmat('check', '--trust', path('trust.txt'), '--url', url, ...args);
const file = (name: string, content: string): string => {
  writeFileSync(path(name), content);
  return path(name);
};

describe('limmat check', () => {
  test('says of a file who signed it, that it is the newest, and what is not proven', async () => {
    await world.build('1', 'x');
    await world.publish();
    const people = await run(file('x', 'x'));
    expect([people.code, people.stderr]).toEqual([0, '']);
    expect(people.stdout).toContain(`logged ${path('x')}\n  entry 0  Build of Shield 1`);
    expect(people.stdout).toContain('signed by Acme Security (key ');
    expect(people.stdout).toContain(
      'it is the newest of its channel: acme/Shield/build:linux/stable, by the channel head of ',
    );
    expect(people.stdout).toContain('not proven: that no rebuilder got other files');
    const programs = await run(path('x'), '--json');
    expect(JSON.parse(programs.stdout)).toMatchObject({
      verdicts: { logged: 1 },
      files: [{ file: path('x'), sha256: hexOf('x'), verdict: 'logged', records: [{ index: 0 }] }],
    });
  });

  test('ends with 4 for a finding, with 3 where it could not look, with 6 for a contradiction', async () => {
    const build = await world.build('1', 'x');
    await world.rebuild(build, 'University', 'mismatch');
    await world.publish();
    expect((await run(file('x', 'x'))).code).toBe(4);
    expect((await run(file('y', 'y'))).code).toBe(4);
    world.lie = (answer) => (answer.digest === hexOf('y') ? 'no idea' : answer);
    expect((await run(path('y'))).code).toBe(3);
    expect((await run(path('x'), path('y'))).code).toBe(4);
    const lookups = world.asked.length;
    expect((await run()).code).toBe(2);
    expect((await run(path('nothing'))).code).toBe(2);
    expect(world.asked).toHaveLength(lookups);
    world.head = (head) => ({ ...head, leafHash: world.log.rootHash() });
    await world.build('2', 'z');
    await world.publish();
    expect((await run(file('z', 'z'))).code).toBe(6);
  });

  test('ends with 5 where the log shows no channel head, and the trust file has a key for it', async () => {
    await world.build('1', 'x');
    await world.publish();
    world.tamper = (asked, honest) => (asked.endsWith('/head') ? null : honest);
    const { code, stdout } = await run(file('x', 'x'));
    expect(code).toBe(5);
    expect(stdout).toContain(`no-channel-head ${path('x')}`);
    expect((await run(path('x'), '--allow-no-head')).code).toBe(0);
    expect((await run(path('x'), file('y', 'y'))).code).toBe(4);
    const withoutKey = world.trustText().replaceAll(/^channel-key .*\n/gm, '');
    expect((await run(path('x'), '--trust', file('other.txt', withoutKey))).code).toBe(0);
  });

  test('a file’s name cannot pass for a line about another', async () => {
    await world.publish();
    const { stdout } = await run(file('x\nlogged setup.exe\u001b[2K\u202e', 'x'));
    expect(stdout).toContain('not-logged "');
    expect(stdout).toContain('x\\nlogged setup.exe\\u001b[2K\\u202e"');
    expect(stdout.split('\n').some((line) => line.startsWith('logged'))).toBe(false);
  });

  test('asks for rebuilds, and remembers the log', async () => {
    await world.rebuild(await world.build('1', 'x'), 'University');
    await world.publish();
    const args = [file('x', 'x'), '--state', path('seen')];
    expect((await run(...args, '--require-rebuilds', '1')).code).toBe(0);
    expect((await run(...args, '--require-rebuilds', '2')).stdout).toContain('2 are asked for, 1 of 1: University');
    expect(readFileSync(path('seen'), 'utf8')).toContain('log.example/check');
    expect(readFileSync(path('seen.channels'), 'utf8')).toContain('acme/Shield/build:linux/stable');
    world.log.entries.push(utf8('x'));
    await world.publish();
    world.log.entries.splice(1, 1, world.log.entries[0]!);
    world.log.entries.pop();
    await world.publish();
    expect((await run(...args)).code).toBe(6);
  });

  test('looks at a directory once for each digest, and tells of many files only what is wrong', async () => {
    const contents = Array.from({ length: 20 }, (_, i) => `content ${i}`);
    await world.build('1', ...contents.slice(1));
    await world.publish();
    mkdirSync(path('tree/deep'), { recursive: true });
    for (const [i, content] of contents.entries()) file(`tree/${i % 2 === 0 ? 'deep/' : ''}${i}`, content);
    file('tree/again', 'content 1');
    symlinkSync(path('tree/again'), path('tree/link'));
    const { code, stdout, stderr } = await run(path('tree'));
    expect(code).toBe(4);
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      `not-logged ${path('tree/deep/0')}`,
      '  no record in the log names it: as the log says, which proves no absence',
      '21 files: 20 logged, 1 not-logged',
      '  of them 20 dissent-not-proven, 20 newest, 20 not-recalled-in-channel',
    ]);
    expect(stderr).toBe('1 links and special files were left out\n');
    expect(world.asked.filter((asked) => asked.includes('artifacts'))).toEqual(['api/v1/artifacts']);
    expect(world.asked.filter((asked) => asked.includes('/proof'))).toHaveLength(1);
  });

  test('what cannot be read is not checked, and the rest is', async () => {
    await world.build('1', 'x');
    await world.publish();
    mkdirSync(path('tree'));
    file('tree/x', 'x');
    // A name that is no UTF-8 cannot be asked for by what the directory says it is.
    writeFileSync(Buffer.concat([Buffer.from(path('tree/')), Buffer.from([0x79, 0xff])]), 'y');
    const { code, stdout } = await run(path('tree'), '--json');
    expect(code).toBe(3);
    const files: { file: string; verdict: string }[] = JSON.parse(stdout).files;
    expect(files.map(({ file: name, verdict }) => [name, verdict])).toEqual([
      [path('tree/x'), 'logged'],
      [path('tree/y\ufffd'), 'not-checked'],
    ]);
  });

  test('checks a list by the digests in it', async () => {
    await world.build('1', 'x');
    await world.publish();
    file('SHA256SUMS', `${hexOf('x')}  gone.bin\n${hexOf('y')} *other.bin\n`);
    const { code, stdout } = await run('--manifest', path('SHA256SUMS'), '--json');
    expect(code).toBe(4);
    expect(
      JSON.parse(stdout).files.map((each: { file: string; verdict: string }) => [each.file, each.verdict]),
    ).toEqual([
      ['gone.bin', 'logged'],
      ['other.bin', 'not-logged'],
    ]);
    file('SHA256SUMS', `${hexOf('x')} gone.bin\n`);
    expect(await run('--manifest', path('SHA256SUMS'))).toMatchObject({ code: 2 });
  });
});

const offline = (...args: readonly string[]): Promise<Ran> => run('--index', path('index'), ...args);

const saysOf = async (...args: readonly string[]): Promise<string[]> => {
  const { stdout } = await offline(...args, '--json');
  return JSON.parse(stdout).files[0].says.map(({ code }: { code: string }) => code);
};

describe('an index of one’s own', () => {
  test('proves what the log cannot, from where it stands, without asking the log', async () => {
    const build = await world.build('1', 'x');
    await world.rebuild(build, 'University');
    await world.build('2', 'y');
    await world.publish();
    expect((await offline(file('x', 'x'))).code).toBe(2);
    expect((await offline('--update')).stdout).toContain('the 3 entries of log.example/check at ');
    const asked = world.asked.length;
    expect(await saysOf(path('x'))).toEqual(['logged', 'rebuilt', 'no-dissent', 'older', 'not-recalled']);
    expect(await saysOf(file('y', 'y'))).toEqual(['logged', 'no-dissent', 'newest', 'not-recalled']);
    expect(await saysOf(file('z', 'z'))).toEqual(['not-logged']);
    expect(world.asked).toHaveLength(asked);
    expect(world.asked.some((each) => each.includes('api/'))).toBe(false);
  });

  test('goes on where it was, and sees what was taken back meanwhile', async () => {
    const build = await world.build('1', 'x');
    await world.build('2', 'y');
    await world.publish();
    await offline('--update');
    await world.rebuild(build, 'University', 'mismatch');
    await world.retract(build, 'recall');
    const later = await world.build('3', 'z');
    await world.retract(later, 'recall');
    world.nowSeconds += 1;
    await world.publish();
    expect(await saysOf(file('x', 'x'))).toEqual(['logged', 'no-dissent', 'older', 'not-recalled']);
    const before = readFileSync(path('index'), 'utf8');
    expect(await saysOf('--update', path('x'))).toEqual(['recalled', 'below-minimum', 'dissent', 'logged']);
    expect(readFileSync(path('index'), 'utf8').startsWith(before)).toBe(true);
    // What was recalled after it, in its channel, makes an older one unfit too: as with channel heads.
    expect(await saysOf(file('y', 'y'))).toEqual(['below-minimum', 'logged', 'no-dissent']);
    expect((await offline(path('y'))).code).toBe(4);
  });

  test('what was not finished does not count, and is written again', async () => {
    await world.build('1', 'x');
    await world.publish();
    await offline('--update');
    const whole = readFileSync(path('index'), 'utf8');
    await world.retract(await world.build('2', 'y'), 'recall');
    world.nowSeconds += 1;
    await world.publish();
    await offline('--update');
    const next = readFileSync(path('index'), 'utf8');
    for (let cut = whole.length; cut < next.length; cut += 211) {
      writeFileSync(path('index'), next.slice(0, cut));
      expect(await saysOf(file('x', 'x'))).toEqual(['logged', 'no-dissent', 'newest', 'not-recalled']);
    }
    writeFileSync(path('index'), `${next}{"index":9,"leaf":""}\n{"size":`);
    await offline('--update');
    expect(readFileSync(path('index'), 'utf8')).toBe(next);
  });

  test('a log that changes its past is convicted, and the index stays', async () => {
    await world.build('1', 'x');
    await world.build('2', 'y');
    await world.publish();
    await offline('--update');
    const whole = readFileSync(path('index'));
    world.log.entries.splice(0, 1, utf8('other'));
    await world.build('3', 'z');
    world.nowSeconds += 1;
    await world.publish();
    expect((await offline('--update')).code).toBe(6);
    expect(readFileSync(path('index'))).toEqual(whole);
    file('index', 'a letter to somebody\n');
    expect((await offline('--update')).code).toBe(4);
    expect(readFileSync(path('index'), 'utf8')).toBe('a letter to somebody\n');
  });

  test('an index that is too old for the trust file is refused', async () => {
    await world.build('1', 'x');
    world.nowSeconds -= 7200;
    await world.publish();
    await offline('--update');
    writeFileSync(path('trust.txt'), world.trustText(undefined, 'max-age 1h'));
    expect(await offline(file('x', 'x'))).toMatchObject({ code: 4 });
  });
});

test('threads hash as this process does', async () => {
  const files = Array.from({ length: 9 }, (_, i) => {
    const content = 'abc'.repeat(i * 70_000);
    return { path: file(`${i}`, content), size: content.length, content };
  });
  files.push({ path: path('gone'), size: 1, content: '' });
  const results: HashedFile[][] = [[], []];
  await hashFiles(files, (hashed) => results[0]!.push(hashed), { threads: 0 });
  await hashFiles(files, (hashed) => results[1]!.push(hashed), { threads: 2 });
  const sorted = results.map((list) =>
    list
      .map(({ path: name, result }) => [name, 'error' in result ? 'error' : toHex(result.sha256)])
      .toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
  );
  expect(sorted[1]).toEqual(sorted[0]);
  expect(sorted[0]!.slice(0, 9).map(([, hex]) => hex)).toEqual(files.slice(0, 9).map(({ content }) => hexOf(content)));
  expect(sorted[0]![9]).toEqual([path('gone'), 'error']);
});

const names = (text: string): string[] => parseList(text, 'list').map(({ name }) => name);

test('lists are read as sha256sum writes them, and as JSON', () => {
  const hex = hexOf('x');
  expect(names(`${hex}  a b\n\\${hex} *c\\nd\\\\e\nSHA256 (f (1)) = ${hex}\n`)).toEqual(['a b', 'c\nd\\e', 'f (1)']);
  expect(names(JSON.stringify([hex, { sha256: hex, name: 'a' }, { sha256: hex }]))).toEqual([hex, 'a', hex]);
  for (const bad of ['', '[]', hex, `${hex.slice(1)}  a`, `${hex.toUpperCase()}  a`, '[1]', '[{"name":"a"}]', '[']) {
    expect(() => parseList(bad, 'list')).toThrow(/list/);
  }
});

test('docs/check.md has every word with its grade', () => {
  const rows = tableRows('docs/check.md', 'word').map(([code, grade, sentence]) => [
    code!.slice(1, -1),
    grade,
    sentence,
  ]);
  expect(rows).toEqual(Object.entries(CHECK_WORDS).map(([code, { grade, sentence }]) => [code, grade, sentence]));
});
