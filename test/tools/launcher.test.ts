import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { commandWords, shellWord, shownPath } from '../../tools/support/command-name.ts';
import { workbench } from './workbench.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHER = join(ROOT, 'tools', 'limmat.mjs');
const dir = workbench();

/** A copy of the launcher with nothing, or something else, around it. */
function copyOf(name: string): string {
  mkdirSync(join(dir, name, 'tools'), { recursive: true });
  copyFileSync(LAUNCHER, join(dir, name, 'tools', 'limmat.mjs'));
  return join(dir, name, 'tools', 'limmat.mjs');
}

/** Runs it in a Node that says it has this version. */
function run(launcher: string, version?: string) {
  const pretend =
    version === undefined
      ? []
      : ['--import', `data:text/javascript,Object.defineProperty(process,'version',{value:'${version}'})`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...pretend, launcher, '--version'], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the launcher', () => {
  test('runs the sources of a checkout', () => {
    expect(run(LAUNCHER)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('says in one line that a Node is too old', () => {
    for (const version of ['v12.22.12', 'v18.20.8', 'v20.18.3']) {
      expect(run(LAUNCHER, version)).toEqual({
        status: 2,
        stdout: '',
        stderr: `limmat: needs Node 20.19 or newer, and this is ${version}\n`,
      });
    }
  });

  test('hands over to the Node that is installed when this one does not strip types', () => {
    const launcher = copyOf('old');
    writeFileSync(join(dir, 'old', 'tools', 'cli.ts'), 'export const run = (): void => console.log(process.version);');
    expect(run(launcher, 'v20.20.2')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('"npm ci" installs one'),
    });
    mkdirSync(join(dir, 'old', 'node_modules', '.bin'), { recursive: true });
    symlinkSync(process.execPath, join(dir, 'old', 'node_modules', '.bin', 'node'));
    expect(run(launcher, 'v20.20.2')).toMatchObject({ status: 0, stdout: `${process.version}\n` });
  });

  test('runs the bundle of a package', () => {
    const launcher = copyOf('package');
    expect(run(launcher)).toMatchObject({ status: 2, stderr: expect.stringContaining('is not complete') });
    mkdirSync(join(dir, 'package', 'dist'));
    writeFileSync(join(dir, 'package', 'package.json'), '{"type": "module"}');
    writeFileSync(
      join(dir, 'package', 'dist', 'limmat.js'),
      'export const run = (argv) => console.log(`bundle ${argv}`);',
    );
    expect(run(launcher, 'v20.19.0')).toMatchObject({ status: 0, stdout: 'bundle --version\n' });
  });

  test('is written in what Node 12 reads', () => {
    const text = readFileSync(LAUNCHER, 'utf8');
    for (const newer of ['?.', '??', "'node:", '**=', '#private', 'import.meta.dirname', '.at('])
      expect(text).not.toContain(newer);
  });
});

describe('lines that are printed to be copied', () => {
  test('start limmat as it can be started there', () => {
    expect(commandWords(LAUNCHER, ROOT)).toBe('npx limmat');
    expect(commandWords(LAUNCHER, dir)).toBe(`node ${shellWord(LAUNCHER)}`);
    expect(commandWords('/usr/local/bin/limmat', dir)).toBe('limmat');
  });

  test('quote what a shell would take apart', () => {
    expect(shellWord('data/keys/a.pem')).toBe('data/keys/a.pem');
    expect(shellWord("my 'data'")).toBe(`'my '\\''data'\\'''`);
  });

  test('name paths as they are typed there', () => {
    expect(shownPath(join(dir, 'data'), dir)).toBe('data');
    expect(shownPath(dir, dir)).toBe('.');
    expect(shownPath(ROOT, dir)).toBe(ROOT.replace(/\/$/, ''));
  });
});
