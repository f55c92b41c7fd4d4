// A log of records that answers lookups by digest as limmat's does, from its entries alone and the plain way, with proofs
// and channel heads; and that can be made to lie in any part of any answer.

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { toBase64, toHex, utf8 } from '../../src/bytes.ts';
import { readable } from '../../src/client/check/cited.ts';
import type { LogReader } from '../../src/client/http-reader.ts';
import { parseTrust } from '../../src/client/trust.ts';
import type { Trust } from '../../src/client/trust.ts';
import { formatCoseKey } from '../../src/cose/key.ts';
import type { StatementSigner } from '../../src/cose/signer.ts';
import { LimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import { formatTilePath } from '../../src/merkle/tile.ts';
import { channelHeadSigner, channelKeyName, recalledDigest } from '../../src/note/channel-head.ts';
import type { ChannelHead } from '../../src/note/channel-head.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import { noteSigner } from '../../src/note/signer.ts';
import { formatTlogProof } from '../../src/note/tlog-proof.ts';
import { channelHeadPath, channelPlace } from '../../src/record/channel.ts';
import type { ChannelPlace } from '../../src/record/channel.ts';
import { createStatement, fileDigests, statementToJson } from '../../src/record/statement.ts';
import type { Statement } from '../../src/record/statement.ts';
import type { FieldsOf, LimmatRecord, RecordType } from '../../src/record/types.ts';
import { fixedKey, ServedLog } from './served-log.ts';
import { digestOf, vendorSigner } from './shipped.ts';

export const VENDOR = 'Acme Security';
export const PRODUCT = { product: 'Shield', channel: 'stable' } as const;

/** The signer of an organisation. */
export const keyOf = (organisation: string): StatementSigner => vendorSigner(`key of ${organisation}`);

interface Logged {
  readonly index: number;
  readonly leafHash: Hash;
  readonly statement: Statement;
  readonly record: LimmatRecord;
  readonly place: ChannelPlace | undefined;
}

/** An answer to a lookup, as far as lies change it. */
export interface Answered {
  readonly digest?: string;
  readonly items: readonly {
    readonly index: number;
    readonly rebuilds?: readonly object[];
    readonly takenBack?: readonly object[];
  }[];
}

const ORIGIN = 'log.example/check';
/** The log's own keys, with signatures that are made ten times faster. */
const SIGNERS = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44].map((type) =>
  noteSigner(fixedKey(ORIGIN, type), nodeCrypto),
);

export class CheckWorld {
  readonly log = new ServedLog([], ORIGIN);
  readonly channelSigner = channelHeadSigner(fixedKey(channelKeyName(ORIGIN), SIGNATURE_TYPE.ed25519), nodeCrypto);
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  nowSeconds = 1_790_000_000;
  /** Changes a JSON answer to a lookup. */
  lie: (answer: Answered) => unknown = (answer) => answer;
  /** Changes any answer; null = 404. */
  tamper: (path: string, honest: Uint8Array) => Uint8Array | null = (_, honest) => honest;
  /** Changes what is signed as a channel head. */
  head: (head: ChannelHead) => ChannelHead = (head) => head;
  /** Size of the tree that channel heads are of; default all. */
  headSize: number | undefined;

  /** Appends a record signed by that organisation; gives its leaf hash. */
  async add<T extends RecordType>(
    type: T,
    fields: FieldsOf<T>,
    by = VENDOR,
    namespace = 'acme',
    signer = keyOf(by),
  ): Promise<Uint8Array> {
    const content = { type, namespace, fields, issuer: by, iatSeconds: this.nowSeconds };
    const leaf = await createStatement(content, signer);
    this.log.entries.push(leaf);
    return portableHasher.leafHash(leaf);
  }

  /** A build of the files with these contents. */
  build(version: string, ...contents: readonly string[]): Promise<Uint8Array> {
    const artifacts = contents.map((content) => ({ digest: { sha256: digestOf(utf8(content)) } }));
    return this.add('build', { ...PRODUCT, version, platform: 'linux', artifacts });
  }

  rebuild(build: Uint8Array, by: string, result: FieldsOf<'rebuild'>['result'] = 'match'): Promise<Uint8Array> {
    return this.add('rebuild', { build, result }, by, 'rebuilders');
  }

  retract(
    target: Uint8Array,
    kind: FieldsOf<'retraction'>['kind'],
    namespace = 'acme',
    by = VENDOR,
  ): Promise<Uint8Array> {
    const replacement = portableHasher.leafHash(this.log.entries.at(-1)!);
    const needs = kind === 'supersede' || kind === 'correct';
    return this.add('retraction', { target, kind, ...(needs && { replacement }) }, by, namespace);
  }

  publish(): Promise<void> {
    return this.log.publish(this.nowSeconds, { signers: SIGNERS });
  }

  /** The trust file: the log's keys, the vendor and these rebuilders, and these lines. */
  trustText(rebuilders: readonly string[] = ['Rebuilders Inc', 'University'], ...lines: readonly string[]): string {
    return [
      ...this.log.signers.map(({ vkey }) => `log ${vkey}`),
      'quorum none',
      ...[VENDOR, ...rebuilders].map((name) => `issuer ${toBase64(formatCoseKey(keyOf(name).key))} ${name}`),
      `channel-key ${this.channelSigner.vkey}`,
      ...lines,
      '',
    ].join('\n');
  }

  trust(...lines: readonly string[]): Trust {
    return parseTrust(this.trustText(undefined, ...lines));
  }

  /** What the log answers at a path below its prefix; null for 404. */
  async answer(path: string, question = ''): Promise<Uint8Array | null> {
    this.asked.push(path);
    const honest = await (path === 'api/v1/artifacts' ? this.#artifacts(question) : this.#honest(path));
    return honest === null ? null : this.tamper(path, honest);
  }

  readonly reader: LogReader = {
    url: 'http://check.example/',
    checkpoint: () => this.reader.resource('checkpoint', 0),
    read: (paths) => Promise.all(paths.map((path) => this.reader.resource(formatTilePath(path), 0))),
    resource: async (path, _, question) => {
      const bytes = await this.answer(path, question);
      if (bytes === null) throw new LimmatError('not-found', `${path} is not there (status 404)`);
      return bytes;
    },
  };

  async #honest(path: string): Promise<Uint8Array | null> {
    const [bare, query] = path.split('?');
    const [, proof] = /^api\/v1\/entries\/(\d+)\/proof$/.exec(bare!) ?? [];
    if (proof !== undefined) return this.proof(Number(proof));
    const [, digest] = /^api\/v1\/artifacts\/([0-9a-f]{64})$/.exec(bare!) ?? [];
    if (digest !== undefined) return json(this.lie(this.#artifact(digest)));
    if (bare === 'api/v1/builds') return json(this.lie(this.#builds(new URLSearchParams(query))));
    if (bare === 'api/v1/rebuilds') return json(this.#rebuilds(new URLSearchParams(query)));
    if (bare === 'api/v1/proof/inclusion') {
      const wanted = new URLSearchParams(query).get('hash');
      const index = this.#all().findIndex(({ leafHash }) => toHex(leafHash) === wanted);
      return index < 0 ? null : json({ index, size: this.log.entries.length, proof: [] });
    }
    for (const channel of new Set(this.#all().flatMap(({ place }) => place?.channel ?? []))) {
      if (bare === channelHeadPath(channel)) return this.channelHead(channel);
    }
    return this.log.resource(bare!);
  }

  proof(index: number): Uint8Array | null {
    const extra = this.log.entries[index];
    if (extra === undefined) return null;
    const proof = this.log.inclusionProof(index);
    return formatTlogProof({ extra, index, proof, checkpoint: this.log.checkpoint! });
  }

  async channelHead(channel: string): Promise<Uint8Array> {
    const size = this.headSize ?? this.log.entries.length;
    const all = this.#all().slice(0, size);
    const inChannel = all.filter(({ place }) => place?.channel === channel);
    const newest = inChannel.toSorted((a, b) => a.place!.sequence - b.place!.sequence).at(-1)!;
    const recalled = inChannel.filter(({ leafHash }) =>
      all.some(({ record }) => {
        return record.type === 'retraction' && record.fields.kind === 'recall' && same(record.fields.target, leafHash);
      }),
    );
    return this.channelSigner.sign(
      this.head({
        origin: this.log.origin,
        size,
        rootHash: this.log.rootHash(size),
        channel,
        index: newest.index,
        leafHash: newest.leafHash,
        sequence: newest.place!.sequence,
        minimumSequence: Math.max(0, ...recalled.map(({ place }) => place!.sequence + 1)),
        recalledHash: recalledDigest(recalled.map(({ leafHash }) => leafHash)),
        issuedSeconds: this.nowSeconds,
        validUntilSeconds: this.nowSeconds + 86_400,
      }),
    );
  }

  #all(): Logged[] {
    return this.log.entries.flatMap((leaf, index) => {
      const statement = readable(leaf);
      if (statement === undefined) return [];
      const { record } = statement;
      const place = channelPlace(record, index);
      return [{ index, leafHash: portableHasher.leafHash(leaf), statement, record, place }];
    });
  }

  #item({ index, leafHash, statement }: Logged) {
    const record = statementToJson(statement);
    return {
      index,
      leafHash: toBase64(leafHash),
      type: statement.type,
      proof: `/api/v1/entries/${index}/proof`,
      record,
    };
  }

  #artifact(digest: string) {
    const all = this.#all();
    const retractionsOf = ({ leafHash }: Logged): object[] =>
      all.flatMap((other) => {
        const { record } = other;
        if (record.type !== 'retraction' || !same(record.fields.target, leafHash)) return [];
        return [{ ...this.#item(other), kind: record.fields.kind }];
      });
    const found = all.filter(({ record }) => fileDigests(record).some((sha256) => toHex(sha256) === digest));
    const items = found.map((entry) => ({
      ...this.#item(entry),
      rebuilds: all.flatMap((other) => {
        const { record } = other;
        if (record.type !== 'rebuild' || !same(record.fields.build, entry.leafHash)) return [];
        const takenBack = retractionsOf(other);
        return [{ ...this.#item(other), verdict: record.fields.result, ...(takenBack.length > 0 && { takenBack }) }];
      }),
      takenBack: retractionsOf(entry),
    }));
    return { digest, size: this.log.entries.length, items };
  }

  #artifacts(question: string): Uint8Array {
    const digests = question.split('\n').slice(0, -1);
    const lines = digests.map((digest) => {
      const answer = this.lie(this.#artifact(digest));
      return typeof answer === 'object' ? JSON.stringify({ digest, ...answer }) : JSON.stringify(answer);
    });
    return utf8(lines.map((line) => `${line}\n`).join(''));
  }

  #builds(query: URLSearchParams) {
    const all = this.#all();
    const items = all.filter(({ record, leafHash }) => {
      if (record.type !== 'build') return false;
      if (![null, record.fields.product].includes(query.get('product'))) return false;
      return !all.some(({ record: other }) => {
        return other.type === 'rebuild' && other.fields.result === 'match' && same(other.fields.build, leafHash);
      });
    });
    return { size: this.log.entries.length, items: items.map((entry) => this.#item(entry)) };
  }

  #rebuilds(query: URLSearchParams) {
    const after = Number(query.get('after') ?? -1);
    const limit = Number(query.get('limit') ?? 100);
    const all = this.#all().filter(({ record, index }) => {
      return record.type === 'rebuild' && toHex(record.fields.build) === query.get('build') && index > after;
    });
    const items = all.slice(0, limit).map((entry) => this.#item(entry));
    return {
      size: this.log.entries.length,
      items,
      ...(all.length > limit && { next: `${items.at(-1)!.index}` }),
    };
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return toHex(a) === toHex(b);
}

function json(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}
