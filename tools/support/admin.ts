// How a command talks to the log, or the monitor, that runs on a data directory: a listener on a loopback port of the system's choice.
// The port and a random token stand in a file of the directory that only its owner can read, so whoever could copy the
// directory may ask for a copy, and nobody else.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import * as v from 'valibot';

import type { MonitorJson } from '../../src/adapters/http/index.ts';
import { asLimmatError, LimmatError } from '../../src/errors.ts';
import type { TreeHead } from '../../src/merkle/index.ts';
import { adminFile, readAdminAddress, writeAdminAddress } from '../../src/node/admin-file.ts';
import type { AdminAddress } from '../../src/node/admin-file.ts';
import { isErrorCode } from './log-api.ts';

export interface AdminHandlers {
  /** Where the process answers everybody; what a command on the same directory is told. */
  readonly url?: string | undefined;
  /** Copies the store to a new directory while the log goes on; resolves with the head that the copy holds. */
  readonly backup?: (to: string) => Promise<TreeHead>;
  /** Takes note of an alert of a monitor; resolves with what the command then says. */
  readonly acknowledge?: (key: string) => Promise<Acknowledged>;
  /** How the logs of a monitor stand. */
  readonly status?: () => Promise<MonitorJson>;
}

/** An alert whose reader has taken note of it. */
export interface Acknowledged {
  readonly key: string;
  readonly class: string;
  readonly summary: string;
}

export interface Admin {
  close(): Promise<void>;
}

const TOKEN_BYTES = 32;
const MAX_REQUEST_BYTES = 64 * 1024;

const BACKUP = v.strictObject({ to: v.string() });
const BACKUP_ANSWER = v.object({ size: v.number() });
const ACKNOWLEDGE = v.strictObject({ key: v.string() });
const ACKNOWLEDGE_ANSWER = v.object({ key: v.string(), class: v.string(), summary: v.string() });
const REFUSAL = v.object({ code: v.string(), error: v.string() });

/** What each path does with a request: undefined where this process does no such thing. */
type Command = (body: unknown) => Promise<unknown>;

function commandsOf({ backup, acknowledge, status }: AdminHandlers): ReadonlyMap<string, Command> {
  const commands = new Map<string, Command>();
  if (backup !== undefined) {
    commands.set('/backup', async (body) => ({ size: (await backup(v.parse(BACKUP, body).to)).size }));
  }
  if (acknowledge !== undefined) {
    commands.set('/acknowledge', (body) => acknowledge(v.parse(ACKNOWLEDGE, body).key));
  }
  if (status !== undefined) commands.set('/status', () => status());
  return commands;
}

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

async function run(incoming: IncomingMessage, response: ServerResponse, command: Command): Promise<void> {
  let status = 200;
  let answer: unknown;
  try {
    answer = await command(JSON.parse(await readRequest(incoming)));
  } catch (error) {
    status = 400;
    const { code, message } = asLimmatError(error);
    answer = { code, error: message };
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}

/** Listens for the owner's commands until closed. The file that says where is gone afterwards. */
export async function startAdmin(dataDir: string, handlers: AdminHandlers): Promise<Admin> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const commands = commandsOf(handlers);
  const server = createServer((incoming, response) => {
    const command = incoming.method === 'POST' ? commands.get(incoming.url ?? '') : undefined;
    if (!isAuthorized(incoming, token)) response.writeHead(401).end();
    else if (command === undefined) response.writeHead(404).end();
    else void run(incoming, response, command);
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
async function send(address: AdminAddress, path: string, body: unknown): Promise<IncomingMessage | undefined> {
  const { port, token } = address;
  const headers = { authorization: `Bearer ${token}` };
  const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers });
  sent.end(JSON.stringify(body));
  try {
    const [response]: IncomingMessage[] = await once(sent, 'response');
    return response;
  } catch {
    return undefined;
  }
}

/**
 * What the process that runs on a data directory answers to a command; undefined when none does. A file that a killed
 * process left behind counts as none.
 */
async function ask(dataDir: string, path: string, body: unknown): Promise<string | undefined> {
  const address = readAdminAddress(dataDir);
  const response = address === undefined ? undefined : await send(address, path, body);
  // Another program may have got the port of a process that was killed.
  if (response === undefined || response.statusCode === 401 || response.statusCode === 404) return undefined;
  try {
    return await text(response);
  } catch (error) {
    throw new LimmatError('network', 'the running process stopped before it had answered', { cause: error });
  }
}

/**
 * Asks the running log to copy its store to the new directory `to` (absolute); resolves with the size of the copied
 * tree, or with undefined when no log runs there.
 */
export async function askForBackup(dataDir: string, to: string): Promise<number | undefined> {
  const answer = await ask(dataDir, '/backup', { to });
  if (answer === undefined) return undefined;
  const value: unknown = JSON.parse(answer);
  const refusal = v.safeParse(REFUSAL, value);
  if (!refusal.success) return v.parse(BACKUP_ANSWER, value).size;
  throw new LimmatError('store-failed', `the running log could not make the copy: ${refusal.output.error}`);
}

/** Asks the running monitor to take note of an alert; undefined when none runs there. Errors: the monitor's own. */
export async function askToAcknowledge(dataDir: string, key: string): Promise<Acknowledged | undefined> {
  const answer = await ask(dataDir, '/acknowledge', { key });
  if (answer === undefined) return undefined;
  const value: unknown = JSON.parse(answer);
  const refusal = v.safeParse(REFUSAL, value);
  if (!refusal.success) return v.parse(ACKNOWLEDGE_ANSWER, value);
  const { code, error } = refusal.output;
  throw new LimmatError(isErrorCode(code) ? code : 'internal', error);
}

/** How the logs of the running monitor stand; undefined when none runs there. */
export async function askForStatus(dataDir: string): Promise<MonitorJson | undefined> {
  const answer = await ask(dataDir, '/status', {});
  if (answer === undefined) return undefined;
  // Only this program's own process knows the token, so the form is known.
  const value: MonitorJson | v.InferOutput<typeof REFUSAL> = JSON.parse(answer);
  if (!('error' in value)) return value;
  throw new LimmatError('internal', value.error);
}
