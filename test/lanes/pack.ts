// `npm run test:pack`: what a user gets from the registry works. Builds, packs, installs the package into an empty
// directory without development and optional dependencies, and runs it there under Node 20 when the machine has one.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { mustRunLimmat, startServe } from '../../tools/support/serve-process.ts';
import { Lane } from './report.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Promised to users (README): what an installation without optional dependencies may weigh. */
const MAX_PACKAGES = 40;
const MAX_BYTES = 25 * 1000 * 1000;

const run = promisify(execFile);

/** The first Node 20 on PATH that is not a package of this checkout. */
function systemNode20(): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, 'node');
    if (directory.includes('node_modules') || !existsSync(path)) continue;
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    if (stdout?.startsWith('v20.')) return path;
  }
  return undefined;
}

/** Bytes of all files under a directory. */
function sizeOf(directory: string): number {
  let sum = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).size;
  }
  return sum;
}

async function pack(into: string): Promise<string> {
  await run('npm', ['run', '-s', 'build'], { cwd: root });
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', into], { cwd: root });
  const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout);
  if (packed === undefined) throw new Error(`npm pack answered ${stdout}`);
  const stray = packed.files.filter(
    ({ path }) =>
      !/^(dist\/|tools\/(limmat\.mjs|demo\/sample\.jsonl)$|docs\/trust\/[a-z-]+\.txt$|package\.json$|[A-Z]+(\.md)?$)/.test(
        path,
      ),
  );
  if (stray.length > 0) throw new Error(`the package contains ${stray.map(({ path }) => path).join(', ')}`);
  return join(into, packed.filename);
}

const CONSUMER_JS = `
import { readFileSync } from 'node:fs';
const { exports } = JSON.parse(readFileSync('node_modules/limmat/package.json', 'utf8'));
for (const name of Object.keys(exports)) {
  if (name.endsWith('.json')) continue;
  const module = await import(name.replace('.', 'limmat'));
  if (Object.keys(module).length === 0) throw new Error(name + ' exports nothing');
}
`;

const CONSUMER_TS = `
import { CompactRange, portableHasher } from 'limmat/merkle';
import { parseNote } from 'limmat/note';
export const root: Uint8Array = CompactRange.empty(portableHasher).rootHash();
export const text: string = parseNote('x').text;
// @ts-expect-error a size is a number
CompactRange.fromHashes('1', [], portableHasher);
`;

const CONSUMER_TSCONFIG = {
  compilerOptions: {
    module: 'NodeNext',
    target: 'ES2023',
    strict: true,
    noEmit: true,
    types: [],
    lib: ['ES2023', 'DOM'],
  },
  files: ['consumer.ts'],
};

async function main(): Promise<void> {
  const lane = new Lane('pack');
  const dir = mkdtempSync(join(tmpdir(), 'limmat-pack-'));
  const node = systemNode20();
  const launcher = join(dir, 'node_modules', 'limmat', 'tools', 'limmat.mjs');
  process.stdout.write(
    node === undefined
      ? `pack: no Node 20 on PATH: running on ${process.version} alone\n`
      : `pack: running on ${node}\n`,
  );
  const options = { node: node ?? process.execPath, launcher, cwd: dir };
  try {
    let archive = '';
    const packed = await lane.check('npm pack gives a package with nothing stray in it', async () => {
      archive = await pack(dir);
    });
    if (!packed) return;
    const installed = await lane.check('it installs without dev and optional dependencies', async () => {
      writeFileSync(join(dir, 'package.json'), '{"private":true,"type":"module"}');
      await run(
        'npm',
        ['install', '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', archive],
        { cwd: dir },
      );
    });
    if (!installed) return;
    await lane.check(`at most ${MAX_PACKAGES} packages and ${MAX_BYTES / 1e6} MB`, () => {
      const modules = join(dir, 'node_modules');
      const names = readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter((path) =>
        /^((@[^/]+\/)?[^/@.][^/]*|.*\/node_modules\/(@[^/]+\/)?[^/@.][^/]*)\/package\.json$/.test(path),
      );
      const bytes = sizeOf(modules);
      process.stdout.write(`pack: ${names.length} packages, ${(bytes / 1e6).toFixed(1)} MB\n`);
      if (names.length > MAX_PACKAGES || bytes > MAX_BYTES) throw new Error(`${names.length} packages, ${bytes} bytes`);
    });
    await lane.check('every export loads', async () => {
      writeFileSync(join(dir, 'consumer.js'), CONSUMER_JS);
      await run(options.node, ['consumer.js'], { cwd: dir });
    });
    await lane.check('its declarations type-check in a strict project', async () => {
      writeFileSync(join(dir, 'consumer.ts'), CONSUMER_TS);
      writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(CONSUMER_TSCONFIG));
      await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', dir], { cwd: dir });
    });
    await lane.check('the command says its version and its help', async () => {
      const version = await mustRunLimmat(['--version'], options);
      if (!/^\d+\.\d+\.\d+\s*$/.test(version)) throw new Error(`--version printed ${version}`);
      await mustRunLimmat(['--help'], options);
    });
    await lane.check('the demo runs', () => mustRunLimmat(['demo'], options).then(() => undefined));
    await lane.check('a log forks and is convicted', () =>
      mustRunLimmat(['demo', 'fork', '--out', join(dir, 'fork')], options).then(() => undefined),
    );
    await lane.check('records are refused, reported, rebuilt and checked', () =>
      mustRunLimmat(['demo', 'records', '--out', join(dir, 'records')], options).then(() => undefined),
    );
    await lane.check('witnesses cosign one history, and no other', () =>
      mustRunLimmat(['demo', 'witnesses', '--out', join(dir, 'witnesses')], options).then(() => undefined),
    );
    await lane.check('the monitor catches every lie', () =>
      mustRunLimmat(['monitor', 'self-test'], options).then(() => undefined),
    );
    await lane.check('bench finds the parts that run in processes of their own', async () => {
      const small = ['--entries', '1000', '--seconds', '1', '--dir', dir, '--json'];
      await mustRunLimmat(['bench', 'append', ...small], options);
      await mustRunLimmat(['bench', 'tiles', ...small], options);
      const names = ['monitor-rate', 'monitor-rss', 'monitor-mirror', 'monitor-idle'];
      const monitored = await mustRunLimmat(['bench', 'monitor', ...small], options);
      const { rows }: { rows: { name: string; value: number }[] } = JSON.parse(monitored);
      const measured = rows.filter(({ value }) => value > 0).map(({ name }) => name);
      if (measured.join() !== names.join()) throw new Error(`bench monitor measured ${measured.join()}`);
    });
    await lane.check('init, serve, add, proof, fsck and a clean stop', async () => {
      const dataDir = join(dir, 'data');
      await mustRunLimmat(['init', '--data', dataDir, '--origin', 'pack.invalid/log', '--admission', 'open'], options);
      const server = await startServe({ dataDir, node: options.node, launcher });
      try {
        const answer = await fetch(`${server.url}/add?wait=published`, { method: 'POST', body: 'a first entry' });
        const proofFile = await answer.text();
        if (answer.status !== 200 || !proofFile.startsWith('c2sp.org/tlog-proof@v1\n')) {
          throw new Error(`add answered ${answer.status} ${proofFile.slice(0, 300)}`);
        }
        await mustRunLimmat(['fsck', '--url', server.url], options);
        const code = await server.stop();
        if (code !== 0) throw new Error(`serve ended with ${code}:\n${server.output()}`);
      } finally {
        await server.kill();
      }
      await mustRunLimmat(['fsck', '--data', dataDir], options);
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
    lane.finish();
  }
}

await main();
