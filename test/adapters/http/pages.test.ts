import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { durationInWords, rateInWords, timeInWords } from '../../../src/adapters/http/pages/words.ts';
import { pagesApp } from '../../../src/adapters/http/index.ts';
import { toHex, utf8 } from '../../../src/bytes.ts';
import { portableHasher } from '../../../src/merkle/hash.ts';
import { openTestLog, opaqueEntries } from '../../support/test-log.ts';
import { buildStatement, refusal, serve } from './support.ts';

const HTML = { headers: { accept: 'text/html,*/*;q=0.8' } };

describe('the page of a log', () => {
  it('shows head, root, signers and the latest entries, newest first', async () => {
    const { ask, log } = await serve(1234);
    const response = await ask('/', HTML);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const page = await response.text();
    expect(page).toContain('<!doctype html>');
    expect(page).toContain('<meta name="viewport"');
    expect(page).toContain('1,234');
    expect(page).toContain(toHex(log.status().head.rootHash));
    for (const vkey of log.vkeys) expect(page).toContain(vkey.split('+').slice(0, 2).join('+'));
    expect(page.indexOf('/log/1233"')).toBeGreaterThan(0);
    expect(page.indexOf('/log/1233"')).toBeLessThan(page.indexOf('/log/1214"'));
    expect(page).not.toContain('/log/1213"');
    expect(page).toContain('Admission is open');
    expect(page).toContain('npx limmat verify FILE');
    expect(page).toContain('http://localhost/api/v1/entries/1233/proof');
  });

  it('runs no script, loads nothing, and its style is the one the policy names', async () => {
    const { ask } = await serve(3);
    for (const path of ['/', '/log/1', '/log/99']) {
      const response = await ask(path, HTML);
      const page = await response.text();
      expect(page).not.toMatch(/<script|javascript:|\son[a-z]+=|style="/i);
      const style = /<style>([^]*?)<\/style>/.exec(page)![1]!;
      const digest = createHash('sha256').update(style).digest('base64');
      const policy = response.headers.get('content-security-policy')!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain(`style-src 'sha256-${digest}'`);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('says how old the head is and how fast the log grows', async () => {
    const test = await openTestLog({ refreshIntervalMillis: 3_600_000 });
    const app = pagesApp(test.log, { nowMillis: () => test.clock.nowMillis() });
    const page = async (): Promise<string> => (await app.request('/')).text();
    expect(await page()).toContain('no entries yet');
    await test.clock.advance(600_000);
    await test.log.append(opaqueEntries(0, 1200));
    await test.clock.advance(5000);
    const text = await page();
    expect(text).toContain('about 2 a second');
    expect(text).toContain('5 seconds ago');
  });

  it('says that the log takes nothing, and shows what it has', async () => {
    const { ask, log, clock, faults } = await serve(3);
    faults.current = () => {
      throw new Error('full: /srv/log');
    };
    log.append(opaqueEntries(3, 4)).catch(() => undefined);
    await clock.advance(1);
    const page = await (await ask('/')).text();
    expect(page).toContain('takes no entries at the moment');
    expect(page).not.toContain('/srv');
    expect(page).toContain('/log/2"');
    expect(await (await ask('/log/1')).text()).toContain('not known at the moment');
    expect(await refusal(ask('/api/v1/entries/1/time'))).toBe('503 read-only');
  });

  it('links within its prefix, or to the address that readers know', async () => {
    const { ask, log } = await serve(3, { prefix: '/x/y' });
    const page = await (await ask('/x/y')).text();
    expect(page).toContain('href="/x/y/log/2"');
    expect(page).toContain('http://localhost/x/y/api/v1/entries/2/proof');
    const entry = await (await ask('/x/y/log/1')).text();
    expect(entry).toContain('href="/x/y/log/2"');
    expect(entry).toContain('href="/x/y"');
    const known = pagesApp(log, { publicUrl: 'https://log.example/a/' });
    const text = await (await known.request('/')).text();
    expect(text).toContain('href="/a/log/2"');
    expect(text).toContain('https://log.example/a/api/v1/entries/2/proof');
  });

  it('leads to an entry by number', async () => {
    const { ask } = await serve(3);
    const response = await ask('/log?index=2');
    expect([response.status, response.headers.get('location')]).toEqual([303, '/log/2']);
    expect((await ask('/log?index=x')).status).toBe(400);
    expect((await ask('/log')).status).toBe(400);
  });
});

describe('the page of an entry', () => {
  it('shows the statement with its fields, escaped, its proof and its time bracket', async () => {
    const { ask, log, clock } = await serve(0, { admission: 'records' });
    const statement = await buildStatement('1.0', Math.floor(clock.nowMillis() / 1000));
    await log.append([statement, await buildStatement('1.1', Math.floor(clock.nowMillis() / 1000))]);
    await clock.advance(2000);
    const page = await (await ask('/log/2', HTML)).text();
    expect(page).toContain('scanner &lt;b&gt;');
    expect(page).not.toContain('<b>');
    expect(page).toContain('artifacts, digest, sha256');
    expect(page).toContain('acme.example');
    expect(page).toContain(toHex(portableHasher.leafHash(statement)));
    expect(page).toContain(toHex(portableHasher.leafHash(await log.entry(3))));
    expect(page).toContain('no later than');
    expect(page).toContain('href="/api/v1/entries/2/proof"');
    expect(page).toContain('>next<');
    expect(page).toContain('>previous<');
    expect(await (await ask('/log/0', HTML)).text()).not.toContain('>previous<');
    expect(await (await ask('/')).text()).toContain('scanner &lt;b&gt;');
  });

  it('shows an opaque entry as bytes', async () => {
    const { ask, log, clock } = await serve();
    await log.append([utf8('<img src=x>'), new Uint8Array(5000)]);
    await clock.advance(2000);
    expect(await (await ask('/log/0')).text()).toContain('PGltZyBzcmM9eD4=');
    const page = await (await ask('/log/1')).text();
    expect(page).toContain('5.0 kB');
    expect(page.length).toBeLessThan(10_000);
  });

  it('answers a browser with a page and a program with a problem when there is no such entry', async () => {
    const { ask } = await serve(3);
    const page = await ask('/log/99', HTML);
    expect(page.status).toBe(404);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('404: not-found');
    const body = await ask('/log/99');
    expect(body.headers.get('content-type')).toBe('application/problem+json');
    expect((await ask('/log/abc', HTML)).status).toBe(400);
    expect((await ask('/log/9007199254740992', HTML)).status).toBe(400);
  });
});

describe('words', () => {
  it('name times, ages and rates', () => {
    expect(timeInWords(1_767_225_600)).toBe('2026-01-01 00:00:00 UTC');
    const ages = [-5, 0, 1, 119, 120, 7199, 7200, 172_800].map(durationInWords);
    expect(ages).toEqual([
      '0 seconds',
      '0 seconds',
      '1 second',
      '119 seconds',
      '2 minutes',
      '119 minutes',
      '2 hours',
      '2 days',
    ]);
    const rates = [
      rateInWords(5000, 1),
      rateInWords(30, 60),
      rateInWords(3, 86_400),
      rateInWords(1, 1e6),
      rateInWords(5, 0),
    ];
    expect(rates).toEqual([
      'about 5,000 a second',
      'about 30 a minute',
      'about 3 a day',
      'less than one a day',
      'too new to say',
    ]);
  });
});
