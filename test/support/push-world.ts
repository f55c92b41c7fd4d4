// A mirror in memory that takes uploads, and the requests of tlog-mirror written down as the text has them.

import { mirrorUploadApp } from '../../src/adapters/http/index.ts';
import type { MirrorUploadOptions } from '../../src/adapters/http/index.ts';
import { memoryMedium, memoryStorage } from '../../src/adapters/memory.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { concat, uintBytes, utf8 } from '../../src/bytes.ts';
import { httpReader } from '../../src/client/http-reader.ts';
import type { Fetch } from '../../src/client/http-reader.ts';
import { pushToMirror } from '../../src/client/mirror-client.ts';
import type { LogHead } from '../../src/client/state.ts';
import { Prover } from '../../src/merkle/prover.ts';
import { subtreeProof } from '../../src/merkle/subtree.ts';
import { Mirror } from '../../src/mirror/mirror.ts';
import type { MirroredLog } from '../../src/mirror/mirrored-log.ts';
import { checkpointVerifier } from '../../src/note/signer.ts';
import { START_SECONDS, testGuard, testMirrorSigner } from './mirror-world.ts';
import { RfcTree, rfcLeafHash } from './rfc-tree.ts';
import { ServedLog, numberedEntries } from './served-log.ts';

export interface PushWorld {
  readonly served: ServedLog;
  readonly mirror: Mirror;
  readonly log: MirroredLog;
  /** Its jumps are in `seconds`, and not on the monotonic clock. */
  readonly clock: { seconds: number; jumpedSeconds: number };
  readonly post: (
    path: string,
    body: Uint8Array | ReadableStream,
    headers?: Record<string, string>,
  ) => Promise<Response>;
}

export async function pushWorld(size: number, options: MirrorUploadOptions = {}): Promise<PushWorld> {
  const served = new ServedLog(numberedEntries(size));
  await served.publish(START_SECONDS);
  const clock = { seconds: START_SECONDS, jumpedSeconds: 0 };
  const medium = memoryMedium();
  const mirror = await Mirror.open({
    logs: [
      {
        origin: served.origin,
        verifiers: served.verifiers,
        reader: httpReader({ url: 'http://log.invalid/', fetch: served.fetch }),
      },
    ],
    openStorage: () => {
      medium.open = false;
      return Promise.resolve(memoryStorage({ medium }));
    },
    openGuard: () => testGuard(),
    signer: testMirrorSigner(clock),
    hasher: nodeHasher,
    nowMillis: () => clock.seconds * 1000,
  });
  const app = mirrorUploadApp(mirror, options);
  return {
    served,
    mirror,
    log: mirror.logs[0]!.copy!,
    clock,
    post: async (path, body, headers = {}) =>
      app.request(path, {
        method: 'POST',
        body: body instanceof Uint8Array ? new Uint8Array(body) : body,
        headers: path === '/add-entries' ? { 'Content-Type': 'application/octet-stream', ...headers } : headers,
        ...(!(body instanceof Uint8Array) && { duplex: 'half' }),
      }),
  };
}

export function treeOf(served: ServedLog): RfcTree {
  return new RfcTree(served.entries.map(rfcLeafHash));
}

/** A checkpoint of this size and the proof that it extends the old one, by the slow reference. */
export async function checkpointBody(
  { served }: PushWorld,
  oldSize: number,
  size: number,
  options: { readonly proof?: readonly Uint8Array[]; readonly at?: number; readonly note?: Uint8Array } = {},
): Promise<Uint8Array> {
  const proof = options.proof ?? (oldSize === 0 || oldSize > size ? [] : treeOf(served).proof(oldSize, size));
  const note = options.note ?? (await served.note(options.at ?? START_SECONDS, { size }));
  const lines = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64')), '', ''];
  return concat(utf8(lines.join('\n')), note);
}

export function header(origin: string, start: number | bigint, end: number | bigint, ticket = ''): Uint8Array {
  const buffer = Buffer.alloc(16);
  buffer.writeBigUInt64BE(BigInt(start), 0);
  buffer.writeBigUInt64BE(BigInt(end), 8);
  return concat(uintBytes(utf8(origin).length, 2), utf8(origin), buffer, uintBytes(ticket.length, 2), utf8(ticket));
}

/** The packages of [start, end) under the tree of that size, as the text has them. */
export async function packages(
  { served }: PushWorld,
  start: number,
  size: number,
  count = Infinity,
): Promise<Uint8Array[]> {
  const prover = new Prover({
    hasher: nodeHasher,
    read: (paths) => httpReader({ url: 'http://log.invalid/', fetch: served.fetch }).read(paths),
  });
  const head = { size, rootHash: served.rootHash(size) };
  const out: Uint8Array[] = [];
  for (let next = start; next < size && out.length < count;) {
    const first = next - (next % 256);
    const end = Math.min(size, first + 256);
    const proof = await subtreeProof(prover, head, first, end);
    const entries = served.entries.slice(next, end).flatMap((entry) => [uintBytes(entry.length, 2), entry]);
    out.push(concat(...entries, uintBytes(proof.length, 1), ...proof));
    next = end;
  }
  return out;
}

export async function uploadBody(world: PushWorld, start: number, size: number, count?: number): Promise<Uint8Array> {
  return concat(header(world.served.origin, start, size), ...(await packages(world, start, size, count)));
}

export async function said(response: Response): Promise<[number, string]> {
  return [response.status, await response.text()];
}

export const verifiersOf = ({ mirror }: PushWorld) =>
  mirror.signer.vkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));

export function headOf(served: ServedLog, note: Uint8Array, size: number): LogHead {
  return { origin: served.origin, size, rootHash: served.rootHash(size), timestampSeconds: START_SECONDS, note };
}

export const fetchOf =
  (world: PushWorld): Fetch =>
  async (url, init) =>
    world.post(new URL(url).pathname, new Uint8Array(await new Response(init.body).arrayBuffer()));

export async function push(world: PushWorld, size: number): Promise<string> {
  return pushToMirror({
    url: 'http://mirror.invalid/',
    verifiers: verifiersOf(world),
    head: headOf(world.served, await world.served.note(world.clock.seconds, { size }), size),
    reader: httpReader({ url: 'http://log.invalid/', fetch: world.served.fetch }),
    fetch: fetchOf(world),
    hasher: nodeHasher,
  });
}

export function changed(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, bytes[at]! ^ 1);
}

export function withoutLastLine(note: Uint8Array): string {
  return `${new TextDecoder().decode(note).split('\n').slice(0, -2).join('\n')}\n`;
}
