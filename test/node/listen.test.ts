import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { listen } from '../../src/node/listen.ts';
import type { Listener } from '../../src/node/listen.ts';

type Outcome = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: string };

function post(url: string, agent: Agent, body: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: 'POST' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Answers 200 after a moment, as a log does that flushes first. */
function slowListener(): Promise<Listener> {
  return listen(
    (incoming, response) => {
      incoming.resume().once('end', () => setTimeout(() => response.end('taken'), 20));
    },
    { host: '127.0.0.1', port: 0 },
    '--listen',
  );
}

test('while draining every request is answered, on the connections that there are, and none is reset', async () => {
  const listener = await slowListener();
  const outcomes: Outcome[] = [];
  const broken: string[] = [];
  let draining = false;
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (;;) {
      try {
        const outcome = await post(listener.url, agent, 'x'.repeat(200_000));
        outcomes.push(outcome);
        if (outcome.status !== 200) break;
      } catch (error) {
        broken.push(String(error));
        break;
      }
      await sleep(1);
    }
    expect(draining).toBe(true);
    agent.destroy();
  };
  const clients = Array.from({ length: 8 }, client);
  await sleep(150);
  draining = true;
  listener.drain();
  await Promise.all(clients);
  await listener.close();
  expect(broken).toEqual([]);
  const refused = outcomes.filter(({ status }) => status !== 200);
  expect(refused).toHaveLength(8);
  for (const { status, headers, body } of refused) {
    expect(status).toBe(503);
    expect(headers).toMatchObject({ connection: 'close', 'retry-after': expect.stringMatching(/^[0-9]+$/) });
    expect(JSON.parse(body)).toMatchObject({ code: 'shutting-down', status: 503 });
  }
  expect(outcomes.filter(({ body }) => body === 'taken').length).toBeGreaterThan(8);
});

test('a close answers what is under way, and ends idle connections within a second', async () => {
  const listener = await slowListener();
  const agent = new Agent({ keepAlive: true });
  expect((await post(listener.url, agent, 'a')).status).toBe(200);
  const underWay = post(listener.url, new Agent(), 'b');
  await sleep(10);
  const startMillis = performance.now();
  await listener.close();
  expect(performance.now() - startMillis).toBeLessThan(1_000);
  expect((await underWay).body).toBe('taken');
  await expect(post(listener.url, new Agent(), 'c')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  agent.destroy();
});
