import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8, utf8Text } from '../../../src/bytes.ts';
import { isLimmatError } from '../../../src/errors.ts';
import { canonicalJson } from '../../../src/monitor/evidence/canonical-json.ts';
import { MAX_EXCHANGE_BYTES } from '../../../src/monitor/gossip/limits.ts';
import { formatExchange, parseExchange } from '../../../src/monitor/gossip/message.ts';
import type { Exchange } from '../../../src/monitor/gossip/message.ts';
import { errorOf } from '../../support/tile-source.ts';

const ID = '0123456789abcdef'.repeat(4);
const NEWS = { origin: 'log.example/a', notes: ['log.example/a\n7\n'], evidence: [ID], wanted: [] };
const SAMPLE: Exchange = { logs: [NEWS] };
const TEXT = `{"format":"limmat/gossip/v1","logs":[{"evidence":["${ID}"],"notes":["log.example/a\\n7\\n"],"origin":"log.example/a","wanted":[]}]}`;

/** A message with these members in the place of the sample's. */
const bytesWith = (members: object, top: object = {}): Uint8Array =>
  utf8(canonicalJson({ format: 'limmat/gossip/v1', logs: [{ ...NEWS, ...members }], ...top }));

/** So many different ids. */
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => i.toString(16).padStart(64, '0'));

async function refusalOf(bytes: Uint8Array): Promise<string> {
  const error = await errorOf(() => parseExchange(bytes));
  if (!isLimmatError(error, 'malformed')) throw error;
  return error.message;
}

describe('an exchange', () => {
  it('has one form, byte for byte', () => {
    expect(utf8Text(formatExchange(SAMPLE))).toBe(TEXT);
    expect(parseExchange(utf8(TEXT))).toEqual(SAMPLE);
  });

  it('comes back as it was', () => {
    const id = fc.stringMatching(/^[0-9a-f]{64}$/);
    const ids = fc.uniqueArray(id, { maxLength: 4 });
    const news = fc.record({
      origin: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
      notes: fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 16 }),
      evidence: ids,
      wanted: ids,
    });
    const logs = fc.uniqueArray(news, { maxLength: 10, selector: ({ origin }) => origin });
    fc.assert(
      fc.property(logs, (list) => {
        expect(parseExchange(formatExchange({ logs: list }))).toEqual({ logs: list });
      }),
    );
  });

  it('is refused at every truncation', async () => {
    const bytes = utf8(TEXT);
    for (let length = 0; length < bytes.length; length++) await refusalOf(bytes.subarray(0, length));
  });

  it('is another message or none with any byte changed', () => {
    const bytes = utf8(TEXT);
    for (let i = 0; i < bytes.length; i++) {
      for (const change of [1, 0x20, 0x80]) {
        const changed = Uint8Array.from(bytes);
        changed[i] = changed[i]! ^ change;
        try {
          expect(formatExchange(parseExchange(changed))).toEqual(changed);
        } catch (error) {
          expect(isLimmatError(error, 'malformed'), `byte ${i}`).toBe(true);
        }
      }
    }
  });

  it('has every member and no other', async () => {
    for (const part of [
      '"format":"limmat/gossip/v1",',
      '"wanted":[]',
      `"evidence":["${ID}"],`,
      '"origin":"log.example/a",',
    ]) {
      const text = TEXT.replace(part, '').replace(',}', '}');
      expect(await refusalOf(utf8(text)), part).toContain('members are not');
    }
    expect(await refusalOf(utf8('{"format":"limmat/gossip/v1"}'))).toContain('members are not');
    expect(await refusalOf(bytesWith({ extra: 1 }))).toContain('members are not');
    expect(await refusalOf(bytesWith({}, { extra: 1 }))).toContain('members are not');
    expect(await refusalOf(bytesWith({}, { format: 'limmat/gossip/v2' }))).toContain('format');
  });

  it('has members of their types only', async () => {
    for (const value of ['x', 7, {}, [7], [['x']]]) {
      expect(await refusalOf(bytesWith({ notes: value })), `notes ${JSON.stringify(value)}`).toBeDefined();
      expect(await refusalOf(bytesWith({ evidence: value })), `evidence ${JSON.stringify(value)}`).toBeDefined();
      expect(await refusalOf(bytesWith({ wanted: value })), `wanted ${JSON.stringify(value)}`).toBeDefined();
    }
    for (const value of [7, [], {}, '', 'x'.repeat(1025)]) await refusalOf(bytesWith({ origin: value }));
    for (const value of ['x', 7, {}, [7], [[]]]) await refusalOf(bytesWith({}, { logs: value }));
    for (const id of [ID.toUpperCase(), ID.slice(1), `${ID}0`, 'g'.repeat(64)]) {
      expect(await refusalOf(bytesWith({ wanted: [id] }))).toContain('no evidence id');
    }
  });

  it('names each log once and each id once', async () => {
    expect(await refusalOf(bytesWith({}, { logs: [NEWS, NEWS] }))).toContain('names a log twice');
    expect(await refusalOf(bytesWith({ evidence: [ID, ID] }))).toContain('names an id twice');
  });

  it('has no list that is longer than its bound', async () => {
    expect(await refusalOf(bytesWith({ notes: many(17) }))).toContain('17 items in "notes"');
    expect(await refusalOf(bytesWith({ evidence: many(65) }))).toContain('65 items in "evidence"');
    const logs = many(257).map((origin) => ({ ...NEWS, origin, notes: [], evidence: [] }));
    expect(await refusalOf(bytesWith({}, { logs }))).toContain('257 items in "logs"');
    expect(await refusalOf(bytesWith({ notes: ['x'.repeat(65_537)] }))).toContain('65536 characters');
    expect(parseExchange(bytesWith({ notes: many(16), evidence: many(64), wanted: many(64) })).logs).toHaveLength(1);
  });

  it('is refused by its length before anything else is looked at', async () => {
    const huge = new Uint8Array(MAX_EXCHANGE_BYTES + 1).fill(0x5b);
    expect(await refusalOf(huge)).toContain(`above the limit of ${MAX_EXCHANGE_BYTES}`);
  });

  it('is refused by its depth before it is built', async () => {
    for (const open of ['[', '{"a":']) {
      const deep = utf8(open.repeat(Math.floor(MAX_EXCHANGE_BYTES / open.length)));
      const started = performance.now();
      expect(await refusalOf(deep)).toContain('more than 4 lists and objects');
      expect(performance.now() - started).toBeLessThan(1000);
    }
  });

  it('is in canonical form or is refused', async () => {
    for (const text of [
      ` ${TEXT}`,
      `${TEXT}\n`,
      TEXT.replace(',', ', '),
      TEXT.replace('"wanted":[]', '"wanted":[],"wanted":[]'),
      TEXT.replace('log.example', '\\u006cog.example'),
      TEXT.replace('"format":"limmat/gossip/v1",', '').replace('}]}', '}],"format":"limmat/gossip/v1"}'),
    ]) {
      expect(await refusalOf(utf8(text)), text).toContain('canonical');
    }
    await refusalOf(Uint8Array.of(0xff, ...utf8(TEXT)));
  });

  it('that parseExchange would refuse is not written', () => {
    expect(() => formatExchange({ logs: [{ ...NEWS, origin: '' }] })).toThrow(RangeError);
    expect(() => formatExchange({ logs: [NEWS, NEWS] })).toThrow(RangeError);
  });
});
