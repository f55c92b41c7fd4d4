// One history of a lying log: a real log in memory, with its whole HTTP surface. A log that lies has several of them under
// the same keys, which is what no honest log ever has.

import { ctApp, logApp, pagesApp, serverApp } from '../../src/adapters/http/index.ts';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { Log } from '../../src/log/index.ts';
import type { Clock, Guard, GuardState } from '../../src/log/index.ts';
import type { TreeHead } from '../../src/merkle/tree-head.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { formatNote } from '../../src/note/note.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';

/** An idle history signs its head again after this, so that its age never gives it away. */
const REFRESH_MILLIS = 1_000;
/** Publishing follows a commit at once; this is for a machine that is busy with something else. */
const PUBLISH_MILLIS = 20_000;

/** A published head of a branch and its verbatim note. */
export interface SignedHead extends TreeHead {
  readonly timestampSeconds: number;
  readonly note: Uint8Array;
}

export interface Branch {
  /** The newest published head. */
  head(): SignedHead;
  /** Appends leaves; resolves when they are under the published head. */
  append(leaves: readonly Uint8Array[]): Promise<void>;
  /** Answers a request as an honest server of this history would. */
  answer(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** What all histories of one lying log have in common. */
export interface BranchOwner {
  readonly origin: string;
  readonly signers: readonly CheckpointSigner[];
  readonly clock: Clock;
  /** So many of the first leaves are what a log of records begins with: a genesis, and what it admits; default 0. */
  readonly records?: number;
}

/** Opens a history with these leaves, signed with these keys, whatever else they have signed. */
export async function openBranch(owner: BranchOwner, leaves: readonly Uint8Array[]): Promise<Branch> {
  const { origin, signers, clock, records = 0 } = owner;
  const medium = memoryMedium();
  const guard = forgetfulGuard();
  const open = (admission: 'open' | 'records'): Promise<Log> =>
    Log.open({
      origin,
      openStorage: async () => memoryStorage({ medium }),
      guard,
      create: medium.head.size === 0,
      signers,
      admission,
      crypto: nodeCrypto,
      hasher: nodeHasher,
      clock,
      checkpointIntervalMillis: 0,
      refreshIntervalMillis: REFRESH_MILLIS,
    });
  if (records > 0) {
    // An open log refuses its own genesis, so a log of records is made as an honest operator makes it.
    const honest = await open('records');
    try {
      for (const result of await honest.append(leaves.slice(0, records))) if (!result.ok) throw result.error;
    } finally {
      await honest.close();
    }
  }
  // Any bytes: a lying log logs what an honest one would refuse.
  const log = await open('open');
  const app = serverApp({
    mounts: [
      { prefix: '', app: logApp(log, { hasher: nodeHasher }) },
      { prefix: '', app: ctApp(log) },
      { prefix: '', app: pagesApp(log, { hasher: nodeHasher }) },
    ],
  });
  const append = async (more: readonly Uint8Array[]): Promise<void> => {
    if (more.length === 0) return;
    for (const result of await log.append(more)) if (!result.ok) throw result.error;
    const last = log.status().head.size - 1;
    if ((await log.waitPublished(last, PUBLISH_MILLIS)) === undefined) {
      throw new Error(`entry ${last} of a lying log was not published within ${PUBLISH_MILLIS} ms`);
    }
  };
  try {
    await append(leaves.slice(records));
  } catch (error) {
    // An open log keeps its process alive.
    await log.close();
    throw error;
  }
  return {
    head: () => {
      const { published } = log.status();
      if (published === undefined) throw new TypeError('bad math in head: an open log has published a checkpoint');
      const { head, note, timestampSeconds } = published;
      return { size: head.size, rootHash: head.rootHash, timestampSeconds, note };
    },
    append,
    answer: async (request) => app.fetch(request),
    close: () => log.close(),
  };
}

/** A signed checkpoint over any head as of any time: what a guard exists to prevent. */
export async function signHead(
  origin: string,
  { size, rootHash }: TreeHead,
  timestampSeconds: number,
  signers: readonly CheckpointSigner[],
): Promise<Uint8Array> {
  const text = formatCheckpoint({ origin, size, rootHash });
  return utf8(formatNote(text, await Promise.all(signers.map((signer) => signer.sign(text, timestampSeconds)))));
}

/** Knows nothing of the log's other histories. */
function forgetfulGuard(): Guard {
  let state: GuardState | undefined;
  let stopped: string | undefined;
  return {
    read: () => Promise.resolve(state),
    write: (next) => {
      state = next;
      return Promise.resolve();
    },
    stopReason: () => Promise.resolve(stopped),
    stop: (reason) => {
      stopped ??= reason;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
