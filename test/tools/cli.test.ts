import { readFileSync } from 'node:fs';

import { describe, expect, test, vi } from 'vitest';

import { ERROR_STATUS, LimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { main } from '../../tools/cli.ts';
import { asCommandError, exitCodeFor } from '../../tools/support/exit.ts';
import { limmatIn, workbench } from './workbench.ts';

/** Runs a command line in this process; most of what a process of its own costs is its start. */
async function limmat(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += String(chunk);
      return true;
    }),
  );
  try {
    return { code: await main(args), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('a command line that is wrong ends with code 2 and one line that says what was meant', () => {
  const cases: readonly (readonly [args: readonly string[], line: string])[] = [
    [['srve'], 'limmat: unknown command \'srve\': did you mean serve? (see "limmat --help")'],
    [
      ['serve', '--lisen', 'x'],
      'limmat: unknown option \'--lisen\': did you mean --listen? (see "limmat serve --help")',
    ],
    [
      ['serve', 'listen=127.0.0.1:0'],
      'limmat: "limmat serve" takes no arguments, and "listen=127.0.0.1:0" is one too many: did you mean --listen=127.0.0.1:0? (see "limmat serve --help")',
    ],
    [
      ['serve', './elsewhere'],
      'limmat: "limmat serve" takes no arguments, and "./elsewhere" is one too many: did you mean --data ./elsewhere? (see "limmat serve --help")',
    ],
    [['srve', '--help'], 'limmat: unknown command \'srve\': did you mean serve? (see "limmat --help")'],
    [
      ['monitor', 'stauts', '--data', 'x', '--help'],
      'limmat: unknown command \'stauts\': did you mean status? (see "limmat monitor --help")',
    ],
    [
      ['monitor', 'serve', '--help'],
      'limmat: unknown command \'serve\': "limmat monitor" has status, ack, self-test (see "limmat monitor --help")',
    ],
    [['submitter', 'ad'], 'limmat: unknown command \'ad\': did you mean add? (see "limmat submitter --help")'],
    [
      ['serve', '--listen', '127.0.0.1:99999'],
      'limmat: option \'--listen <host:port>\' argument \'127.0.0.1:99999\' is invalid. It must be HOST:PORT like 127.0.0.1:6962, and is "127.0.0.1:99999". (see "limmat serve --help")',
    ],
    [['sign', 'bild', '--key', 'k'], "limmat: command-argument value 'bild' is invalid for argument 'type'."],
    [['add', 'no-such-file'], 'limmat: no-such-file: no such file or directory'],
    [
      ['add', 'x', '--product', 'y'],
      'limmat: --product describes a record to sign, and signing takes a key: --key FILE',
    ],
  ];
  test.each(cases)('%j', async (args, line) => {
    const { code, stdout, stderr } = await limmat(...args);
    expect(stderr).toContain(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

test('with --json an error is one JSON document on standard output', async () => {
  const { code, stdout, stderr } = await limmat('submitter', 'list', '--data', 'nowhere', '--json');
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: 'bad-config',
      message: 'there is no log in nowhere: "limmat init --data nowhere" makes one',
      details: {},
    },
  });
  expect(stderr).toBe('');
  expect(code).toBe(2);
});

test('help lists every command and every command has help of its own', async () => {
  const { code, stdout } = await limmat('--help');
  expect(code).toBe(0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name!);
  expect(names).toEqual(
    expect.arrayContaining(['init', 'serve', 'keygen', 'sign', 'submitter', 'add', 'import', 'demo']),
  );
  for (const name of names) {
    const help = await limmat(name, '--help');
    expect(help.code, name).toBe(0);
    expect(help.stdout).toMatch(new RegExp(`^Usage: limmat ${name}`));
    // The description is filled to the width of the terminal, without breaks of its own: a line is left only where the
    // next word would not have fitted.
    const [, description] = help.stdout.split('\n\n');
    const lines = description!.split('\n');
    for (const [i, line] of lines.slice(0, -1).entries()) {
      const [next] = lines[i + 1]!.split(' ');
      expect(`${line} ${next}`.length, `${name}: ${line}`).toBeGreaterThan(80);
    }
  }
});

test('--version is the version of the package, except behind a command', async () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(manifest).toHaveProperty('version', (await limmat('--version')).stdout.trim());
  expect((await limmat('add', 'x', '--version', '1')).stderr).toContain('--version describes a record to sign');
});

test('the launcher passes on what was said and the exit code', async () => {
  const { code, stdout, stderr } = await limmatIn(workbench())('srve');
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: '',
    stderr: 'limmat: unknown command \'srve\': did you mean serve? (see "limmat --help")\n',
  });
});

test('no command at all shows the help and ends with code 2', async () => {
  const { code, stderr } = await limmat();
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: limmat');
});

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_STATUS, code);

describe('exit codes', () => {
  test('every error code has one, and only a fault of ours is a crash', () => {
    for (const code of Object.keys(ERROR_STATUS).filter(isErrorCode)) {
      const exit = exitCodeFor(new LimmatError(code, ''));
      expect(exit === 1, code).toBe(code === 'internal');
      expect([1, 2, 3, 4, 6], code).toContain(exit);
    }
  });

  test('what is not ours to know is a crash, and a full disk is not', () => {
    expect(exitCodeFor(asCommandError(new TypeError('x is not a function')))).toBe(1);
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(exitCodeFor(asCommandError(full))).toBe(3);
  });
});
