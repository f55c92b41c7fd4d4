// The README's commands run and its tables are true; the shell lines of docs/ run against the same log.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { publicError } from '../src/adapters/http/problem.ts';
import { ERROR_STATUS, LimmatError } from '../src/errors.ts';
import type { ErrorCode } from '../src/errors.ts';
import { EXIT, exitCodeFor } from '../tools/support/exit.ts';
import { startServe } from '../tools/support/serve-process.ts';
import type { ServeProcess } from '../tools/support/serve-process.ts';
import { importTableRows } from './support/import-rows.ts';
import { ROOT, blocks, page, tableRows } from './support/markdown.ts';

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_STATUS, code);
const LAUNCHER = join(ROOT, 'tools', 'limmat.mjs');

describe('the tables', () => {
  const rows = tableRows('README.md', 'code');
  const codes = Object.keys(ERROR_STATUS).filter(isErrorCode);

  test('every error code is there once, with its HTTP status, its exit code and a sentence', () => {
    const expected = codes.map((code) => `\`${code}\` ${ERROR_STATUS[code]} ${exitCodeFor(new LimmatError(code, ''))}`);
    expect(rows.map((cells) => cells.slice(0, 3).join(' ')).toSorted()).toEqual(expected.toSorted());
    for (const cells of rows) expect([cells[0], cells[3]!.length > 20]).toEqual([cells[0], true]);
  });

  test('the first of the two has exactly what a log answers over HTTP', () => {
    const answered = codes.filter((code) => publicError(new LimmatError(code, '')).code === code);
    const listed = rows.slice(0, answered.length).map(([code]) => code!.slice(1, -1));
    expect(listed.toSorted()).toEqual(answered.toSorted());
  });

  test('exit codes are those of the commands', () => {
    const listed = tableRows('README.md', 'exit code').map(([code, name]) => [name, Number(code)]);
    expect(listed).toEqual(Object.entries(EXIT));
  });

  test('the import table is the one that is checked', () => {
    expect(tableRows('README.md', 'part of `src`')).toEqual(importTableRows());
  });
});

/** The text with another base64 character there. */
const flipped = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

/** `npx limmat` is this checkout's, at the test's own log; curl, where a machine has none, is a stand-in. */
const SHELL = `
npx() { shift; command=$1; shift
  case $command in
    add|find|import|proof) "$NODE" "$LAUNCHER" "$command" "$@" --url "$URL" ;;
    *) "$NODE" "$LAUNCHER" "$command" "$@" ;;
  esac
}
node() { script=$1; shift; "$NODE" "$ROOT/$script" "$@"; }
command -v curl > /dev/null || curl() { "$NODE" "$ROOT/test/support/curl.ts" "$@"; }
`;

/** The page's shell lines, but for those that install. */
const runs = (file: string): string[] => blocks(file, 'sh').filter((block) => !block.startsWith('npm ci'));

const checkByHand = (file: string, proof: string): string =>
  `node docs/verify-proof.mjs ${file} ${proof} data/trust.txt`;

describe('the commands', () => {
  let dir: string;
  let served: ServeProcess;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'limmat-readme-'));
    // What `npm start` runs, on a port of its own.
    const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
    expect(manifest).toContain('tools/limmat.mjs serve --init"');
    served = await startServe({
      dataDir: join(dir, 'data'),
      args: ['--init', '--log-level', 'error', '--checkpoint-interval', '100ms'],
    });
  });

  afterAll(async () => {
    // A log that does not stop must not outlive the test either.
    const deadline = setTimeout(() => void served.kill(), 10_000);
    expect(await served.stop()).toBe(0);
    clearTimeout(deadline);
    rmSync(dir, { recursive: true });
  });

  /** Runs lines of the documentation in the newcomer's directory; what they print, and the code they end with. */
  function shell(lines: string): Promise<{ code: number | null; output: string }> {
    const script = SHELL + lines.replaceAll('http://127.0.0.1:6962', served.url);
    const env = { ...process.env, NODE: process.execPath, LAUNCHER, ROOT, URL: served.url, NO_COLOR: '1' };
    const child = spawn('sh', ['-eu', '-c', script], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
  }

  test('the first minute: sign, append, verify', async () => {
    const [first] = runs('README.md');
    expect(first!.trim().split('\n').length + 1).toBeLessThanOrEqual(5);
    const { code, output } = await shell(first!);
    expect(output).toContain('added as entry 3: Build of hello 1.0');
    expect(output).toContain('verified hello.txt');
    expect(code).toBe(0);
  });

  test('what the server prints on its first start is the same path', () => {
    const printed = served.output();
    expect(printed).toContain(`${served.url}/`);
    for (const word of [' add hello.txt --key ', ' verify hello.txt --proof hello.txt.tlog-proof --trust ']) {
      expect(printed).toContain(word);
      expect(page('README.md')).toContain(word);
    }
  });

  test('the library says the same', async () => {
    const [code] = blocks('README.md', 'js');
    const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
    writeFileSync(join(dir, 'check.mjs'), code!.replace("from 'limmat'", `from '${library}'`));
    const ran = await shell('"$NODE" check.mjs');
    expect(ran.output).toContain("product: 'hello'");
    expect(ran.code).toBe(0);
  });

  test('a submitter of your own', async () => {
    const [, admit, use] = runs('README.md');
    const ran = await shell(`${admit!}${use!}`);
    expect(ran.output).toContain('signed by  Vendor AG');
    expect(ran.code).toBe(0);
  });

  test('a log watched in three lines', async () => {
    const [, , , watch, ...others] = runs('README.md');
    expect(others).toEqual([]);
    expect(watch!.trim().split('\n')).toHaveLength(3);
    const { code, output } = await shell(watch!);
    expect([code, output]).toEqual([0, expect.stringContaining('limmat.invalid/')]);
  });

  const RUN = [
    'docs/proof-file.md',
    'docs/http.md',
    'docs/records.md',
    'docs/monitor.md',
    'docs/pipelines.md',
    'docs/admission.md',
    'docs/lookups.md',
  ];
  test.each(RUN)('%s', async (file) => {
    expect(runs(file).length).toBeGreaterThan(0);
    for (const block of runs(file)) {
      const { code, output } = await shell(block);
      expect([block, code, output]).toEqual([block, 0, output]);
    }
  });

  test('the check by hand refuses another file and another record', async () => {
    writeFileSync(join(dir, 'other.txt'), 'other\n');
    const other = await shell(checkByHand('other.txt', 'hello.txt.tlog-proof'));
    expect(other.output).toContain('refused: the statement does not name this file');
    const proof = readFileSync(join(dir, 'hello.txt.tlog-proof'), 'utf8');
    writeFileSync(join(dir, 'changed.tlog-proof'), flipped(proof, proof.indexOf('extra ') + 200));
    const changed = await shell(checkByHand('hello.txt', 'changed.tlog-proof'));
    expect(changed.output).toContain('refused: the proof does not lead to the root');
  });
});
