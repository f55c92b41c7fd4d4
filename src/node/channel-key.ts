// The key that signs a log's channel heads (DESIGN §4), and how long they are good for. It is named in the genesis; a log
// without its file signs no channel heads, and does everything else.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';

import { nodeCrypto, nodeHasher } from '../adapters/node-crypto.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import { ChannelHeads, DEFAULT_CHANNEL_REFRESH_MILLIS, DEFAULT_CHANNEL_VALIDITY_MILLIS } from '../log/channel-heads.ts';
import type { ChannelFacts } from '../log/channel-heads.ts';
import { DEFAULT_REFRESH_INTERVAL_MILLIS } from '../log/index.ts';
import type { Log } from '../log/index.ts';
import { channelHeadSigner, channelKeyName } from '../note/channel-head.ts';
import type { ChannelHeadSigner } from '../note/channel-head.ts';
import { SIGNATURE_TYPE, formatSignerKey, generateSignerKey } from '../note/key.ts';
import type { DataPaths } from './meta.ts';
import { readSecretFile, writeSecretFile } from './secret-file.ts';
import type { Settings } from './settings.ts';
import { formatDuration } from './units.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** Makes keys/channel.skey, or keeps the one that an interrupted start left. Answers its vkey; errors as loadChannelSigner. */
export function makeChannelKey(paths: DataPaths, origin: string, crypto: CryptoSuite): string {
  if (!existsSync(paths.channelKey)) {
    const key = generateSignerKey(channelKeyName(origin), SIGNATURE_TYPE.ed25519, random, crypto);
    writeSecretFile(paths.channelKey, `${formatSignerKey(key)}\n`);
  }
  return loadChannelSigner(paths, origin, crypto)!.vkey;
}

/** The signer of this log's channel heads; undefined where it has no key for them. `bad-key`, or `wrong-log` by name. */
export function loadChannelSigner(
  paths: Pick<DataPaths, 'channelKey'>,
  origin: string,
  crypto: CryptoSuite,
): ChannelHeadSigner | undefined {
  if (!existsSync(paths.channelKey)) return undefined;
  const signer = channelHeadSigner(readSecretFile(paths.channelKey).trim(), crypto);
  if (signer.origin === origin) return signer;
  throw new LimmatError('wrong-log', `${paths.channelKey} is named ${signer.name}, and the log is ${origin}`, {
    details: { keyName: signer.name, origin },
  });
}

/** What limmat.toml says about channel heads, in milliseconds. */
export interface ChannelSettings {
  readonly 'channel-validity'?: number | undefined;
  readonly 'channel-refresh'?: number | undefined;
  readonly 'refresh-interval'?: number | undefined;
}

export interface ChannelTimes {
  readonly validityMillis: number;
  readonly refreshMillis: number;
}

/**
 * How long channel heads are good for, and how old one gets before it is renewed. `bad-config` when they would run out
 * before anyone has the next: a head is renewed after a third of its validity at most, and it can only be renewed with a
 * newer checkpoint.
 */
export function channelTimes(config: ChannelSettings): ChannelTimes {
  const validityMillis = config['channel-validity'] ?? DEFAULT_CHANNEL_VALIDITY_MILLIS;
  const third = Math.floor(validityMillis / 3);
  const refreshMillis = config['channel-refresh'] ?? Math.min(DEFAULT_CHANNEL_REFRESH_MILLIS, third);
  const checkpointMillis = config['refresh-interval'] ?? DEFAULT_REFRESH_INTERVAL_MILLIS;
  if (validityMillis < 3000) {
    throw badTime('channel-validity', validityMillis, 'a channel head has to be good for 3 s at least');
  }
  const most = `a third of channel-validity, which is ${formatDuration(validityMillis)}`;
  if (refreshMillis > third) throw badTime('channel-refresh', refreshMillis, `it may be ${most} at most`);
  if (checkpointMillis > third) {
    const why = `while the log signs channel heads (keys/channel.skey), it may be ${most} at most`;
    throw badTime('refresh-interval', checkpointMillis, why);
  }
  return { validityMillis, refreshMillis };
}

function badTime(key: string, millis: number, why: string): LimmatError {
  return new LimmatError('bad-config', `limmat.toml: ${key} is ${formatDuration(millis)}: ${why}`, {
    details: { key },
  });
}

/**
 * The channel heads of a log that takes records and has a key for them; `facts` say which records are in which channel.
 * Errors: those of loadChannelSigner and channelTimes; `bad-key` when the log's genesis names another key.
 */
export async function openChannelHeads(
  log: Log,
  facts: ChannelFacts | undefined,
  { paths, config }: Pick<Settings, 'paths' | 'config'>,
): Promise<ChannelHeads | undefined> {
  const signer = facts === undefined ? undefined : loadChannelSigner(paths, log.origin, nodeCrypto);
  if (facts === undefined || signer === undefined) return undefined;
  const heads = new ChannelHeads({
    facts,
    signer,
    published: () => log.status().published,
    assertSigning: () => log.assertNotStopped(),
    entry: (index) => log.entry(index),
    ...channelTimes(config),
    hasher: nodeHasher,
    crypto: nodeCrypto,
  });
  if ((log.status().published?.size ?? 0) > 0) await heads.assertNamed();
  return heads;
}
