import { describe, expect, test } from 'vitest';

import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { logIdentity, logsOfKeys, parseLogList } from '../../src/monitor/log-list.ts';
import { identityOf } from '../../src/monitor/watched-log.ts';
import { SIGNATURE_TYPE, parseVerifierKey, verifierKeyOf } from '../../src/note/key.ts';
import { parsePolicy } from '../../src/note/policy.ts';
import { testKey } from '../support/notes.ts';
import { ServedLog, numberedEntries } from '../support/served-log.ts';
import { trustText } from '../support/shipped.ts';

const vkey = (name: string, type: 1 | 4 | 6, fill: number): string => verifierKeyOf(testKey(name, type, fill)).vkey;
const A = vkey('log.example/a', SIGNATURE_TYPE.ed25519, 1);
const A2 = vkey('log.example/a', SIGNATURE_TYPE.mldsa44, 2);
const B = vkey('log.example/b', SIGNATURE_TYPE.ed25519, 3);
const CA = vkey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 5);
const CA2 = vkey('log.example/a/channel', SIGNATURE_TYPE.ed25519, 6);
const CB = vkey('log.example/b/channel', SIGNATURE_TYPE.ed25519, 7);
const OA = vkey('log.example/a', SIGNATURE_TYPE.ed25519, 8);
const OA2 = vkey('log.example/a', SIGNATURE_TYPE.mldsa44, 9);
const W = vkey('witness.example/w', SIGNATURE_TYPE.cosignatureEd25519, 4);

const shown = (text: string): unknown =>
  parseLogList(text).map(({ origin, keys, witnesses, channelKeys, retiredKeys, policy, ...rest }) => [
    origin,
    keys.map((key) => key.vkey),
    {
      ...rest,
      ...(channelKeys !== undefined && { channelKeys: channelKeys.map((key) => key.vkey) }),
      ...(retiredKeys !== undefined && { retiredKeys: retiredKeys.map((key) => key.vkey) }),
      ...(witnesses !== undefined && { witnesses: witnesses.map((key) => key.vkey) }),
      ...(policy !== undefined && { quorum: policy.quorum }),
    },
  ]);

describe('a list of logs', () => {
  test('is a limmat trust file, of which the logs and the witnesses count', () => {
    const log = new ServedLog(numberedEntries(1));
    const text = trustText(log, 'expect product Acme Shield', 'max-age 7d', 'clock-skew 2m');
    const { logs, policy } = parseTrust(text);
    expect(logs.size).toBe(1);
    const witnesses = policy.witnesses.map(({ key }) => key.vkey);
    expect(witnesses).toHaveLength(3);
    expect(shown(text)).toEqual([
      [log.origin, log.signers.map((signer) => signer.vkey), { witnesses, quorum: policy.quorum }],
    ]);
  });

  test('is any tlog-policy: a log with one key too', () => {
    const text = `# logs\nlog ${A} https://a.example/\n\tlog ${B}\nwitness W ${W}\ngroup g any W\nquorum g\n`;
    expect(parsePolicy(text).logs).toHaveLength(2);
    expect(shown(text)).toEqual([
      ['log.example/a', [A], { url: 'https://a.example/', witnesses: [W], quorum: 'g' }],
      ['log.example/b', [B], { witnesses: [W], quorum: 'g' }],
    ]);
  });

  test('is a file of log lines alone', () => {
    expect(shown(`log ${A}\nlog ${B} https://b.example\nlog ${A2} https://a.example`)).toEqual([
      ['log.example/a', [A, A2], { url: 'https://a.example' }],
      ['log.example/b', [B], { url: 'https://b.example' }],
    ]);
    expect(shown(`log ${A} https://a.example\nlog ${A2} https://a.example\n`)).toHaveLength(1);
  });

  test('says what logs promise about times', () => {
    expect(shown(`iat-window log.example/a 36h\nlog ${A}\nlog ${B}\n`)).toEqual([
      ['log.example/a', [A], { iatWindowSeconds: 129_600 }],
      ['log.example/b', [B], {}],
    ]);
  });

  test('says with which keys logs sign channel heads, those of before too', () => {
    expect(shown(`channel-key ${CA}\nlog ${A}\nlog ${B}\n\tchannel-key  ${CA2}\n`)).toEqual([
      ['log.example/a', [A], { channelKeys: [CA, CA2] }],
      ['log.example/b', [B], {}],
    ]);
  });

  test('says which keys signed for logs in the past', () => {
    expect(shown(`retired-key ${OA}\nlog ${A}\nlog ${B}\n\tretired-key  ${OA2}\n`)).toEqual([
      ['log.example/a', [A], { retiredKeys: [OA, OA2] }],
      ['log.example/b', [B], {}],
    ]);
  });

  test.each<[string, string, string]>([
    ['a retired key that is none', `log ${A}\nretired-key ${OA.slice(0, -4)}\n`, 'line 2: the form is "retired-key'],
    ['a retired key with more', `log ${A}\nretired-key ${OA} https://a.example\n`, 'line 2: the form is "retired-key'],
    ['a retired key of no log', `log ${B}\nretired-key ${OA}\n`, 'line 2: no "log" line has a key named log.example/a'],
    ['a retired key twice', `log ${A}\nretired-key ${OA}\nretired-key ${OA}\n`, 'line 3:'],
    ['a retired key that is in use', `log ${A}\nretired-key ${A}\n`, 'line 2: a retired key has a "log" line too'],
    [
      'a retired key that signs channel heads',
      `log ${A}\nchannel-key ${CA}\nretired-key ${vkey('log.example/a', SIGNATURE_TYPE.ed25519, 5)}\n`,
      'line 3: a key that a log retired signs nothing else',
    ],
    ['a witness key as a retired one', `log ${A}\nretired-key ${W}\n`, 'line 2: a log does not sign with'],
    ['a channel key that is none', `log ${A}\nchannel-key ${CA.slice(0, -4)}\n`, 'line 2: the form is "channel-key'],
    ['a channel key with its log', `log ${A}\nchannel-key log.example/a ${CA}\n`, 'line 2: the form is "channel-key'],
    ['a log’s key as channel key', `log ${A}\nchannel-key ${A}\n`, 'line 2: the form is "channel-key'],
    ['a channel key twice', `log ${A}\nchannel-key ${CA}\nchannel-key ${CA}\n`, 'line 3:'],
    ['a channel key of no log', `log ${A}\nchannel-key ${CB}\n`, 'line 2: no "log" line has a key named log.example/b'],
    [
      'a channel key that signs checkpoints too',
      `log ${vkey('log.example/a', SIGNATURE_TYPE.ed25519, 5)}\nchannel-key ${CA}\n`,
      'line 2: a channel key signs channel heads only',
    ],
    ['no log', '# nothing\nquorum none\n', 'names no log'],
    ['a line that it does not know', `log ${A}\nlgo ${B}\n`, 'line 2: "lgo" is none of'],
    ['a key that is none', `log ${A}\n\nlog ${B.slice(0, -4)}\n`, 'line 3:'],
    ['a witness key as a log’s', `log ${W}\n`, 'line 1: a log does not sign with'],
    ['the same key twice', `log ${A}\nlog ${A}\n`, 'line 2:'],
    ['two addresses of one log', `log ${A} https://a.example\nlog ${A2} https://b.example\n`, 'two addresses'],
    ['a window without a time', `log ${A}\niat-window log.example/a\n`, 'line 2: the form is "iat-window'],
    ['a window with an odd time', `log ${A}\niat-window log.example/a 1w\n`, 'line 2: the form is "iat-window'],
    ['a window with more', `log ${A}\niat-window log.example/a 1d 2d\n`, 'line 2: the form is "iat-window'],
    ['two windows of one log', `log ${A}\niat-window log.example/a 1d\niat-window log.example/a 2d\n`, 'line 3:'],
    ['a window of no log', `log ${A}\niat-window log.example/b 1d\n`, 'line 2: no "log" line has a key named'],
    ['a quorum of nobody', `log ${A}\nquorum W\n`, 'line 2:'],
  ])('refuses %s', (_what, text, message) => {
    expect(() => parseLogList(text)).toThrow(
      expect.objectContaining({ code: 'bad-trust-file', message: expect.stringContaining(message) }),
    );
  });

  test('is a policy’s text, and not endless', () => {
    expect(() => parseLogList(Uint8Array.of(0xff))).toThrow('none of log, witness');
    expect(() => parseLogList('#'.repeat(1024 * 1024 + 1))).toThrow('more than');
  });
});

describe('a log’s identity', () => {
  test('is its origin with a verifier for each key, and its promise', () => {
    const [listed] = parseLogList(`log ${A}\nlog ${A2}\niat-window log.example/a 1d\nchannel-key ${CA}\n`);
    const identity = logIdentity(listed!, nodeCrypto);
    expect(identity).toMatchObject({ origin: 'log.example/a', iatWindowSeconds: 86_400 });
    expect(identity.verifiers.map((verifier) => verifier.vkey)).toEqual([A, A2]);
    expect(identity.channelVerifiers?.map((verifier) => verifier.vkey)).toEqual([CA]);
    expect(identity.retired).toBeUndefined();
  });

  test('keeps retired keys apart, as no head needs them', () => {
    const [listed] = parseLogList(`log ${A}\nretired-key ${OA}\n`);
    const identity = logIdentity(listed!, nodeCrypto);
    expect(identity.verifiers.map((verifier) => verifier.vkey)).toEqual([A]);
    expect(identity.retired?.map((verifier) => verifier.vkey)).toEqual([OA]);
    expect(identityOf(identity).verifiers.map((verifier) => verifier.vkey)).toEqual([A, OA]);
  });

  test('follows from keys alone', () => {
    const logs = logsOfKeys([A, B, A2].map((text) => parseVerifierKey(text)));
    expect(logs.map(({ origin, keys }) => [origin, keys.length])).toEqual([
      ['log.example/a', 2],
      ['log.example/b', 1],
    ]);
  });
});
