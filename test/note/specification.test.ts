// The examples of the C2SP texts, as they are printed there (tlog-cosignature, tlog-proof). The keys of the first are not
// published, and signatures of the second are cut short there, so these are read and formed but not verified.

import { describe, expect, test } from 'vitest';

import { toBase64, utf8, utf8Text } from '../../src/bytes.ts';
import { parseCheckpoint } from '../../src/note/checkpoint.ts';
import {
  cosignatureMessage,
  formatTimestampedSignature,
  parseTimestampedSignature,
} from '../../src/note/cosignature.ts';
import { formatKeyId } from '../../src/note/key.ts';
import { formatNote, formatSignatureLine, parseNote } from '../../src/note/note.ts';
import { formatTlogProof, parseTlogProof } from '../../src/note/tlog-proof.ts';

const COSIGNED = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;

const MESSAGE = `cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
`;

describe('tlog-cosignature', () => {
  test('its checkpoint, cosignature and message are these', () => {
    const note = parseNote(COSIGNED);
    expect(parseCheckpoint(note.text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    const [own, cosignature] = note.signatures;
    expect(own!.signature).toHaveLength(64);
    expect([cosignature!.name, formatKeyId(cosignature!.keyId)]).toEqual(['witness.example.com/w1', '8d66cf3f']);
    const parsed = parseTimestampedSignature(cosignature!.signature, 64);
    expect(parsed.timestampSeconds).toBe(1_679_315_147);
    expect(utf8Text(cosignatureMessage(parsed.timestampSeconds, note.textBytes))).toBe(MESSAGE);
    const body = formatTimestampedSignature(parsed);
    expect(formatSignatureLine(cosignature!.name, cosignature!.keyId, body)).toBe(cosignature!.line);
    expect(formatNote(note.text, note.signatures)).toBe(COSIGNED);
  });
});

/** The example, with signatures of the right form where the text cuts them short, and an "extra" that is base64. */
const PROOF = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog ${toBase64(new Uint8Array(68).fill(1))}
— witness1.example ${toBase64(new Uint8Array(76).fill(2))}
— witness2.example ${toBase64(new Uint8Array(76).fill(3))}
— witness3.example ${toBase64(new Uint8Array(76).fill(4))}
`;

describe('tlog-proof', () => {
  test('its example is read, and written again byte for byte', () => {
    const parsed = parseTlogProof(utf8(PROOF));
    expect(utf8Text(parsed.extra!)).toBe('age-v1.2.1-darwin-arm64.tar.gz');
    expect(parsed.index).toBe(73_894);
    expect(parsed.proof).toHaveLength(5);
    const note = parseNote(parsed.checkpoint);
    expect(parseCheckpoint(note.text)).toMatchObject({ origin: 'example.com/fancylog', size: 109_482 });
    expect(note.signatures.map(({ name }) => name)).toEqual([
      'example.com/fancylog',
      ...[1, 2, 3].map((n) => `witness${n}.example`),
    ]);
    expect(utf8Text(formatTlogProof(parsed))).toBe(PROOF);
  });
});
