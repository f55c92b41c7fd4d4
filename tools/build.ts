// `npm run build`: the package's contents. The command line becomes dist/limmat.js, every name of package.json's
// `exports` one dist/<part>.js with its declarations beside it. Dependencies stay outside: npm installs them.

import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** Where the source of an export stands: `src/<part>.ts` for wiring files and the index, `src/<part>/index.ts` for parts. */
const WIRING = new Set(['index', 'node']);

/** The oldest Node that the package supports; the bundle is lowered to what it understands. */
const TARGET = 'node20.19';

interface PackageJson {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
}

function parts(packageJson: PackageJson): string[] {
  return Object.values(packageJson.exports)
    .map((path) => /^\.\/dist\/([a-z-]+)\.js$/.exec(path)?.[1])
    .filter((part) => part !== undefined);
}

function sourceOf(part: string): string {
  return WIRING.has(part) ? `src/${part}.ts` : `src/${part}/index.ts`;
}

async function bundle(names: readonly string[]): Promise<number> {
  const entryPoints: Record<string, string> = {
    limmat: 'tools/cli.ts',
    'verify-worker': 'src/adapters/node-crypto/verify-worker.ts',
    'sign-worker': 'src/adapters/node-crypto/sign-worker.ts',
    'hash-worker': 'tools/check/hash-worker.ts',
    'bench-load-main': 'tools/bench/load-main.ts',
    'bench-append-main': 'tools/bench/append-main.ts',
    'bench-follow-main': 'tools/bench/follow-main.ts',
    'bench-monitor-main': 'tools/bench/monitor-main.ts',
    'bench-mirror-main': 'tools/bench/mirror-main.ts',
    'bench-bare-main': 'tools/bench/bare-main.ts',
    'bench-records-main': 'tools/bench/records-main.ts',
  };
  for (const name of names) entryPoints[name] = sourceOf(name);
  const result = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: dist,
    bundle: true,
    // Every file lies directly in dist/, so that a path relative to import.meta.url means the same in each of them.
    splitting: true,
    chunkNames: 'chunk-[hash]',
    format: 'esm',
    platform: 'node',
    target: TARGET,
    packages: 'external',
    metafile: true,
    logLevel: 'warning',
  });
  return Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
}

/** TypeScript leaves `.ts` in the specifiers of declarations; what is beside them in the package is named `.js`. */
export function packagedSpecifiers(declaration: string): string {
  return declaration.replace(/((?:\bfrom|\bimport|\bimport\()\s*['"]\.{1,2}\/[^'"]*?)\.ts(['"])/g, '$1.js$2');
}

async function declarations(names: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(root, 'tools/tsconfig.build.json'),
  ]);
  const types = join(dist, 'types');
  for (const file of await readdir(types, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join(types, file);
    await writeFile(path, packagedSpecifiers(await readFile(path, 'utf8')));
  }
  for (const name of names) {
    const target = `./types/${sourceOf(name)
      .replace(/^src\//, '')
      .replace(/\.ts$/, '.js')}`;
    await writeFile(join(dist, `${name}.d.ts`), `export * from '${target}';\n`);
  }
}

async function main(): Promise<void> {
  const packageJson: PackageJson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const names = parts(packageJson);
  await rm(dist, { recursive: true, force: true });
  await mkdir(dirname(join(dist, 'x')), { recursive: true });
  const [bytes] = await Promise.all([bundle(names), declarations(names)]);
  const kib = Math.round(bytes / 1024);
  process.stdout.write(
    `built limmat ${packageJson.version} in ${relative(process.cwd(), dist) || '.'}: ${names.length} exports, ${kib} KiB\n`,
  );
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    // The compiler says what is wrong on its standard output, which execFile keeps in the error.
    if (error instanceof Error && 'stdout' in error) process.stderr.write(String(error.stdout));
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  }
}
