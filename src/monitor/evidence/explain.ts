// Says in plain words what verified evidence shows, for people who never heard of transparency logs: who signed what,
// when, why it cannot all be true, and what it does not show.

import { toHex } from '../../bytes.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { drawSvg } from './draw-svg.ts';
import { drawText } from './draw-text.ts';
import type { Drawing } from './drawing.ts';
import type { Evidence, EvidenceHead, Observation } from './evidence.ts';
import { KINDS } from './kinds.ts';
import type { ObservationVerdict } from './observe.ts';
import type { HeadSource } from '../watched-log.ts';
import { datesInWords, entriesInWords, printable, keysInWords, timeInWords } from './words.ts';

/** A part of an explanation. */
export interface ExplanationSection {
  readonly heading: string;
  /** Whole sentences, without line breaks. */
  readonly paragraphs: readonly string[];
}

export interface Explanation {
  /** One sentence, with the log's name, without a full stop. */
  readonly headline: string;
  readonly sections: readonly ExplanationSection[];
  readonly drawing: Drawing;
}

/** An observation with what its signature was found to be worth (observe.ts). */
export interface JudgedObservation {
  readonly observation: Observation;
  readonly verdict: ObservationVerdict;
}

/** The explanation of evidence that verifyEvidence returned, and, set apart from it, of what an observer says. */
export function explainEvidence(
  evidence: Evidence,
  observed?: JudgedObservation,
  hasher: Hasher = portableHasher,
): Explanation {
  const row = KINDS[evidence.kind];
  const words = row.words(evidence, hasher);
  const origin = printable(evidence.origin);
  const sections: ExplanationSection[] = [
    { heading: 'What a log promises', paragraphs: promise(origin) },
    {
      heading: 'What was signed',
      paragraphs: words.signed ?? evidence.heads.map((head, i) => signed(head, i, evidence)),
    },
    { heading: 'What is in it', paragraphs: words.entries },
    { heading: 'Why this cannot all be true', paragraphs: words.why },
    {
      heading: 'What this does not show',
      paragraphs: [
        ...words.notShown,
        `Who used the key. The signatures were made with the ${row.accuses === 'witness' ? 'witness' : 'log'}'s own key: by its operator, or by whoever got hold of it.`,
        ...(evidence.heads.some(({ missing }) => missing.length > 0) ? [ONE_KEY_OF_SEVERAL] : []),
      ],
    },
    { heading: 'Who came across it', paragraphs: observed === undefined ? [] : witnessed(observed) },
    { heading: 'How to check it', paragraphs: howToCheck(evidence, row.accuses === 'witness' ? 'witness' : 'log') },
  ];
  return Object.freeze({
    headline: `${origin} ${words.headline}`,
    sections: Object.freeze(sections.filter(({ paragraphs }) => paragraphs.length > 0)),
    drawing: row.draw(evidence, hasher),
  });
}

const ONE_KEY_OF_SEVERAL =
  'That all of its keys were used. Programs that insist on all of them do not take a checkpoint that lacks one, and whoever ' +
  'has got hold of a single key can sign so much and no more.';

/** Characters a line: what mails and terminals show. */
const LINE_WIDTH = 92;

/** The explanation as plain text with a final newline: headline, drawing, sections. */
export function explanationText({ headline, sections, drawing }: Explanation): string {
  const parts = [
    ...wrapped(`${headline}.`, ''),
    '',
    ...drawText(drawing).map((line) => (line === '' ? '' : `    ${line}`)),
    ...sections.flatMap(({ heading, paragraphs }) => [
      '',
      heading,
      ...paragraphs.flatMap((paragraph) => wrapped(paragraph, '- ')),
    ]),
  ];
  return `${parts.join('\n')}\n`;
}

/** The drawing of an explanation as an SVG file. */
export function explanationSvg({ drawing }: Explanation): string {
  return drawSvg(drawing);
}

function promise(origin: string): readonly string[] {
  return [
    `${origin} is a transparency log: a public list of entries that promises to be the same for everybody and to grow at ` +
      'its end only, so that nothing in it is ever changed, moved or taken back.',
    'To be held to that, it signs checkpoints. A checkpoint says how many entries the list has, and gives a root: a ' +
      'fingerprint of all of them in their order. Different lists have different roots; nobody can make two with the same.',
  ];
}

function signed(head: EvidenceHead, i: number, { heads }: Evidence): string {
  const name = heads.length === 1 ? 'The checkpoint' : `Checkpoint ${i + 1}`;
  const date = datesInWords(head);
  const time =
    date === undefined ? 'No signature that was checked states a time.' : `It says that this was so at ${date}.`;
  const missing =
    head.missing.length === 0 ? '' : ` It is not signed with the ${keysInWords(head.missing)}, known as the log's too.`;
  return (
    `${name} says: the list has ${entriesInWords(head.size)}, with the root ${toHex(head.rootHash)}. ` +
    `It is signed with the ${keysInWords(head.signatures.map(({ vkey }) => vkey))}. ${time}${missing}`
  );
}

const CAME_FROM: Readonly<Record<HeadSource, string>> = {
  log: 'from the log itself',
  peer: 'from another monitor',
  client: 'from somebody who uses the log',
  witness: 'from a witness',
};

const VERDICTS: Readonly<Record<ObservationVerdict, string>> = {
  signed: "This is signed with the observer's key.",
  'unknown-observer': 'Whether it is really the observer who says so was not checked: its key is not known here.',
  forged: "The observer's signature under this does not hold: somebody else wrote or changed it.",
};

function witnessed({ observation, verdict }: JudgedObservation): readonly string[] {
  const { observer, atSeconds, sources } = observation;
  const came = sources.map(
    ({ checkpoint, via, atSeconds: seconds }) =>
      `checkpoint ${checkpoint + 1} came ${CAME_FROM[via]} at ${timeInWords(seconds)}`,
  );
  return [
    `${printable(observer)} says that it noticed this at ${timeInWords(atSeconds)}${came.length === 0 ? '' : `: ${came.join('; ')}`}.`,
    `${VERDICTS[verdict]} It is a statement about how the checkpoints were found, and no part of the proof.`,
  ];
}

function howToCheck({ heads }: Evidence, whose: 'log' | 'witness'): readonly string[] {
  const keys = new Set(heads.flatMap(({ signatures }) => signatures.map(({ vkey }) => vkey)));
  return [
    `Run "limmat evidence verify" on the file, with ${whose === 'log' ? "the log's keys or a trust file" : 'a trust file that names the witness'}. It needs no network, and trusts neither ` +
      'this explanation nor whoever made the file. docs/evidence-file.md says how to do the same without limmat.',
    `Take the ${keys.size === 1 ? 'key' : 'keys'} from the ${whose}'s operator or from where its users have them, not from the file.`,
  ];
}

/** The text in lines of at most LINE_WIDTH characters, the first one after `start`; a longer word stays whole. */
function wrapped(text: string, start: string): readonly string[] {
  const lines: string[] = [];
  let line = start;
  for (const word of text.split(' ')) {
    const isFirst = line.length === start.length;
    if (!isFirst && line.length + 1 + word.length > LINE_WIDTH) {
      lines.push(line);
      line = ' '.repeat(start.length) + word;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line];
}
