// Channel heads over HTTP: the signed note of each channel, made when it is asked for, and the list of channels.

import * as v from 'valibot';
import { parseDecimal, toBase64 } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import type { ChannelHeads } from '../../log/channel-heads.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { channelHeadPath, channelNames, channelOf } from '../../record/channel.ts';
import { jsonAnswer } from './answer.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import { printable } from './body.ts';
import { NO_QUERY, queryOf } from './parameters.ts';
import { noteResource, resourceAnswer } from './resource.ts';

/** What this app asks of a log that signs channel heads. */
export type ServedChannels = Pick<ChannelHeads, 'head' | 'list'>;

/** Channels on one page of the list. */
const MAX_PAGE = 100;

const LIST_QUERY = v.object({
  limit: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => {
        const count = parseDecimal(text);
        return count !== undefined && count >= 1 && count <= MAX_PAGE;
      }, `must be a decimal number from 1 to ${MAX_PAGE}`),
      v.transform(Number),
    ),
  ),
  after: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => channelNames(text) !== undefined, 'must be a channel, as "next" of the page before has it'),
    ),
  ),
});

/** /api/v1/channels and the head of each, to be mounted at the log's prefix; without `channels` the log signs none. */
export function channelApp(
  channels: ServedChannels | undefined,
  { hasher = portableHasher }: { readonly hasher?: Hasher } = {},
): App {
  const app = newApp();
  const served = (): ServedChannels => {
    if (channels !== undefined) return channels;
    throw new LimmatError('not-found', 'this log signs no channel heads: it has no key for them, or takes any bytes');
  };

  onRead(app, '/api/v1/channels', async (c) => {
    const { after, limit = MAX_PAGE } = queryOf(c.req, LIST_QUERY);
    const { size, items, next } = await served().list(after, limit);
    const listed = items.map(({ channel, newest: { index, leafHash, sequence } }) => ({
      channel,
      newest: { index, leafHash: toBase64(leafHash), sequence, proof: `/api/v1/entries/${index}/proof` },
      head: `/${channelHeadPath(channel)}`,
    }));
    return jsonAnswer({ size, items: listed, next }, 'changing');
  });

  onRead(app, '/api/v1/channels/:namespace/:product/:stream/:channel/head', async (c) => {
    queryOf(c.req, NO_QUERY);
    const { note } = await served().head(channelOfUrl(c.req.raw.url));
    return resourceAnswer(noteResource(note, hasher), c.req.header('if-none-match'));
  });
  return app;
}

/** The channel that a URL asks for: the four steps before the last. Each is decoded once, whatever the router did. */
function channelOfUrl(url: string): string {
  const steps = new URL(url).pathname.split('/').slice(-5, -1);
  let names: string[];
  try {
    names = steps.map(decodeURIComponent);
  } catch (cause) {
    const text = printable(steps.join('/'));
    throw new LimmatError('bad-parameter', `${text} is no channel: a percent sign is not followed by a byte of UTF-8`, {
      cause,
    });
  }
  const channel = channelOf(names);
  if (channel !== undefined) return channel;
  throw new LimmatError('not-found', `${printable(steps.join('/'))} is no channel`);
}
