// How a command talks to the log that runs on a data directory: a listener on a loopback port of the system's choice.
// The port and a random token stand in a file of the directory that only its owner can read, so whoever could copy the
// directory may ask for a copy, and nobody else.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import * as v from 'valibot';

import { asLimmatError, LimmatError } from '../../src/errors.ts';
import type { TreeHead } from '../../src/merkle/index.ts';
import { adminFile, readAdminAddress, writeAdminAddress } from '../../src/node/admin-file.ts';
import type { AdminAddress } from '../../src/node/admin-file.ts';

export interface AdminHandlers {
  /** Where the log itself answers; what a command on the same directory is told. */
  readonly url?: string;
  /** Copies the store to a new directory while the log goes on; resolves with the head that the copy holds. */
  readonly backup: (to: string) => Promise<TreeHead>;
}

export interface Admin {
  close(): Promise<void>;
}

const TOKEN_BYTES = 32;
const MAX_REQUEST_BYTES = 64 * 1024;

const REQUEST = v.strictObject({ to: v.string() });
const ANSWER = v.union([v.object({ size: v.number() }), v.object({ error: v.string() })]);

function isAuthorized(incoming: IncomingMessage, token: string): boolean {
  const given = Buffer.from(incoming.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readRequest(incoming: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    body += String(chunk);
    if (body.length > MAX_REQUEST_BYTES) throw new LimmatError('body-too-large', `above ${MAX_REQUEST_BYTES} bytes`);
  }
  return body;
}

async function runBackup(
  incoming: IncomingMessage,
  response: ServerResponse,
  backup: AdminHandlers['backup'],
): Promise<void> {
  let answer: v.InferOutput<typeof ANSWER>;
  try {
    const { to } = v.parse(REQUEST, JSON.parse(await readRequest(incoming)));
    const { size } = await backup(to);
    answer = { size };
  } catch (error) {
    answer = { error: asLimmatError(error).message };
  }
  response.writeHead('error' in answer ? 400 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}

/** Listens for the owner's commands until closed. The file that says where is gone afterwards. */
export async function startAdmin(dataDir: string, handlers: AdminHandlers): Promise<Admin> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const server = createServer((incoming, response) => {
    if (!isAuthorized(incoming, token)) response.writeHead(401).end();
    else if (incoming.method === 'POST' && incoming.url === '/backup')
      void runBackup(incoming, response, handlers.backup);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('bad math in startAdmin: no port');
  const { url } = handlers;
  writeAdminAddress(dataDir, {
    pid: process.pid,
    port: address.port,
    token,
    ...(url === undefined ? {} : { url }),
  });
  return {
    async close() {
      rmSync(adminFile(dataDir), { force: true });
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Sends the request; undefined when nobody answers there. */
async function ask(address: AdminAddress, to: string): Promise<IncomingMessage | undefined> {
  const { port, token } = address;
  const headers = { authorization: `Bearer ${token}` };
  const sent = request({ host: '127.0.0.1', port, path: '/backup', method: 'POST', headers });
  sent.end(JSON.stringify({ to }));
  try {
    const [response]: IncomingMessage[] = await once(sent, 'response');
    return response;
  } catch {
    return undefined;
  }
}

/**
 * Asks the running log to copy its store to the new directory `to` (absolute); resolves with the size of the copied
 * tree, or with undefined when no log runs there. A file that a killed process left behind counts as none.
 */
export async function askForBackup(dataDir: string, to: string): Promise<number | undefined> {
  const address = readAdminAddress(dataDir);
  const response = address === undefined ? undefined : await ask(address, to);
  // Another program may have got the port of a log that was killed.
  if (response === undefined || response.statusCode === 401 || response.statusCode === 404) return undefined;
  let body: string;
  try {
    body = await text(response);
  } catch (error) {
    throw new LimmatError('network', 'the log stopped before the copy was complete', { cause: error });
  }
  const answer = v.parse(ANSWER, JSON.parse(body));
  if ('size' in answer) return answer.size;
  throw new LimmatError('store-failed', `the running log could not make the copy: ${answer.error}`);
}
