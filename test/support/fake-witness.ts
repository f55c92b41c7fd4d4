// Witnesses in memory, behind a fetch: one that does what tlog-witness says, and ways not to. Every one counts what it is
// asked, and how much of it at the same time.

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { equalBytes, toHex, utf8, utf8Text } from '../../src/bytes.ts';
import type { Fetch } from '../../src/client/bounded-fetch.ts';
import { isLimmatError } from '../../src/errors.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import { verifyConsistency } from '../../src/merkle/proof.ts';
import { parseAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { formatCheckpoint, parseCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../src/note/key.ts';
import { formatNote, parseNote } from '../../src/note/note.ts';
import { openCheckpoint } from '../../src/note/open.ts';
import { parsePolicy } from '../../src/note/policy.ts';
import type { Policy } from '../../src/note/policy.ts';
import { checkpointVerifier, noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { fixedSeed } from './test-log.ts';

/** How a witness behaves. */
export type Manner =
  | 'honest'
  /** Nobody listens. */
  | 'dead'
  /** Takes the request and says nothing. */
  | 'hanging'
  /** Answers 500. */
  | 'failing'
  /** Says it has cosigned a larger tree than there is. */
  | 'ahead'
  /** Answers 409 with another smaller size each time. */
  | 'wandering'
  /** Signs with a key that nobody knows. */
  | 'wrong-key'
  /** Signs under its own key, but another root. */
  | 'other-root'
  /** Answers with what is no signature line. */
  | 'rubbish'
  /** Answers with the checkpoint's text once more, and a signature of that. */
  | 'other-text'
  /** Answers megabytes. */
  | 'huge'
  /** Sends the caller elsewhere. */
  | 'redirecting'
  /** States a time of an hour ago, or of an hour from now. */
  | 'late-clock'
  | 'early-clock'
  /** Finds every tree inconsistent. */
  | 'refusing'
  /** Does not know the log. */
  | 'stranger';

export interface FakeWitnessOptions {
  readonly name: string;
  /** Keys of the log that it knows. */
  readonly logVkeys: readonly string[];
  readonly nowSeconds: () => number;
  readonly types?: readonly (typeof SIGNATURE_TYPE.cosignatureEd25519 | typeof SIGNATURE_TYPE.mldsa44)[];
}

let seeds = 100;

export class FakeWitness {
  readonly name: string;
  readonly url: string;
  readonly signers: readonly CheckpointSigner[];
  readonly requests: { readonly oldSize: number; readonly size: number; readonly proof: number }[] = [];
  manner: Manner = 'honest';
  /** Waited for before each answer. */
  delay: () => Promise<void> = () => Promise.resolve();
  /** What it cosigned last. */
  state: { size: number; rootHash: Hash; note: string } | undefined;
  /** Shown in place of its own; any bytes. */
  shows: string | undefined;
  looks = 0;
  atOnce = 0;
  mostAtOnce = 0;
  readonly #options: FakeWitnessOptions;
  readonly #stranger: CheckpointSigner;

  constructor(options: FakeWitnessOptions) {
    this.name = options.name;
    this.url = `http://${options.name}.invalid/witness`;
    this.#options = options;
    const types = options.types ?? [SIGNATURE_TYPE.cosignatureEd25519];
    this.signers = types.map((type) => makeSigner(`${options.name}.invalid/w`, type));
    this.#stranger = makeSigner(`${options.name}.invalid/w`, SIGNATURE_TYPE.cosignatureEd25519);
  }

  async answer(url: string, init: RequestInit): Promise<Response> {
    this.atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      return await this.#answer(url, init);
    } finally {
      this.atOnce--;
    }
  }

  async #answer(url: string, init: RequestInit): Promise<Response> {
    if (this.manner === 'dead') throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    if (this.manner === 'hanging') return aborted(init);
    await this.delay();
    if (init.method === 'GET') return this.#show(url);
    if (!url.endsWith('/witness/add-checkpoint') || !(init.body instanceof Uint8Array)) return said(404, 'not here');
    const request = parseAddCheckpoint(init.body);
    const text = parseNote(request.checkpoint).text;
    const { size } = parseCheckpoint(text);
    this.requests.push({ oldSize: request.oldSize, size, proof: request.proof.length });
    switch (this.manner) {
      case 'failing':
        return said(500, 'out of order');
      case 'ahead':
        return conflict(size + 1000);
      case 'wandering':
        return conflict(Math.max(0, request.oldSize - 1));
      case 'stranger':
        return said(404, 'unknown log');
      case 'refusing':
        return said(422, 'inconsistent');
      case 'rubbish':
        return said(200, 'ok\n');
      case 'huge':
        return said(200, '— x y\n'.repeat(20_000));
      case 'redirecting':
        return new Response(null, { status: 307, headers: { Location: 'http://elsewhere.invalid/' } });
      default:
        return this.#cosign(request);
    }
  }

  async #cosign({ oldSize, proof, checkpoint }: ReturnType<typeof parseAddCheckpoint>): Promise<Response> {
    const verifiers = this.#options.logVkeys.map((vkey) => checkpointVerifier(vkey, nodeCrypto));
    const { note, checkpoint: head } = await openCheckpoint(checkpoint, verifiers);
    const known = this.state?.size ?? 0;
    if (oldSize !== known) return conflict(known);
    if (this.state !== undefined && this.state.size > 0) {
      try {
        const [fromRoot, toRoot] = [this.state.rootHash, head.rootHash];
        verifyConsistency({ fromSize: known, fromRoot, toSize: head.size, toRoot, proof }, nodeHasher);
      } catch (error) {
        if (!isLimmatError(error)) throw error;
        return said(422, error.message);
      }
    }
    const lines = await this.#lines(note.text);
    this.state = { size: head.size, rootHash: head.rootHash, note: formatNote(note.text, [...note.signatures]) };
    return said(200, lines);
  }

  async #lines(text: string): Promise<string> {
    const now = this.#options.nowSeconds();
    if (this.manner === 'wrong-key') return this.#stranger.sign(text, now);
    if (this.manner === 'other-text') {
      const other = text.replace(/\n\d+\n/, '\n9\n');
      return `\n${other}\n${await this.signers[0]!.sign(other, now)}`;
    }
    const hour = this.manner === 'late-clock' ? -3600 : this.manner === 'early-clock' ? 3600 : 0;
    const { origin, size } = parseCheckpoint(text);
    const signed = this.manner === 'other-root' ? formatCheckpoint({ origin, size, rootHash: fixedSeed(7) }) : text;
    const lines = await Promise.all(this.signers.map((signer) => signer.sign(signed, now + hour)));
    return lines.join('');
  }

  #show(url: string): Response {
    this.looks++;
    const note = this.shows ?? this.state?.note;
    const origin = note === undefined ? '' : note.slice(0, note.indexOf('\n'));
    const path = `/witness/${toHex(nodeHasher.sha256(utf8(origin)))}/checkpoint`;
    return note !== undefined && url.endsWith(path) ? said(200, note) : said(404, 'nothing');
  }

  /** True when its known tree is this one. */
  holds(size: number, rootHash: Uint8Array): boolean {
    return this.state?.size === size && equalBytes(this.state.rootHash, rootHash);
  }
}

function makeSigner(name: string, type: (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE]): CheckpointSigner {
  seeds++;
  return noteSigner(
    generateSignerKey(name, type, (length) => fixedSeed(seeds % 256).subarray(0, length)),
    nodeCrypto,
  );
}

function said(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'Content-Type': 'text/plain' } });
}

function conflict(size: number): Response {
  return new Response(`${size}\n`, { status: 409, headers: { 'Content-Type': 'text/x.tlog.size' } });
}

function aborted({ signal }: RequestInit): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A fetch that reaches these witnesses and nothing else. */
export function fetchOf(witnesses: readonly FakeWitness[]): Fetch {
  return (url, init) => {
    const witness = witnesses.find((one) => url.startsWith(one.url));
    return witness === undefined ? Promise.reject(new TypeError(`nobody at ${url}`)) : witness.answer(url, init);
  };
}

/** The policy "threshold of them"; a witness with two keys is two members with one address. */
export function policyOf(witnesses: readonly FakeWitness[], threshold: number): Policy {
  const lines: string[] = [];
  const names: string[] = [];
  for (const { name, url, signers } of witnesses) {
    for (const [i, { vkey }] of signers.entries()) {
      names.push(i === 0 ? name : `${name}-${i}`);
      lines.push(`witness ${names.at(-1)} ${vkey} ${url}`);
    }
  }
  return parsePolicy([...lines, `group all ${threshold} ${names.join(' ')}`, 'quorum all', ''].join('\n'));
}

/** The names of keys on the lines of a note. */
export function signersOf(note: Uint8Array | undefined): string[] {
  return note === undefined ? [] : parseNote(utf8Text(note)!).signatures.map(({ name }) => name);
}
