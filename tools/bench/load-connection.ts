// One keep-alive connection of the load generator: writes a request, reads the answer by its Content-Length, repeats.
// It understands only what this project's server sends; anything else is reported as a broken connection.

import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
const REFUSED = Buffer.from('"code"', 'latin1');
const NOTHING: Buffer = Buffer.alloc(0);
/** An answer's head is a few hundred bytes; what is longer is not this server. */
const MAX_HEAD = 16 * 1024;

/** One complete answer. */
export interface Answer {
  readonly status: number;
  readonly bytes: number;
  /** A batch answer in which some entry was refused. */
  readonly refused: boolean;
}

export interface ConnectionEvents {
  readonly connected: () => void;
  readonly answered: (answer: Answer) => void;
  readonly broken: (reason: string) => void;
}

/** Reads answers one after another; there is never more than one request under way. */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #isBatch: boolean;
  #pending: Buffer = NOTHING;
  #status = 0;
  #bodyLeft = -1;
  #received = 0;
  #refused = false;
  #over = false;

  constructor(port: number, isBatch: boolean, events: ConnectionEvents) {
    this.#events = events;
    this.#isBatch = isBatch;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.once('connect', events.connected);
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the server closed the connection'));
  }

  send(request: Uint8Array): void {
    this.#socket.write(request);
  }

  end(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #fail(reason: string): void {
    if (this.#over) return;
    this.end();
    this.#events.broken(reason);
  }

  #take(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#bodyLeft >= 0) {
      this.#body(chunk);
      return;
    }
    const data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = data.indexOf(HEAD_END);
    if (end < 0) {
      this.#pending = data;
      if (data.length > MAX_HEAD) this.#fail(`an answer's head is longer than ${MAX_HEAD} bytes`);
      return;
    }
    this.#pending = NOTHING;
    const head = data.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#status = Number(head.slice(9, 12));
    if (length === undefined && this.#status !== 304 && this.#status !== 204) {
      this.#fail(`answer ${this.#status} without content-length`);
      return;
    }
    this.#bodyLeft = Number(length ?? 0);
    this.#body(data.subarray(end + 4));
  }

  #body(chunk: Buffer): void {
    if (chunk.length > this.#bodyLeft) {
      this.#fail(`${chunk.length - this.#bodyLeft} bytes after the end of an answer`);
      return;
    }
    if (this.#isBatch && !this.#refused && chunk.indexOf(REFUSED) >= 0) this.#refused = true;
    this.#bodyLeft -= chunk.length;
    if (this.#bodyLeft > 0) return;
    const answer = { status: this.#status, bytes: this.#received, refused: this.#refused };
    this.#bodyLeft = -1;
    this.#received = 0;
    this.#refused = false;
    this.#events.answered(answer);
  }
}
