import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import { SIGNATURE_TYPE, formatVerifierKey, verifierKeyOf } from '../../src/note/key.ts';
import { formatPolicy, parsePolicy, quorumMet } from '../../src/note/policy.ts';
import { headKey, logKey, testKey } from '../support/notes.ts';

const log = verifierKeyOf(logKey).vkey;
const head = verifierKeyOf(headKey).vkey;
const witness = (name: string, fill: number): string =>
  verifierKeyOf(testKey(name, SIGNATURE_TYPE.cosignatureEd25519, fill)).vkey;
const X1 = witness('w1.example', 11);
const X2 = witness('w2.example', 12);
const X3 = witness('w3.example', 13);
const Y1 = witness('w4.example', 14);
const Y2 = witness('w5.example', 15);
const Y3 = witness('w6.example', 16);

/** The specification's example, with its two levels of groups. */
const EXAMPLE = `log ${log}

witness X1 ${X1}
witness X2 ${X2}
witness X3 ${X3}
group X-witnesses 2 X1 X2 X3

witness Y1 ${Y1}
witness Y2 ${Y2}
witness Y3 ${Y3}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

const tryOne = (changed: Uint8Array): void => {
  try {
    parsePolicy(changed);
  } catch (error) {
    if (!isLimmatError(error, 'malformed')) throw error;
  }
};

describe('parsePolicy', () => {
  test('reads the specification’s example', () => {
    const policy = parsePolicy(EXAMPLE);
    expect(policy.logs.map(({ key }) => key.vkey)).toEqual([log]);
    expect(policy.witnesses.map(({ name, key }) => [name, key.vkey])).toEqual([
      ['X1', X1],
      ['X2', X2],
      ['X3', X3],
      ['Y1', Y1],
      ['Y2', Y2],
      ['Y3', Y3],
    ]);
    expect(policy.groups).toEqual([
      { name: 'X-witnesses', threshold: 2, members: ['X1', 'X2', 'X3'] },
      { name: 'Y-witnesses', threshold: 1, members: ['Y1', 'Y2', 'Y3'] },
      { name: 'X-and-Y', threshold: 2, members: ['X-witnesses', 'Y-witnesses'] },
    ]);
    expect(policy.quorum).toBe('X-and-Y');
    expect(parsePolicy(utf8(EXAMPLE))).toEqual(policy);
    expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
  });

  test('does not mind blanks, tabs, comments, order, URLs and a missing last newline', () => {
    const text = [
      '# über alles',
      '\t quorum  \t none ',
      ' \t',
      `witness\tΩ ${X1}\thttps://w.example/x `,
      '  # log nothing',
      `log ${head} https://log.example/`,
      `log ${log}`,
    ].join('\n');
    const policy = parsePolicy(text);
    expect(policy).toMatchObject({
      logs: [{ url: 'https://log.example/' }, {}],
      witnesses: [{ name: 'Ω', url: 'https://w.example/x' }],
      groups: [],
      quorum: 'none',
    });
    expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
  });

  test('keeps names apart that are different bytes, UTF-8 or not', () => {
    const latin1 = concat(utf8(`witness `), Uint8Array.of(0xe9), utf8(` ${X1}\n`));
    const other = concat(utf8(`witness `), Uint8Array.of(0xe8), utf8(` ${X2}\nwitness é ${X3}\nquorum none\n`));
    const policy = parsePolicy(concat(latin1, other));
    expect(new Set(policy.witnesses.map(({ name }) => name)).size).toBe(3);
    expect(() => formatPolicy(policy)).toThrow(RangeError);
  });

  test.each([
    ['nothing', '', undefined],
    ['no quorum', `log ${log}\n`, undefined],
    ['two quorums', 'quorum none\nquorum none\n', 2],
    ['an undefined quorum', 'quorum X\n', 1],
    ['a quorum before its definition', `quorum X\nwitness X ${X1}\n`, 1],
    ['a log as quorum', `log ${log}\nquorum ${log}\n`, 2],
    ['a quorum of two names', `witness X ${X1}\nquorum X X\n`, 2],
    ['an unknown keyword', 'Quorum none\n', 1],
    ['a log without a key', 'log\n', 1],
    ['a log with three items', `log ${log} a b\n`, 1],
    ['a log with a bad key', `log ${log}x\n`, 1],
    ['a log with a witness key', `log ${X1}\n`, 1],
    ['a witness with a log key', `witness X ${log}\n`, 1],
    ['a witness without a name', `witness ${X1}\n`, 1],
    ['a witness named none', `witness none ${X1}\n`, 1],
    ['a group named none', `witness X ${X1}\ngroup none any X\n`, 2],
    ['one name for two witnesses', `witness X ${X1}\nwitness X ${X2}\n`, 2],
    ['one name for a witness and a group', `witness X ${X1}\ngroup X any X\n`, 2],
    ['one log key twice', `log ${log}\nlog ${log}\n`, 2],
    ['one witness key twice', `witness X ${X1}\nwitness Y ${X1}\n`, 2],
    ['a group without members', `witness X ${X1}\ngroup g all\n`, 2],
    ['a group without a rule', `witness X ${X1}\ngroup g X\n`, 2],
    ['an undefined member', `witness X ${X1}\ngroup g all X Y\n`, 2],
    ['a member defined later', `group g all X\nwitness X ${X1}\n`, 1],
    ['a member of itself', `group g all g\n`, 1],
    ['none as a member', 'group g all none\n', 1],
    ['a member twice', `witness X ${X1}\ngroup g 1 X X\n`, 2],
    ['a member of two groups', `witness X ${X1}\ngroup g all X\ngroup h all X\n`, 3],
    ['threshold 0', `witness X ${X1}\ngroup g 0 X\n`, 2],
    ['a threshold above the members', `witness X ${X1}\ngroup g 2 X\n`, 2],
    ['a threshold with a leading zero', `witness X ${X1}\ngroup g 01 X\n`, 2],
    ['a negative threshold', `witness X ${X1}\ngroup g -1 X\n`, 2],
    ['an upper-case rule', `witness X ${X1}\ngroup g ALL X\n`, 2],
    ['a carriage return', 'quorum none\r\n', 1],
    ['a form feed', 'quorum\fnone\n', 1],
    ['a DEL in a comment', '# \u007f\nquorum none\n', 1],
  ])('refuses %s', (_what, text, line) => {
    const details = line === undefined ? {} : { line };
    expect(() => parsePolicy(text)).toThrow(expect.objectContaining({ code: 'malformed', details }));
  });

  test('takes the same public key under two names for one key', () => {
    const { publicKey } = verifierKeyOf(testKey('a', SIGNATURE_TYPE.cosignatureEd25519, 40));
    const type = SIGNATURE_TYPE.cosignatureEd25519;
    const [a, b] = ['a', 'b'].map((name) => formatVerifierKey({ name, type, publicKey }));
    expect(() => parsePolicy(`witness A ${a}\nwitness B ${b}\nquorum none\n`)).toThrow('is that of a too');
  });

  test('reads 32 logs, 32 post-quantum witnesses and 32 groups, and no more than a megabyte', () => {
    const lines: string[] = [];
    for (let i = 0; i < 32; i++) {
      lines.push(`log ${verifierKeyOf(testKey(`log${i}`, SIGNATURE_TYPE.ed25519, 50 + i)).vkey}`);
      lines.push(`witness w${i} ${verifierKeyOf(testKey(`w${i}`, SIGNATURE_TYPE.mldsa44, 50 + i)).vkey}`);
      lines.push(i === 0 ? 'group g0 all w0' : `group g${i} all g${i - 1} w${i}`);
    }
    const policy = parsePolicy(`${lines.join('\n')}\nquorum g31\n`);
    const names = policy.witnesses.map(({ name }) => name);
    expect(quorumMet(policy, new Set(names))).toBe(true);
    for (const name of names) expect(quorumMet(policy, new Set(names.filter((one) => one !== name)))).toBe(false);
    expect(() => parsePolicy(`#${'a'.repeat(1024 * 1024)}`)).toThrow('above the limit');
  });

  test('meets every truncation and every changed byte with a policy or a clear error', () => {
    const bytes = utf8(`log ${log}\nwitness X ${X1} u\nwitness Y ${X2}\ngroup g 1 X Y\nquorum g\n`);
    for (let length = 0; length < bytes.length; length++) tryOne(bytes.subarray(0, length));
    for (let i = 0; i < bytes.length; i++) {
      for (const byte of [0, 9, 0x0a, 0x20, 0x23, 0x30, 0xe9]) tryOne(bytes.with(i, byte));
    }
  });
});

const met = (text: string, ...names: readonly string[]): boolean => quorumMet(parsePolicy(text), new Set(names));

describe('quorumMet', () => {
  test('follows the groups of the specification’s example', () => {
    expect(met(EXAMPLE, 'X1', 'X2', 'Y1')).toBe(true);
    expect(met(EXAMPLE, 'X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3')).toBe(true);
    expect(met(EXAMPLE, 'X1', 'Y1', 'Y2', 'Y3')).toBe(false);
    expect(met(EXAMPLE, 'X1', 'X2', 'X3')).toBe(false);
    expect(met(EXAMPLE)).toBe(false);
  });

  test('counts witnesses alone: a group’s or a stranger’s name adds nothing', () => {
    expect(met(EXAMPLE, 'X-and-Y', 'X-witnesses', 'Y-witnesses', 'none', 'Z')).toBe(false);
  });

  test('is one witness, or nothing at all', () => {
    const one = `witness X ${X1}\nwitness Y ${X2}\nquorum X\n`;
    expect(met(one, 'X')).toBe(true);
    expect(met(one, 'Y')).toBe(false);
    expect(met('quorum none\n')).toBe(true);
  });
});

describe('formatPolicy', () => {
  test('refuses what is no policy', () => {
    const policy = parsePolicy(EXAMPLE);
    expect(() => formatPolicy({ ...policy, quorum: 'nobody' })).toThrow(RangeError);
    expect(() => formatPolicy({ ...policy, quorum: 'none\nquorum X1' })).toThrow(RangeError);
    const [first, ...others] = policy.witnesses;
    const renamed = { ...first!, name: `X1 ${first!.key.vkey} #` };
    expect(() => formatPolicy({ ...policy, witnesses: [renamed, ...others] })).toThrow(RangeError);
    expect(() => formatPolicy({ ...policy, logs: [{ key: policy.logs[0]!.key, url: 'a b' }] })).toThrow(RangeError);
  });
});
