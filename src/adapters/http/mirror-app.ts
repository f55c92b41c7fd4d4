// A mirror over HTTP (C2SP tlog-mirror): the copies under /<origin hash>/ as tlog-tiles, how they stand as a page and as
// JSON. What is written is in mirror-upload.ts.

import { LimmatError } from '../../errors.ts';
import type { Mirror, MirrorLog } from '../../mirror/mirror.ts';
import { bodyHeaders, jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { newApp, onRead } from './app.ts';
import type { App } from './app.ts';
import { printable } from './body.ts';
import { mirrorJson } from './mirror-json.ts';
import { pageFrame } from './pages/frame.ts';
import type { FrameOptions } from './pages/frame.ts';
import { mirrorPage } from './pages/mirror-home.ts';
import { NO_QUERY, queryOf } from './parameters.ts';
import { Resources, resourceAnswer } from './resource.ts';

/** The reads of one mirror, to be mounted at its monitoring prefix. */
export function mirrorApp(mirror: Mirror, options: FrameOptions = {}): App {
  const app = newApp();
  const { placeOf, answer, refuse } = pageFrame(options);
  const served = new Map(
    mirror.logs.map((log) => [log.originHash, { log, resources: new Resources(log, mirror.hasher) }]),
  );
  const logAt = (hash: string | undefined): { readonly log: MirrorLog; readonly resources: Resources } => {
    const found = served.get(hash ?? '');
    if (found !== undefined) return found;
    throw new LimmatError('not-found', `no log with the origin hash ${printable(hash ?? '')} is mirrored here`);
  };

  onRead(app, '/', (c) => answer(mirrorPage(mirror, placeOf(c, '/'))), refuse);
  onRead(app, '/api/v1/mirror', (c) => {
    queryOf(c.req, NO_QUERY);
    return jsonAnswer(mirrorJson(mirror), 'changing');
  });
  onRead(app, '/:hash{[0-9a-f]{64}}/checkpoint', (c) => {
    const { log, resources } = logAt(c.req.param('hash'));
    if (log.checkpoint() === undefined) {
      throw new LimmatError('not-found', `this mirror has no checkpoint of ${log.origin} yet`);
    }
    return resourceAnswer(resources.checkpoint(), c.req.header('if-none-match'));
  });
  onRead(app, '/:hash{[0-9a-f]{64}}/tile/:path{.+}', async (c) => {
    const { resources } = logAt(c.req.param('hash'));
    const resource = await resources.tile(`tile/${c.req.param('path')}`);
    return resourceAnswer(resource, c.req.header('if-none-match'));
  });
  // Evidence against the log for whoever wants it: the notes that contradict what is mirrored, one after another.
  onRead(app, '/:hash{[0-9a-f]{64}}/contradictions', async (c): Promise<Answer> => {
    queryOf(c.req, NO_QUERY);
    const { log } = logAt(c.req.param('hash'));
    const notes = (await log.copy?.contradictions()) ?? [];
    const text = notes.map((note) => new TextDecoder().decode(note)).join('\n');
    return { status: 200, headers: bodyHeaders('text/plain; charset=utf-8', 'changing'), body: text };
  });
  return app;
}
