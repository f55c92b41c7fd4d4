import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { LimmatError, isLimmatError } from '../../src/errors.ts';
import { MAX_NOTE_BYTES, formatNote, formatSignatureLine, isKeyName, parseNote } from '../../src/note/note.ts';

const LINE =
  '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const NOTE = `This is an example message.\n\n${LINE}`;

/** What parseNote gives, or the LimmatError that it threw; any other error fails the test. */
function tried(note: Uint8Array | string): ReturnType<typeof parseNote> | LimmatError {
  try {
    return parseNote(note);
  } catch (error) {
    if (isLimmatError(error, 'malformed')) return error;
    throw error;
  }
}

describe('parseNote', () => {
  test('takes a note apart and formatNote puts it together again, byte for byte', () => {
    for (const input of [NOTE, utf8(NOTE)]) {
      const note = parseNote(input);
      expect(note.text).toBe('This is an example message.\n');
      expect(note.textBytes).toEqual(utf8(note.text));
      expect(note.signatures).toMatchObject([{ name: 'example.com/foo', keyId: 0x530d903a, line: LINE }]);
      expect(note.signatures[0]!.signature).toHaveLength(64);
      expect(formatNote(note.text, note.signatures)).toBe(NOTE);
      expect(formatNote(note.text, [LINE])).toBe(NOTE);
    }
  });

  test('splits at the last empty line: a text may have empty lines, and be nothing but one', () => {
    expect(parseNote(`a\n\nb\n\n${LINE}`).text).toBe('a\n\nb\n');
    expect(parseNote(`\n\n${LINE}`).text).toBe('\n');
    expect(parseNote(`a\n\n\n${LINE}`).text).toBe('a\n\n');
  });

  test('keeps what looks like a signature line but stands in the text', () => {
    expect(parseNote(`a\n\n${LINE}\n${LINE}`)).toMatchObject({ text: `a\n\n${LINE}`, signatures: { length: 1 } });
  });

  test.each([
    ['nothing', ''],
    ['a newline', '\n'],
    ['no signature', 'text\n\n'],
    ['no empty line', `text\n${LINE}`],
    ['no text', LINE],
    ['a text of no line', `\n${LINE}`],
    ['no final newline', NOTE.slice(0, -1)],
    ['a carriage return', NOTE.replace('.\n', '.\r\n')],
    ['a tab', NOTE.replace('is an', 'is\tan')],
    ['a NUL', NOTE.replace('is an', 'is\0an')],
    ['a lone surrogate', NOTE.replace('is an', 'is\ud800an')],
    ['a hyphen for the dash', NOTE.replace('—', '-')],
    ['no space after the dash', NOTE.replace('— ', '—')],
    ['two spaces', NOTE.replace('foo U', 'foo  U')],
    ['no name', NOTE.replace('example.com/foo ', '')],
    ['a plus in the name', NOTE.replace('com/foo', 'com+foo')],
    ['a no-break space in the name', NOTE.replace('com/foo', 'com\u00a0foo')],
    ['a next-line character in the name', NOTE.replace('com/foo', 'com\u0085foo')],
    ['text after the signature', NOTE.replace('=\n', '= x\n')],
    ['base64 without padding', NOTE.replace('=\n', '\n')],
    ['base64 with stray bits', NOTE.replace('aQM=', 'aQN=')],
    ['URL base64', NOTE.replace('Uw2Q', 'Uw-Q')],
    ['a key id and no signature', 'text\n\n— a AAAAAA==\n'],
    ['fewer bytes than a key id', 'text\n\n— a AAA=\n'],
    ['an empty signature', 'text\n\n— a \n'],
    ['a good line and a bad one', `${NOTE}x\n`],
  ])('refuses %s', (_what, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('refuses bytes that are not UTF-8, over-long forms and a byte order mark in a line’s place', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      expect(tried(new Uint8Array([...bad, ...utf8(NOTE)]))).toBeInstanceOf(LimmatError);
    }
    // A BOM is an ordinary character: it stays in the text, so that the signed bytes are the ones that were read.
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...utf8(NOTE)]);
    expect(parseNote(marked).textBytes).toEqual(marked.slice(0, 3 + 28));
  });

  test('takes 100 signatures and no more, and 256 KiB and no more', () => {
    expect(parseNote(`a\n\n${LINE.repeat(100)}`).signatures).toHaveLength(100);
    expect(() => parseNote(`a\n\n${LINE.repeat(101)}`)).toThrow('101 signature lines, more than 100');
    const fill = MAX_NOTE_BYTES - utf8(NOTE).length - 1;
    const largest = `${'a'.repeat(fill)}\n${NOTE}`;
    expect(parseNote(largest).signatures).toHaveLength(1);
    expect(() => parseNote(`a${largest}`)).toThrow(`above the limit of ${MAX_NOTE_BYTES}`);
    expect(() => parseNote(utf8(`a${largest}`))).toThrow(`above the limit of ${MAX_NOTE_BYTES}`);
    // Fewer characters than the limit, more bytes.
    expect(() => parseNote(`${'€'.repeat(MAX_NOTE_BYTES / 3)}\n${NOTE}`)).toThrow('above the limit');
  });

  test('meets every truncation and every changed byte with a note or a clear error', () => {
    const bytes = utf8(`ein Text mit ü\n\nund Zeile\n\n${LINE}— a AAAAAAE=\n`);
    const untouched = parseNote(bytes);
    for (let length = 0; length < bytes.length; length++) {
      const note = tried(bytes.subarray(0, length));
      // Only a cut between whole lines leaves a note, and then it has fewer signatures.
      if (!(note instanceof LimmatError)) expect(note.signatures.length).toBeLessThan(untouched.signatures.length);
    }
    for (let i = 0; i < bytes.length; i++) {
      for (const byte of [0, 0x0a, 0x20, 0x2b, 0x41, 0x80, 0xe2, 0xff, (bytes[i]! + 1) % 256]) {
        if (byte === bytes[i]) continue;
        const note = tried(bytes.with(i, byte));
        if (note instanceof LimmatError) continue;
        expect(utf8(formatNote(note.text, note.signatures))).toEqual(bytes.with(i, byte));
        expect(note).not.toEqual(untouched);
      }
    }
  });

  test('gives back exactly what formatNote was given', () => {
    const text = fc
      .array(fc.string({ unit: 'binary' }).filter((s) => !/[\p{Surrogate}\p{Cc}]/u.test(s)))
      .map((lines) => `${lines.join('\n')}\n`);
    const name = fc.string({ minLength: 1, unit: 'binary' }).filter(isKeyName);
    const signature = fc.uint8Array({ minLength: 1, maxLength: 80 });
    const lines = fc.array(fc.tuple(name, fc.nat(2 ** 32 - 1), signature), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(text, lines, (someText, parts) => {
        const note = formatNote(
          someText,
          parts.map((part) => formatSignatureLine(...part)),
        );
        const { text: readText, signatures } = parseNote(utf8(note));
        expect(readText).toBe(someText);
        expect(signatures.map((one) => [one.name, one.keyId, one.signature])).toEqual(parts);
      }),
    );
  });
});

describe('formatNote', () => {
  test('refuses parts that would make another note, or none', () => {
    for (const [text, lines] of [
      ['no newline', [LINE]],
      ['', [LINE]],
      ['a\n', []],
      ['a\n', ['']],
      ['a\n', [`${LINE}${LINE}`]],
      ['a\n', [LINE.trimEnd()]],
      ['a\n', [`${LINE}\n`, LINE]],
      ['a\r\n', [LINE]],
    ] as const) {
      expect(() => formatNote(text, lines)).toThrow(RangeError);
    }
  });
});

describe('formatSignatureLine', () => {
  test('refuses names that are none and signatures of no byte', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u2028b', 'a\u0000', '\ud800']) {
      expect(isKeyName(name)).toBe(false);
      expect(() => formatSignatureLine(name, 1, Uint8Array.of(1))).toThrow(RangeError);
    }
    expect(() => formatSignatureLine('a', 1, new Uint8Array(0))).toThrow(RangeError);
    expect(() => formatSignatureLine('a', 2 ** 32, Uint8Array.of(1))).toThrow(RangeError);
    expect(formatSignatureLine('a', 2 ** 32 - 1, Uint8Array.of(1))).toBe('— a /////wE=\n');
  });
});
