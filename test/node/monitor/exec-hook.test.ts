import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { execHook } from '../../../src/node/monitor/exec-hook.ts';
import { temporaryDirectory } from '../../support/data-log.ts';

/** A program `hook` with this shell script, in a directory of its own. */
function program(script: string): { readonly dir: string; readonly file: (name: string) => string } {
  const dir = temporaryDirectory();
  const path = join(dir, 'hook');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return { dir, file: (name) => join(dir, name) };
}

test('a program gets the message on standard input and its own arguments, in the directory it was given', async () => {
  const { dir, file } = program('cat > got; printf "%s" "$1" > argument');
  await execHook({ argv: ['./hook', '$(touch bad); rm *'], cwd: dir }).deliver('{"a":"`id`"}');
  expect(readFileSync(file('got'), 'utf8')).toBe('{"a":"`id`"}');
  expect(readFileSync(file('argument'), 'utf8')).toBe('$(touch bad); rm *');
  expect(existsSync(file('bad'))).toBe(false);
});

test('a program that does not read its input may take the message all the same', async () => {
  const { dir } = program('exit 0');
  await execHook({ argv: ['./hook'], cwd: dir }).deliver('x'.repeat(1_000_000));
});

test('another exit code than 0 is a failure, with the last line that the program said', async () => {
  const { dir } = program('echo first >&2; echo "no route" >&2; exit 7');
  await expect(execHook({ argv: ['./hook'], cwd: dir }).deliver('{}')).rejects.toMatchObject({
    code: 'hook-failed',
    message: 'the program ./hook ended with exit code 7: no route',
  });
});

test('a program that is not there is a failure', async () => {
  const { dir } = program('exit 0');
  await expect(execHook({ argv: ['./hok'], cwd: dir }).deliver('{}')).rejects.toThrow(
    /^the program \.\/hok did not start/,
  );
});

test('a program that hangs is stopped, even when what it started lives on', async () => {
  const { dir } = program('sleep 5 & sleep 5');
  const hook = execHook({ argv: ['./hook'], cwd: dir, timeoutMillis: 200 });
  const startedAt = performance.now();
  await expect(hook.deliver('{}')).rejects.toThrow(/it took longer than 200 ms/);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test('an abort stops the program', async () => {
  const { dir } = program('exec sleep 5');
  const abort = new AbortController();
  const delivery = execHook({ argv: ['./hook'], cwd: dir }).deliver('{}', abort.signal);
  setTimeout(() => abort.abort(), 100);
  await expect(delivery).rejects.toMatchObject({ code: 'hook-failed' });
});
