// Pages for people: `/` and `/log/{index}`, made on the server, readable without style and without script.

import * as v from 'valibot';
import type { Hasher } from '../../merkle/hash.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import { entryPage } from './pages/entry.ts';
import { pageFrame } from './pages/frame.ts';
import type { FrameOptions } from './pages/frame.ts';
import { homePage } from './pages/home.ts';
import { decimal, pathDecimal, queryOf } from './parameters.ts';
import type { ServedLog } from './served-log.ts';

const INDEX_QUERY = v.object({ index: decimal });

export interface PagesOptions extends FrameOptions {
  readonly hasher?: Hasher;
}

/** The pages of one log, to be mounted where its API is. */
export function pagesApp(log: ServedLog, options: PagesOptions = {}): App {
  const app = newApp();
  const { placeOf, answer, refuse } = pageFrame(options);
  const hasher = options.hasher ?? portableHasher;

  onRead(app, '/', async (c) => answer(await homePage(log, placeOf(c, '/'))), refuse);
  onRead(
    app,
    '/log',
    (c) => {
      const { index } = queryOf(c.req, INDEX_QUERY);
      const location = `${placeOf(c, '/log').base}/log/${index}`;
      return { status: 303, headers: { Location: location, 'Cache-Control': 'no-cache' }, body: null };
    },
    refuse,
  );
  onRead(
    app,
    '/log/:index',
    async (c) => {
      const index = pathDecimal(c, 'index');
      return answer(await entryPage(log, index, placeOf(c, `/log/${c.req.param('index')}`), hasher));
    },
    refuse,
  );
  return app;
}
