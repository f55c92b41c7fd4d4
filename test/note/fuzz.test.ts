// Policies, proof files and notes that chance made out of good ones: what is read is read the same again, and everything
// else is `malformed`.

import { describe, expect, test } from 'vitest';

import { equalBytes, utf8 } from '../../src/bytes.ts';
import { isLimmatError } from '../../src/errors.ts';
import { SIGNATURE_TYPE, formatVerifierKey, verifierKeyOf } from '../../src/note/key.ts';
import { formatNote, parseNote } from '../../src/note/note.ts';
import { formatPolicy, parsePolicy, quorumMet } from '../../src/note/policy.ts';
import { quorumNumbers } from '../../src/note/quorum.ts';
import { formatTlogProof, parseTlogProof } from '../../src/note/tlog-proof.ts';
import { checkpointText, greaseLines, headKey, logKey, seededNumbers, testKey } from '../support/notes.ts';
import { between, chooseSeed, seededRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';

const seed = chooseSeed();
const vkeys = Array.from(
  { length: 6 },
  (_, i) => verifierKeyOf(testKey(`w${i}`, SIGNATURE_TYPE.cosignatureEd25519, 30 + i)).vkey,
);
const VKEYS = [...vkeys, verifierKeyOf(logKey).vkey, verifierKeyOf(headKey).vkey];
/** With @n@ for the keys: chance changes what is around them. */
const POLICY = utf8(
  [
    'log @6@ https://log.example/',
    'log @7@',
    ...[0, 1, 2, 3, 4, 5].map((i) => `witness W${i} @${i}@`),
    'group here 2 W0 W1 W2',
    'group there any W3 W4',
    'group both all here there',
    '# comment é',
    'quorum both',
    '',
  ].join('\n'),
);
const NOTE = utf8(
  formatNote(
    checkpointText(9),
    greaseLines(4, seededNumbers(3)).filter((line) => line.length < 300),
  ),
);
const PROOF = formatTlogProof({
  extra: utf8('leaf'),
  index: 3,
  proof: [new Uint8Array(32), new Uint8Array(32).fill(9)],
  checkpoint: NOTE,
});

const WORDS = [
  'log',
  'witness',
  'group',
  'quorum',
  'none',
  'all',
  'any',
  '2',
  '0',
  'W0',
  'here',
  '\n',
  ' ',
  '\t',
  '#',
  '\r\n',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '=',
  '— ',
  '\n\n',
];

/** The bytes with a few places changed: a byte, a word put in, a piece cut out, doubled or moved. */
function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  let out = [...bytes];
  for (let times = between(random, 1, 5); times > 0 && out.length > 0; times--) {
    const at = between(random, 0, out.length);
    const length = between(random, 1, random() < 0.2 ? 200 : 12);
    const piece = out.slice(at, at + length);
    const kind = between(random, 0, 5);
    if (kind === 0) out[at] = between(random, 0, 256);
    else if (kind === 1) out.splice(at, 0, ...utf8(WORDS[between(random, 0, WORDS.length)]!));
    else if (kind === 2) out.splice(at, length);
    else if (kind === 3) out.splice(at, 0, ...piece);
    else out = [...out.toSpliced(at, length), ...piece];
  }
  return Uint8Array.from(out);
}

/** The parsed value, or undefined for `malformed`; anything else that is thrown fails the test. */
function parsed<T>(parse: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return parse(bytes);
  } catch (error) {
    if (isLimmatError(error, 'malformed')) return undefined;
    throw error;
  }
}

/** The policy with its keys in it. */
function withKeys(template: Uint8Array): Uint8Array {
  const text = Array.from(template, (byte) => String.fromCharCode(byte)).join('');
  const whole = text.replaceAll(/@([0-7])@/g, (_, n: string) => VKEYS[Number(n)]!);
  return Uint8Array.from(whole, (character) => character.charCodeAt(0));
}

/** How many of so many changed inputs are read. */
function fuzz<T>(
  random: Random,
  rounds: number,
  good: Uint8Array,
  parse: (bytes: Uint8Array) => T,
  look: (value: T, bytes: Uint8Array) => void,
): number {
  let read = 0;
  for (let i = 0; i < rounds; i++) {
    const bytes = mutated(random, good);
    const value = parsed(parse, bytes);
    if (value === undefined) continue;
    read++;
    look(value, bytes);
  }
  return read;
}

describe('changed by chance', () => {
  const random = seededRandom(seed);

  test(`a policy is refused, or keeps every promise of the grammar (seed ${seed})`, { timeout: 60_000 }, () => {
    const read = fuzz(
      random,
      400,
      POLICY,
      (template) => parsePolicy(withKeys(template)),
      (policy) => {
        const names = [...policy.witnesses, ...policy.groups].map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names).not.toContain('none');
        expect([...names, 'none']).toContain(policy.quorum);
        const members = policy.groups.flatMap((group) => group.members);
        expect(new Set(members).size).toBe(members.length);
        const keys = policy.witnesses.map(({ key }) => key.publicKey.join());
        expect(new Set(keys).size).toBe(keys.length);
        const everyone = new Set(policy.witnesses.map(({ name }) => name));
        expect(quorumMet(policy, everyone)).toBe(true);
        expect(quorumMet(policy, new Set())).toBe(policy.quorum === 'none');
        const numbers = quorumNumbers(policy);
        if (numbers !== undefined) expect(numbers.needed).toBeLessThanOrEqual(numbers.counted.length);
        if (!/\p{Surrogate}/u.test(JSON.stringify(names))) {
          let text: string;
          try {
            text = formatPolicy(policy);
          } catch (error) {
            // An address that is not UTF-8.
            expect(error).toBeInstanceOf(RangeError);
            return;
          }
          expect(parsePolicy(text)).toEqual(policy);
        }
      },
    );
    // Some twenty of the 400 are.
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(990);
  });

  test(`a proof file is refused, or written again byte for byte (seed ${seed})`, () => {
    const read = fuzz(random, 3000, PROOF, parseTlogProof, (proof, bytes) => {
      expect(equalBytes(formatTlogProof(proof), bytes)).toBe(true);
    });
    expect(read).toBeGreaterThan(30);
  });

  test(`a note is refused, or written again byte for byte (seed ${seed})`, () => {
    const read = fuzz(random, 3000, NOTE, parseNote, (note, bytes) => {
      expect(equalBytes(utf8(formatNote(note.text, note.signatures)), bytes)).toBe(true);
    });
    expect(read).toBeGreaterThan(30);
  });
});

test('the largest policies are read or refused in seconds', { timeout: 60_000 }, () => {
  const lines = Array.from({ length: 500 }, (_, i) => {
    const publicKey = new Uint8Array(1312).fill(1);
    publicKey[0] = i % 256;
    publicKey[1] = Math.floor(i / 256);
    return `witness w${i} ${formatVerifierKey({ name: 'w', type: SIGNATURE_TYPE.mldsa44, publicKey })}`;
  });
  const all = lines.map((_, i) => `w${i}`).join(' ');
  const startedAt = performance.now();
  expect(parsePolicy(`${lines.join('\n')}\ngroup g all ${all}\nquorum g\n`).witnesses).toHaveLength(500);
  expect(parsed(parsePolicy, new Uint8Array(1024 * 1024).fill(0xff))).toBeUndefined();
  expect(parsed(parsePolicy, utf8(`${'# \n'.repeat(300_000)}quorum none`))?.quorum).toBe('none');
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});
