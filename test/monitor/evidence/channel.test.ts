import { describe, expect, test } from 'vitest';

import { utf8, utf8Text } from '../../../src/bytes.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { explainEvidence, explanationText } from '../../../src/monitor/evidence/explain.ts';
import { groupEvidence } from '../../../src/monitor/evidence/group.ts';
import { falseChannelHead } from '../../../src/monitor/evidence/make.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import type { ChannelHead } from '../../../src/note/channel-head.ts';
import { formatNote, parseNote } from '../../../src/note/note.ts';
import { greaseLines, seededNumbers, shuffled } from '../../support/notes.ts';
import { RELEASES, releaseHistory, releaseOf, samples, statementOf } from './samples.ts';
import { History, NOON, channelHeadOf, promisingKeys, testKeys } from './support.ts';
import type { ChannelKeys } from './support.ts';

const keys = promisingKeys();
// Releases 5, 6 and 9 are entries 3, 8 and 14 of 20.
const history = await releaseHistory();
const BUILDS = 'acme/Acme Shield/build:linux%2Famd64/stable';

type Said = Pick<ChannelHead, 'index' | 'sequence'> & Partial<ChannelHead>;

/** Evidence of a head that says so of the first `size` entries, and the entry at `place`. */
async function convict(
  said: Said,
  place: number,
  { size = 20, by = keys, of = history }: { size?: number; by?: ChannelKeys; of?: History } = {},
): Promise<Evidence> {
  const head = channelHeadOf(by, of, size, { channel: RELEASES, ...said });
  return falseChannelHead(by.log, await by.channelSigner.sign(head), of.entry(place, size));
}

const never = async (work: Promise<Evidence>, message: string): Promise<void> => {
  await expect(work).rejects.toThrow(expect.objectContaining({ name: 'RangeError' }));
  await expect(work).rejects.toThrow(message);
};

describe('a channel head is false', () => {
  test('when its tree has an entry of the channel with a higher sequence', async () => {
    for (const [said, place, size] of [
      [{ index: 8, sequence: 6 }, 14, 20],
      [{ index: 8, sequence: 6 }, 14, 15],
      [{ index: 3, sequence: 5 }, 8, 9],
      [{ index: 3, sequence: 5 }, 14, 20],
      // Sequences count, not places: here the newest comes first in the log.
      [{ index: 14, sequence: 4 }, 3, 20],
    ] as const) {
      expect(await convict(said, place, { size })).toMatchObject({
        kind: 'false-channel-head',
        origin: 'log.example/a',
      });
    }
  });

  test('when another entry than it names is at its place, even one that is no record', async () => {
    const leafHash = history.root(2);
    for (const index of [0, 3, 14, 19]) {
      expect((await convict({ index, sequence: 9, leafHash }, index)).kind).toBe('false-channel-head');
    }
  });

  test('when the entry that it names has another sequence, or is in another channel', async () => {
    expect((await convict({ index: 14, sequence: 10 }, 14)).kind).toBe('false-channel-head');
    expect((await convict({ index: 14, sequence: 8 }, 14)).kind).toBe('false-channel-head');
    const other = { index: 14, sequence: 9, channel: RELEASES.replace('stable', 'beta') };
    expect((await convict(other, 14)).kind).toBe('false-channel-head');
  });

  test('about builds when there is a later one', async () => {
    const { entries } = History.of(20);
    const build = await statementOf(NOON);
    const of = new History(entries.with(4, build).with(9, await statementOf(NOON + 1)));
    expect((await convict({ index: 4, sequence: 4, channel: BUILDS }, 9, { of })).kind).toBe('false-channel-head');
    expect((await convict({ index: 4, sequence: 9, channel: BUILDS }, 4, { of })).kind).toBe('false-channel-head');
    await never(convict({ index: 9, sequence: 9, channel: BUILDS }, 4, { of }), 'is not higher than 9');
  });
});

describe('a channel head that is true convicts nobody', () => {
  test('by the entry that it names, or an older one', async () => {
    await never(convict({ index: 14, sequence: 9 }, 14), 'the entry is the one that the channel head names');
    await never(convict({ index: 14, sequence: 9 }, 8), "the entry's sequence 6 is not higher than 9");
    await never(convict({ index: 8, sequence: 6 }, 3, { size: 14 }), 'is not higher than 6');
  });

  test('by an entry that was logged after its tree', async () => {
    // The proof is for the larger tree, and the head's root is the smaller one's.
    const head = channelHeadOf(keys, history, 14, { channel: RELEASES, index: 8, sequence: 6 });
    const note = await keys.channelSigner.sign(head);
    for (const entry of [history.entry(14, 20), { ...history.entry(13, 14), index: 14, leaf: history.entries[14]! }]) {
      await never(falseChannelHead(keys.log, note, entry), 'these parts are no evidence');
    }
  });

  test('by records of other channels, of other types, and by bytes that are no record', async () => {
    const { entries } = history;
    const of = new History(entries.with(15, await releaseOf(50, 'other')).with(16, await statementOf(NOON)));
    await never(convict({ index: 14, sequence: 9 }, 15, { of }), 'is not in channel');
    await never(convict({ index: 14, sequence: 9 }, 16, { of }), 'is not in channel');
    await never(convict({ index: 14, sequence: 9 }, 17, { of }), 'is not a statement that this version reads');
    // A platform of the same name as the database is another stream.
    const odd = RELEASES.replace('avdb-release:', 'build:');
    await never(convict({ index: 14, sequence: 14, channel: odd }, 8), 'is not in channel');
  });

  test('of a stream that this version does not know, but for the entry at its place', async () => {
    const channel = 'acme/Acme Shield/model:main/stable';
    await never(convict({ index: 8, sequence: 6, channel }, 14), 'none that this version knows');
    await never(convict({ index: 8, sequence: 6, channel }, 8), 'none that this version knows');
    const leafHash = history.root(2);
    expect((await convict({ index: 8, sequence: 6, channel, leafHash }, 8)).kind).toBe('false-channel-head');
  });
});

describe('whom a false channel head convicts', () => {
  const evidence = convict({ index: 8, sequence: 6 }, 14);

  test('nobody, for a verifier that does not know the log’s channel key', async () => {
    const { channelVerifiers: _, ...log } = keys.log;
    await expect(verifyEvidence(await evidence, [log])).rejects.toThrow('nothing here says which key signs');
    const stranger = testKeys(keys.log.origin, undefined, 7);
    const other = { ...log, channelVerifiers: promisingKeys(7).log.channelVerifiers! };
    await expect(verifyEvidence(await evidence, [other])).rejects.toThrow('is signed by none of the 1 known keys');
    // The log's other keys do not sign channel heads.
    const mixed = { ...log, channelVerifiers: stranger.log.verifiers };
    await expect(verifyEvidence(await evidence, [mixed])).rejects.toMatchObject({ code: 'bad-evidence' });
    // In another list it may be known.
    expect((await verifyEvidence(await evidence, [log, keys.log])).id).toBe((await evidence).id);
  });

  test('nobody but the log whose key it is', async () => {
    const { claim } = await evidence;
    const b = { ...keys.log, origin: 'log.example/b' };
    await expect(verifyEvidence({ ...(await evidence), origin: b.origin }, [b])).rejects.toThrow(
      'is of log log.example/a',
    );
    const moved = claim.checkpoints.map((note) => note.replace('\nlog.example/a\n', '\nlog.example/b\n'));
    const file = { ...(await evidence), origin: b.origin, claim: { ...claim, checkpoints: moved } };
    await expect(verifyEvidence(file, [b])).rejects.toThrow('does not hold');
  });

  test('nobody, with the signature of another head under it', async () => {
    const { claim } = await evidence;
    const other = await keys.channelSigner.sign(
      channelHeadOf(keys, history, 20, { channel: RELEASES, index: 14, sequence: 9 }),
    );
    const { text } = parseNote(claim.checkpoints[0]!);
    const checkpoints = [formatNote(text, parseNote(other).signatures)];
    const file = { ...(await evidence), claim: { ...claim, checkpoints } };
    await expect(verifyEvidence(file, [keys.log])).rejects.toThrow('does not hold');
  });

  test('the same trouble has the same id, whatever else is on the note; another head or entry has another', async () => {
    const next = seededNumbers(5);
    const head = channelHeadOf(keys, history, 20, { channel: RELEASES, index: 8, sequence: 6 });
    const { text, signatures } = parseNote(await keys.channelSigner.sign(head));
    const lines = shuffled([...signatures.map(({ line }) => line), ...greaseLines(5, next)], next);
    const greased = await falseChannelHead(keys.log, utf8(formatNote(text, lines)), history.entry(14));
    expect(greased).toEqual(await evidence);
    const again = await convict({ index: 8, sequence: 6, issuedSeconds: NOON + 60 }, 14);
    expect(again.id).toBe((await evidence).id);
    const others = [await convict({ index: 3, sequence: 5 }, 14), await convict({ index: 3, sequence: 5 }, 8)];
    expect(new Set([await evidence, ...others].map(({ id }) => id)).size).toBe(3);
  });

  test('it is listed apart from forks', async () => {
    const groups = groupEvidence(await samples(keys));
    expect(groups.filter(({ kinds }) => kinds.includes('false-channel-head')).map(({ kinds }) => kinds)).toEqual([
      ['false-channel-head'],
    ]);
  });
});

const below = async (said: Said, place: number): Promise<readonly string[]> =>
  explainEvidence(await convict(said, place)).drawing.trees[0]!.below.slice(2);

describe('the explanation', () => {
  test('says what the head says, what the tree has, and what that does not show', async () => {
    const explanation = explainEvidence(await convict({ index: 8, sequence: 6 }, 14));
    const text = explanationText(explanation).replaceAll(/\s+/g, ' ');
    expect(text).toContain(
      'signed that entry 8 is the newest of channel acme/Acme Shield/avdb-release:main/stable, which is',
    );
    expect(text).toContain('The channel head says: at 2026-09-21 14:13:20 UTC, the list had 20 entries');
    expect(text).toContain(`log.example/a/channel+${keys.channelSigner.keyId.toString(16).padStart(8, '0')} (Ed25519)`);
    expect(text).toContain('Place 14: Release 9 of database main');
    expect(text).toContain('has number 9, which is higher than 6');
    expect(text).not.toContain('Checkpoint 1');
  });

  test('draws what was said and what is, in each way in which a head is false', async () => {
    const leafHash = history.root(2);
    expect(await below({ index: 8, sequence: 6 }, 14)).toEqual(['but: place 14 is newer,', '  number 9']);
    expect(await below({ index: 14, sequence: 10 }, 14)).toEqual(['but: at place 14 is', '  number 9']);
    const beta = RELEASES.replace('stable', 'beta');
    expect(await below({ index: 14, sequence: 9, channel: beta }, 14)).toEqual([
      'but: at place 14 is',
      '  of another channel',
    ]);
    const [, hash] = await below({ index: 3, sequence: 5, leafHash }, 3);
    expect(hash).toMatch(/^ {2}[0-9a-f]{8}…$/);
    for (const said of [
      { index: 14, sequence: 10 },
      { index: 14, sequence: 9, channel: beta },
    ]) {
      const { sections } = explainEvidence(await convict(said, 14));
      expect(JSON.stringify(sections)).toMatch(/not what the channel head says of it/);
      expect(JSON.stringify(sections)).not.toMatch(/undefined|NaN|\[object/);
    }
  });

  test('shows no character that does not show', async () => {
    const channel = 'acme/x\u202e\u009b/avdb-release:main/stable';
    const evidence = await convict({ index: 14, sequence: 9, channel }, 14);
    expect(utf8Text(utf8(explanationText(explainEvidence(evidence))))).not.toMatch(/[\u202e\u009b]/);
  });
});
