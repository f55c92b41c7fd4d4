// Where verdicts of limmat check come from: a log, or an index of one's own. What this needs of the client and of
// cryptography is loaded while the first files are being hashed.

import { existsSync, readFileSync } from 'node:fs';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { MAX_DIGESTS } from '../../src/client/check/answer.ts';
import { Checker } from '../../src/client/check/checker.ts';
import { plainVerdict } from '../../src/client/check/judge.ts';
import type { FileVerdict } from '../../src/client/check/judge.ts';
import { IndexReading } from '../../src/client/check/own-index.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import { NOTHING_REMEMBERED, advance } from '../../src/client/state.ts';
import { parseTrust } from '../../src/client/trust.ts';
import type { Trust } from '../../src/client/trust.ts';
import { LimmatError } from '../../src/errors.ts';
import { nodeGet } from '../../src/node/http-get.ts';
import { formatTime } from '../../src/record/time.ts';
import { DEFAULT_URL } from '../support/config.ts';
import type { Output } from '../support/output.ts';
import { createProgress, formatCount } from '../support/progress.ts';
import { readChannels, readState, rememberChannels, rememberHeads } from '../support/remembered.ts';
import { readChannelHead } from '../verify/channel.ts';
import { indexHead, indexState, readRows, updateIndex } from './index-file.ts';

export interface CheckFlags {
  readonly trust: string;
  readonly url?: string;
  readonly manifest?: readonly string[];
  readonly channelHead?: readonly string[];
  readonly allowNoHead?: boolean;
  readonly requireRebuilds: number;
  readonly index?: string;
  readonly update?: boolean;
  readonly state?: string;
  readonly json?: boolean;
}

/** Digests that a lookup waits for, and lookups under way at once: with a log 50 ms away some 20,000 files a second. */
const DIGESTS_AT_ONCE = 250;
const LOOKUPS_AT_ONCE = 4;
/** Fewer digests than this are looked up before a bar would have been drawn. */
const QUIET_FILES = 200;

export type NamedFile =
  | { readonly name: string; readonly sha256: Uint8Array }
  | { readonly name: string; readonly error: Error };

/** Where verdicts come from: told of each digest as soon as it is known, asked when there are no more. */
export interface LookUp {
  readonly start: (sha256: Uint8Array) => void;
  readonly finish: (files: readonly NamedFile[]) => Promise<{
    readonly verdictOf: (file: NamedFile) => FileVerdict;
    readonly more: object;
  }>;
}

/** The verdicts that these flags ask for. `usage` and the like for what is wrong with a file that they name. */
export async function openLookUp(flags: CheckFlags, output: Output): Promise<LookUp> {
  const trust = parseTrust(readFileSync(flags.trust));
  return flags.index === undefined ? byLog(trust, flags) : byIndex(flags.index, trust, flags, output);
}

/** A file that cannot be read was not looked up; the others are checked all the same. */
function verdictBy(known: (sha256: Uint8Array) => FileVerdict): (file: NamedFile) => FileVerdict {
  return (file) => ('error' in file ? plainVerdict('', 'not-checked', file.error.message) : known(file.sha256));
}

function byLog(trust: Trust, flags: CheckFlags): LookUp {
  const statePath = flags.state;
  const channelsPath = statePath === undefined ? undefined : `${statePath}.channels`;
  const remembered = statePath === undefined ? NOTHING_REMEMBERED : readState(statePath);
  const rememberedChannels = readChannels(channelsPath);
  const checker = new Checker({
    reader: readerOf(flags),
    trust,
    requireRebuilds: flags.requireRebuilds,
    channelHeads: (flags.channelHead ?? []).map(readChannelHead),
    requireHeads: flags.allowNoHead !== true,
    remembered,
    rememberedChannels,
    crypto: nodeCrypto,
    hasher: nodeHasher,
  });
  const verdicts = new Map<string, FileVerdict>();
  const asked = new Set<string>();
  const waiting: Uint8Array[] = [];
  const lookups = new Set<Promise<void>>();
  let isComplete = false;
  let onVerdict: (() => void) | undefined;
  let failure: { readonly error: unknown } | undefined;
  const lookUp = async (digests: readonly Uint8Array[]): Promise<void> => {
    const judged = await checker.checkAll(digests);
    for (const [i, sha256] of digests.entries()) verdicts.set(toHex(sha256), judged[i]!);
    onVerdict?.();
  };
  const begin = (): void => {
    while (lookups.size < LOOKUPS_AT_ONCE && waiting.length >= (isComplete ? 1 : DIGESTS_AT_ONCE)) {
      const lookup = lookUp(waiting.splice(0, MAX_DIGESTS))
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => {
          lookups.delete(lookup);
          begin();
        });
      lookups.add(lookup);
    }
  };
  return {
    start(sha256) {
      const hex = toHex(sha256);
      if (asked.has(hex)) return;
      asked.add(hex);
      waiting.push(sha256);
      begin();
    },
    async finish() {
      const silent = flags.json === true || asked.size < QUIET_FILES;
      const progress = createProgress({ label: 'look up', unit: 'digests', total: asked.size, silent });
      onVerdict = () => progress.update(verdicts.size);
      isComplete = true;
      begin();
      while (lookups.size > 0) await Promise.race(lookups);
      progress.finish();
      if (failure !== undefined) throw failure.error;
      if (statePath !== undefined && checker.remembered !== remembered) {
        rememberHeads(statePath, checker.remembered);
      }
      if (channelsPath !== undefined && checker.rememberedChannels !== rememberedChannels) {
        rememberChannels(channelsPath, checker.rememberedChannels);
      }
      return { verdictOf: verdictBy((sha256) => verdicts.get(toHex(sha256))!), more: {} };
    },
  };
}

function readerOf(flags: CheckFlags): LogReader {
  return httpReader({ url: flags.url ?? DEFAULT_URL, get: nodeGet() });
}

async function byIndex(path: string, trust: Trust, flags: CheckFlags, output: Output): Promise<LookUp> {
  const statePath = flags.state;
  const remembered = statePath === undefined ? NOTHING_REMEMBERED : readState(statePath);
  if (flags.update === true) {
    const progress = createProgress({ label: 'follow', unit: 'entries', silent: output.json });
    let followed = 0;
    await updateIndex(path, {
      reader: readerOf(flags),
      trust,
      remembered,
      onProgress: (entries, size) => progress.update((followed = entries), size),
    });
    if (followed >= QUIET_FILES) progress.finish();
    else progress.clear();
  } else if (!existsSync(path)) {
    throw new LimmatError('usage', `${path} is not there: begin it with --update, and --url of the log`);
  }
  const state = indexState(path);
  if (state === undefined)
    throw new LimmatError('store-corrupt', `${path} was never brought up to a checkpoint: --update`);
  const head = await indexHead(state, trust);
  const next = advance(remembered, head);
  if (statePath !== undefined && next !== remembered) rememberHeads(statePath, next);
  const asOf = `the ${formatCount(head.size)} entries of ${head.origin} at ${formatTime(head.timestampSeconds)}`;
  const options = { expected: trust.expected, requireRebuilds: flags.requireRebuilds };
  return {
    start: () => undefined,
    async finish(files) {
      const digests = files.flatMap((file) => ('sha256' in file ? [toHex(file.sha256)] : []));
      const reading = new IndexReading(new Set(digests), { trust, crypto: nodeCrypto, hasher: nodeHasher });
      if (digests.length > 0) await readRows(path, state, reading);
      const { origin, size, timestampSeconds } = head;
      const more = { index: { file: path, origin, size, time: formatTime(timestampSeconds) } };
      if (files.length === 0) output.line(`index ${path}: ${asOf}`);
      return { verdictOf: verdictBy((sha256) => reading.judge(sha256, asOf, options)), more };
    },
  };
}
