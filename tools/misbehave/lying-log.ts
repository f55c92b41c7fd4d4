// A log that is honest until it is told to lie. It listens on loopback unless told otherwise, lives in memory, and has keys
// of its own that are gone with it: whoever relied on a key that has lied could not tell the lie from the truth.

import { getRequestListener } from '@hono/node-server';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { formatTrust } from '../../src/client/trust.ts';
import { thumbprintHex } from '../../src/cose/index.ts';
import { DEFAULT_IAT_WINDOW_SECONDS, systemClock } from '../../src/log/index.ts';
import type { Clock } from '../../src/log/index.ts';
import { parseVerifierKey } from '../../src/note/key.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import type { CheckpointSigner, CheckpointVerifier } from '../../src/note/signer.ts';
import { listen } from '../../src/node/listen.ts';
import type { ListenAddress } from '../../src/node/units.ts';
import type { StatementSigner } from '../../src/record/index.ts';
import { openBranch } from './branch.ts';
import type { Branch, SignedHead } from './branch.ts';
import { freshOrigin, freshSigners, freshWitness } from './keys.ts';
import { LEAF_ISSUER, leafMaker } from './leaves.ts';
import { lieMode } from './modes.ts';
import type { LieName, Teller } from './modes.ts';
import { ownRecords } from './own-records.ts';
import { cosigned } from './witness-modes.ts';

/** One full entry bundle and a partial one. */
export const DEFAULT_SIZE = 300;
/** Readers that carry this name are the victims of a targeted lie, unless told otherwise. */
export const DEFAULT_VICTIM = 'victim';
const LOOPBACK: ListenAddress = { host: '127.0.0.1', port: 0 };

export interface LyingLogOptions {
  readonly mode: LieName;
  /** Entries before anything else happens; default DEFAULT_SIZE, at least 2, or 3 where a log begins with records. */
  readonly size?: number;
  /** These entries instead, in this order; a log that begins with records has those before them. */
  readonly leaves?: readonly Uint8Array[];
  /** Default: one that no other log has. */
  readonly origin?: string;
  /** Default: a free port on loopback. */
  readonly address?: ListenAddress;
  /** The name of the readers that a targeted lie is told to; default DEFAULT_VICTIM. */
  readonly victim?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface LieOptions {
  /** fork, targeted: index of the first rewritten entry; rollback: the size it goes back to. Default two thirds. */
  readonly at?: number;
  /** fork, targeted: what stands there instead; default one other build. */
  readonly instead?: readonly Uint8Array[];
}

export interface LyingLog {
  readonly mode: LieName;
  readonly origin: string;
  /** Its address, without a slash at the end. */
  readonly url: string;
  /** The address for readers of that name: the same log, but it knows who is asking. */
  urlFor(reader: string): string;
  readonly vkeys: readonly string[];
  readonly verifiers: readonly CheckpointVerifier[];
  /** What it promises about the times of its records. */
  readonly iatWindowSeconds: number;
  /** Believes both of its keys and its one issuer, and says where it is and what it promises about times. */
  readonly trustFile: string;
  /** Signs the entries, in the name of LEAF_ISSUER. */
  readonly issuer: StatementSigner;
  /** The newest head of the true history. */
  head(): SignedHead;
  /** Appends so many builds to every history that grows. */
  grow(count: number): Promise<void>;
  /** Appends these. */
  append(leaves: readonly Uint8Array[]): Promise<void>;
  /** Lies from now on. A second call is a mistake of the caller's: RangeError. */
  lie(options?: LieOptions): Promise<void>;
  close(): Promise<void>;
}

/** Starts a log that is honest until `lie` is called. `port-in-use` when the address is taken. */
export async function startLyingLog(options: LyingLogOptions): Promise<LyingLog> {
  const { mode, origin = freshOrigin(), victim = DEFAULT_VICTIM, clock = systemClock } = options;
  const nowSeconds = (): number => Math.floor(clock.nowMillis() / 1000);
  const signers = freshSigners(origin);
  const maker = leafMaker();
  const witness = freshWitness();
  const isWitnessed = lieMode(mode).begins === 'witnessed';
  const records =
    lieMode(mode).begins === 'records' ? await ownRecords(origin, signers, maker.signer, nowSeconds()) : undefined;
  const first = records?.first ?? [];
  const builds = Math.max(0, (options.size ?? DEFAULT_SIZE) - first.length);
  const leaves = [...first, ...(options.leaves ?? (await maker.make(builds, nowSeconds())))];
  if (leaves.length < 2) throw new RangeError(`a lying log needs 2 entries to lie about, not ${leaves.length}`);
  const owner = { origin, signers, clock, records: first.length };
  const truth = await openBranch(owner, leaves);
  const branches: Branch[] = [truth];
  const growing: Branch[] = [truth];
  const end = new AbortController();
  let teller: Teller | undefined;

  const append = async (more: readonly Uint8Array[]): Promise<void> => {
    leaves.push(...more);
    await Promise.all(growing.map((branch) => branch.append(more)));
  };
  const answer = async (received: Request): Promise<Response> => {
    const { reader, path, request } = nameReader(received);
    const honest = (): Promise<Response> => truth.answer(request);
    if (teller === undefined) return isWitnessed ? cosigned(path, honest(), witness, nowSeconds()) : honest();
    const isVictim = reader === victim || (request.headers.get('user-agent') ?? '').includes(victim);
    return teller({ path, request, isVictim, truth: honest });
  };
  const server = getRequestListener(answer, { overrideGlobalObjects: false });
  const listener = await listen(
    (request, response) => void server(request, response),
    options.address ?? LOOPBACK,
    '--listen',
  );

  return {
    mode,
    origin,
    url: listener.url,
    urlFor: (reader) => `${listener.url}/for/${reader}`,
    vkeys: signers.map(({ vkey }) => vkey),
    verifiers: signers.map(({ vkey }) => checkpointVerifier(vkey, nodeCrypto)),
    iatWindowSeconds: DEFAULT_IAT_WINDOW_SECONDS,
    trustFile: trustFile(signers, isWitnessed ? [witness] : [], maker.signer, `${listener.url}/`),
    issuer: maker.signer,
    head: () => truth.head(),
    append,
    grow: async (count) => append(await maker.make(count, nowSeconds())),
    lie: async ({ at = Math.floor((leaves.length * 2) / 3), instead } = {}) => {
      if (teller !== undefined) throw new RangeError(`the log lies already: ${mode}`);
      if (at < 1 || at >= leaves.length)
        throw new RangeError(`a lie at ${at} is not about one of ${leaves.length} entries`);
      teller = await lieMode(mode).begin({
        origin,
        signers,
        truth,
        leaves,
        forkAt: at,
        instead: instead ?? (await maker.make(1, nowSeconds())),
        ended: end.signal,
        nowSeconds,
        branch: async (theirs, grows) => {
          const branch = await openBranch(owner, theirs);
          branches.push(branch);
          if (grows) growing.push(branch);
          return branch;
        },
        makeLeaves: (count, iatSeconds, by) => maker.make(count, iatSeconds, by),
        records,
        witness,
        append,
      });
    },
    close: async () => {
      end.abort();
      await listener.close();
      await Promise.all(branches.map((branch) => branch.close()));
    },
  };
}

/** What the trust file calls it. */
const WITNESS = 'witness';

function trustFile(
  signers: readonly CheckpointSigner[],
  witnesses: readonly CheckpointSigner[],
  { key }: StatementSigner,
  url: string,
): string {
  return formatTrust({
    policy: {
      logs: signers.map(({ vkey }) => ({ key: parseVerifierKey(vkey), url })),
      witnesses: witnesses.map(({ vkey }) => ({ name: WITNESS, key: parseVerifierKey(vkey) })),
      groups: [],
      quorum: witnesses.length === 0 ? 'none' : WITNESS,
    },
    issuers: [{ iss: LEAF_ISSUER, key, kid: thumbprintHex(key) }],
    expected: {},
    maxAgeSeconds: undefined,
    clockSkewSeconds: 60,
    iatWindows: new Map(signers.map(({ name }) => [name, DEFAULT_IAT_WINDOW_SECONDS])),
    channelKeys: new Map(),
    retiredKeys: new Map(),
  });
}

/** `/for/<reader>/checkpoint` asks for `checkpoint` and says who reads. */
function nameReader(received: Request): {
  readonly reader: string | undefined;
  readonly path: string;
  readonly request: Request;
} {
  const url = new URL(received.url);
  const [, reader, rest] = /^\/for\/([^/]+)(\/.*)$/.exec(url.pathname) ?? [];
  if (rest === undefined) return { reader, path: url.pathname.slice(1), request: received };
  url.pathname = rest;
  return { reader, path: rest.slice(1), request: new Request(url, received) };
}
