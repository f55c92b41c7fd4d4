import { describe, expect, test } from 'vitest';

import { addLines, parseParty, pinLines } from '../../src/client/pin.ts';
import { parseTrust } from '../../src/client/trust.ts';
import { keysFingerprint } from '../../src/note/fingerprint.ts';
import { SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/key.ts';
import type { SignatureTypeByte } from '../../src/note/key.ts';
import { quorumMet } from '../../src/note/policy.ts';
import { testKey } from '../support/notes.ts';
import { ServedLog } from '../support/served-log.ts';
import { trustText } from '../support/shipped.ts';

const vkey = (name: string, type: SignatureTypeByte, fill: number): string =>
  verifierKeyOf(testKey(name, type, fill)).vkey;
const ORIGIN = 'pin.example/log';
const note = vkey(ORIGIN, SIGNATURE_TYPE.ed25519, 1);
const head = vkey(ORIGIN, SIGNATURE_TYPE.mldsa44, 2);
const channel = vkey(`${ORIGIN}/channel`, SIGNATURE_TYPE.ed25519, 3);
const NAME = 'pin.example/w';
const w1 = vkey(NAME, SIGNATURE_TYPE.cosignatureEd25519, 4);
const w2 = vkey(NAME, SIGNATURE_TYPE.mldsa44, 5);

const log = { origin: ORIGIN, vkeys: [note, head], channelKey: channel };
const witness = { name: NAME, vkeys: [w1, w2] };

describe('a party', () => {
  test('is a log with both keys and its channel key, all under one fingerprint', () => {
    const party = parseParty({ ...log, size: 7 });
    expect(party).toMatchObject({ kind: 'log', name: ORIGIN, fingerprint: keysFingerprint([note, head, channel]) });
    expect(pinLines(party, { url: 'https://pin.example/' })).toEqual([
      `log ${note} https://pin.example/`,
      `log ${head} https://pin.example/`,
      `channel-key ${channel}`,
    ]);
    expect(parseParty({ ...log, channelKey: null }).fingerprint).toBe(keysFingerprint([note, head]));
  });

  test('is a witness with one key, or with two that count once', () => {
    expect(pinLines(parseParty({ ...witness, vkeys: [w1] }), { name: 'W' })).toEqual([`witness W ${w1}`]);
    const lines = pinLines(parseParty(witness), { name: 'W' });
    const text = addLines(trustText(new ServedLog([])), lines).replace('quorum two', 'group q 2 two W\nquorum q');
    const trust = parseTrust(text);
    expect(quorumMet(trust.policy, new Set(['A', 'B', 'W/ed25519']))).toBe(true);
    expect(quorumMet(trust.policy, new Set(['W/ed25519', 'W/ml-dsa-44']))).toBe(false);
  });

  test.each([
    ['nothing', undefined],
    ['a list', [log]],
    ['no name', { vkeys: [w1] }],
    ['no keys', { origin: ORIGIN }],
    ['an empty list of keys', { origin: ORIGIN, vkeys: [] }],
    ['numbers for keys', { origin: ORIGIN, vkeys: [1, 2] }],
    ['keys that are none', { origin: ORIGIN, vkeys: ['x', 'y'] }],
    ['one key of a log', { origin: ORIGIN, vkeys: [note] }],
    ['three keys', { ...witness, vkeys: [w1, w2, w1] }],
    ['one key twice', { ...witness, vkeys: [w1, w1] }],
    ['two keys of one kind', { ...witness, vkeys: [w1, vkey(NAME, SIGNATURE_TYPE.cosignatureEd25519, 9)] }],
    ['a log with a witness’s key', { ...log, vkeys: [w1, head] }],
    ['a witness with a log’s key', { name: ORIGIN, vkeys: [note] }],
    ['keys of somebody else', { ...log, origin: 'other.example/log' }],
    ['a channel key of somebody else', { ...log, channelKey: vkey('other/channel', SIGNATURE_TYPE.ed25519, 3) }],
    ['a channel key that is none', { ...log, channelKey: note }],
  ])('is not described by %s', (_what, value) => {
    expect(() => parseParty(value)).toThrow(expect.objectContaining({ code: 'bad-response' }));
  });

  test('has neither a name nor an address that would become other words of the line', () => {
    const party = parseParty(witness);
    for (const name of ['a b', 'a\nquorum none', 'a\tb', '\u007f'])
      expect(() => pinLines(party, { name })).toThrow(RangeError);
    expect(() => pinLines(party, { url: 'https://a.example/ x' })).toThrow(RangeError);
  });
});

describe('addLines', () => {
  test('puts lines before the groups, and changes no other byte', () => {
    const text = '# mine\r\n\twitness A x\n  group g any A\nquorum g\n# end';
    expect(addLines(text, ['one', 'two'])).toBe(text.replace('  group', 'one\ntwo\n  group'));
    expect(addLines('quorum none\n', ['one'])).toBe('one\nquorum none\n');
    expect(addLines('', ['one'])).toBe('one\nquorum none\n');
    expect(addLines('# quorum\nissuer x', ['one'])).toBe('# quorum\nissuer x\none');
  });
});
