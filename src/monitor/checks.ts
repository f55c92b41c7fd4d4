// What a monitor's checks find, as findings and as the keys of their alerts. The troubles themselves are rows of trouble-table.ts.

import { toHex, utf8 } from '../bytes.ts';
import type { ErrorDetails } from '../errors.ts';
import { portableHasher } from '../merkle/hash.ts';
import { formatKeyId, parseVerifierKey } from '../note/key.ts';
import { accusedPair } from './evidence/conflict-name.ts';
import type { Evidence, EvidenceKind } from './evidence/evidence.ts';
import { KINDS } from './evidence/kinds.ts';
import type { FindingClass, PlainFinding, ProofFinding } from './finding.ts';
import { SHOW_EVIDENCE, TROUBLES } from './trouble-table.ts';
import type { Ending } from './trouble-table.ts';

export { CHECKS } from './check-rows.ts';
export type { CheckRow } from './check-rows.ts';
export { TROUBLES } from './trouble-table.ts';
export type { Ending } from './trouble-table.ts';

export type Trouble = keyof typeof TROUBLES;

/** Troubles that are found without evidence. */
export type PlainTrouble = Exclude<Trouble, EvidenceKind>;

/** Origins have no limit of their own; a key has (finding.ts). Nor have the names of witnesses. */
const MAX_ORIGIN_IN_KEY = 160;
const MAX_DETAIL_IN_KEY = 70;

/** The key of a trouble's alert. A third part tells apart what happens to one log more than once. */
export function troubleKey(trouble: string, origin: string, detail = ''): string {
  const name = origin.length <= MAX_ORIGIN_IN_KEY ? origin : `sha256:${toHex(portableHasher.sha256(utf8(origin)))}`;
  return [trouble, name, detail].filter((part) => part !== '').join(' ');
}

/** A finding without evidence. */
export function plainFinding(
  trouble: PlainTrouble,
  origin: string,
  summary: string,
  details: ErrorDetails = {},
  keyDetail = '',
): PlainFinding {
  const row = TROUBLES[trouble];
  return { check: row.check, class: row.class, origin, key: troubleKey(trouble, origin, keyDetail), summary, details };
}

/**
 * The finding of evidence. Its key names the log and what it did, not the one piece of evidence: a log that forked once
 * forks at every head from then on, and each may bring a file. Records that contradict each other are a trouble each.
 */
export function proofFinding(evidence: Evidence): ProofFinding {
  const { kind, origin, id, heads } = evidence;
  const { check } = TROUBLES[kind];
  const sentence = `${origin} ${KINDS[kind].sentence}`;
  const pair = accusedPair(kind, evidence.claim);
  if (pair !== undefined) {
    const entries = pair.join(' and ');
    const key = conflictKey(origin, kind, pair);
    const summary = `${sentence} (entries ${entries})`;
    return { check, class: 'proof', origin, key, summary, details: { evidence: id, entries }, evidence };
  }
  if (KINDS[kind].accuses === 'witness') {
    const [witness = ''] = evidence.claim.keys;
    const { name, keyId } = parseVerifierKey(witness);
    const who = `${name}+${formatKeyId(keyId)}`;
    const summary = `${sentence}: ${who}`;
    const key = troubleKey(kind, origin, who.slice(-MAX_DETAIL_IN_KEY));
    return { check, class: 'proof', origin, key, summary, details: { evidence: id, witness: who }, evidence };
  }
  const sizes = heads.map(({ size }) => size).join(' and ');
  const summary = `${sentence} (sizes ${sizes})`;
  return {
    check,
    class: 'proof',
    origin,
    key: troubleKey(kind, origin),
    summary,
    details: { evidence: id, sizes },
    evidence,
  };
}

/** The key of what evidence says of two entries that cannot both be true. */
export function conflictKey(origin: string, kind: EvidenceKind, pair: readonly [number, number]): string {
  return troubleKey(kind, origin, pair.join(' '));
}

/** The key of the suspicion that two entries do not go together, which evidence of this kind says. */
export function suspicionKey(origin: string, kind: EvidenceKind, [earlier, later]: readonly [number, number]): string {
  return troubleKey('unexplained', origin, `${kind} ${earlier} ${later}`);
}

/** The finding of evidence that is proof only for whoever has replayed the log (kind-row.ts), by one who has not. */
export function suspicionFinding({ kind, origin, id }: Evidence, pair: readonly [number, number]): PlainFinding {
  const entries = pair.join(' and ');
  const summary = `${origin} ${KINDS[kind].sentence} (entries ${entries})`;
  return plainFinding('unexplained', origin, summary, { evidence: id, entries }, `${kind} ${pair.join(' ')}`);
}

/** How an alert with this key ends; `itself` for keys that others made (M10). */
export function endingOf(key: string): Ending {
  const [name = ''] = key.split(' ', 1);
  return isTrouble(name) ? TROUBLES[name].ends : 'itself';
}

/** True for the name of a row of TROUBLES. */
export function isTrouble(name: string): name is Trouble {
  return Object.hasOwn(TROUBLES, name);
}

/** What an alert means and what to do about it; by its class where nobody wrote a row for its trouble. */
export function adviceOn({ key, class: kind }: Pick<PlainFinding | ProofFinding, 'key' | 'class'>): {
  readonly means: string;
  readonly advice: string;
} {
  const [name = ''] = key.split(' ', 1);
  const { means, advice }: { means: string; advice: string } = isTrouble(name) ? TROUBLES[name] : CLASS_ADVICE[kind];
  return { means, advice };
}

/** What each class says about the log, and what to do about any finding of it. */
export const CLASS_ADVICE: Readonly<Record<FindingClass, { readonly means: string; readonly advice: string }>> =
  Object.freeze({
    proof: { means: 'The log contradicts itself, and the evidence proves it to anyone.', advice: SHOW_EVIDENCE },
    suspicion: {
      means: 'An honest log does not do this, and nothing at hand proves more.',
      advice: 'Ask other monitors what they see, and the operator.',
    },
    operational: {
      means: 'The monitor could not look. This says nothing about the log.',
      advice: 'Check this machine, its network and its settings.',
    },
    record: { means: 'Something about records; the log is not accused.', advice: 'Look at the record.' },
    info: { means: 'A change that people should know of; nobody is accused.', advice: 'Nothing, if that was meant.' },
  });
