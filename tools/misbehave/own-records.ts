// The records by which a lying log becomes a log of records: its genesis, the keys that come and go, its heartbeats, and
// releases of a database. Each by itself is in order; which of them a lie logs, and when, is what no honest log would take.

import { randomBytes } from 'node:crypto';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import type { TreeHead } from '../../src/merkle/tree-head.ts';
import { FIRST_ROLE, firstKeyRecord, genesisRecord, publicKeyOf } from '../../src/node/genesis.ts';
import { channelKeyName } from '../../src/note/channel-head.ts';
import { generateSignerKey, SIGNATURE_TYPE } from '../../src/note/key.ts';
import { noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { createStatement } from '../../src/record/index.ts';
import type { LimmatRecord, StatementSigner } from '../../src/record/index.ts';
import { freshStatementSigner, LEAF_ISSUER, LEAF_PRODUCT } from './leaves.ts';

const DATABASE = 'signatures';
const RULES = 1_000;

export interface OwnRecords {
  /** Genesis, the issuer's key, and a heartbeat over these two: what the log begins with. */
  readonly first: readonly Uint8Array[];
  /** The next link of the chain: the key joins the issuer's role. */
  joins(key: StatementSigner, iatSeconds: number): Promise<Uint8Array>;
  /** The next link of the chain: the key is dead from there on. */
  revokes(key: StatementSigner, iatSeconds: number): Promise<Uint8Array>;
  /** Release `sequence` of the one stream; it names the one made before it, whatever number that has. */
  release(sequence: number, iatSeconds: number): Promise<Uint8Array>;
  /** The log says what its chain ends with in that tree. */
  heartbeat(head: TreeHead, iatSeconds: number): Promise<Uint8Array>;
}

/** The records of a log whose own namespace is its one issuer's, whose key `issuer` is. */
export async function ownRecords(
  origin: string,
  signers: readonly CheckpointSigner[],
  issuer: StatementSigner,
  iatSeconds: number,
): Promise<OwnRecords> {
  const root = freshStatementSigner();
  const events = freshStatementSigner();
  const options = {
    namespace: LEAF_ISSUER,
    origin,
    vkeys: signers.map(({ vkey }) => vkey),
    channelHead: freshChannelKey(origin),
    root: root.key,
    logStatements: events.key,
    submitter: { key: issuer.key, issuer: LEAF_ISSUER },
  };
  const genesis = await signed(genesisRecord(options), root, iatSeconds);
  const genesisHash = nodeHasher.leafHash(genesis);
  const firstKey = await signed(firstKeyRecord(options, genesisHash)!, root, iatSeconds);
  let link = { sequence: 2, hash: nodeHasher.leafHash(firstKey) };
  let released: Uint8Array | undefined;

  const heartbeat = ({ size, rootHash }: TreeHead, at: number): Promise<Uint8Array> => {
    const heads = [{ namespace: LEAF_ISSUER, sequence: link.sequence, leafHash: link.hash }];
    const record = {
      type: 'log-event',
      namespace: LEAF_ISSUER,
      fields: { heartbeat: { size, rootHash, heads } },
    } as const;
    return signed(record, events, at, origin);
  };
  const extend = async (change: KeyChange, at: number): Promise<Uint8Array> => {
    const sequence = link.sequence + 1;
    const fields = { sequence, prev: link.hash, ...change };
    const leaf = await signed({ type: 'key-event', namespace: LEAF_ISSUER, fields }, root, at);
    link = { sequence, hash: nodeHasher.leafHash(leaf) };
    return leaf;
  };
  return {
    first: [
      genesis,
      firstKey,
      await heartbeat({ size: 2, rootHash: nodeHasher.nodeHash(genesisHash, link.hash) }, iatSeconds),
    ],
    joins: ({ key }, at) => extend({ action: 'add', role: FIRST_ROLE, ...publicKeyOf(key) }, at),
    revokes: ({ key }, at) => extend({ action: 'revoke', kid: publicKeyOf(key).kid }, at),
    release: async (sequence, at) => {
      const fields = {
        product: LEAF_PRODUCT,
        database: DATABASE,
        channel: 'stable',
        sequence,
        ...(released !== undefined && { prev: nodeHasher.leafHash(released) }),
        contentDigest: { sha256: random(32) },
        counts: { total: RULES + sequence },
      };
      released = await signed({ type: 'avdb-release', namespace: LEAF_ISSUER, fields }, issuer, at);
      return released;
    },
    heartbeat,
  };
}

/** What a link says besides its place. */
type KeyChange =
  | ({ readonly action: 'add'; readonly role: string } & ReturnType<typeof publicKeyOf>)
  | { readonly action: 'revoke'; readonly kid: Uint8Array };

function signed(
  record: LimmatRecord,
  signer: StatementSigner,
  iatSeconds: number,
  issuer: string = LEAF_ISSUER,
): Promise<Uint8Array> {
  return createStatement({ ...record, issuer, iatSeconds }, signer);
}

/** The vkey of a channel key that signs nothing. */
function freshChannelKey(origin: string): string {
  const key = generateSignerKey(channelKeyName(origin), SIGNATURE_TYPE.ed25519, random, nodeCrypto);
  return noteSigner(key, nodeCrypto).vkey;
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
