import { gzipSync } from 'node:zlib';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { httpReader, logPrefix } from '../../src/client/http-reader.ts';
import { nodeGet } from '../../src/node/http-get.ts';
import type { Fetch } from '../../src/client/http-reader.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/log`;
}

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await promise;
  } catch (error) {
    if (isLimmatError(error)) return error.code;
    throw error;
  }
  return 'none';
}

const answering =
  (response: () => Response): Fetch =>
  () =>
    Promise.resolve(response());

describe('httpReader', () => {
  test('asks below its prefix and gives the bytes back in order, few requests at a time', async () => {
    const asked: string[] = [];
    let open = 0;
    let most = 0;
    const reader = httpReader({
      url: 'https://log.example/a',
      parallel: 2,
      fetch: async (url) => {
        asked.push(url);
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 5));
        open--;
        return new Response(new Uint8Array(32 * Number(/(\d+)$/.exec(url)![1])));
      },
    });
    const tiles = await reader.read([3, 1, 2, 5].map((width) => ({ kind: 'tile', level: 0, index: 7, width })));
    expect(tiles.map((tile) => tile.length)).toEqual([96, 32, 64, 160]);
    expect(asked[0]).toBe('https://log.example/a/tile/0/007.p/3');
    expect(most).toBe(2);
  });

  test('takes the prefix of the full tile or bundle where the partial one is gone', async () => {
    const tile = Uint8Array.from({ length: 8192 }, (_, i) => i % 251);
    const bundle = new Uint8Array(256 * 3);
    for (let i = 0; i < 256; i++) bundle.set([0, 1, i], 3 * i);
    const reader = httpReader({
      url: 'http://log.example/',
      fetch: (url) =>
        Promise.resolve(
          url.includes('.p/')
            ? new Response('', { status: 404 })
            : new Response(url.includes('entries') ? bundle.slice() : tile.slice()),
        ),
    });
    const [partTile, partBundle] = await reader.read([
      { kind: 'tile', level: 0, index: 0, width: 5 },
      { kind: 'entries', index: 0, width: 5 },
    ]);
    expect(partTile).toEqual(tile.slice(0, 160));
    expect(partBundle).toEqual(bundle.slice(0, 15));
  });

  test.each<[number, ErrorCode]>([
    [404, 'not-found'],
    [410, 'not-found'],
    [451, 'withheld'],
    [500, 'bad-response'],
    [204, 'bad-response'],
    [301, 'bad-response'],
  ])('answers status %i with %s', async (status, code) => {
    const reader = httpReader({
      url: 'http://log.example/',
      fetch: answering(() => new Response(null, { status, headers: { location: 'http://elsewhere.example/' } })),
    });
    expect(await codeOf(reader.checkpoint())).toBe(code);
  });

  test('says when a busy log wants to be asked again', async () => {
    const reader = httpReader({
      url: 'http://log.example/',
      fetch: answering(() => new Response('', { status: 503, headers: { 'retry-after': '7' } })),
    });
    await expect(reader.checkpoint()).rejects.toMatchObject({ code: 'bad-response', retryAfterSeconds: 7 });
  });

  test('refuses a tile of the wrong length', async () => {
    const reader = httpReader({
      url: 'http://log.example/',
      fetch: answering(() => new Response(new Uint8Array(33))),
    });
    expect(await codeOf(reader.read([{ kind: 'tile', level: 0, index: 0, width: 2 }]))).toBe('bad-response');
  });

  test('stops reading at the limit, whatever the body still holds', async () => {
    let sent = 0;
    const endless = (): Response =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            sent += 65_536;
            controller.enqueue(new Uint8Array(65_536));
          },
        }),
      );
    const reader = httpReader({ url: 'http://log.example/', fetch: answering(endless) });
    expect(await codeOf(reader.checkpoint())).toBe('bad-response');
    expect(sent).toBeLessThan(1_000_000);
  });

  test('holds its time limit with a fetch that does not heed the signal', async () => {
    const reader = httpReader({ url: 'http://log.example/', timeoutMillis: 20, fetch: () => new Promise(() => {}) });
    expect(await codeOf(reader.checkpoint())).toBe('network');
    const slow = httpReader({
      url: 'http://log.example/',
      timeoutMillis: 20,
      fetch: answering(() => new Response(new ReadableStream({}))),
    });
    expect(await codeOf(slow.checkpoint())).toBe('network');
  });

  test('ends with the reason of the signal that was passed in', async () => {
    const abort = new AbortController();
    const reader = httpReader({ url: 'http://log.example/', signal: abort.signal, fetch: () => new Promise(() => {}) });
    const reading = reader.checkpoint();
    abort.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    await expect(reader.checkpoint()).rejects.toThrow('enough');
  });
});

/** The two ways to make a request, which are the same to whoever reads. */
describe.each([
  ['fetch', {}],
  ['node:http', { get: nodeGet() }],
])('httpReader by %s', (_name, transport) => {
  test('counts the bytes of a compressed body after decompression', async () => {
    const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length });
      response.end(bomb);
    });
    const before = process.memoryUsage().arrayBuffers;
    expect(await codeOf(httpReader({ ...transport, url }).checkpoint())).toBe('bad-response');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });

  test('never follows a redirect', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url);
      response.writeHead(302, { location: '/elsewhere' });
      response.end();
    });
    expect(await codeOf(httpReader({ ...transport, url }).checkpoint())).toBe('bad-response');
    expect(asked).toEqual(['/log/checkpoint']);
  });

  test('gives up on a body that comes too slowly', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    });
    await expect(httpReader({ ...transport, url, timeoutMillis: 100 }).checkpoint()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('100 ms'),
    });
  });

  test('names what went wrong when nobody listens, and when the body breaks off', async () => {
    const gone = await serve(() => {});
    servers.splice(0).forEach((server) => server.close());
    await expect(httpReader({ ...transport, url: gone }).checkpoint()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    const broken = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('part');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await codeOf(httpReader({ ...transport, url: broken }).checkpoint())).toBe('network');
  });

  test('ends a request that is under way with the reason of the signal', async () => {
    const abort = new AbortController();
    const url = await serve(() => setTimeout(() => abort.abort(new Error('enough')), 20));
    const reader = httpReader({ ...transport, url, signal: abort.signal });
    await expect(reader.checkpoint()).rejects.toThrow('enough');
    await expect(reader.checkpoint()).rejects.toThrow('enough');
  });

  test('says when a busy log over the network wants to be asked again, and what is not there', async () => {
    const url = await serve((request, response) => {
      response.writeHead(request.url === '/log/checkpoint' ? 503 : 404, { 'retry-after': '7' });
      response.end('no');
    });
    const reader = httpReader({ ...transport, url });
    await expect(reader.checkpoint()).rejects.toMatchObject({ code: 'bad-response', retryAfterSeconds: 7 });
    expect(await codeOf(reader.resource('other', 10))).toBe('not-found');
  });

  test('stops at the limit of a body whose length is declared, and of one whose length is not', async () => {
    let declared = true;
    const url = await serve((_, response) => {
      response.writeHead(200, declared ? { 'content-length': 1001 } : {});
      response.end(new Uint8Array(1001));
    });
    const reader = httpReader({ ...transport, url });
    for (declared of [true, false]) {
      expect(await codeOf(reader.resource('x', 1000))).toBe('bad-response');
      expect(await reader.resource('x', 1001)).toEqual(new Uint8Array(1001));
    }
  });

  test('goes on where the server has closed a connection that was kept', async () => {
    const url = await serve((_, response) => {
      response.end('note');
      setTimeout(() => response.socket?.destroy(), 5);
    });
    const reader = httpReader({ ...transport, url });
    for (let i = 0; i < 5; i++) {
      expect(await reader.checkpoint()).toHaveLength(4);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});

test('a request that nobody waits for any more is not sent again over another connection', async () => {
  const asked: string[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url!);
    if (request.url !== '/log/slow') response.end('note');
  });
  const abort = new AbortController();
  const reader = httpReader({ get: nodeGet(), url, timeoutMillis: 200, signal: abort.signal });
  const afterOne = async (): Promise<void> => {
    // The next request gets the connection of this one.
    await reader.checkpoint();
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await afterOne();
  expect(await codeOf(reader.resource('slow', 10))).toBe('network');
  await afterOne();
  setTimeout(() => abort.abort(new Error('enough')), 20);
  await expect(reader.resource('slow', 10)).rejects.toThrow('enough');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toEqual(['/log/checkpoint', '/log/slow', '/log/checkpoint', '/log/slow']);
  const server = servers.at(-1)!;
  const open = await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  expect(open).toBe(0);
});

describe('logPrefix', () => {
  test('ends in a slash and takes http and https only', () => {
    expect(logPrefix('http://127.0.0.1:6962')).toBe('http://127.0.0.1:6962/');
    expect(logPrefix('https://a.example/log')).toBe('https://a.example/log/');
    for (const bad of ['ftp://a.example/', 'log', '', 'http://u:p@a.example/', 'http://a.example/?q', 'http://a/#f']) {
      expect(() => logPrefix(bad), bad).toThrow(RangeError);
    }
  });
});
