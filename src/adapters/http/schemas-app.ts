// The JSON Schemas of the record types: `/schemas` lists them, `/schemas/{type}.json` is one. They are this version's, and
// the same for every log.

import { LimmatError } from '../../errors.ts';
import { schemaId, schemaText } from '../../record/schema.ts';
import { RECORD_TYPES, isRecordType, summaryOf } from '../../record/types.ts';
import { bodyHeaders, jsonAnswer } from './answer.ts';
import type { App } from './app.ts';
import { newApp, onRead } from './app.ts';
import { printable } from './body.ts';
import { NO_QUERY, queryOf } from './parameters.ts';

const MEDIA_TYPE = 'application/schema+json';
const SUFFIX = '.json';

/** The schemas, to be mounted where the log's other reads are. */
export function schemasApp(): App {
  const app = newApp();
  const texts = new Map<string, string>();

  onRead(app, '/schemas', (c) => {
    queryOf(c.req, NO_QUERY);
    const schemas = RECORD_TYPES.map((type) => ({
      type,
      description: summaryOf(type),
      id: schemaId(type),
      // Relative to /schemas, so it holds under any prefix.
      schema: `schemas/${type}${SUFFIX}`,
    }));
    return jsonAnswer({ schemas }, 'changing');
  });

  onRead(app, '/schemas/:file', (c) => {
    queryOf(c.req, NO_QUERY);
    const file = c.req.param('file') ?? '';
    const type = file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : '';
    if (!isRecordType(type)) {
      throw new LimmatError('not-found', `there is no schema ${printable(file)}; /schemas lists them`);
    }
    const text = texts.get(type) ?? schemaText(type);
    texts.set(type, text);
    return { status: 200, headers: bodyHeaders(MEDIA_TYPE, 'changing'), body: text };
  });
  return app;
}
