import { describe, expect, it } from 'vitest';
import { toBase64, utf8, utf8Text } from '../../../src/bytes.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { verifyConsistency, verifyInclusion } from '../../../src/merkle/proof.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { hashesOf, jsonOf, refusal, serve } from './support.ts';

const answerOf = async <T = Record<string, unknown>>(response: Response): Promise<T> => {
  expect(response.status).toBe(200);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  return jsonOf<T>(response);
};
const hashOf = (index: number) => portableHasher.leafHash(utf8(`entry ${index}`));
interface Entries {
  readonly entries: readonly { readonly leaf_input: string; readonly extra_data: string }[];
}

const leavesOf = (start: number, end: number): string[] => opaqueEntries(start, end).map(toBase64);
const FOREVER = 'public, max-age=31536000, immutable';

/** An index below 300 whose leaf hash has this character in base64. */
function indexWith(character: string): number {
  return Array.from({ length: 300 }, (_, i) => i).find((i) => toBase64(hashOf(i)).includes(character))!;
}

describe('/ct/v1', () => {
  it('get-sth gives the published head, no signature of its own, and the checkpoint', async () => {
    const { ask, log } = await serve(300);
    const { published } = log.status();
    expect(await answerOf(await ask('/ct/v1/get-sth'))).toEqual({
      tree_size: 300,
      timestamp: published!.timestampSeconds * 1000,
      sha256_root_hash: toBase64(published!.head.rootHash),
      tree_head_signature: '',
      checkpoint: utf8Text(published!.note),
    });
  });

  it('get-sth-consistency gives a proof that verifies, and an empty one from nothing or to itself', async () => {
    const { ask, log } = await serve(300);
    const early = await serve(100);
    const response = await ask('/ct/v1/get-sth-consistency?first=100&second=300');
    expect(response.headers.get('cache-control')).toBe(FOREVER);
    const proof = hashesOf((await answerOf(response))['consistency']);
    const [fromRoot, toRoot] = [early.log.status().head.rootHash, log.status().head.rootHash];
    verifyConsistency({ fromSize: 100, fromRoot, toSize: 300, toRoot, proof });
    for (const query of ['first=0&second=0', 'first=0&second=300', 'first=7&second=7', 'first=7&second=7&extra=1']) {
      expect(await answerOf(await ask(`/ct/v1/get-sth-consistency?${query}`))).toEqual({ consistency: [] });
    }
  });

  it('get-proof-by-hash finds a leaf by its leaf hash, with "+" written as %2B', async () => {
    const { ask, log } = await serve(300);
    const { rootHash } = log.status().head;
    for (const index of [0, 299, indexWith('+'), indexWith('/')]) {
      const hash = encodeURIComponent(toBase64(hashOf(index)));
      const answer = await answerOf(await ask(`/ct/v1/get-proof-by-hash?hash=${hash}&tree_size=300`));
      expect(answer['leaf_index']).toBe(index);
      verifyInclusion({ leafHash: hashOf(index), index, size: 300, rootHash, proof: hashesOf(answer['audit_path']) });
    }
    const bare = toBase64(hashOf(indexWith('+')));
    const response = await ask(`/ct/v1/get-proof-by-hash?hash=${bare}&tree_size=300`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('%2B');
  });

  it('get-entries gives entries from start on, to the end of a bundle, and clips what is beyond the log', async () => {
    const { ask } = await serve(300);
    const entries = async (start: number, end: number): Promise<string[]> => {
      const { entries: list } = await answerOf<Entries>(await ask(`/ct/v1/get-entries?start=${start}&end=${end}`));
      expect(list.every(({ extra_data: extra }) => extra === '')).toBe(true);
      return list.map(({ leaf_input: leaf }) => leaf);
    };
    expect(await entries(0, 0)).toEqual(leavesOf(0, 1));
    expect(await entries(10, 19)).toEqual(leavesOf(10, 20));
    expect(await entries(250, 299)).toEqual(leavesOf(250, 256));
    expect(await entries(256, 9_007_199_254_740_991)).toEqual(leavesOf(256, 300));
    const clipped = await ask('/ct/v1/get-entries?start=290&end=400');
    expect(clipped.headers.get('cache-control')).toBe('no-cache');
    const whole = await ask('/ct/v1/get-entries?start=0&end=400');
    expect(whole.headers.get('cache-control')).toBe(FOREVER);
  });

  it('get-entries bounds the bytes of an answer, but always gives one entry', async () => {
    const { ask, log, clock } = await serve();
    await log.append(Array.from({ length: 100 }, (_, i) => new Uint8Array(65_535).fill(i)));
    await clock.advance(2000);
    const answer = await answerOf<Entries>(await ask('/ct/v1/get-entries?start=0&end=99'));
    expect(answer.entries).toHaveLength(64);
  });

  it('get-entry-and-proof gives both for the same entry', async () => {
    const { ask, log } = await serve(300);
    const answer = await answerOf(await ask('/ct/v1/get-entry-and-proof?leaf_index=77&tree_size=300'));
    expect(answer).toMatchObject({ leaf_input: toBase64(utf8('entry 77')), extra_data: '' });
    const { rootHash } = log.status().head;
    verifyInclusion({ leafHash: hashOf(77), index: 77, size: 300, rootHash, proof: hashesOf(answer['audit_path']) });
    const one = await serve(1);
    expect(await answerOf(await one.ask('/ct/v1/get-entry-and-proof?leaf_index=0&tree_size=1'))).toMatchObject({
      audit_path: [],
    });
  });

  it('refuses as the reference server does', async () => {
    const { ask } = await serve(300);
    const hash = encodeURIComponent(toBase64(hashOf(7)));
    const unknown = encodeURIComponent(toBase64(new Uint8Array(32)));
    for (const [query, expected] of [
      ['get-sth-consistency', '400 bad-parameter'],
      ['get-sth-consistency?first=1', '400 bad-parameter'],
      ['get-sth-consistency?first=2&second=1', '400 bad-parameter'],
      ['get-sth-consistency?first=1&second=301', '400 bad-parameter'],
      ['get-sth-consistency?first=1&second=9007199254740992', '400 bad-parameter'],
      ['get-sth-consistency?first=-1&second=2', '400 bad-parameter'],
      ['get-sth-consistency?first=1&second=2&second=3', '400 bad-parameter'],
      [`get-proof-by-hash?hash=${hash}`, '400 bad-parameter'],
      [`get-proof-by-hash?hash=${hash}&tree_size=0`, '400 bad-parameter'],
      [`get-proof-by-hash?hash=${hash}&tree_size=7`, '404 not-found'],
      [`get-proof-by-hash?hash=${hash}&tree_size=301`, '404 not-published'],
      [`get-proof-by-hash?hash=${unknown}&tree_size=300`, '404 not-found'],
      ['get-proof-by-hash?hash=AAAA&tree_size=300', '400 bad-parameter'],
      ['get-proof-by-hash?hash=%%%&tree_size=300', '400 bad-parameter'],
      ['get-entries?start=5', '400 bad-parameter'],
      ['get-entries?start=5&end=4', '400 bad-parameter'],
      ['get-entries?start=-1&end=4', '400 bad-parameter'],
      ['get-entries?start=300&end=300', '400 bad-parameter'],
      ['get-entries?start=9007199254740991&end=9007199254740991', '400 bad-parameter'],
      ['get-entry-and-proof?leaf_index=300&tree_size=300', '400 bad-parameter'],
      ['get-entry-and-proof?leaf_index=1&tree_size=301', '400 bad-parameter'],
      ['get-entry-and-proof?leaf_index=7&tree_size=7', '400 bad-parameter'],
      ['get-roots', '404 not-found'],
      ['add-chain', '404 not-found'],
    ] as const) {
      expect(await refusal(ask(`/ct/v1/${query}`)), query).toBe(expected);
    }
    expect(await refusal((await serve(0)).ask('/ct/v1/get-entries?start=0&end=0'))).toBe('400 bad-parameter');
  });
});
