import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toBase64, toHex, utf8 } from '../../src/bytes.ts';
import { formatDuration, formatTrust, parseDuration, parseTrust } from '../../src/client/trust.ts';
import { formatCoseKey } from '../../src/cose/key.ts';
import { isLimmatError } from '../../src/errors.ts';
import { SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/key.ts';
import { testKey } from '../support/notes.ts';
import { ServedLog } from '../support/served-log.ts';
import { ISSUER, trustText, vendorSigner, WITNESSES } from '../support/shipped.ts';

const log = new ServedLog([]);
const good = trustText(log);

/** The line that is named in the refusal (0 = none), and what it says. */
function refusal(text: string | Uint8Array): { readonly line: number; readonly message: string } {
  try {
    parseTrust(text);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    expect(error.code).toBe('bad-trust-file');
    const line = Number(/^line (\d+): /.exec(error.message)?.[1] ?? 0);
    expect(error.details['line'] ?? 0).toBe(line);
    return { line, message: error.message };
  }
  throw new Error(`it was accepted:\n${String(text)}`);
}

/** The bytes of a text of characters below U+0100: Latin-1. */
const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const lineCount = good.split('\n').length - 1;

describe('parseTrust', () => {
  test('reads logs, witnesses, quorum, issuers, expectations and limits', () => {
    const trust = parseTrust(
      trustText(
        log,
        'expect product Acme  Shield',
        'expect product B',
        'expect type build',
        'max-age 7d',
        'clock-skew 5m',
      ),
    );
    const [ed25519, mldsa44] = log.signers.map(({ vkey }) => vkey);
    expect(trust.logs.get(log.origin)).toMatchObject({ ed25519: { vkey: ed25519 }, mldsa44: { vkey: mldsa44 } });
    expect(trust.policy.witnesses.map(({ key }) => key.vkey)).toEqual(WITNESSES.map(({ vkey }) => vkey));
    expect(trust.policy.quorum).toBe('two');
    expect(trust.issuers).toEqual([{ iss: ISSUER, key: vendorSigner().key, kid: toHex(vendorSigner().kid) }]);
    expect(trust.expected).toEqual({ product: ['Acme  Shield', 'B'], type: ['build'] });
    expect(trust.maxAgeSeconds).toBe(7 * 86_400);
    expect(trust.clockSkewSeconds).toBe(300);
  });

  test('tells rebuilders from issuers, and is no trust file without an issuer', () => {
    const line = `rebuilder ${toBase64(formatCoseKey(vendorSigner('lab').key))} The Lab`;
    const trust = parseTrust(trustText(log, line));
    expect(trust.issuers.map(({ iss, role }) => [iss, role])).toEqual([
      [ISSUER, undefined],
      ['The Lab', 'rebuilder'],
    ]);
    expect(formatTrust(trust)).toContain(`\n${line}\n`);
    expect(parseTrust(formatTrust(trust))).toEqual(trust);
    expect(refusal(good.replace('issuer ', 'rebuilder ')).message).toContain('names no issuer');
    expect(refusal(trustText(log, 'rebuilder x')).message).toContain('"rebuilder"');
    expect(
      refusal(trustText(log, `rebuilder ${toBase64(formatCoseKey(vendorSigner().key))} ${ISSUER}`)).message,
    ).toContain('twice');
  });

  test('has its defaults, and reads blanks, comments and the lines in any order', () => {
    const shuffled = good.split('\n').flatMap((line) => ['', `\t${line.replaceAll(' ', ' \t ')}  `, '  # nothing']);
    const own = shuffled.filter((line) => line.includes('issuer')).map((line) => line.replaceAll(' \t ', ' '));
    const rest = shuffled.filter((line) => !line.includes('issuer'));
    const trust = parseTrust([...own, ...rest].join('\n'));
    expect(trust).toEqual(parseTrust(good));
    expect(trust.maxAgeSeconds).toBeUndefined();
    expect(trust.clockSkewSeconds).toBe(60);
    expect(trust.expected).toEqual({});
  });

  test.each([
    ['a line it does not know', 'grease 7f3a'],
    ['a control character', 'expect product a\u0000b'],
    ['a carriage return', 'max-age 5d\r'],
    ['an issuer without a name', `issuer ${toBase64(formatCoseKey(vendorSigner('x').key))}`],
    ['an issuer whose key is no base64', 'issuer !!!! name'],
    ['an issuer whose key is no COSE_Key', 'issuer AAAA name'],
    ['an issuer that is there already', `issuer ${toBase64(formatCoseKey(vendorSigner().key))} ${ISSUER}`],
    ['an expectation of an unknown field', 'expect version 1.2'],
    ['an expectation of nothing', 'expect product'],
    ['a word alone', 'expect'],
    ['an age that is none', 'max-age soon'],
    ['an age below zero', 'max-age -5'],
    ['a fraction', 'clock-skew 1.5h'],
    ['a channel key that is none', 'channel-key log.example/test/channel'],
    ['a log’s key as a channel key', `channel-key ${log.signers[0]!.vkey}`],
    [
      'a channel key of another log',
      `channel-key ${verifierKeyOf(testKey('b/channel', SIGNATURE_TYPE.ed25519, 1)).vkey}`,
    ],
    ['a second quorum', 'quorum none'],
    ['a witness with a word too many', `witness D ${log.signers[1]!.vkey} http://w.example/ what`],
    ['a group of nobody', 'group g any X'],
  ])('refuses %s, with the number of its line', (_, line) => {
    expect(refusal(trustText(log, line)).line).toBe(lineCount + 1);
  });

  test.each([
    ['expect channel stable', 'expect channel stable'],
    ['max-age 5d', 'max-age 6d'],
    ['clock-skew 5', 'clock-skew 5'],
  ])('refuses the second of "%s" and "%s"', (first, second) => {
    expect(refusal(trustText(log, first, second)).line).toBe(lineCount + 2);
  });

  test('wants a quorum line, an issuer, and a log with both of its keys and no other', () => {
    const without = (start: string): string =>
      good
        .split('\n')
        .filter((line) => !line.startsWith(start))
        .join('\n');
    expect(refusal(without('quorum')).message).toContain('quorum');
    expect(refusal(without('issuer')).message).toContain('issuer');
    expect(refusal(without('log')).message).toContain('log');
    for (const { vkey } of log.signers) expect(refusal(without(`log ${vkey}`)).message).toContain(log.origin);
    const witnessLog = good.replace('quorum two', `witness L ${log.signers[1]!.vkey}\nquorum two`);
    expect(refusal(witnessLog).message).toContain('witness L');
  });

  test('takes one window a log, of a log that it names, and a time with its unit', () => {
    for (const lines of [
      `iat-window ${log.origin}`,
      `iat-window ${log.origin} soon`,
      `iat-window ${log.origin} 1d 2d`,
      'iat-window other.example/log 1d',
      `iat-window ${log.origin} 1d\niat-window ${log.origin} 1d`,
    ]) {
      expect(refusal(`${good}${lines}\n`).message, lines).toMatch(/^line \d+: /);
    }
  });

  test('takes comments and witnesses’ names of any octets, and its own lines in UTF-8 alone', () => {
    const latin = octets(`${good.replace('witness A', 'witness \xe9').replace('2 A B', '2 \xe9 B')}# gr\xfc\xdfe\n`);
    const { policy, issuers } = parseTrust(latin);
    expect(policy.groups[0]!.members).toEqual([policy.witnesses[0]!.name, 'B', 'C']);
    expect(issuers).toEqual(parseTrust(good).issuers);
    expect(refusal(octets(`${good}expect product caf\xe9\n`))).toMatchObject({ line: lineCount + 1 });
    expect(refusal(octets(`${good}expect product caf\xe9\n`)).message).toContain('UTF-8');
    // UTF-8 in one line stays what it is, whatever the others are.
    const mixed = new Uint8Array([...latin, ...utf8('expect product Café\n')]);
    expect(parseTrust(mixed).expected).toEqual({ product: ['Café'] });
  });

  test('refuses what is too long, quickly', () => {
    expect(refusal(' '.repeat(2 ** 20 + 1)).message).toContain('1048576');
    const started = performance.now();
    refusal(`issuer${' '.repeat(2 ** 20 - 10)}x`);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('refuses every truncation within a line', () => {
    const lines = good.split('\n').slice(0, -1);
    for (const [i, line] of lines.entries()) {
      if (line.startsWith('#')) continue;
      for (let end = 1; end < line.length; end += line.length > 300 ? 97 : 1) {
        const text = lines.with(i, line.slice(0, end)).join('\n');
        // A name that is cut short is still a name, and fewer members are still a group.
        if (line.startsWith('issuer') && line.slice(0, end).split(' ').length > 2) continue;
        if (line.startsWith('group')) continue;
        refusal(text);
      }
    }
  });
});

describe('formatTrust', () => {
  test('writes what parseTrust reads', () => {
    const text = trustText(log, 'expect product Acme Shield', 'expect channel stable', 'max-age 36h', 'clock-skew 2s');
    const trust = parseTrust(text);
    const written = formatTrust(trust);
    expect(parseTrust(written)).toEqual(trust);
    expect(formatTrust(parseTrust(written))).toBe(written);
    expect(written).toContain(`\nissuer ${toBase64(formatCoseKey(vendorSigner().key))} ${ISSUER}\n`);
    expect(written).toContain('\nmax-age 36h\nclock-skew 2s\n');
    const promised = parseTrust(`${text}iat-window ${log.origin} 1d\n`);
    expect(promised.iatWindows).toEqual(new Map([[log.origin, 86_400]]));
    expect(parseTrust(formatTrust(promised))).toEqual(promised);
    expect(formatTrust(parseTrust(good))).not.toContain('clock-skew');
    const keys = [1, 2].map((fill) => testKey(`${log.origin}/channel`, SIGNATURE_TYPE.ed25519, fill));
    const vkeys = keys.map((key) => verifierKeyOf(key).vkey);
    const keyed = parseTrust(`${text}${vkeys.map((vkey) => `channel-key ${vkey}\n`).join('')}`);
    expect(keyed.channelKeys.get(log.origin)?.map(({ vkey }) => vkey)).toEqual(vkeys);
    expect(parseTrust(formatTrust(keyed))).toEqual(keyed);
    const old = verifierKeyOf(testKey(log.origin, SIGNATURE_TYPE.ed25519, 3)).vkey;
    const rotated = parseTrust(`${text}retired-key ${old}\n`);
    expect(rotated.retiredKeys.get(log.origin)?.map(({ vkey }) => vkey)).toEqual([old]);
    expect(rotated.logs).toEqual(trust.logs);
    expect(parseTrust(formatTrust(rotated))).toEqual(rotated);
  });
});

describe('durations', () => {
  test('are whole numbers of one unit', () => {
    expect(['0', '90', '90s', '15m', '36h', '7d'].map(parseDuration)).toEqual([0, 90, 90, 900, 129_600, 604_800]);
    for (const bad of ['', 's', '-1', '01', '1.5h', '1w', ' 1', '1 d', '99999999999']) {
      expect(parseDuration(bad), bad).toBeUndefined();
    }
  });

  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds);
      }),
    );
  });
});
