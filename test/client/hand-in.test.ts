import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { utf8, utf8Text } from '../../src/bytes.ts';
import { fetchEvidence, handIn, headToHandIn } from '../../src/client/hand-in.ts';
import type { Fetch } from '../../src/client/http-reader.ts';
import { parseNote } from '../../src/note/note.ts';
import { parseTlogProof } from '../../src/note/tlog-proof.ts';
import { ship } from '../support/shipped.ts';

const ID = 'ab'.repeat(32);
const NOTE = utf8('log.example/a\n7\n\n— log.example/a AAAAAAA=\n');

const never: Fetch = () => new Promise(() => undefined);

/** A fetch that answers this, and what it was asked. */
function answering(status: number, body: string | null): { fetch: Fetch; asked: [string, RequestInit][] } {
  const asked: [string, RequestInit][] = [];
  const send: Fetch = (url, init) => {
    asked.push([url, init]);
    return Promise.resolve(new Response(body, { status }));
  };
  return { fetch: send, asked };
}

describe('the head of a proof file', () => {
  test("is its checkpoint with the log's own lines alone", async () => {
    const { log, options, statement } = await ship();
    const note = await headToHandIn(options.proofFile, options.trust, nodeCrypto);
    const handed = parseNote(note);
    const { checkpoint } = parseTlogProof(options.proofFile);
    expect(handed.text).toBe(parseNote(checkpoint).text);
    expect(parseNote(checkpoint).signatures).toHaveLength(4);
    expect(handed.signatures.map(({ name }) => name)).toEqual([log.origin, log.origin]);
    // Nothing of the entry is in it.
    const text = utf8Text(note)!;
    expect([text.includes('Acme'), text.length < statement.length + 4096]).toEqual([false, true]);
  });

  test('is handed in only when the log signed it', async () => {
    const { options } = await ship();
    const forged = utf8(utf8Text(options.proofFile)!.replace('\n37\n', '\n38\n'));
    for (const [code, file, trust] of [
      ['bad-note', forged, options.trust],
      ['bad-proof-file', utf8('garbage'), options.trust],
      ['unknown-log', options.proofFile, { ...options.trust, logs: new Map() }],
    ] as const) {
      await expect(headToHandIn(file, trust, nodeCrypto)).rejects.toMatchObject({ code });
    }
  });
});

describe('handing in', () => {
  test('posts the note and nothing else', async () => {
    const { fetch: send, asked } = answering(204, null);
    expect(await handIn(NOTE, { url: 'https://monitor.example/m', fetch: send })).toEqual([]);
    const [url, init] = asked[0]!;
    expect(url).toBe('https://monitor.example/m/gossip/v1/checkpoint');
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual', headers: { 'Content-Type': 'text/plain' } });
    expect(init.body).toEqual(new Uint8Array(NOTE));
    expect(Object.keys(init).toSorted()).toEqual(['body', 'headers', 'method', 'redirect', 'signal']);
  });

  test('gives the ids that the monitor names', async () => {
    const { fetch: send } = answering(200, `${ID}\n${'cd'.repeat(32)}\n`);
    expect(await handIn(NOTE, { url: 'http://m', fetch: send })).toEqual([ID, 'cd'.repeat(32)]);
  });

  test('takes nothing else for an answer', async () => {
    for (const [status, body, code] of [
      [200, 'hello', 'bad-response'],
      [200, `${ID.toUpperCase()}\n`, 'bad-response'],
      [200, `${ID}\n`.repeat(100), 'bad-response'],
      [404, '', 'not-found'],
      [307, '', 'bad-response'],
      [503, '', 'bad-response'],
    ] as const) {
      const { fetch: send } = answering(status, body);
      await expect(handIn(NOTE, { url: 'http://m', fetch: send }), `${status} ${body}`).rejects.toMatchObject({ code });
    }
    await expect(handIn(NOTE, { url: 'ftp://m' })).rejects.toThrow(RangeError);
  });

  test('waits no longer than it may', async () => {
    const waiting = handIn(NOTE, { url: 'http://m', fetch: never, timeoutMillis: 20 });
    await expect(waiting).rejects.toMatchObject({ code: 'network' });
  });

  test('fetches the evidence by its id, within bounds', async () => {
    const { fetch: send, asked } = answering(200, '{}');
    expect(await fetchEvidence(ID, 2, { url: 'http://m', fetch: send })).toEqual(utf8('{}'));
    expect(asked[0]![0]).toBe(`http://m/gossip/v1/evidence/${ID}`);
    await expect(fetchEvidence(ID, 1, { url: 'http://m', fetch: send })).rejects.toMatchObject({
      code: 'bad-response',
    });
  });
});
