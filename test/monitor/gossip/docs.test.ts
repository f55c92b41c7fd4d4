// What docs/gossip.md shows is what the code does.

import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { fromBase64, toBase64, utf8, utf8Text } from '../../../src/bytes.ts';
import { openRequest, signAnswer, signRequest } from '../../../src/monitor/gossip/credential.ts';
import * as limits from '../../../src/monitor/gossip/limits.ts';
import { formatExchange } from '../../../src/monitor/gossip/message.ts';
import type { LogNews } from '../../../src/monitor/gossip/message.ts';
import { HEAD_BOOK_LIMITS } from '../../../src/monitor/heads.ts';
import { MAX_CONVICTIONS } from '../../../src/monitor/known-evidence.ts';
import { monitorVerifier } from '../../../src/monitor/monitor-key.ts';
import { blocks, page } from '../../support/markdown.ts';
import { SCENARIOS } from './simulation.ts';
import { signerOf } from './network.ts';

const PAGE = 'docs/gossip.md';

describe('docs/gossip.md', () => {
  it('shows an exchange with exactly the members that there are', () => {
    const shown: { format: string; logs: LogNews[] } = JSON.parse(blocks(PAGE, 'json')[0]!);
    const written: unknown = JSON.parse(utf8Text(formatExchange(shown))!);
    expect(written).toEqual(shown);
  });

  it('shows the text of a credential, line for line', async () => {
    const [shown] = blocks(PAGE, '');
    const [alice, bob] = [signerOf(1, nodeCrypto), signerOf(2, nodeCrypto)];
    const request = { method: 'POST', path: '/gossip/v1/exchange', body: utf8('{}') };
    const [, nonce] = /^nonce (.*)$/m.exec(shown!)!;
    const randomBytes = (): Uint8Array => fromBase64(nonce!)!;
    const credential = await signRequest(alice, bob, request, nodeCrypto, { nowSeconds: 1_790_000_000, randomBytes });
    const text = await monitorVerifier(alice.vkey, nodeCrypto).open(fromBase64(credential)!);
    expect(text.replace(/^to .*$/m, 'to monitor.example/b+3a1f9c07').trimEnd()).toBe(shown!.trimEnd());
    const peers = [{ verifier: monitorVerifier(alice.vkey, nodeCrypto) }];
    await openRequest(credential, request, { self: bob, peers, crypto: nodeCrypto, nowSeconds: 1_790_000_000 });
  });

  it('shows the text of an answer, line for line', async () => {
    const [, shown] = blocks(PAGE, '');
    const [alice, bob] = [signerOf(1, nodeCrypto), signerOf(2, nodeCrypto)];
    const body = utf8('{}');
    const credential = await signAnswer(bob, alice, { request: 'AAAA', status: 200, body }, nodeCrypto);
    const text = await monitorVerifier(bob.vkey, nodeCrypto).open(fromBase64(credential)!);
    const expected = shown!
      .replace(/^to .*$/m, /^to .*$/m.exec(text)![0])
      .replace(/<base64 of the SHA-256 of the request's base64 credential>/, toBase64(nodeCrypto.sha256(utf8('AAAA'))))
      .replace(/<base64 of the SHA-256 of the answer's body>/, toBase64(nodeCrypto.sha256(body)));
    expect(text.trimEnd()).toBe(expected.trimEnd());
  });

  it('has the numbers of the code', () => {
    const text = page(PAGE);
    for (const phrase of [
      `at most ${limits.MAX_EXCHANGE_BYTES / 1024} KiB`,
      `at most ${limits.MAX_EXCHANGE_LOGS}, each origin once`,
      `at most ${limits.MAX_EXCHANGE_NOTES} a log, each at most ${limits.MAX_HEAD_BYTES / 1024} KiB`,
      `at most ${limits.MAX_EXCHANGES_PER_CALL} a call`,
      `most ${limits.MAX_EXCHANGE_IDS}, the newest`,
      `at most ${limits.MAX_HAND_IN_IDS}, one a line`,
      `within ${limits.REQUEST_WINDOW_SECONDS} seconds`,
      `${limits.MAX_PAGE_NOTES} a page`,
      '4,096 judged heads, 16 MiB',
      '1,024 heads that wait, 8 MiB',
      `${MAX_CONVICTIONS} files of evidence about one log`,
    ]) {
      expect(text.replaceAll('\n', ' '), phrase).toContain(phrase);
    }
    const { resolved, resolvedBytes, unresolved, unresolvedBytes } = HEAD_BOOK_LIMITS;
    expect([resolved, resolvedBytes, unresolved, unresolvedBytes]).toEqual([4096, 2 ** 24, 1024, 2 ** 23]);
    expect(limits.RANDOM_HEADS_PER_CALL).toBe(8);
    expect(limits.MAX_WAITING_PER_PEER).toBe(4);
    expect(limits.DELIVERED_SECONDS).toBe(3600);
  });

  it('has a row of the table for each scenario', () => {
    for (const { name } of SCENARIOS) expect(page(PAGE)).toContain(`| ${name} |`);
  });
});
