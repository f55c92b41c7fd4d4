// HTTP servers of a Node process: listening with an error that says what to do, and closing without cutting answers off.

import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { problemOf } from '../adapters/http/index.ts';
import { LimmatError } from '../errors.ts';
import { formatListen } from './units.ts';
import type { ListenAddress } from './units.ts';

/** A client gets this long for its headers, and for its whole request: 16 MiB over a slow line. */
const HEADERS_TIMEOUT_MILLIS = 20_000;
const REQUEST_TIMEOUT_MILLIS = 120_000;
/** Longer than the 60 s of common proxies, so that it is they who close idle connections. */
const KEEP_ALIVE_MILLIS = 65_000;
/** After the drain, connections that are kept alive get this long for a request that is already on its way. */
const GRACE_MILLIS = 500;
/** Answers that are under way at a shutdown get this long. */
const CLOSE_MILLIS = 5_000;

export interface Listener {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: ListenAddress;
  /** As a browser takes it; a wildcard host becomes the loopback one. */
  readonly url: string;
  /**
   * Takes no new connections from now on, and answers 503 `shutting-down` to what still arrives on those there are.
   * What arrived before is answered as ever.
   */
  drain(): void;
  /** Drains, lets answers finish, then closes every connection. */
  close(): Promise<void>;
}

/** Listens there. `port-in-use` names the option that chooses another address. */
export async function listen(listener: RequestListener, address: ListenAddress, option: string): Promise<Listener> {
  let stopped: Promise<void> | undefined;
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MILLIS,
      requestTimeout: REQUEST_TIMEOUT_MILLIS,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
    },
    (request, response) => {
      if (stopped === undefined) listener(request, response);
      else refuse(request, response);
    },
  );
  const { port } = await bind(server, address, option);
  const bound = { host: address.host, port };
  const drain = (): void => {
    // The close of an HTTP server would cut idle connections off at once, and with them requests that are on their way.
    stopped ??= new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  };
  return {
    address: bound,
    url: `http://${formatListen({ host: reachable(address.host), port })}`,
    drain,
    close: async () => {
      drain();
      await Promise.race([stopped, sleep(GRACE_MILLIS)]);
      // Idle connections, and the timer that looks after all of them.
      server.close();
      const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_MILLIS);
      await stopped;
      clearTimeout(deadline);
    },
  };
}

/** Answers once the whole request is here: a connection that is closed with something unread in it is reset. */
function refuse(request: IncomingMessage, response: ServerResponse): void {
  const answer = problemOf(new LimmatError('shutting-down', 'the log is shutting down'));
  request.resume();
  request.once('end', () => {
    response.writeHead(answer.status, {
      ...answer.headers,
      'Content-Length': Buffer.byteLength(answer.body ?? ''),
      Connection: 'close',
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  });
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function bind(server: Server, { host, port }: ListenAddress, option: string): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(error, { host, port }, option)));
    server.listen({ host, port, backlog: 1024 }, () => {
      const bound = server.address();
      resolve({ port: typeof bound === 'object' && bound !== null ? bound.port : port });
    });
  });
}

function bindError(error: NodeJS.ErrnoException, address: ListenAddress, option: string): LimmatError {
  const where = formatListen(address);
  const details = { address: where };
  if (error.code === 'EADDRINUSE') {
    return new LimmatError(
      'port-in-use',
      `something listens on ${where} already: choose another with ${option} HOST:PORT`,
      {
        details,
        cause: error,
      },
    );
  }
  return new LimmatError('bad-config', `cannot listen on ${where} (${error.code ?? error.message}): see ${option}`, {
    details,
    cause: error,
  });
}
