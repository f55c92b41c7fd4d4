// Which channel a record is in, and at which place. A channel is a product's line of releases that follow each other:
// `<namespace>/<product>/<stream>/<channel>`, where the stream is a build's platform or a release's database.

import type { AvdbReleaseFields } from './avdb-release.ts';
import type { BuildFields } from './build.ts';
import { subjectStep, subjectStepText } from './text.ts';
import type { LimmatRecord } from './types.ts';

/** A record's place in its channel. */
export interface ChannelPlace {
  /** `<namespace>/<product>/<stream>/<channel>`, each step as in `sub`; the stream is `<record type>:<name>`. */
  readonly channel: string;
  /** Rises along the channel: what a release says of itself, and a build's index in the log. */
  readonly sequence: number;
}

/** The record types that channels are of. */
export const CHANNEL_TYPES = Object.freeze(['build', 'avdb-release'] as const);
export type ChannelType = (typeof CHANNEL_TYPES)[number];

/**
 * The record's channel and its sequence there, where `index` is that of its entry; undefined for types that are in none.
 * The type is part of the stream because a platform and a database may have one name, and their sequences have nothing
 * to do with each other.
 */
export function channelPlace(record: LimmatRecord, index: number): ChannelPlace | undefined {
  if (record.type === 'build') return { channel: buildChannel(record.namespace, record.fields), sequence: index };
  if (record.type !== 'avdb-release') return undefined;
  return { channel: releaseChannel(record.namespace, record.fields), sequence: record.fields.sequence };
}

/** The channel of a namespace's builds of that product for that platform. */
export function buildChannel(
  namespace: string,
  { product, platform, channel }: Pick<BuildFields, 'product' | 'platform' | 'channel'>,
): string {
  return join(namespace, product, 'build', platform, channel);
}

/** The channel of a namespace's releases of that database. */
export function releaseChannel(
  namespace: string,
  { product, database, channel }: Pick<AvdbReleaseFields, 'product' | 'database' | 'channel'>,
): string {
  return join(namespace, product, 'avdb-release', database, channel);
}

function join(namespace: string, product: string, type: ChannelType, name: string, channel: string): string {
  return [namespace, subjectStep(product), `${type}:${subjectStep(name)}`, subjectStep(channel)].join('/');
}

/** The record type that a channel is of; undefined for a stream that this version does not know. */
export function channelType(channel: string): ChannelType | undefined {
  const stream = channel.split('/')[2] ?? '';
  return CHANNEL_TYPES.find((type) => stream.startsWith(`${type}:`) && stream.length > type.length + 1);
}

/** The names of a channel's four steps: namespace, product, stream, channel. Undefined for a text that is no channel. */
export function channelNames(channel: string): readonly string[] | undefined {
  const names = channel.split('/').map(subjectStepText);
  return channelOf(names) === channel ? names : undefined;
}

/** The channel of these four names, the inverse of channelNames; undefined unless they are four and none is empty. */
export function channelOf(names: readonly string[]): string | undefined {
  return names.length === 4 && !names.includes('') ? names.map(subjectStep).join('/') : undefined;
}

/**
 * Where a log serves the head of a channel, below its prefix: each name percent-encoded as one step of the path.
 *
 *     api/v1/channels/acme/Acme%20Shield/avdb-release:main/stable/head
 *
 * RangeError for a text that is no channel.
 */
export function channelHeadPath(channel: string): string {
  const names = channelNames(channel);
  if (names === undefined) throw new RangeError(`${JSON.stringify(channel)} is no channel`);
  const steps = names.map((name) => encodeURIComponent(name).replaceAll('%3A', ':'));
  return `api/v1/channels/${steps.join('/')}/head`;
}
