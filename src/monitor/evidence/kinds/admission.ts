// Entries that the log had promised not to take. Its genesis, entry 0, names the rules; the claim has the entries that
// decide, and at its end the one that the rules refuse after them, whatever else the log holds (records/known.ts).

import { portableHasher } from '../../../merkle/hash.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { fromBase64, toHex } from '../../../bytes.ts';
import { drawnTree } from '../drawing.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence, EvidenceKind } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim, OpenedEntry } from '../kind-row.ts';
import { MAX_DECIDING_ENTRIES, fieldsOf, readRecord, readRecordClaim } from '../records/claim.ts';
import type { RecordClaim } from '../records/claim.ts';
import { judgeByRules, wrongOf } from '../records/judge.ts';
import type { Wrong } from '../records/judge.ts';
import { RULE_WORDS } from '../records/rule-words.ts';
import { entriesInWords, entryInWords, printable, shortHash } from '../words.ts';

/** The rules about a release's place in its stream. */
const STREAM_RULES: readonly string[] = ['D08', 'D10', 'D12', 'D13'];

export const inadmissibleEntry: KindRow = admissionKind(
  'inadmissible-entry',
  'took an entry that its own rules refuse',
  (isStream) => {
    if (isStream) throw badEvidence('what is wrong is the order of releases: that is a stream-break');
  },
);

/** Releases that do not follow one another, in a log that promised to take only those that do. */
export const streamBreak: KindRow = admissionKind(
  'stream-break',
  'took a release that does not follow the one before it, against its own rules',
  (isStream) => {
    if (!isStream) throw badEvidence('what is wrong is not the order of releases: that is an inadmissible-entry');
  },
);

function admissionKind(kind: EvidenceKind, sentence: string, checkKind: (isStream: boolean) => void): KindRow {
  return {
    kind,
    sentence,
    signed: 'checkpoint',
    checkpoints: 1,
    entries: [2, MAX_DECIDING_ENTRIES + 1],
    members: ['entries'],
    // The order of entries decides, and no time.
    timed: false,
    accuses: 'log',
    judgesRecords: true,
    async check(opened: OpenedClaim): Promise<void> {
      const claim = readRecordClaim(opened, 1);
      const [accused] = claim.accused;
      checkKind(isStreamRule(await wrongOf(claim, accused!), accused!));
    },
    words(evidence: Evidence, hasher: Hasher): KindWords {
      const { accused, wrong } = again(evidence, hasher);
      const entries = evidence.claim.entries!;
      return {
        headline: `${sentence}: entry ${accused.index}${wrong.what === 'refused' ? `, by rule ${wrong.refusal.rule}` : ''}`,
        entries: entries.map((entry) => `Place ${entry.index}: ${entryInWords(entry, hasher)}.`),
        why: [
          'The entry at place 0 is where this log says what it is, and by which rules it takes entries (rules v1). ' +
            'docs/admission.md has them. They depend on the entries before an entry and on nothing else, so anybody can ' +
            'apply them again. All entries here are in the one list that the log signed.',
          `${wrongInWords(wrong, accused)} So this entry, or one of those by which it is judged, should not be in the list: ` +
            'the log took what it had promised to refuse.',
          'It is the log that is convicted here. Whoever signed an entry may sign what they like; to let it in was the log’s ' +
            'decision.',
        ],
        notShown: [
          'That what the entry says is false. It is only shown that the log should not have taken it.',
          wrong.what === 'signature'
            ? 'Who made the entry. It names a key that did not sign it.'
            : 'Who signed the entry. Its signature was not looked at, because the log is bound by what it took.',
          'That it was on purpose. A mistake in the log’s program, or a log that was started without its rules, has the ' +
            'same effect.',
        ],
      };
    },
    draw(evidence: Evidence, hasher: Hasher): Drawing {
      const { accused, wrong } = again(evidence, hasher);
      const head = evidence.heads[0]!;
      const others = evidence.claim.entries!.slice(1, -1).map(({ index }) => index);
      const shown = others.length > 4 ? [...others.slice(0, 3), '…', others.at(-1)!] : others;
      return {
        caption: `A tree of ${entriesInWords(head.size)}, with an entry that the rules in its entry 0 refuse.`,
        trees: [
          {
            ...drawnTree(head, false),
            below: [
              'place 0 names the rules,',
              ...(shown.length === 0
                ? []
                : [shown.length === 1 ? `  place ${shown[0]} decides` : `  places ${shown.join(', ')} decide`]),
              `place ${accused.index}: ${wrong.what === 'refused' ? `refused by ${wrong.refusal.rule}` : DRAWN[wrong.what]},`,
              `  ${shortHash(accused.leafHash)}`,
            ],
          },
        ],
        sign: '',
      };
    },
  };
}

const DRAWN = { malformed: 'is no record', repeated: 'is there twice', signature: 'signature is false' } as const;

function isStreamRule(wrong: Wrong, accused: OpenedEntry): boolean {
  if (wrong.what !== 'refused' || !STREAM_RULES.includes(wrong.refusal.rule)) return false;
  return fieldsOf(readRecord(accused).statement.record, 'avdb-release') !== undefined;
}

/** The parts of verified evidence again. What no rule refuses was found to have a signature that does not hold. */
function again(evidence: Evidence, hasher: Hasher): { readonly accused: OpenedEntry; readonly wrong: Wrong } {
  const claim = claimAgain(evidence, 1, hasher);
  const accused = claim.accused[0]!;
  const wrong = judgeByRules(claim, accused);
  if (typeof wrong !== 'string') return { accused, wrong };
  return { accused, wrong: { what: 'signature', kid: toHex(readRecord(accused).statement.kid) } };
}

/** The record claim of verified evidence, without a look at what was verified. */
export function claimAgain({ claim }: Evidence, accused: 1 | 2, hasher: Hasher = portableHasher): RecordClaim {
  const entries = claim.entries!.map(({ index, leaf: text, checkpoint }) => {
    const leaf = fromBase64(text)!;
    return { index, leaf, leafHash: hasher.leafHash(leaf), checkpoint };
  });
  const records = entries.slice(0, -accused).map(readRecord);
  return { genesis: records[0]!, records, accused: entries.slice(-accused), hasher };
}

function wrongInWords(wrong: Wrong, { index }: OpenedEntry): string {
  switch (wrong.what) {
    case 'malformed':
      return `What is at place ${index} is no signed record at all, in any version of the format (${printable(wrong.message)}).`;
    case 'repeated':
      return `What is at place ${index} is at place ${wrong.index} already, byte for byte. The same record is taken once.`;
    case 'signature':
      return `A signature on the entry at place ${index} does not hold. The key that it names is ${wrong.kid.slice(0, 16)}… or that of an approval in it.`;
    default: {
      const { rule, field, found, expected } = wrong.refusal;
      return (
        `${RULE_WORDS[rule]} By rule ${rule}, the entry at place ${index} is refused: its ${field} is ${printable(found)}, and what could be ` +
        `taken is ${printable(expected)}.`
      );
    }
  }
}
