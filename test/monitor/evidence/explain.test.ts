import { beforeAll, describe, expect, test } from 'vitest';

import { toHex, utf8 } from '../../../src/bytes.ts';
import { drawSvg } from '../../../src/monitor/evidence/draw-svg.ts';
import { drawText } from '../../../src/monitor/evidence/draw-text.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { explainEvidence, explanationSvg, explanationText } from '../../../src/monitor/evidence/explain.ts';
import { forkSameSize, proofContradicted, rollback } from '../../../src/monitor/evidence/make.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { durationInWords, printable, timeInWords } from '../../../src/monitor/evidence/words.ts';
import { proofFileOf, samples } from './samples.ts';
import { History, NOON, headOf, promisingKeys, testKeys } from './support.ts';

const keys = promisingKeys();
let all: readonly Evidence[];

beforeAll(async () => {
  all = await samples(keys);
});

const DAY = 86_400;
const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe('the explanation', () => {
  test('of a fork says what was signed, why it cannot be true and what it does not show, with both trees', () => {
    const text = explanationText(explainEvidence(all[1]!));
    expect(text.split('\n\n')[0]).toBe(
      'log.example/a signed a history of 17 entries that does not begin with the 9 entries that it\nsigned too.',
    );
    for (const heading of [
      'What a log promises',
      'What was signed',
      'Why this cannot all be true',
      'What this does not show',
    ]) {
      expect(text).toContain(`\n\n${heading}\n- `);
    }
    const words = squeezed(text);
    for (const { rootHash } of all[1]!.heads) expect(words).toContain(toHex(rootHash));
    for (const { keyId } of keys.signers) expect(words).toContain(keyId.toString(16).padStart(8, '0'));
    expect(words).toContain('It says that this was so at 2026-09-21 14:13:20 UTC.');
    expect(words).toContain('by its operator, or by whoever got hold of it');
    expect(text).not.toContain('Who came across it');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('of every kind has a headline with the numbers, and sections without empty words', () => {
    const headlines = all.map((evidence) => explainEvidence(evidence).headline);
    expect(headlines).toEqual([
      'log.example/a signed two different histories of 9 entries',
      'log.example/a signed a history of 17 entries that does not begin with the 9 entries that it signed too',
      'log.example/a signed that its largest tree has 9 entries, after it had signed one of 12 entries',
      'log.example/a signed two trees that have different entries at place 7',
      'log.example/a signed a tree with an entry from 3 days later',
      'log.example/a took an entry that says it is 3 days older than it can be',
      'log.example/a signed that entry 8 is the newest of channel acme/Acme Shield/avdb-release:main/stable, which is false',
      'log.example/a took an entry that its own rules refuse: entry 13, by rule D15',
      'log.example/a took a release that does not follow the one before it, against its own rules: entry 12, by rule D08',
      'log.example/a has two statements of one issuer about the same, which are not both true unless one between them explains it: entries 7 and 8, by Vendor AG',
      'log.example/a has a statement that something was moved, and a later one that places it elsewhere: entries 7 and 9, by Vendor AG',
      'log.example/a has two statements about what one build contains, which cannot both be true: entries 6 and 10, by Vendor AG and Rebuilder Org',
      'log.example/a has the witness witness.example/0+d7bfed6c (Ed25519), which cosigned two different histories of it, of 9 entries and of 17 entries',
    ]);
    for (const evidence of all) {
      const { sections, drawing } = explainEvidence(evidence);
      expect(drawing.trees.length).toBe(evidence.heads.length);
      for (const { paragraphs } of sections) {
        expect(paragraphs.length).toBeGreaterThan(0);
        for (const paragraph of paragraphs) expect(paragraph).toMatch(/^[A-Z][^\n]*[.]$|^log\.example.*[.]$/);
      }
      expect(JSON.stringify(sections)).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  test('says what the entries are, where there are some', () => {
    const contradicted = squeezed(explanationText(explainEvidence(all[3]!)));
    expect(contradicted).toContain(
      'At place 7, the tree of 9 entries has: 7 bytes that are no record this version knows',
    );
    const future = squeezed(explanationText(explainEvidence(all[4]!)));
    expect(future).toContain('Place 12: Build of Acme Shield 7.1.2');
    expect(future).toContain(`; it says that Acme Security signed it at ${timeInWords(NOON + 3 * DAY)} (SHA-256 `);
    expect(future).toContain('within 24 hours of the time at which it says it was signed');
  });

  test('names only those keys whose signatures were checked', async () => {
    const [ed25519, mldsa44] = keys.log.verifiers;
    const seen = await verifyEvidence(all[0]!, [{ ...keys.log, verifiers: [ed25519!] }]);
    const text = squeezed(explanationText(explainEvidence(seen)));
    expect(text).toContain(ed25519!.keyId.toString(16).padStart(8, '0'));
    expect(text).not.toContain(mldsa44!.keyId.toString(16).padStart(8, '0'));
    // Nor the time, which is in a line that nobody checked.
    expect(text).toContain('No signature that was checked states a time.');
    expect(text).not.toContain('14:13:20');
    expect(text).toContain('signed, no time stated');
  });

  test('says which of the log’s keys did not sign, where the verifier knows more of them', async () => {
    const [ed25519, mldsa44] = keys.signers;
    const one = { ...keys, signers: [ed25519!] };
    const [a, b] = [await headOf(keys, History.of(9), 9), await headOf(one, History.of(9, 5), 9)];
    const evidence = await forkSameSize(keys.log, a, b);
    const text = squeezed(explanationText(explainEvidence(evidence)));
    const id = mldsa44!.keyId.toString(16).padStart(8, '0');
    expect(text).toContain(`It is not signed with the key log.example/a+${id} (ML-DSA-44), known as the log's too.`);
    expect(text).toContain('That all of its keys were used.');
    expect(squeezed(explanationText(explainEvidence(all[0]!)))).not.toContain('not signed with');
  });

  test('tells an observer’s word from the proof, and says what it is worth', () => {
    const observation = {
      observer: 'monitor.example/m',
      atSeconds: NOON + 500,
      sources: [{ checkpoint: 1, via: 'client', atSeconds: NOON + 400 }] as const,
    };
    for (const [verdict, words] of [
      ['signed', "signed with the observer's key"],
      ['unknown-observer', 'was not checked: its key is not known here'],
      ['forged', 'does not hold: somebody else wrote or changed it'],
    ] as const) {
      const text = squeezed(explanationText(explainEvidence(all[1]!, { observation, verdict })));
      expect(text).toContain(
        'Who came across it - monitor.example/m says that it noticed this at 2026-09-21 14:21:40 UTC: checkpoint 2 came from somebody who uses the log',
      );
      expect(text).toContain(words);
      expect(text).toContain('no part of the proof');
    }
  });

  test('shows no character that does not show, and no time beyond the calendar as a date', async () => {
    // Right-to-left override, a C1 control, a space without width: what key names do not forbid.
    const odd = testKeys('log\u202e\u009b\u200b.example');
    const [a, b] = [
      await headOf(odd, History.of(3), 3, 2 ** 53 - 1),
      await headOf(odd, History.of(3, 1), 3, 253_402_300_800),
    ];
    const evidence = await forkSameSize(odd.log, a, b);
    const explanation = explainEvidence(evidence);
    for (const text of [explanationText(explanation), explanationSvg(explanation)]) {
      expect(text).not.toMatch(/[\u202e\u009b\u200b]/);
    }
    expect(explanation.headline).toContain('log\\u{202e}\\u{9b}\\u{200b}.example signed');
    expect(explanationText(explanation)).toContain(`second ${2 ** 53 - 1} after 1970`);
  });
});

describe('words', () => {
  test('for times and durations', () => {
    expect([0, 1, 119, 120, 7199, 7200, 172_799, 172_800].map(durationInWords)).toEqual([
      '0 seconds',
      '1 second',
      '119 seconds',
      '2 minutes',
      '119 minutes',
      '2 hours',
      '47 hours',
      '2 days',
    ]);
    expect(timeInWords(NOON)).toBe('2026-09-21 14:13:20 UTC');
    expect(printable('Zürich 未来 \u0007')).toBe('Zürich 未来 \\u{7}');
  });
});

describe('the drawing', () => {
  test('of a fork has the root that is compared beside the other', () => {
    expect(drawText(explainEvidence(all[1]!).drawing).join('\n')).toBe(
      `
9 entries                            17 entries
signed 2026-09-21 14:13:20 UTC       signed 2026-09-21 14:14:20 UTC

                                             91c2e015…
                                               /     \\
  240d9bb6…                      ≠     9e33b2fa…       \\
   /     \\                              /     \\          \\
+===========+                        +===========+-----------+
|  0 to 8   |                        |  0 to 8   |  9 to 16  |
+===========+                        +===========+-----------+`.slice(1),
    );
  });

  test('of large trees stands one below the other', async () => {
    const [a, b] = [await headOf(keys, History.of(12), 12), await headOf(keys, History.of(12), 9, NOON + 60)];
    const { drawing } = explainEvidence(await rollback(keys.log, a, b));
    const wide = drawing.trees.map((tree) => ({
      ...tree,
      spans: [{ label: '0 to 9007199254740990'.repeat(3), differs: false }],
    }));
    const lines = drawText({ ...drawing, trees: wide });
    expect(lines).toContain('→');
    expect(lines.filter((line) => line.startsWith('+-'))).toHaveLength(4);
  });

  test('of every kind fits, as text and as SVG that is well-formed and needs nothing else', () => {
    for (const evidence of all) {
      const { drawing } = explainEvidence(evidence);
      for (const line of drawText(drawing)) expect(line.length).toBeLessThanOrEqual(100);
      const svg = drawSvg(drawing);
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"[^]*<\/svg>\n$/);
      expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(
        /https?:|<script|<style|style=|href|url\(|<image/,
      );
      expect(openTags(svg)).toEqual([]);
      for (const { root } of drawing.trees) expect(svg).toContain(`>${root}<`);
    }
  });

  test('escapes what it is given', () => {
    const drawing = explainEvidence(all[0]!).drawing;
    const [tree] = drawing.trees;
    const svg = drawSvg({
      caption: '</title><script>alert(1)</script>',
      trees: [{ ...tree!, title: `<b onload="x">&'`, below: ['\u202e'] }],
      sign: '',
    });
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('<b');
    expect(svg).toContain('&lt;b onload=&quot;x&quot;&gt;&amp;&#39;');
    expect(openTags(svg)).toEqual([]);
  });

  test('of entries at one place has their fingerprints', async () => {
    const [honest, forked] = [History.of(20), History.of(20, 5)];
    const evidence = await proofContradicted(
      keys.log,
      await proofFileOf(keys, honest, 7, 9),
      await proofFileOf(keys, forked, 7, 9),
    );
    const below = explainEvidence(evidence).drawing.trees.map((tree) => tree.below[0]);
    const expected = [honest, forked].map(({ tree }) => `place 7: ${toHex(tree.root(7, 8)).slice(0, 8)}…`);
    expect(new Set(below)).toEqual(new Set(expected));
    expect(utf8(drawText(explainEvidence(evidence).drawing).join('')).length).toBeGreaterThan(100);
  });
});

/** The elements of a text of tags that nobody closes, or that are closed and never opened. */
function openTags(svg: string): readonly string[] {
  const open: string[] = [];
  for (const [, closing, name, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (self === '/') continue;
    if (closing !== '/') open.push(name!);
    else if (open.at(-1) === name) open.pop();
    else return [...open, `/${name}`];
  }
  return open;
}
