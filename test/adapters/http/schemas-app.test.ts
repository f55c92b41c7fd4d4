import { describe, expect, it } from 'vitest';
import { schemasApp, serverApp } from '../../../src/adapters/http/index.ts';
import { RECORD_TYPES, schemaText } from '../../../src/record/index.ts';
import { jsonOf, refusal } from './support.ts';

const app = serverApp({ mounts: [{ prefix: '/a/b', app: schemasApp() }] });
const ask = async (path: string, init?: RequestInit): Promise<Response> => app.request(`/a/b${path}`, init);

describe('/schemas', () => {
  it('lists every record type, and what it lists is there', async () => {
    const response = await ask('/schemas');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const { schemas } = await jsonOf<{ schemas: { type: string; id: string; description: string; schema: string }[] }>(
      response,
    );
    expect(schemas.map(({ type }) => type)).toEqual(RECORD_TYPES);
    for (const { id, description, schema } of schemas) {
      const one = await ask(`/${schema}`);
      expect(one.status).toBe(200);
      expect(one.headers.get('content-type')).toBe('application/schema+json');
      expect(one.headers.get('cache-control')).toBe('no-cache');
      expect(await jsonOf(one)).toMatchObject({ $id: id, description });
    }
  });

  it.each(RECORD_TYPES)('gives the schema of %s byte for byte, each time', async (type) => {
    for (let i = 0; i < 2; i++) expect(await (await ask(`/schemas/${type}.json`)).text()).toBe(schemaText(type));
    const head = await ask(`/schemas/${type}.json`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('has nothing else', async () => {
    for (const path of [
      '/schemas/',
      '/schemas/build',
      '/schemas/treaty.json',
      '/schemas/.json',
      '/schemas/a/build.json',
    ]) {
      expect(await refusal(await ask(path))).toBe('404 not-found');
    }
    expect(await refusal(await ask('/schemas/constructor.json'))).toBe('404 not-found');
    expect(await refusal(await ask('/schemas?type=build'))).toBe('400 bad-parameter');
    expect(await refusal(await ask('/schemas/build.json?v=1'))).toBe('400 bad-parameter');
    expect(await refusal(await ask('/schemas/build.json', { method: 'POST' }))).toBe('405 method-not-allowed');
  });
});
