import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import { afterEach, describe, expect, test } from 'vitest';

import { isPublicAddress } from '../../../src/node/monitor/public-address.ts';
import { parseWebhookOrigin, webhook } from '../../../src/node/monitor/webhook.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

/** A server on a loopback port; its address without a slash at the end. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** A name that is public and private at once. */
const lookupTwoFaced = () =>
  Promise.resolve([
    { address: '93.184.216.34', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ]);

const hookTo = (origin: string, more: { private?: boolean; timeoutMillis?: number } = { private: true }) =>
  webhook({ url: `${origin}/secret-path`, allow: [origin], ...more });

describe('a webhook', () => {
  test('posts the message as JSON and is content with any status of success', async () => {
    const got: unknown[] = [];
    const origin = await serve((request, response) => {
      void text(request).then((body) => {
        got.push([request.method, request.url, request.headers['content-type'], body]);
        response.writeHead(204).end();
      });
    });
    await hookTo(origin).deliver('{"a":"ü"}');
    expect(got).toEqual([['POST', '/secret-path', 'application/json', '{"a":"ü"}']]);
  });

  test('says what the other side answered, and nothing of the path', async () => {
    const origin = await serve((_, response) => response.writeHead(500).end('no'));
    const failure = hookTo(origin).deliver('{}');
    await expect(failure).rejects.toMatchObject({
      code: 'hook-failed',
      message: `the webhook at ${origin} answered with status 500`,
    });
  });

  test('follows no redirect', async () => {
    let asked = 0;
    const origin = await serve((_, response) => {
      asked++;
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });
    await expect(hookTo(origin).deliver('{}')).rejects.toThrow(/redirects \(status 307\), which is never followed/);
    expect(asked).toBe(1);
  });

  test('gives up on a side that does not answer in time', async () => {
    const origin = await serve(() => undefined);
    await expect(hookTo(origin, { private: true, timeoutMillis: 100 }).deliver('{}')).rejects.toThrow(/took too long/);
  });

  test('gives up on an answer that does not end in time', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(200);
      response.write('and so on');
    });
    await expect(hookTo(origin, { private: true, timeoutMillis: 100 }).deliver('{}')).rejects.toThrow(/took too long/);
  });

  test('reads no more of an answer than it has to', async () => {
    const origin = await serve((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await hookTo(origin).deliver('{}');
  });

  test('reaches no private address unless that was said, by number or by name', async () => {
    let asked = 0;
    const origin = await serve((_, response) => {
      asked++;
      response.end();
    });
    await expect(hookTo(origin, {}).deliver('{}')).rejects.toThrow(/leads to a private address/);
    const named = origin.replace('127.0.0.1', 'hooks.example');
    const hook = webhook({ url: named, allow: [named], lookupAll: lookupTwoFaced });
    await expect(hook.deliver('{}')).rejects.toThrow(/leads to a private address/);
    expect(asked).toBe(0);
    const inside = webhook({
      url: named,
      allow: [named],
      private: true,
      lookupAll: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    await inside.deliver('{}');
    expect(asked).toBe(1);
  });

  test('leads only to what is on the list, by scheme, host and port', () => {
    const allow = ['https://hooks.example'];
    for (const url of ['http://hooks.example/a', 'https://hooks.example:8443/a', 'https://other.example/a']) {
      expect(() => webhook({ url, allow })).toThrow(/webhook-allow/);
    }
    for (const url of ['file:///etc/passwd', 'https://a:b@hooks.example/', 'not a url']) {
      expect(() => webhook({ url, allow })).toThrow(/no http or https address/);
    }
    expect(webhook({ url: 'https://hooks.example/T0KEN', allow }).name).toBe('https://hooks.example');
  });
});

test('an allowed origin is scheme, host and port, and nothing more', () => {
  expect(parseWebhookOrigin('https://Hooks.example')).toBe('https://hooks.example');
  expect(parseWebhookOrigin('https://hooks.example:8443/')).toBe('https://hooks.example:8443');
  for (const bad of ['hooks.example', 'https://hooks.example/a', 'https://u@hooks.example', 'https://*.example?']) {
    expect(() => parseWebhookOrigin(bad)).toThrow(RangeError);
  }
});

test('public addresses are told from all the others', () => {
  for (const address of ['93.184.216.34', '1.1.1.1', '2606:4700::1111', '2a00::1']) {
    expect([address, isPublicAddress(address)]).toEqual([address, true]);
  }
  const others =
    '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 ' +
    '198.18.0.1 224.0.0.1 255.255.255.255 240.0.0.1 :: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 fe80::1 fc00::1 fd12::1 ' +
    'ff02::1 64:ff9b::a00:1 2001:db8::1 2002:a00:1::1 2001::1';
  for (const address of others.split(' ')) expect([address, isPublicAddress(address)]).toEqual([address, false]);
});
