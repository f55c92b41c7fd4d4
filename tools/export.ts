// `limmat export`: writes a log as the static files of https://c2sp.org/tlog-tiles, which any web server can serve as
// that log. Every tile is computed from the entries, and the checkpoint is put there last, once they lead to its root.
// A checkpoint that is there already is replaced only by one that extends it.

import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import type { Command } from 'commander';

import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { equalBytes, toHex } from '../src/bytes.ts';
import { logPrefix } from '../src/client/http-reader.ts';
import { isLimmatError, LimmatError } from '../src/errors.ts';
import { formatTilePath, TILE_WIDTH, type TilePath } from '../src/merkle/index.ts';
import { checkHeldHead, openHead } from './export/held-head.ts';
import { keysFor, keysOfData, type LogKeys } from './support/log-keys.ts';
import { filesSource, openDataSource, urlSource, type LogSource } from './support/log-source.ts';
import { createOutput } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';
import { readBundles, TreeRehash } from './support/rehash.ts';

interface ExportOptions {
  readonly data?: string;
  readonly url?: string;
  readonly to: string;
  readonly trust?: string;
  readonly vkey?: readonly string[];
  readonly json?: boolean;
}

/** Files that are written at once. */
const PARALLEL_WRITES = 16;

async function openSource(options: ExportOptions): Promise<{ source: LogSource; keys: LogKeys }> {
  if (options.data !== undefined && options.url !== undefined) {
    throw new LimmatError('usage', 'export copies one log: give --data or --url, not both');
  }
  if (options.data !== undefined) {
    const keys = keysOfData(options.data);
    return { source: (await openDataSource(options.data)).source, keys };
  }
  const source = urlSource(logPrefix(options.url ?? 'http://127.0.0.1:6962'));
  return { source, keys: await keysFor(source, options) };
}

/** Writes a file as a whole or not at all: a web server may be serving the directory. */
async function writeWhole(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(bytes);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Full bundles that an earlier export left are read from there: an export again costs only what is new. */
function resumed(source: LogSource, target: LogSource, counts: { fetched: number }): LogSource['read'] {
  return async (paths) => {
    const contents: (Uint8Array | undefined)[] = await Promise.all(
      paths.map(async (path) => {
        if (path.width < TILE_WIDTH) return undefined;
        try {
          return (await target.read([path]))[0];
        } catch (error) {
          if (isLimmatError(error, 'not-found')) return undefined;
          throw error;
        }
      }),
    );
    const missing = paths.filter((_, i) => contents[i] === undefined);
    const fetched = missing.length === 0 ? [] : await source.read(missing);
    counts.fetched += missing.length;
    let next = 0;
    return contents.map((content) => content ?? fetched[next++]!);
  };
}

/** Writes these resources, unless the same bytes are there already. */
async function writeResources(
  target: LogSource,
  directory: string,
  resources: readonly { readonly path: TilePath; readonly bytes: Uint8Array }[],
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let resource = resources[next++]; resource !== undefined; resource = resources[next++]) {
      const path = formatTilePath(resource.path);
      const there = await target.resource(path, resource.bytes.length).catch(() => undefined);
      if (there !== undefined && equalBytes(there, resource.bytes)) continue;
      await writeWhole(join(directory, path), resource.bytes, false);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_WRITES }, worker));
}

async function exportLog(options: ExportOptions): Promise<void> {
  const output = createOutput(options);
  const directory = resolve(options.to);
  const { source, keys } = await openSource(options);
  if (keys.selfClaimed)
    output.note('the keys are those that the log names itself: --trust FILE says which log it has to be');
  const progress = createProgress({ label: 'export', unit: 'entries', silent: output.json });
  try {
    const note = await source.checkpoint();
    const head = await openHead(note, keys);
    await checkHeldHead(directory, source, keys, head);
    const target = filesSource(directory);
    const counts = { fetched: 0 };
    const tree = new TreeRehash(nodeHasher);
    for await (const batch of readBundles(resumed(source, target, counts), head.size)) {
      for (const { entries } of batch) tree.push(entries);
      await writeResources(target, directory, [...batch, ...tree.takeTiles()]);
      progress.update(tree.size, head.size);
    }
    await writeResources(target, directory, tree.partialTiles());
    if (!equalBytes(tree.rootHash(), head.rootHash)) {
      throw new LimmatError(
        'bad-tile',
        `the ${tree.size} entries lead to root ${toHex(tree.rootHash())}, the checkpoint has ${toHex(head.rootHash)}; ` +
          `no checkpoint was written: "limmat fsck" says whether the log is damaged; if it is not, ${directory} is`,
      );
    }
    await writeWhole(join(directory, 'checkpoint'), note, true);
    progress.finish();
    output.result(
      {
        origin: keys.origin,
        to: directory,
        size: head.size,
        rootHash: toHex(head.rootHash),
        bundlesFetched: counts.fetched,
      },
      [
        `exported ${formatCount(head.size)} entries of ${keys.origin} to ${directory}`,
        'any web server can serve these files as that log; run the same command again to bring them up to date',
      ],
    );
  } catch (error) {
    progress.clear();
    throw error;
  } finally {
    await source.close();
  }
}

export function register(program: Command): void {
  program
    .command('export')
    .summary('write the log as static files')
    .description(
      'Writes checkpoint, tiles (the partial ones of the checkpoint too) and entry bundles as files, in the layout of ' +
        'C2SP tlog-tiles. What an earlier export left in the directory is checked and kept; a checkpoint there gives way ' +
        'only to one that extends it.',
    )
    .option('--data <dir>', 'the data directory of a log that is not running')
    .option('--url <url>', 'a log over HTTP (default: http://127.0.0.1:6962)')
    .requiredOption('--to <dir>', 'where the files go')
    .option('--trust <file>', 'a trust file that names the log')
    .option('--vkey <key...>', "the log's keys")
    .option('--json', 'one JSON document instead of text')
    .action(exportLog);
}
