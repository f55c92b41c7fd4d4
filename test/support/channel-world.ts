// A log's channels for tests: a history that admission took, the naive answer to what is in which channel, and the heads
// that are issued over it, as if each of its sizes had been published.

import { portableCrypto } from '../../src/crypto/portable.ts';
import { ChannelHeads } from '../../src/log/channel-heads.ts';
import type { ChannelFacts, ChannelHeadsOptions, ChannelRecord } from '../../src/log/channel-heads.ts';
import type { Published } from '../../src/log/publish.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { channelHeadSigner, channelKeyName } from '../../src/note/channel-head.ts';
import type { ChannelHeadSigner } from '../../src/note/channel-head.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { channelPlace } from '../../src/record/channel.ts';
import { parseStatement } from '../../src/record/statement.ts';
import type { FieldsOf } from '../../src/record/types.ts';
import { AdmissionWorld, genesis, publicKey, T0 } from './admission-world.ts';
import { testKey } from './notes.ts';
import { ORIGIN, VKEY } from './records.ts';

export const RELEASES = 'vendor/Shield 2/avdb-release:main%2Fv1/stable';
export const BUILDS = 'vendor/Shield 2/build:linux/stable';
const PRODUCT = { product: 'Shield 2', channel: 'stable' } as const;

/** The signer of the tests' log; every fill is another key. */
export const channelSigner = (fill = 40): ChannelHeadSigner =>
  channelHeadSigner(testKey(channelKeyName(ORIGIN), SIGNATURE_TYPE.ed25519, fill), portableCrypto);

/** What the entries themselves say, read from the first to the last for each question. */
export function naiveFacts(leaves: readonly Uint8Array[]): ChannelFacts {
  const entries = leaves.map((leaf, index) => {
    const { record } = parseStatement(leaf);
    return { record, index, leafHash: portableHasher.leafHash(leaf), place: channelPlace(record, index) };
  });
  const inChannel = (channel: string, size: number): ChannelRecord[] =>
    entries.slice(0, size).flatMap(({ index, leafHash, place }) => {
      return place?.channel === channel ? [{ index, leafHash, sequence: place.sequence }] : [];
    });
  const targets = (size: number): string[] =>
    entries.slice(0, size).flatMap(({ record }) => {
      if (record.type !== 'retraction' || record.fields.kind !== 'recall') return [];
      return [record.fields.target.toString()];
    });
  return {
    async channels(after, limit) {
      const all = [...new Set(entries.flatMap(({ place }) => (place === undefined ? [] : [place.channel])))].toSorted();
      return all.filter((channel) => after === undefined || channel > after).slice(0, limit);
    },
    async newest(channel, size) {
      return inChannel(channel, size)
        .toSorted((a, b) => a.sequence - b.sequence)
        .at(-1);
    },
    async recalled(channel, size) {
      const recalled = targets(size);
      return inChannel(channel, size).filter(({ leafHash }) => recalled.includes(leafHash.toString()));
    },
  };
}

/** The genesis of the tests' log, which names this channel key. */
export const channelGenesis = (channelHead: string | undefined): FieldsOf<'policy'> =>
  genesis({
    log: {
      origin: ORIGIN,
      vkeys: [VKEY],
      statementKeys: [publicKey('log')],
      ...(channelHead !== undefined && { channelHead }),
    },
  });

/** Releases 1 to 4, builds between them, and the recalls of release 2, of the first build, and of release 4. */
export async function channelHistory(signer = channelSigner()): Promise<AdmissionWorld> {
  const world = new AdmissionWorld();
  await world.log('root', 'vendor', 'policy', channelGenesis(signer.vkey));
  let prev: Uint8Array | undefined;
  const release = async (sequence: number): Promise<Uint8Array> => {
    prev = await world.log('root', 'vendor', 'avdb-release', {
      ...PRODUCT,
      database: 'main/v1',
      sequence,
      ...(prev && { prev }),
      contentDigest: { sha256: new Uint8Array(32).fill(sequence) },
      counts: { total: 1 },
    });
    return prev;
  };
  const build = (version: string): Promise<Uint8Array> =>
    world.log('root', 'vendor', 'build', {
      ...PRODUCT,
      version,
      platform: 'linux',
      artifacts: [{ digest: { sha256: new Uint8Array(32).fill(200 + Number(version)) } }],
    });
  const recall = (target: Uint8Array): Promise<Uint8Array> =>
    world.log('root', 'vendor', 'retraction', { target, kind: 'recall' });
  await release(1);
  const first = await build('1');
  const second = await release(2);
  await world.log('root', 'vendor', 'relocation', { relocationId: 'r', action: 'plan', activity: 'store' });
  await recall(second);
  await release(3);
  await build('2');
  await recall(first);
  await recall(await release(4));
  return world;
}

/** What is published now; a test changes it. */
export interface Now {
  size: number;
  /** Unix seconds. */
  at: number;
}

/** The heads of a history, over as much of it as `now` says is published. */
export function headsOf(
  world: AdmissionWorld,
  now: Now,
  options: Partial<ChannelHeadsOptions> = {},
): { readonly heads: ChannelHeads; readonly signed: () => number } {
  const signer = options.signer ?? channelSigner();
  let signed = 0;
  const counting: ChannelHeadSigner = {
    ...signer,
    sign: (head) => {
      signed++;
      return signer.sign(head);
    },
  };
  const published = (): Published | undefined => {
    const head = { size: now.size, rootHash: world.roots.at(now.size) };
    return { head, size: now.size, timestampSeconds: now.at, note: new Uint8Array(0) };
  };
  const heads = new ChannelHeads({
    facts: naiveFacts(world.leaves),
    published,
    entry: async (index) => world.leaves[index]!,
    hasher: portableHasher,
    crypto: portableCrypto,
    ...options,
    signer: counting,
  });
  return { heads, signed: () => signed };
}

/** The first second of the tests' time. */
export const START: number = T0;
