import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { openNodeLog, readSettings, serveNode } from '../../src/node.ts';
import { dataLog, temporaryDirectory } from '../support/data-log.ts';

/** The status of one POST /add on the agent's connection; the index, where the entry was taken. */
function add(url: string, agent: Agent, entry: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/add`, { agent, method: 'POST' }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(entry);
  });
}

test('a log that is closed under load answers 200 or 503 to every request, and keeps what it acknowledged', async () => {
  const dir = await dataLog(temporaryDirectory(), 0);
  const served = await serveNode(
    readSettings(dir, { listen: { host: '127.0.0.1', port: 0 }, 'log-level': 'silent', 'checkpoint-interval': 100 }),
  );
  const taken = new Set<number>();
  const broken: string[] = [];
  const last: number[] = [];
  const client = async (name: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (let i = 0; ; i++) {
        const { status, body } = await add(served.url, agent, `client ${name}, entry ${i}`);
        if (status !== 200) {
          last.push(status);
          break;
        }
        taken.add(Number(body));
      }
    } catch (error) {
      broken.push(String(error));
    }
    agent.destroy();
  };
  const clients = Array.from({ length: 16 }, (_, name) => client(name));
  await sleep(300);
  await served.close();
  await Promise.all(clients);
  expect(broken).toEqual([]);
  expect(last).toEqual(Array.from({ length: 16 }, () => 503));
  expect(taken.size).toBeGreaterThan(16);
  const again = await openNodeLog(readSettings(dir));
  expect(again.log.status().head.size).toBe(taken.size);
  await again.close();
});
