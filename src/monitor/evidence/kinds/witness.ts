// A witness that cosigned two histories. What a cosignature says is that the witness has seen that this tree begins with
// every one that it cosigned before: so two cosigned trees of which neither begins with the other are one lie at least, by
// the witness, whoever made the two trees.

import type { Hasher } from '../../../merkle/hash.ts';
import type { Drawing } from '../drawing.ts';
import type { Evidence, EvidenceHead } from '../evidence.ts';
import { badEvidence } from '../kind-row.ts';
import type { KindRow, KindWords, OpenedClaim } from '../kind-row.ts';
import { entriesInWords, keyInWords, timeInWords } from '../words.ts';
import { forkPrefix, forkSameSize } from './fork.ts';

/** Two checkpoints as in fork-same-size or, with the members of it, as in fork-prefix, both cosigned by one witness. */
export const witnessConflict: KindRow = {
  kind: 'witness-conflict',
  sentence: 'has a witness that cosigned two different histories of it',
  signed: 'cosigned-checkpoint',
  checkpoints: 2,
  entries: 0,
  members: [],
  mayHave: ['prefixRoot', 'consistency'],
  timed: false,
  accuses: 'witness',
  check(claim: OpenedClaim): void | Promise<void> {
    const { heads, prefixRoot, consistency } = claim;
    const [a, b] = [heads[0]!, heads[1]!];
    if (cosignedBoth(a, b) === undefined) {
      throw badEvidence('no witness that is known here cosigned both checkpoints, each as of a time');
    }
    if (a.size !== b.size) {
      if (prefixRoot === undefined)
        throw badEvidence('trees of two sizes take what the larger one has at the smaller size');
      return forkPrefix.check(claim);
    }
    if (prefixRoot !== undefined || consistency.length > 0) throw badEvidence('two trees of one size take no proof');
    return forkSameSize.check(claim);
  },
  words(evidence: Evidence, hasher: Hasher): KindWords {
    const [a, b] = [evidence.heads[0]!, evidence.heads[1]!];
    const { vkey, times } = cosignedBoth(a, b)!;
    const [first, second] = times;
    const { why } = row(evidence).words(evidence, hasher);
    return {
      headline: `has the witness ${keyInWords(vkey)}, which cosigned two different histories of it, of ${entriesInWords(a.size)} and of ${entriesInWords(b.size)}`,
      entries: [],
      why: [
        `The key ${keyInWords(vkey)} cosigned the one checkpoint at ${timeInWords(first)} and the other one at ${timeInWords(second)}. ` +
          'A cosignature says that the witness has made sure that the list begins with every one that it cosigned before.',
        ...why.slice(0, -1),
        'So the witness did not make sure: it cosigned what it had not compared with what it had cosigned before. It is the ' +
          'witness that is convicted here.',
      ],
      notShown: [
        'That the log signed both, which its own signatures would have to show. Where it did, it forked: look for evidence of that.',
        'Why the witness did so: it may have lost what it remembered, or its key may be with somebody else.',
      ],
    };
  },
  draw(evidence: Evidence, hasher: Hasher): Drawing {
    return row(evidence).draw(evidence, hasher);
  },
};

function row({ claim }: Evidence): KindRow {
  return claim.prefixRoot === undefined ? forkSameSize : forkPrefix;
}

/** The first key that states a time on both; a line without a time does not say that the tree was compared with others. */
function cosignedBoth(
  a: EvidenceHead,
  b: EvidenceHead,
): { readonly vkey: string; readonly times: readonly [number, number] } | undefined {
  for (const { vkey, timestampSeconds } of a.signatures) {
    const other = b.signatures.find((line) => line.vkey === vkey)?.timestampSeconds ?? 0;
    if (timestampSeconds !== 0 && other !== 0) return { vkey, times: [timestampSeconds, other] };
  }
  return undefined;
}
