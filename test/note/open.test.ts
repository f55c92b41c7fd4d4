import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/adapters/node-crypto.ts';
import { utf8 } from '../../src/bytes.ts';
import { portableCrypto } from '../../src/crypto/portable.ts';
import { isLimmatError } from '../../src/errors.ts';
import { SIGNATURE_TYPE, verifierKeyOf } from '../../src/note/key.ts';
import { formatNote, parseNote } from '../../src/note/note.ts';
import { openCheckpoint, openLogCheckpoint } from '../../src/note/open.ts';
import { checkpointVerifier, externalSigner, noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { formatTimestampedSignature } from '../../src/note/cosignature.ts';
import { formatSignatureLine } from '../../src/note/note.ts';
import {
  ORIGIN,
  checkpointText,
  greaseLines,
  headKey,
  logKey,
  seededNumbers,
  shuffled,
  testKey,
  witnessKey,
} from '../support/notes.ts';

const TIME = 1_700_000_000;
const text = checkpointText(42);
const log = noteSigner(logKey, nodeCrypto);
const head = noteSigner(headKey, nodeCrypto);
const witness = noteSigner(witnessKey, nodeCrypto);
const signers = [log, head, witness];
const verifierOf = ({ vkey }: CheckpointSigner): ReturnType<typeof checkpointVerifier> =>
  checkpointVerifier(vkey, nodeCrypto);
const logVerifiers = [verifierOf(log), verifierOf(head)];
const logLine = await log.sign(text, TIME);
const headLine = await head.sign(text, TIME);
const witnessLine = await witness.sign(text, TIME);
const lines = [logLine, headLine, witnessLine];
const signed = formatNote(text, lines);

describe('signers and verifiers', () => {
  test.each(Object.values(SIGNATURE_TYPE))('agree across implementations for type %i', async (type) => {
    const key = testKey('name.example', type, 77);
    for (const [mine, yours] of [
      [portableCrypto, nodeCrypto],
      [nodeCrypto, portableCrypto],
    ] as const) {
      const signer = noteSigner(key, mine);
      expect(signer).toMatchObject({ name: key.name, keyId: key.keyId, type, vkey: verifierKeyOf(key).vkey });
      const note = parseNote(formatNote(text, [await signer.sign(text, TIME)]));
      const time = type === SIGNATURE_TYPE.ed25519 ? 0 : TIME;
      expect(await checkpointVerifier(signer.vkey, yours).verify(note, note.signatures[0]!)).toBe(time);
    }
  });

  test('sign nothing but checkpoints', async () => {
    for (const wrong of ['', 'text\n', text.slice(0, -1), `${text}\n`]) {
      for (const signer of signers) await expect(signer.sign(wrong, TIME)).rejects.toMatchObject({ code: 'malformed' });
    }
  });

  test('a signer elsewhere gets the exact message and must give a signature of the right length', async () => {
    const messages: Uint8Array[] = [];
    const remote = externalSigner(log.vkey, (message) => {
      messages.push(message);
      return nodeCrypto.ed25519.sign(logKey.secret, message);
    });
    expect(await remote.sign(text, TIME)).toBe(logLine);
    expect(messages).toEqual([utf8(text)]);
    const broken = externalSigner(log.vkey, () => Promise.resolve(new Uint8Array(63)));
    await expect(broken.sign(text, TIME)).rejects.toThrow('63 bytes, not 64');
  });

  test('a signer keeps its own copy of the secret', async () => {
    const key = { ...logKey, secret: logKey.secret.slice() };
    const signer = noteSigner(key, nodeCrypto);
    key.secret.fill(0);
    expect(await signer.sign(text, TIME)).toBe(logLine);
  });

  test('an ML-DSA-44 line binds name, origin, size, root and time, and not the extension lines', async () => {
    const note = parseNote(formatNote(text, [headLine]));
    const line = note.signatures[0]!;
    const verifier = verifierOf(head);
    expect(await verifier.verify(note, line)).toBe(TIME);
    const withText = (other: string): typeof note => ({ ...note, text: other, textBytes: utf8(other) });
    expect(await verifier.verify(withText(`${text}extension\n`), line)).toBe(TIME);
    expect(await verifier.verify(withText(checkpointText(43)), line)).toBe(false);
    expect(await verifier.verify(withText(text.replace(ORIGIN, `${ORIGIN}2`)), line)).toBe(false);
    expect(await verifier.verify(withText('no checkpoint\n'), line)).toBe(false);
    const late = line.signature.with(7, (line.signature[7]! + 1) % 256);
    expect(await verifier.verify(note, { ...line, signature: late })).toBe(false);
    expect(await verifier.verify(note, { ...line, name: 'another' })).toBe(false);
    // The same key under another name has another id and signs another message.
    const renamed = noteSigner(testKey('another.example', SIGNATURE_TYPE.mldsa44, 2), nodeCrypto);
    const moved = parseNote(formatNote(text, [headLine.replace(ORIGIN, renamed.name)])).signatures[0]!;
    expect(await verifierOf(renamed).verify(note, { ...moved, keyId: renamed.keyId })).toBe(false);
  });
});

describe('openCheckpoint', () => {
  test('gives the checkpoint and every known key that signed it, with the time it states', async () => {
    const opened = await openCheckpoint(signed, signers.map(verifierOf));
    expect(opened.checkpoint).toMatchObject({ origin: ORIGIN, size: 42 });
    expect(opened.note.text).toBe(text);
    expect(opened.verified.map((one) => [one.verifier.vkey, one.timestampSeconds])).toEqual([
      [log.vkey, 0],
      [head.vkey, TIME],
      [witness.vkey, TIME],
    ]);
    expect((await openCheckpoint(utf8(signed), [verifierOf(witness)])).verified).toHaveLength(1);
  });

  test('does not mind unknown lines, many lines, any order', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const next = seededNumbers(seed);
      const grease = greaseLines(next(50), next);
      const note = formatNote(text, shuffled([...lines, ...grease], next));
      const { verified } = await openCheckpoint(note, shuffled(signers.map(verifierOf), next));
      expect(verified, `seed ${seed}`).toHaveLength(3);
      const opened = await openLogCheckpoint(note, { origin: ORIGIN, verifiers: logVerifiers });
      expect(opened.timestampSeconds).toBe(TIME);
    }
    const next = seededNumbers(99);
    const full = formatNote(text, [...greaseLines(50, next), headLine, ...greaseLines(48, next), logLine]);
    expect((await openCheckpoint(full, logVerifiers)).verified).toHaveLength(2);
  });

  test('refuses a note on which a known key’s line does not hold, even beside good ones', async () => {
    for (const [good, bad] of [
      [headLine, logLine],
      [logLine, headLine],
      [logLine, witnessLine],
    ] as const) {
      const other = bad.slice(0, -8) + (bad.at(-8) === 'A' ? 'B' : 'A') + bad.slice(-7);
      for (const order of [
        [good, other],
        [other, good],
        [good, bad, other],
      ]) {
        const note = formatNote(text, order);
        await expect(openCheckpoint(note, signers.map(verifierOf))).rejects.toMatchObject({ code: 'bad-note' });
      }
    }
  });

  test('takes a known key’s line of another length for one that does not hold', async () => {
    for (const { name, keyId } of signers) {
      for (const length of [1, 63, 65, 71, 73, 2427, 2429]) {
        const note = formatNote(text, [formatSignatureLine(name, keyId, new Uint8Array(length))]);
        await expect(openCheckpoint(note, signers.map(verifierOf))).rejects.toMatchObject({ code: 'bad-note' });
      }
    }
  });

  test('refuses a signature over another checkpoint', async () => {
    const note = formatNote(checkpointText(43), lines);
    for (const signer of signers) {
      await expect(openCheckpoint(note, [verifierOf(signer)])).rejects.toMatchObject({ code: 'bad-note' });
    }
  });

  test('says when no known key has signed', async () => {
    const missing = { code: 'log-signature-missing' };
    await expect(openCheckpoint(formatNote(text, [witnessLine]), logVerifiers)).rejects.toMatchObject(missing);
    await expect(openCheckpoint(signed, [])).rejects.toMatchObject(missing);
    const stranger = noteSigner(testKey(ORIGIN, SIGNATURE_TYPE.ed25519, 9), nodeCrypto);
    await expect(openCheckpoint(signed, [verifierOf(stranger)])).rejects.toMatchObject(missing);
  });

  test('takes the newest of several lines of one key, and wants all of them to hold', async () => {
    const later = await head.sign(text, TIME + 60);
    for (const order of [
      [headLine, later],
      [later, headLine],
      [later, headLine, later],
    ]) {
      const { verified } = await openCheckpoint(formatNote(text, order), [verifierOf(head)]);
      expect(verified).toMatchObject([{ timestampSeconds: TIME + 60 }]);
    }
    const forged = formatSignatureLine(
      head.name,
      head.keyId,
      formatTimestampedSignature({ timestampSeconds: TIME + 99, signature: new Uint8Array(2420) }),
    );
    const note = formatNote(text, [headLine, forged]);
    await expect(openCheckpoint(note, [verifierOf(head)])).rejects.toMatchObject({ code: 'bad-note' });
  });

  test('refuses a note that is signed and no checkpoint', async () => {
    const signature = await nodeCrypto.ed25519.sign(logKey.secret, utf8('hello\n'));
    const note = formatNote('hello\n', [formatSignatureLine(log.name, log.keyId, signature)]);
    await expect(openCheckpoint(note, logVerifiers)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('meets every truncation and every changed byte with a refusal', async () => {
    const bytes = utf8(formatNote(text, [logLine, witnessLine]));
    const verifiers = [verifierOf(log), verifierOf(witness)];
    const open = async (changed: Uint8Array): Promise<number> => {
      try {
        return (await openCheckpoint(changed, verifiers)).verified.length;
      } catch (caught) {
        if (isLimmatError(caught)) return 0;
        throw caught;
      }
    };
    expect(await open(bytes)).toBe(2);
    // A cut after the first line, or a change of the second line's name or id, leaves a note by the log alone.
    for (let length = 0; length < bytes.length; length++) expect(await open(bytes.subarray(0, length))).toBeLessThan(2);
    for (let i = 0; i < bytes.length; i++) expect(await open(bytes.with(i, bytes[i] === 65 ? 66 : 65))).toBeLessThan(2);
  });
});

describe('openLogCheckpoint', () => {
  const both = { origin: ORIGIN, verifiers: logVerifiers };

  test('requires the line of every key of the log', async () => {
    expect(await openLogCheckpoint(signed, both)).toMatchObject({
      checkpoint: { size: 42 },
      note: { text },
      timestampSeconds: TIME,
    });
    const missing = { code: 'log-signature-missing' };
    for (const one of [logLine, headLine]) {
      const note = formatNote(text, [one, witnessLine]);
      await expect(openLogCheckpoint(note, both)).rejects.toMatchObject(missing);
    }
    await expect(openLogCheckpoint(signed, { origin: ORIGIN, verifiers: [] })).rejects.toThrow(RangeError);
  });

  test('requires the origin, though the keys are right', async () => {
    const other = checkpointText(42, 'limmat.example/other');
    const note = formatNote(other, [await log.sign(other, TIME), await head.sign(other, TIME)]);
    await expect(openLogCheckpoint(note, both)).rejects.toMatchObject({ code: 'wrong-log' });
  });

  test('refuses a log’s own line that states time 0', async () => {
    const note = formatNote(text, [logLine, await head.sign(text, 0)]);
    await expect(openLogCheckpoint(note, both)).rejects.toMatchObject({ code: 'bad-note' });
  });

  test('gives time 0 when no key states one', async () => {
    const opened = await openLogCheckpoint(formatNote(text, [logLine]), {
      origin: ORIGIN,
      verifiers: [logVerifiers[0]!],
    });
    expect(opened.timestampSeconds).toBe(0);
  });
});

describe('a line that is there many times', () => {
  test('is verified once, and another line of the same key as well', async () => {
    let verifications = 0;
    const counted = {
      ...verifierOf(witness),
      verify: (...given: Parameters<ReturnType<typeof verifierOf>['verify']>) => {
        verifications++;
        return verifierOf(witness).verify(...given);
      },
    };
    const later = await witness.sign(text, TIME + 9);
    const note = formatNote(text, [...Array.from({ length: 40 }, () => witnessLine), later, witnessLine]);
    expect((await openCheckpoint(note, [counted])).verified).toMatchObject([{ timestampSeconds: TIME + 9 }]);
    expect(verifications).toBe(2);
  });
});
