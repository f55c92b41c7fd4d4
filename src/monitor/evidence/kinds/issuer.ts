// What the issuers of records said, and cannot both be true. The log is not accused: it vouches, by its rules, for whose
// keys these are. The signatures of both records are verified with keys that other entries of the claim bring.

import type { Hasher } from '../../../merkle/hash.ts';
import { drawnTree } from '../drawing.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence, EvidenceKind } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim } from '../kind-row.ts';
import { MAX_DECIDING_ENTRIES, readRecord, readRecordClaim } from '../records/claim.ts';
import type { RecordClaim } from '../records/claim.ts';
import { locationBreachOf, recordConflictOf, verdictConflictOf } from '../records/conflict.ts';
import type { Pair } from '../records/conflict.ts';
import { checkSigned } from '../records/judge.ts';
import { entriesInWords, entryInWords, printable } from '../words.ts';
import { claimAgain } from './admission.ts';

/** D01, D08, D28: one issuer, two statements about the same. */
export const recordConflict: KindRow = issuerKind({
  kind: 'record-conflict',
  sentence:
    'has two statements of one issuer about the same, which are not both true unless one between them explains it',
  find: recordConflictOf,
  drawn: 'says otherwise',
  needsReplay: true,
  notShown: [
    'That there is no third statement between the two, by which the issuer took the first one back or changed it. Then ' +
      'nobody said anything untrue. Look through the log for one.',
    'Which of the two is true, if any; nor whether the issuer has corrected it since.',
  ],
});

/** D17, D19: moved, it was said, and still there. */
export const locationBreach: KindRow = issuerKind({
  kind: 'location-breach',
  sentence: 'has a statement that something was moved, and a later one that places it elsewhere',
  find: locationBreachOf,
  drawn: 'places it elsewhere',
  needsReplay: true,
  notShown: [
    'That there is no third statement between the two, by which it was moved on or back, or the first one taken back. Then ' +
      'both are true. Look through the log for one.',
    'Where the data, the machines or the people really are. The log has what was said about it.',
  ],
});

/** D06, D30: it was made again, and something else came out. */
export const verdictConflict: KindRow = issuerKind({
  kind: 'verdict-conflict',
  sentence: 'has two statements about what one build contains, which cannot both be true',
  find: verdictConflictOf,
  drawn: 'found something else',
  notShown: [
    'Which of them is mistaken. Whoever made it again may have used other tools; whoever built it may have used other source.',
    'That the build is harmful. Other files came out; what is in them is for somebody to look at.',
  ],
});

const ONLY_A_SUSPICION =
  'By itself this file is a suspicion: what the same issuer said between the two is not in it. It is proof for whoever has ' +
  'read the whole log, as a monitor does, and found nothing there that goes with both.';

interface IssuerKind {
  readonly kind: EvidenceKind;
  readonly sentence: string;
  readonly find: (pair: Pair, claim: RecordClaim) => string | undefined;
  readonly drawn: string;
  readonly needsReplay?: true;
  readonly notShown: readonly string[];
}

function issuerKind({ kind, sentence, find, drawn, needsReplay, notShown }: IssuerKind): KindRow {
  const conflictOf = (claim: RecordClaim): { readonly pair: Pair; readonly why: string } => {
    const [earlier, later] = claim.accused.map(readRecord);
    const pair = [earlier!, later!] as const;
    const why = find(pair, claim);
    if (why === undefined) throw badEvidence('both entries can be true');
    return { pair, why };
  };
  return {
    kind,
    sentence,
    signed: 'checkpoint',
    checkpoints: 1,
    entries: [3, MAX_DECIDING_ENTRIES + 2],
    members: ['entries'],
    timed: false,
    accuses: 'issuer',
    ...(needsReplay === true && { needsReplay }),
    judgesRecords: true,
    async check(opened: OpenedClaim): Promise<void> {
      const claim = readRecordClaim(opened, 2);
      const { pair } = conflictOf(claim);
      for (const record of pair) await checkSigned(claim, record);
    },
    words(evidence: Evidence, hasher: Hasher): KindWords {
      const { pair, why } = conflictOf(claimAgain(evidence, 2, hasher));
      const [a, b] = pair;
      const issuers = [...new Set(pair.map(({ statement }) => printable(statement.iss)))];
      return {
        headline: `${sentence}: entries ${a.index} and ${b.index}, by ${issuers.join(' and ')}`,
        entries: evidence.claim.entries!.map((entry) => `Place ${entry.index}: ${entryInWords(entry, hasher)}.`),
        why: [
          printable(why),
          `${issuers.join(' and ')} signed them: both signatures hold, with keys that other entries here bring. Both entries ` +
            'are in the one list that the log signed, so nobody can take either back.',
          ...(needsReplay === true ? [ONLY_A_SUSPICION] : []),
          'It is not the log that is convicted here. It keeps what was said; to say it was the issuer’s decision.',
        ],
        notShown: [
          ...notShown,
          'That a key is really that of whom the record names. The log admitted it as that, by its rules (docs/admission.md).',
        ],
      };
    },
    draw(evidence: Evidence, hasher: Hasher): Drawing {
      const { pair } = conflictOf(claimAgain(evidence, 2, hasher));
      const [a, b] = pair;
      const head = evidence.heads[0]!;
      return {
        caption: `A tree of ${entriesInWords(head.size)}, with two entries of which one at most is true${needsReplay === true ? ', unless one between them explains it' : ''}.`,
        trees: [
          {
            ...drawnTree(head, false),
            below: [`place ${a.index}: ${a.statement.type}`, `place ${b.index}: ${b.statement.type}`, `  ${drawn}`],
          },
        ],
        sign: '',
      };
    },
  };
}
