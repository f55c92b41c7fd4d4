// A limmat log that is cosigned by the witnesses of others: litewitness of filippo.io/torchwood, and
// github.com/transparency-dev/witness with an Ed25519 and an ML-DSA-44 key.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { checkpointVerifier, openCheckpoint, parsePolicy, parseTlogProof } from '../../src/note/index.ts';
import { mustRunLimmat, startServe } from '../../tools/support/serve-process.ts';
import type { ServeProcess } from '../../tools/support/serve-process.ts';
import type { Lane } from './report.ts';

const moduleDir = fileURLToPath(new URL('../interop/witnesses', import.meta.url));
const ORIGIN = 'interop.invalid/cosigned';
/** Sizes at which a checkpoint is cosigned: the proofs between them have all forms of an edge. */
const GROWTH = [1, 2, 5, 255, 1, 300, 700];

interface Started {
  readonly child: ChildProcess;
  readonly vkeys: readonly string[];
  readonly url: string;
}

/** Runs the checks, or says which witness cannot be built here, and why. */
export async function cosignedLog(lane: Lane, dir: string): Promise<void> {
  const bin = join(dir, 'witness-bin');
  mkdirSync(bin, { recursive: true });
  const built = {
    litewitness: buildLitewitness(bin),
    'transparency-dev': buildTransparencyDev(dir, bin),
  };
  for (const [name, problem] of Object.entries(built)) {
    if (problem !== undefined) process.stdout.write(`not run: the witness of ${name} cannot be built: ${problem}\n`);
  }
  const names = Object.entries(built).flatMap(([name, problem]) => (problem === undefined ? [name] : []));
  if (names.length === 0) return;

  const dataDir = join(dir, 'cosigned');
  await mustRunLimmat(['init', '--data', dataDir, '--origin', ORIGIN, '--admission', 'open']);
  const trust = readFileSync(join(dataDir, 'trust.txt'), 'utf8');
  const logVkeys = [...trust.matchAll(/^log (\S+)/gm)].map(([, vkey]) => vkey!);
  const vkey = logVkeys.find((key) => Buffer.from(key.split('+')[2] ?? '', 'base64')[0] === 0x01) ?? '';
  const started: Started[] = [];
  try {
    const lines: string[] = [];
    for (const name of names) {
      const home = join(dir, name);
      mkdirSync(home);
      const lite = ['-bin', join(bin, 'litewitness'), '-dir', home];
      const args = ['-origin', ORIGIN, '-vkey', vkey, ...(name === 'litewitness' ? lite : [])];
      const witness = await startWitness(join(bin, name === 'litewitness' ? 'run-litewitness' : name), args);
      started.push(witness);
      for (const [i, key] of witness.vkeys.entries()) lines.push(`witness ${name}-${i} ${key} ${witness.url}`);
    }
    const all = lines.map((line) => line.split(' ')[1]).join(' ');
    const policy = `${lines.join('\n')}\ngroup everyone all ${all}\nquorum everyone\n`;
    writeFileSync(join(dataDir, 'witnesses.policy'), policy);
    appendFileSync(join(dataDir, 'limmat.toml'), '\nwitness-policy = "witnesses.policy"\n');
    const what = `${names.join(' and ')}, ${lines.length} keys`;
    await lane.check(`each checkpoint is cosigned by ${what}`, () => grow(dataDir, policy, logVkeys, 0));
    await lane.check('and again after a restart', () => grow(dataDir, policy, logVkeys, 1));
  } finally {
    for (const { child } of started) {
      child.stdin?.end();
      await once(child, 'close');
    }
  }
}

/** Adds entries, and opens each proof file with the log's and every witness's key. */
async function grow(dataDir: string, policy: string, logVkeys: readonly string[], round: number): Promise<void> {
  let server: ServeProcess | undefined;
  try {
    server = await startServe({ dataDir, args: ['--checkpoint-interval', '20ms', '--log-level', 'warn'] });
    const keys = [...logVkeys, ...parsePolicy(policy).witnesses.map(({ key }) => key)];
    for (const [step, count] of GROWTH.entries()) {
      for (let i = 1; i < count; i++) await add(server, '', `${round}/${step}/${i}`);
      const proof = parseTlogProof(await add(server, '?wait=witnessed', `${round}/${step}`));
      const verifiers = keys.map((key) => checkpointVerifier(key, nodeCrypto));
      const { verified } = await openCheckpoint(proof.checkpoint, verifiers);
      if (verified.length !== keys.length) throw new Error(`${verified.length} of ${keys.length} keys signed`);
    }
  } catch (error) {
    throw new Error(`${String(error)}\n${server?.output() ?? ''}`, { cause: error });
  } finally {
    await server?.stop();
  }
}

async function add(server: ServeProcess, query: string, entry: string): Promise<Uint8Array> {
  const answer = await fetch(`${server.url}/add${query}`, { method: 'POST', body: entry });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (answer.status !== 200) throw new Error(`POST /add${query}: ${answer.status} ${Buffer.from(bytes).toString()}`);
  return bytes;
}

function buildLitewitness(bin: string): string | undefined {
  return (
    goBuild(['-o', join(bin, 'litewitness'), 'filippo.io/torchwood/cmd/litewitness']) ??
    goBuild(['-o', join(bin, 'run-litewitness'), './litewitness'])
  );
}

/** Beside a copy of its Merkle library with the one function that the last release lacks (see go.mod). */
function buildTransparencyDev(dir: string, bin: string): string | undefined {
  const merkle = go(['list', '-m', '-f', '{{.Dir}}', 'github.com/transparency-dev/merkle']);
  if (merkle.problem !== undefined) return merkle.problem;
  if (merkle.stdout === '') return go(['mod', 'download']).problem ?? 'its modules are not there';
  const own = join(dir, 'witness-modules');
  cpSync(merkle.stdout, join(own, 'merkle'), { recursive: true });
  spawnSync('chmod', ['-R', 'u+w', own]);
  copyFileSync(join(moduleDir, 'subtree.go.txt'), join(own, 'merkle', 'proof', 'subtree.go'));
  copyFileSync(join(moduleDir, 'go.sum'), join(own, 'go.sum'));
  const mod = readFileSync(join(moduleDir, 'go.mod'), 'utf8');
  writeFileSync(join(own, 'go.mod'), mod.replace(/(=> )\S+merkle v\S+/, `$1${join(own, 'merkle')}`));
  return goBuild([`-modfile=${join(own, 'go.mod')}`, '-o', join(bin, 'transparency-dev'), './transparency-dev']);
}

function goBuild(args: readonly string[]): string | undefined {
  return go(['build', ...args]).problem;
}

function go(args: readonly string[]): { readonly stdout: string; readonly problem: string | undefined } {
  const { status, stdout, stderr } = spawnSync('go', args, { encoding: 'utf8', cwd: moduleDir });
  return { stdout: (stdout ?? '').trim(), problem: status === 0 ? undefined : (stderr ?? '').trim().slice(-2000) };
}

/** Starts one; resolves once it has said where it is. */
async function startWitness(program: string, args: readonly string[]): Promise<Started> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-4000)));
  for await (const line of createInterface({ input: child.stdout })) {
    const { vkeys, url }: { vkeys: string[]; url: string } = JSON.parse(line);
    await listening(url);
    return { child, vkeys, url };
  }
  throw new Error(`${program} ended before it said where it is:\n${printed}`);
}

async function listening(url: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`nothing listens at ${url}`);
}
