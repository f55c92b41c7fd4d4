// `npm run test:interop`: starts a log, fills it, exports it, and runs the Go tests of test/interop against both; then
// watches and cosigns a live Tessera log, and has a log cosigned by two witnesses of others. Without Go it says what is
// missing and ends with 0; with --strict, or LIMMAT_STRICT=1, a missing Go is a failure.

import { spawn, spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { portableCrypto } from '../../src/crypto/index.ts';
import {
  checkpointVerifier,
  formatSignerKey,
  openCheckpoint,
  parseSignerKey,
  parseVerifierKey,
} from '../../src/note/index.ts';
import { mustRunLimmat, startServe, type ServeProcess } from '../../tools/support/serve-process.ts';
import { cosignedLog } from './cosigned.ts';
import { monitorTessera } from './monitor-tessera.ts';
import { writeProofs } from './proofs.ts';
import { Lane, laneNotRun } from './report.ts';
import { witnessTessera } from './witness-tessera.ts';

/** The module's go.mod asks for this; an older Go would try to download a newer one. */
const OLDEST_GO = [1, 25];
const GO_TEST_MILLIS = 5 * 60_000;
/** Enough for full tiles on two levels and a partial one on each. */
const ENTRIES = 3 * 256 + 77;

const moduleDir = fileURLToPath(new URL('../interop', import.meta.url));
const proofsDir = fileURLToPath(new URL('../interop/proofs', import.meta.url));
const sigsumDir = fileURLToPath(new URL('../interop/sigsum', import.meta.url));

/** Why the lane cannot run, or undefined. */
function missing(): string | undefined {
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', cwd: tmpdir() });
  const version = /^go(\d+)\.(\d+)/.exec(stdout ?? '');
  if (status !== 0 || version === null) return 'Go is not installed (https://go.dev/doc/install)';
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < OLDEST_GO[0]! || (major === OLDEST_GO[0] && minor < OLDEST_GO[1]!)) {
    return `Go ${major}.${minor} is older than ${OLDEST_GO.join('.')}`;
  }
  const download = spawnSync('go', ['mod', 'download'], { encoding: 'utf8', cwd: moduleDir });
  return download.status === 0 ? undefined : `the Go modules cannot be had: ${download.stderr.trim()}`;
}

/** Appends distinct entries of many lengths, the shortest and longest among them, in batches. */
async function fill(server: ServeProcess): Promise<void> {
  const entries = Array.from({ length: ENTRIES }, (_, i) => Buffer.from(`entry ${i} ${'x'.repeat(i % 300)}`));
  entries[0] = Buffer.alloc(1, 0x01);
  entries[1] = Buffer.alloc(65_535, 0xfe);
  for (let start = 0; start < entries.length; start += 200) {
    const parts = entries.slice(start, start + 200).flatMap((entry) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    });
    const answer = await fetch(`${server.url}/api/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(Buffer.concat(parts)),
    });
    const text = await answer.text();
    if (answer.status !== 200 || text.includes('"code"'))
      throw new Error(`batch: ${answer.status} ${text.slice(0, 500)}`);
  }
  await published(server, ENTRIES);
}

async function published(server: ServeProcess, size: number): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const checkpoint = await (await fetch(`${server.url}/checkpoint`)).text();
    if (Number(checkpoint.split('\n')[1]) >= size) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`size ${size} was not published`);
}

/** Runs `go test -json` and takes over each test as a check. */
async function goTest(lane: Lane, env: NodeJS.ProcessEnv, cwd = moduleDir): Promise<void> {
  const child = spawn('go', ['test', '-count=1', '-json', './...'], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: GO_TEST_MILLIS,
  });
  const output = new Map<string, string>();
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (rest += text));
  for await (const line of createInterface({ input: child.stdout })) {
    let event: { Action?: string; Test?: string; Output?: string };
    try {
      event = JSON.parse(line);
    } catch {
      rest += `${line}\n`;
      continue;
    }
    const name = event.Test ?? '';
    if (event.Action === 'output' || event.Action === 'build-output') {
      output.set(name, (output.get(name) ?? '') + (event.Output ?? ''));
    }
    if (name === '' || !['pass', 'fail', 'skip'].includes(event.Action ?? '')) continue;
    lane.add({ name, problem: event.Action === 'pass' ? undefined : `${event.Action}: ${output.get(name) ?? ''}` });
  }
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once('close', resolve)));
  if (code !== 0)
    await lane.check('go test', () => Promise.reject(new Error(`exit code ${code}\n${output.get('') ?? ''}${rest}`)));
}

/** Proof files and policies of limmat's, opened and judged by the code of others. */
async function openProofs(lane: Lane, dir: string): Promise<void> {
  const download = spawnSync('go', ['mod', 'download'], { encoding: 'utf8', cwd: proofsDir });
  if (download.status !== 0) {
    process.stdout.write(`not run: the Go modules of test/interop/proofs cannot be had: ${download.stderr.trim()}\n`);
    return;
  }
  const file = join(dir, 'proofs.json');
  process.stdout.write(`policies by chance: seed ${await writeProofs(file)}\n`);
  await goTest(lane, { LIMMAT_PROOFS: file }, proofsDir);
  await openWithSigsum(lane, dir, file);
}

/**
 * The same notes opened by Sigsum's code. It is not on every module proxy: LIMMAT_SIGSUM_GO may name a checkout of
 * sigsum.org/sigsum-go to build with.
 */
async function openWithSigsum(lane: Lane, dir: string, file: string): Promise<void> {
  const own = join(dir, 'sigsum');
  cpSync(sigsumDir, own, { recursive: true });
  const go = (...args: string[]): SpawnSyncReturns<string> => spawnSync('go', args, { encoding: 'utf8', cwd: own });
  const checkout = process.env['LIMMAT_SIGSUM_GO'];
  if (checkout !== undefined) go('mod', 'edit', '-replace', `sigsum.org/sigsum-go=${checkout}`);
  const tidied = go('mod', 'tidy');
  if (tidied.status === 0) {
    await goTest(lane, { LIMMAT_PROOFS: file }, own);
    return;
  }
  const reason = tidied.stderr.trim().split('\n').at(-1);
  process.stdout.write(
    `not run: sigsum.org/sigsum-go cannot be had (LIMMAT_SIGSUM_GO may name a checkout): ${reason}\n`,
  );
}

/** The other direction: limmat reads a key and a note that sumdb/note made. */
async function openGoNote(file: string): Promise<void> {
  const { skey, vkey, note }: Record<'skey' | 'vkey' | 'note', string> = JSON.parse(readFileSync(file, 'utf8'));
  const signerKey = parseSignerKey(skey);
  if (formatSignerKey(signerKey) !== skey) throw new Error('the skey of sumdb/note is formatted differently');
  if (parseVerifierKey(vkey).keyId !== signerKey.keyId) throw new Error('the key ids differ');
  const opened = await openCheckpoint(Buffer.from(note), [checkpointVerifier(vkey, portableCrypto)]);
  if (opened.verified.length !== 1) throw new Error(`${opened.verified.length} signatures verified, want 1`);
}

async function main(): Promise<void> {
  const reason = missing();
  if (reason !== undefined) {
    laneNotRun('interop', reason);
    if (process.argv.includes('--strict') || process.env['LIMMAT_STRICT'] === '1') process.exitCode = 1;
    return;
  }
  const lane = new Lane('interop');
  const dir = mkdtempSync(join(tmpdir(), 'limmat-interop-'));
  let server: ServeProcess | undefined;
  try {
    const dataDir = join(dir, 'data');
    await mustRunLimmat(['init', '--data', dataDir, '--origin', 'interop.invalid/log', '--admission', 'open']);
    server = await startServe({ dataDir });
    await fill(server);
    const log: { vkeys: string[] } = JSON.parse(await (await fetch(`${server.url}/api/v1/log`)).text());
    const vkey = log.vkeys.find((key) => Buffer.from(key.split('+')[2] ?? '', 'base64')[0] === 0x01) ?? '';
    const exportDir = join(dir, 'export');
    await mustRunLimmat(['export', '--url', server.url, '--to', exportDir]);
    await goTest(lane, {
      LIMMAT_URL: server.url,
      LIMMAT_VKEY: vkey,
      LIMMAT_SKEY: readFileSync(join(dataDir, 'keys', 'log.skey'), 'utf8').trim(),
      LIMMAT_EXPORT: exportDir,
      LIMMAT_OUT: dir,
    });
    await lane.check('limmat opens a note that sumdb/note signed', () => openGoNote(join(dir, 'go-note.json')));
    const exitCode = await server.stop();
    await lane.check('the log ends cleanly afterwards', () => {
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
    });
    await openProofs(lane, dir);
    await monitorTessera(lane, dir);
    await witnessTessera(lane, dir);
    await cosignedLog(lane, dir);
  } catch (error) {
    await lane.check('set-up', () => Promise.reject(error instanceof Error ? error : new Error(String(error))));
  } finally {
    await server?.kill();
    rmSync(dir, { recursive: true, force: true });
  }
  lane.finish();
}

await main();
