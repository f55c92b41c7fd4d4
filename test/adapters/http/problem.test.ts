import { describe, expect, it } from 'vitest';
import { LimmatError } from '../../../src/errors.ts';
import { appOf, overriding, problem, serve } from './support.ts';

const damaged = (): Promise<never> =>
  Promise.reject(
    new LimmatError('store-corrupt', 'entry bundle 0 in /srv/log/entries/0 is damaged', { details: { index: 0 } }),
  );

describe('damage in the store', () => {
  it("is answered as the server's failure, and nothing of it is told", async () => {
    const { log } = await serve(3);
    const app = appOf(overriding(log, { entries: damaged, entry: damaged, read: damaged, proofFile: damaged }));
    for (const path of [
      '/ct/v1/get-entries?start=0&end=1',
      '/api/v1/entries/0',
      '/api/v1/entries/0/proof',
      '/tile/entries/000.p/3',
      '/log/0',
    ]) {
      const response = await app.request(path);
      expect(response.status, path).toBe(500);
      const body = await problem(response);
      expect(Object.keys(body).toSorted()).toEqual(['code', 'detail', 'instance', 'status', 'title', 'type']);
      expect(body['code']).toBe('internal');
      expect(JSON.stringify(body)).not.toContain('srv');
    }
  });
});
