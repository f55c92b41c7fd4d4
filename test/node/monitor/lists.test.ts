import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import type { LimmatError } from '../../../src/errors.ts';
import { readLogs, watchLogs } from '../../../src/node/monitor/lists.ts';
import type { LocatedLog, WitnessSettings } from '../../../src/node/monitor/lists.ts';
import { logWatcher } from '../../../src/node/monitor/parts.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { temporaryDirectory } from '../../support/data-log.ts';
import { fixedSigner } from '../../support/served-log.ts';

const lineOf = (origin: string, url = '', type: 0x01 | 0x06 = SIGNATURE_TYPE.ed25519) =>
  `log ${fixedSigner(origin, type).vkey} ${url}`.trimEnd();

/** A directory with these lists, and what reads them from there. */
function lists(files: Readonly<Record<string, readonly string[]>>) {
  const root = temporaryDirectory();
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(root, name), `${lines.join('\n')}\n`);
  const read = (trust: readonly string[], url?: string) => readLogs({ trust, root, url, crypto: nodeCrypto });
  return { root, read };
}

test('the logs of all lists are watched, each once, where its list says', () => {
  const { read, root } = lists({
    'a.txt': [lineOf('a.example/1', 'https://a.example'), lineOf('a.example/1', '', SIGNATURE_TYPE.mldsa44)],
    'b.txt': [lineOf('b.example/1', 'https://b.example/log/'), 'iat-window b.example/1 1d'],
  });
  const logs = read(['a.txt', join(root, 'b.txt'), 'a.txt']);
  expect(
    logs.map(({ origin, url, verifiers, iatWindowSeconds }) => [origin, url, verifiers.length, iatWindowSeconds]),
  ).toEqual([
    ['a.example/1', 'https://a.example/', 2, undefined],
    ['b.example/1', 'https://b.example/log/', 1, 86_400],
  ]);
});

test('the witnesses of a list say how old the heads of its logs are', () => {
  const { vkey } = fixedSigner('witness.example/w', SIGNATURE_TYPE.cosignatureEd25519);
  const { read } = lists({
    'a.txt': [lineOf('a.example/1', 'https://a.example/'), `witness one ${vkey}`, 'quorum one'],
    'b.txt': [lineOf('b.example/1', 'https://b.example/')],
  });
  expect(read(['a.txt', 'b.txt']).map(({ witnesses }) => witnesses.map((witness) => witness.vkey))).toEqual([
    [vkey],
    [],
  ]);
});

test('a quorum is the list’s for its users, and what the settings say for the monitor', () => {
  const [one, two] = ['one', 'two'].map((name) => fixedSigner(`${name}.example/w`, SIGNATURE_TYPE.cosignatureEd25519));
  const { root } = lists({
    'a.txt': [
      lineOf('a.example/1', 'https://a.example/'),
      lineOf('b.example/1', 'https://b.example/'),
      `witness one ${one!.vkey}`,
      `witness two ${two!.vkey}`,
      'quorum one',
    ],
    'c.txt': [lineOf('c.example/1', 'https://c.example/')],
  });
  const readWith = (witnessing: WitnessSettings, trust = ['a.txt', 'c.txt']): readonly LocatedLog[] =>
    readLogs({ trust, root, crypto: nodeCrypto, witnessing });
  const readers = [
    { vkey: two!.vkey, url: 'https://two.example/' },
    { vkey: fixedSigner('three.example/w', SIGNATURE_TYPE.cosignatureEd25519).vkey, url: 'https://three.example/' },
  ];
  const logs = readWith({ quorum: '2', quorums: new Map([['b.example/1', 'two']]), readers });
  expect(logs.map(({ quorums }) => [quorums?.clients?.name, quorums?.monitor?.name])).toEqual([
    ['one', '2'],
    ['one', 'two'],
    // Nobody says who its witnesses are.
    [undefined, undefined],
  ]);
  expect(logs[0]!.quorums!.monitor!.isMet(new Set([one!.vkey]))).toBe(false);
  expect(logs[1]!.quorums!.monitor!.isMet(new Set([two!.vkey]))).toBe(true);
  expect(logs.map(({ witnessUrls }) => witnessUrls.map(({ url }) => url))).toEqual([
    ['https://two.example/'],
    ['https://two.example/'],
    [],
  ]);
  expect(() => readWith({ quorum: '3', quorums: new Map(), readers })).toThrow(/3 witnesses are asked for/);
  const elsewhere = new Map([['c.example/1', 'one']]);
  expect(() => readWith({ quorums: elsewhere, readers })).toThrow(/witness-quorum of log c\.example\/1/);
  // Another quorum is another log to watch.
  const watcher = logWatcher(new AbortController().signal);
  const watch = (quorum: string) => watcher(readWith({ quorum, quorums: new Map(), readers }))[0];
  const first = watch('2');
  expect(watch('2')).toBe(first);
  expect(first!.witnessReaders!.map(({ url }) => url)).toEqual(['https://two.example/']);
  expect(watch('1') === first).toBe(false);
});

test('a retired key of a list is for evidence only, and naming one is a change of the log', () => {
  const [now, old] = [SIGNATURE_TYPE.mldsa44, SIGNATURE_TYPE.ed25519].map((type) => fixedSigner('a.example/1', type));
  const lines = [`log ${now!.vkey} https://a.example/`];
  const { read } = lists({ 'a.txt': lines, 'b.txt': [...lines, `retired-key ${old!.vkey}`] });
  const [log] = read(['b.txt']);
  expect([log!.verifiers, log!.retired!].map((keys) => keys.map(({ vkey }) => vkey))).toEqual([
    [now!.vkey],
    [old!.vkey],
  ]);
  expect(() => read(['a.txt', 'b.txt'])).toThrow(/b\.txt says other things/);
  const watcher = logWatcher(new AbortController().signal);
  const [first] = watcher(read(['a.txt']));
  const [second] = watcher(read(['b.txt']));
  expect(second === first).toBe(false);
  expect(second!.retired).toHaveLength(1);
});

test('the address of the only log that has none may come from elsewhere', () => {
  const { read } = lists({
    'a.txt': [lineOf('a.example/1'), lineOf('b.example/1', 'https://b.example/')],
    'c.txt': [lineOf('a.example/1'), lineOf('c.example/1')],
  });
  expect(read(['a.txt'], 'http://127.0.0.1:1').map(({ url }) => url)).toEqual([
    'http://127.0.0.1:1/',
    'https://b.example/',
  ]);
  expect(() => read(['a.txt'])).toThrow(/nothing says where a\.example\/1 is: .*--url/);
  expect(() => read(['c.txt'], 'http://127.0.0.1:1')).toThrow(/nothing says where a\.example\/1, c\.example\/1 is/);
});

test('lists that tell different things of one log are refused', () => {
  const { read } = lists({
    'a.txt': [lineOf('a.example/1', 'https://a.example/')],
    'b.txt': [lineOf('a.example/1', 'https://evil.example/')],
    'c.txt': [lineOf('a.example/1', 'https://a.example/'), lineOf('a.example/1', '', SIGNATURE_TYPE.mldsa44)],
  });
  expect(() => read(['a.txt', 'b.txt'])).toThrow(/b\.txt says other things of log a\.example\/1/);
  expect(() => read(['a.txt', 'c.txt'])).toThrow(/c\.txt says other things/);
});

test('what cannot be read or used is named', () => {
  expect(() => lists({}).read([])).toThrow(/nothing says whom to watch/);
  const { read } = lists({ 'a.txt': ['log x'], 'b.txt': [lineOf('b.example/1', 'ftp://b.example/')] });
  expect(() => read(['none.txt'])).toThrow(/cannot read the log list .*none\.txt/);
  expect(() => read(['a.txt'])).toThrow(/a\.txt: line 1/);
  expect(() => read(['b.txt'])).toThrow(/the address of log b\.example\/1: .* is not an http or https URL/);
});

test('a list that changes is read again; one that cannot be read leaves in force what was there', async () => {
  const { root } = lists({ 'a.txt': [lineOf('a.example/1', 'https://a.example/')] });
  const seen: (readonly LocatedLog[])[] = [];
  const errors: LimmatError[] = [];
  const watched = watchLogs(
    { trust: ['a.txt'], root, crypto: nodeCrypto },
    { onChange: (logs) => seen.push(logs), onError: (error) => errors.push(error) },
  );
  onTestFinished(() => watched.close());
  writeFileSync(join(root, 'a.txt'), 'half of a li');
  await sleep(700);
  expect(errors.map(({ code }) => code)).toEqual(['bad-trust-file']);
  expect(watched.current().map(({ origin }) => origin)).toEqual(['a.example/1']);
  const lines = [lineOf('a.example/1', 'https://a.example/'), lineOf('b.example/1', 'https://b.example/')];
  writeFileSync(join(root, 'a.txt'), `${lines.join('\n')}\n`);
  await sleep(700);
  expect(seen.map((logs) => logs.length)).toEqual([2]);
});

test('a log of which nothing changed stays the same object, so that its watch goes on undisturbed', () => {
  const { read } = lists({
    'a.txt': [lineOf('a.example/1', 'https://a.example/'), lineOf('b.example/1', 'https://b.example/')],
    'b.txt': [lineOf('a.example/1', 'https://a.example/'), lineOf('b.example/1', 'https://moved.example/')],
  });
  const watcher = logWatcher(new AbortController().signal);
  const first = watcher(read(['a.txt']));
  const again = watcher(read(['a.txt']));
  expect([again[0] === first[0], again[1] === first[1]]).toEqual([true, true]);
  const moved = watcher(read(['b.txt']));
  expect([moved[0] === first[0], moved[1] === first[1]]).toEqual([true, false]);
});
