// /ct/v1: the read endpoints of RFC 6962 §4 over this log. "6962-style": the leaves are not MerkleTreeLeaf structures
// (leaf_input is the entry itself) and the head that counts is the checkpoint, so tree_head_signature is empty.
// In scope: get-sth, get-sth-consistency, get-proof-by-hash, get-entries, get-entry-and-proof. Out of scope: add-chain.

import * as v from 'valibot';
import { toBase64, utf8Text } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { TILE_WIDTH } from '../../merkle/tile.ts';
import type { App, QueryReads } from './app.ts';
import { newApp, onQueryReads } from './app.ts';
import { jsonAnswer } from './answer.ts';
import { MAX_ENTRIES_BYTES } from './limits.ts';
import { base64Hash, decimal, queryOf } from './parameters.ts';
import type { ServedLog } from './served-log.ts';
import { publishedHead } from './served-log.ts';

const CONSISTENCY_QUERY = v.object({ first: decimal, second: decimal });
const PROOF_QUERY = v.object({ hash: base64Hash, tree_size: decimal });
const ENTRIES_QUERY = v.object({ start: decimal, end: decimal });
const ENTRY_AND_PROOF_QUERY = v.object({ leaf_index: decimal, tree_size: decimal });

function badParameter(message: string, details: Readonly<Record<string, number>>): LimmatError {
  return new LimmatError('bad-parameter', message, { details });
}

/** The endpoints, to be mounted at the log's prefix (paths start with /ct/v1). */
export function ctApp(log: ServedLog): App {
  const app = newApp();
  onQueryReads(app, ctReads(log));
  return app;
}

/** The endpoints by path, without a prefix. */
export function ctReads(log: ServedLog): QueryReads {
  return {
    '/ct/v1/get-sth': () => {
      const head = publishedHead(log);
      return jsonAnswer(
        {
          tree_size: head.size,
          timestamp: head.timestampSeconds * 1000,
          sha256_root_hash: toBase64(head.head.rootHash),
          tree_head_signature: '',
          checkpoint: utf8Text(head.note),
        },
        'changing',
      );
    },

    '/ct/v1/get-sth-consistency': async (request) => {
      const { first, second } = queryOf(request, CONSISTENCY_QUERY, 'ignore');
      const { size } = publishedHead(log);
      if (first > second) throw badParameter(`first ${first} is above second ${second}`, { first, second });
      if (second > size) throw badParameter(`second ${second} is above the published size ${size}`, { second, size });
      // From the empty tree there is nothing to prove; the reference server says so with an empty list.
      const proof = first === 0 ? [] : await log.consistencyProof(first, second);
      return jsonAnswer({ consistency: proof.map(toBase64) }, 'fixed');
    },

    '/ct/v1/get-proof-by-hash': async (request) => {
      const { hash, tree_size: size } = queryOf(request, PROOF_QUERY, 'ignore');
      if (size < 1) throw badParameter('tree_size 0 holds no entry to prove', { size });
      const index = await log.findLeaf(hash);
      if (index === undefined || index >= size) {
        throw new LimmatError('not-found', `no entry below size ${size} has this leaf hash`, { details: { size } });
      }
      const proof = await log.inclusionProof(index, size);
      return jsonAnswer({ leaf_index: index, audit_path: proof.map(toBase64) }, 'fixed');
    },

    '/ct/v1/get-entries': async (request) => {
      const { start, end } = queryOf(request, ENTRIES_QUERY, 'ignore');
      const { size } = publishedHead(log);
      if (start > end) throw badParameter(`start ${start} is above end ${end}`, { start, end });
      if (start >= size) throw badParameter(`start ${start} is not below the published size ${size}`, { start, size });
      // To the end of one entry bundle: a client that asks on from there reads whole bundles. `end` is inclusive.
      const bundleEnd = (Math.floor(start / TILE_WIDTH) + 1) * TILE_WIDTH;
      const stop = Math.min(end + 1, size, bundleEnd);
      const entries: { leaf_input: string; extra_data: string }[] = [];
      let bytes = 0;
      for (const entry of await log.entries(start, stop)) {
        bytes += entry.length;
        if (entries.length > 0 && bytes > MAX_ENTRIES_BYTES) break;
        entries.push({ leaf_input: toBase64(entry), extra_data: '' });
      }
      return jsonAnswer({ entries }, stop === size && end >= size ? 'changing' : 'fixed');
    },

    '/ct/v1/get-entry-and-proof': async (request) => {
      const query = queryOf(request, ENTRY_AND_PROOF_QUERY, 'ignore');
      const { leaf_index: index, tree_size: treeSize } = query;
      const { size } = publishedHead(log);
      if (treeSize > size)
        throw badParameter(`tree_size ${treeSize} is above the published size ${size}`, { treeSize, size });
      if (index >= treeSize)
        throw badParameter(`leaf_index ${index} is not below tree_size ${treeSize}`, { index, treeSize });
      const [entry, proof] = await Promise.all([log.entry(index), log.inclusionProof(index, treeSize)]);
      return jsonAnswer({ leaf_input: toBase64(entry), extra_data: '', audit_path: proof.map(toBase64) }, 'fixed');
    },
  };
}
