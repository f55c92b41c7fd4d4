// `limmat recover`: resumes a log whose data directory was restored from an older copy. What the log signed since is
// public, so it can be pulled from anyone who has it: a mirror, an export, the files behind a cache. The guard says how
// far the log has to get before it may sign again.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { openGuard } from '../src/adapters/guard.ts';
import { openLevelStorage } from '../src/adapters/level.ts';
import { nodeHasher } from '../src/adapters/node-crypto.ts';
import { toHex } from '../src/bytes.ts';
import { LimmatError } from '../src/errors.ts';
import type { Guard, GuardState } from '../src/log/guard.ts';
import { Archive } from '../src/log/archive.ts';
import { readMeta, type Meta } from '../src/node/meta.ts';
import type { LogStorage } from '../src/storage.ts';
import { bringUp } from './recover/bring-up.ts';
import { assertHoldsGuard, largestHead, openSignedHead, sharedHistory, type SignedHead } from './recover/history.ts';
import { commandWords, shellWord, shownPath } from './support/command-name.ts';
import { keysOfData, type LogKeys } from './support/log-keys.ts';
import { namedSource, storageSource, type LogSource } from './support/log-source.ts';
import { createOutput, type Output } from './support/output.ts';
import { createProgress, formatCount } from './support/progress.ts';

interface RecoverOptions {
  readonly data: string;
  readonly from: readonly string[];
  readonly guardLost?: boolean;
  readonly json?: boolean;
}

/** The signed heads of the sources that answer: of one at least. */
async function signedHeads(sources: readonly LogSource[], keys: LogKeys, output: Output): Promise<SignedHead[]> {
  const heads: SignedHead[] = [];
  for (const source of sources) {
    let note: Uint8Array;
    try {
      note = await source.checkpoint();
    } catch (error) {
      if (!(error instanceof LimmatError) || sources.length === 1) throw error;
      output.note(`${source.name} is left out: ${error.message}`);
      continue;
    }
    heads.push(await openSignedHead(note, source, keys));
  }
  if (heads.length === 0) throw new LimmatError('network', 'none of the sources has a checkpoint');
  return heads;
}

/**
 * The largest signed head of the sources. Without a guard, what the store published is what is left here of what the log
 * signed, and counts as one of them.
 */
async function bestHead(
  storage: LogStorage,
  options: RecoverOptions,
  keys: LogKeys,
  output: Output,
): Promise<SignedHead> {
  const heads = await signedHeads(options.from.map(namedSource), keys, output);
  const { published } = await storage.load();
  if (options.guardLost === true && published !== undefined) {
    heads.push(await openSignedHead(published, storageSource('the store', storage), keys));
  }
  return largestHead(heads, nodeHasher);
}

/** Refuses what would let the log sign below what it has signed. */
function assertReachesGuard(signed: SignedHead, state: GuardState): void {
  if (signed.head.size >= state.size) return;
  throw new LimmatError(
    'guard-mismatch',
    `${signed.source.name} has ${signed.head.size} entries, but this log has signed ${state.size}: name a source that ` +
      'has them all, or close this log and start a successor',
    { details: { sourceSize: signed.head.size, guardSize: state.size } },
  );
}

async function openGuarded(
  meta: Meta,
  options: RecoverOptions,
): Promise<{ guard: Guard; state: GuardState | undefined }> {
  const lost = options.guardLost === true;
  const present = existsSync(meta.guard);
  if (!present && !lost) throw guardMissing(meta.guard);
  const guard = await openGuard(meta.guard);
  const state = await guard.read();
  if (state !== undefined || lost) return { guard, state };
  await guard.close();
  throw guardMissing(meta.guard);
}

function guardMissing(path: string): LimmatError {
  return new LimmatError(
    'guard-missing',
    `the guard ${path} is missing, so what this log signed last is not known here; put it back. If it is lost, ` +
      '--guard-lost takes the largest checkpoint of all sources for the last one: name every source there is, because ' +
      'a log that signs below what it has signed is a fork that cannot be undone',
  );
}

/** The whole of it under the open store and guard; how many entries were added, and the head reached. */
async function recoverInto(
  storage: LogStorage,
  guard: Guard,
  state: GuardState | undefined,
  signed: SignedHead,
  context: { readonly meta: Meta; readonly output: Output },
): Promise<number> {
  const { meta, output } = context;
  if (state !== undefined && state.origin !== meta.origin) {
    throw new LimmatError('wrong-log', `the guard belongs to ${state.origin}, not to ${meta.origin}`);
  }
  // Before anything is found to be in order: a source that has less, or as much, may still prove a fork.
  const history = await sharedHistory(storage, signed, nodeHasher);
  if (state !== undefined) {
    await assertHoldsGuard(history, state, signed.source.name);
    // The store may hold everything that the log has signed although the source does not: nothing is missing then.
    if (signed.head.size < state.size && state.size <= history.size) return 0;
    assertReachesGuard(signed, state);
  }
  const progress = createProgress({ label: 'recover', unit: 'entries', silent: output.json });
  let added: number;
  try {
    added = await bringUp({
      storage,
      head: signed.head,
      source: signed.source,
      hasher: nodeHasher,
      records: meta.admission === 'records',
      onProgress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.clear();
  }
  const { head } = await storage.load();
  if (added === 0 && state === undefined && head.size < signed.head.size) {
    throw new LimmatError('internal', 'bad math in recover: nothing was added to a store that is behind');
  }
  if (head.size === signed.head.size) {
    const { size } = signed.head;
    const { timestampSeconds, note } = signed;
    const writes = await new Archive(() => storage).writesFor({ size, timestampSeconds, note });
    await storage.publish(note, writes);
  }
  // Last: until here a second run starts over from the same facts. Never back: not in size, not in time.
  if (state === undefined || signed.head.size > state.size || signed.timestampSeconds > state.timestampSeconds) {
    await guard.write({
      origin: meta.origin,
      size: signed.head.size,
      rootHash: signed.head.rootHash,
      timestampSeconds: Math.max(signed.timestampSeconds, state?.timestampSeconds ?? 0),
    });
  }
  return added;
}

async function recover(options: RecoverOptions): Promise<void> {
  const output = createOutput(options);
  const dataDir = resolve(options.data);
  const meta = readMeta(dataDir);
  const keys = keysOfData(dataDir);
  const { guard, state } = await openGuarded(meta, options);
  try {
    // A store that is lost altogether is the oldest copy there is: everything comes back from the source.
    const storage = await openLevelStorage(dataDir);
    try {
      const signed = await bestHead(storage, options, keys, output);
      const added = await recoverInto(storage, guard, state, signed, { meta, output });
      const { head } = await storage.load();
      output.result(
        { origin: meta.origin, from: signed.source.name, added, size: head.size, rootHash: toHex(head.rootHash) },
        [
          added === 0
            ? `nothing was missing: the store holds all ${formatCount(head.size)} entries that ${meta.origin} has signed`
            : `brought ${formatCount(added)} entries back from ${signed.source.name}; the log has ${formatCount(head.size)}`,
          `start it:  ${commandWords()} serve --data ${shellWord(shownPath(dataDir))}`,
        ],
      );
    } finally {
      await storage.close();
    }
  } finally {
    await guard.close();
  }
}

export function register(program: Command): void {
  program
    .command('recover')
    .summary('resume a restored log from public tiles')
    .description(
      'Brings a restored data directory, or one whose store is lost, up to what the log has signed. The missing entries come ' +
        "from mirrors, exports or the public tiles; each is checked against a checkpoint with the log's own signatures. " +
        'Refuses what would let the log sign below its guard, and stops with exit code 6 when checkpoints, store and guard ' +
        'are not of one history. Archived checkpoints since the copy do not come back: the ' +
        'time brackets of the entries that do are wider than they were.',
    )
    .option('--data <dir>', 'the restored data directory', 'data')
    .requiredOption(
      '--from <source...>',
      'URLs of the log or a mirror, or directories of an export; the largest head counts',
    )
    .option('--guard-lost', 'the guard is lost: the largest signed head of all sources and of the store stands for it')
    .option('--json', 'one JSON document instead of text')
    .action(recover);
}
