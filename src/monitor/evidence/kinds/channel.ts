// False channel head: the log signed that an entry is the newest of a channel, and its own tree says otherwise. Only
// against logs whose channel keys are known, which promise that their heads count every record (docs/channel-head.md).

import { equalBytes, fromBase64, toHex } from '../../../bytes.ts';
import { isLimmatError } from '../../../errors.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { parseChannelHead } from '../../../note/channel-head.ts';
import type { ChannelHead } from '../../../note/channel-head.ts';
import { parseNote } from '../../../note/note.ts';
import { channelPlace, channelType } from '../../../record/channel.ts';
import type { ChannelPlace } from '../../../record/channel.ts';
import { parseStatement } from '../../../record/statement.ts';
import { drawnTree } from '../drawing.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim, OpenedEntry } from '../kind-row.ts';
import { entriesInWords, entryInWords, keysInWords, printable, shortHash, timeInWords } from '../words.ts';

/** A channel head and an entry that is in the tree of its size and root. */
export const falseChannelHead: KindRow = {
  kind: 'false-channel-head',
  sentence: 'signed that an entry is the newest of a channel, which it is not in its own tree',
  signed: 'channel-head',
  checkpoints: 1,
  entries: 1,
  members: ['entries'],
  // The head is about one tree. When it was issued is no part of the argument.
  timed: false,
  accuses: 'log',
  check({ channelHead, entries }: OpenedClaim): void {
    lieOf(channelHead!, entries[0]!);
  },
  words(evidence: Evidence, hasher: Hasher): KindWords {
    const { head, entry, lie } = opened(evidence, hasher);
    const { size, index, sequence, issuedSeconds } = head;
    const channel = printable(head.channel);
    return {
      headline: `signed that entry ${index} is the newest of channel ${channel}, which is false`,
      signed: [
        'A channel head is what a log signs, with a key that is for nothing else, about one channel of one product: which of ' +
          'the entries in its list is the newest one there, by the number that its releases have. Programs rely on it so ' +
          'that nobody can keep them on an old release.',
        `The channel head says: at ${timeInWords(issuedSeconds)}, the list had ${entriesInWords(size)}, with the root ` +
          `${toHex(head.rootHash)}, and the newest of channel ${channel} was the entry at place ${index} with the ` +
          `fingerprint ${toHex(head.leafHash)}, number ${sequence}. ` +
          `It is signed with the ${keysInWords(evidence.heads[0]!.signatures.map(({ vkey }) => vkey))}.`,
      ],
      entries: [`Place ${entry.index}: ${entryInWords(evidence.claim.entries![0]!, hasher)}.`],
      why: [
        'The entry is in the very list that the channel head is about, by a calculation that leads from the entry at its ' +
          'place to the signed root, and that anybody can repeat.',
        whyInWords(lie, head),
      ],
      notShown: [
        'Who was shown the false channel head, and whether anybody used an old release because of it.',
        'That it was on purpose. A mistake in how the newest entry is looked up has the same effect.',
      ],
    };
  },
  draw(evidence: Evidence, hasher: Hasher): Drawing {
    const { head, entry, lie } = opened(evidence, hasher);
    return {
      caption: `A tree of ${entriesInWords(head.size)}, and what a channel head says is the newest entry of a channel in it.`,
      trees: [
        {
          ...drawnTree(evidence.heads[0]!, false),
          signed: `signed as of ${timeInWords(head.issuedSeconds)}`,
          below: [
            `said: place ${head.index} is newest,`,
            `  number ${head.sequence}, ${shortHash(head.leafHash)}`,
            lie.what === 'newer' ? `but: place ${entry.index} is newer,` : `but: at place ${entry.index} is`,
            `  ${drawnLie(lie, head, entry)}`,
          ],
        },
      ],
      sign: '',
    };
  },
};

/** In what way a head is false. */
type Lie =
  | { readonly what: 'newer'; readonly place: ChannelPlace }
  | { readonly what: 'other-entry' }
  | { readonly what: 'misnamed'; readonly place: ChannelPlace | undefined };

/** Throws `bad-evidence` when the entry leaves room for the head to be true. */
function lieOf(head: ChannelHead, entry: OpenedEntry): Lie {
  const isNamed = entry.index === head.index;
  if (isNamed && !equalBytes(entry.leafHash, head.leafHash)) return { what: 'other-entry' };
  if (channelType(head.channel) === undefined) {
    throw badEvidence(`the stream of channel ${printable(head.channel)} is none that this version knows`);
  }
  const place = placeOf(entry);
  const isThere = place?.channel === head.channel;
  if (isNamed) {
    if (!isThere || place.sequence !== head.sequence) return { what: 'misnamed', place };
    throw badEvidence(`the entry is the one that the channel head names, with sequence ${head.sequence}`);
  }
  if (!isThere) throw badEvidence(`the entry is not in channel ${printable(head.channel)}`);
  if (place.sequence > head.sequence) return { what: 'newer', place };
  throw badEvidence(
    `the entry's sequence ${place.sequence} is not higher than ${head.sequence}, which the channel head names`,
  );
}

function placeOf({ leaf, index }: OpenedEntry): ChannelPlace | undefined {
  try {
    return channelPlace(parseStatement(leaf).record, index);
  } catch (error) {
    if (!isLimmatError(error)) throw error;
    throw badEvidence(`the entry is not a statement that this version reads: ${error.message}`, error);
  }
}

/** The parts of verified evidence again. */
function opened(
  { claim }: Evidence,
  hasher: Hasher,
): { readonly head: ChannelHead; readonly entry: OpenedEntry; readonly lie: Lie } {
  const { index, leaf: text, checkpoint } = claim.entries![0]!;
  const leaf = fromBase64(text)!;
  const head = parseChannelHead(parseNote(claim.checkpoints[0]!).text);
  const entry = { index, leaf, leafHash: hasher.leafHash(leaf), checkpoint };
  return { head, entry, lie: lieOf(head, entry) };
}

function whyInWords(lie: Lie, head: ChannelHead): string {
  if (lie.what === 'newer') {
    return (
      `It is in the same channel and has number ${lie.place.sequence}, which is higher than ${head.sequence}: so the entry ` +
      'that the channel head names is not the newest.'
    );
  }
  if (lie.what === 'other-entry') {
    return (
      `At place ${head.index}, where the channel head names an entry with another fingerprint, there is this one. At one ` +
      'place of a list there is one entry.'
    );
  }
  const is =
    lie.place === undefined
      ? 'in no channel'
      : `number ${lie.place.sequence} of channel ${printable(lie.place.channel)}`;
  return `It is the entry that the channel head names, and it is ${is}: not what the channel head says of it.`;
}

/** As whyInWords, in the room that a drawing has. */
function drawnLie(lie: Lie, head: ChannelHead, { leafHash }: OpenedEntry): string {
  if (lie.what === 'other-entry') return shortHash(leafHash);
  if (lie.place === undefined) return 'in no channel';
  return lie.place.channel === head.channel ? `number ${lie.place.sequence}` : 'of another channel';
}
