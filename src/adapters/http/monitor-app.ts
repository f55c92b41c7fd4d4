// A monitor over HTTP: pages for people, the same as JSON, and every piece of evidence as words and as a drawing.
// Everything is public and nothing here changes anything.

import { LimmatError } from '../../errors.ts';
import { explanationSvg, explanationText } from '../../monitor/evidence/explain.ts';
import type { Answer } from './answer.ts';
import { bodyHeaders, jsonAnswer, textAnswer } from './answer.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import { printable } from './body.ts';
import { explainFile, mustExplainFile } from './evidence-view.ts';
import { monitorJson } from './monitor-json.ts';
import { evidencePage } from './pages/evidence.ts';
import { pageFrame } from './pages/frame.ts';
import type { FrameOptions } from './pages/frame.ts';
import { monitorPage } from './pages/monitor-home.ts';
import { monitorLogPage } from './pages/monitor-log.ts';
import type { ServedMonitor } from './served-monitor.ts';

/** The pages and the JSON of one monitor, to be mounted beside its gossip. */
export function monitorApp(monitor: ServedMonitor, options: FrameOptions = {}): App {
  const app = newApp();
  const { placeOf, answer, refuse } = pageFrame(options);

  onRead(
    app,
    '/',
    async (c) => answer(monitorPage(monitor.view(), await monitor.evidenceIds(), placeOf(c, '/'))),
    refuse,
  );
  onRead(app, '/api/v1/monitor', async () =>
    jsonAnswer(monitorJson(monitor.view(), await monitor.evidenceIds()), 'changing'),
  );
  onRead(
    app,
    '/logs/:hash',
    (c) => {
      const hash = c.req.param('hash') ?? '';
      const view = monitor.view();
      const log = view.logs.find(({ originHash }) => originHash === hash);
      if (log === undefined) {
        throw new LimmatError('not-found', `no log with the origin hash ${printable(hash)} is watched here`);
      }
      return answer(monitorLogPage(view, log, placeOf(c, `/logs/${hash}`)));
    },
    refuse,
  );
  onRead(
    app,
    '/evidence/:name',
    async (c) => {
      const name = c.req.param('name') ?? '';
      const [, id, form = ''] = /^([0-9a-f]{64})(\.txt|\.svg)?$/.exec(name) ?? [];
      const file = id === undefined ? undefined : await monitor.evidence(id);
      if (id === undefined || file === undefined) {
        throw new LimmatError('not-found', `there is no evidence at ${printable(name)}`);
      }
      const other = await FORMS[form]?.(monitor, file);
      if (other !== undefined) return other;
      const place = placeOf(c, `/evidence/${name}`);
      return answer(evidencePage(monitor.view().name, id, await explainFile(monitor, file), place));
    },
    refuse,
  );
  return app;
}

/** Evidence in other forms than a page. The file itself is where gossip has it. */
const FORMS: Readonly<Record<string, (monitor: ServedMonitor, file: Uint8Array) => Promise<Answer>>> = {
  '.txt': async (monitor, file) => textAnswer(explanationText(await mustExplainFile(monitor, file)), 'changing'),
  '.svg': async (monitor, file) => ({
    status: 200,
    headers: {
      ...bodyHeaders('image/svg+xml', 'changing'),
      // It is a picture and nothing else, wherever it is opened.
      'Content-Security-Policy': "default-src 'none'",
    },
    body: explanationSvg(await mustExplainFile(monitor, file)),
  }),
};
