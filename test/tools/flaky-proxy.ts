// A log's address that a test can take away: it passes requests on, or loses them or their answers.

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';

/** What becomes of a request: passed on; not heard; heard, with the answer lost; answered by somebody in between. */
export type Fate = 'pass' | 'unheard' | 'unanswered' | 'busy';

export interface FlakyProxy {
  readonly url: string;
  /** "POST /add?wait=sequenced", … in the order of arrival. */
  readonly asked: readonly string[];
  /** Decides for each request; may take its time. */
  fate: (request: string) => Fate | Promise<Fate>;
  close(): Promise<void>;
}

/** A proxy before the log at this address, on a free port. */
export async function flakyProxy(target: string): Promise<FlakyProxy> {
  const asked: string[] = [];
  const proxy = {
    url: '',
    asked,
    fate: (): Fate => 'pass',
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  } satisfies FlakyProxy as { -readonly [K in keyof FlakyProxy]: FlakyProxy[K] };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request;
    asked.push(`${method} ${url}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const fate = await proxy.fate(`${method} ${url}`);
    if (fate === 'busy') {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
      return;
    }
    if (fate === 'unheard') {
      request.socket.destroy();
      return;
    }
    const body = method === 'POST' ? new Uint8Array(Buffer.concat(chunks)) : null;
    const passed = await fetch(`${target}${url}`, { method, body });
    const bytes = new Uint8Array(await passed.arrayBuffer());
    if (fate === 'unanswered') request.socket.destroy();
    else response.writeHead(passed.status, Object.fromEntries(passed.headers)).end(bytes);
  };
  const server = createServer((request, response) => {
    // A client that was killed leaves a request without its end.
    answer(request, response).catch(() => request.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy.url = `http://127.0.0.1:${address.port}`;
  return proxy;
}
