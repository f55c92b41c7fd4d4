import { describe, expect, it } from 'vitest';
import { httpReader } from '../../src/client/http-reader.ts';
import { mirrorWorld, pullOnce } from '../support/mirror-world.ts';

describe('a log that withholds an entry', () => {
  it('is mirrored up to its bundle, and the trouble says so', async () => {
    const world = await mirrorWorld(1000);
    const log = await world.open();
    const reader = httpReader({
      url: world.reader.url,
      fetch: (url, init) =>
        url.endsWith('tile/entries/002')
          ? Promise.resolve(new Response('', { status: 451 }))
          : world.served.fetch(url, init),
    });
    for (let look = 0; look < 2; look++) {
      await expect(pullOnce({ reader }, log)).rejects.toMatchObject({
        code: 'withheld',
        message: expect.stringMatching(/entries\/002 \(451\): entries from 512 on cannot be mirrored/),
      });
      expect(log.nextEntry).toBe(512);
      expect(log.published).toBeUndefined();
    }
    await pullOnce(world, log);
    expect(log.published?.size).toBe(1000);
  });
});
