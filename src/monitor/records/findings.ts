// What is found about records, as alerts: which trouble it is, and how many of one rule are told of one by one.

import type { Refusal } from '../../record/admission.ts';
import { severityOf } from '../../record/rules/domain.ts';
import type { DomainFinding, Severity } from '../../record/rules/domain.ts';
import { DOMAIN_RULES } from '../../record/rules/domain.ts';
import { plainFinding } from '../checks.ts';
import type { PlainTrouble } from '../checks.ts';
import type { PlainFinding } from '../finding.ts';
import type { ErrorDetails } from '../../errors.ts';
import type { RecordFinding } from './coverage.ts';

/** A finding about a record, and as which trouble it is told. */
export interface RecordNews extends RecordFinding {
  readonly trouble: PlainTrouble;
  readonly details: ErrorDetails;
}

/** So many of one rule are an alert each; what comes after them is one alert together. */
const ALONE: Readonly<Record<Severity, number>> = { critical: 32, error: 8, warning: 2, info: 0 };

const TROUBLE_OF = {
  critical: 'rule-critical',
  error: 'rule-error',
  warning: 'rule-warning',
  info: 'rule-note',
} as const satisfies Readonly<Record<Severity, PlainTrouble>>;

/** An entry that admission refuses. `other` is the entry that it differs from, where it says something else of the same (D01). */
export function inadmissible(
  index: number,
  { rule, field, found, expected, message }: Refusal,
  other: number | undefined,
): RecordNews {
  return {
    trouble: 'inadmissible',
    rule,
    severity: severityOf(rule),
    index,
    sentence: `entry ${index} should not have been admitted: ${message}`,
    details: { field, found, expected, ...(other !== undefined && { other }) },
  };
}

/** An entry that admission refuses by what is known, of which the bodies of so many earlier entries are no part. */
export function unjudged(index: number, { rule, field, message }: Refusal, withheld: number): RecordNews {
  const what = withheld === 1 ? 'an entry' : `${withheld} entries`;
  const [are, them] = withheld === 1 ? ['is', 'it'] : ['are', 'one of them'];
  return {
    trouble: 'unjudged',
    rule: 'unjudged',
    severity: 'warning',
    index,
    sentence: `entry ${index} cannot be judged, because ${what} before it ${are} withheld and it may rest on ${them}: ${message}`,
    details: { by: rule, field, withheld },
  };
}

/** An entry of which a signature does not hold. */
export function unsigned(index: number, message: string): RecordNews {
  const sentence = `entry ${index} is not signed by whom it names: ${message}`;
  return { trouble: 'invalid-entry', rule: 'signature', severity: 'critical', index, sentence, details: {} };
}

/** A leaf that was there before. */
export function repeated(index: number): RecordNews {
  const sentence = `entry ${index} is the same as an earlier entry`;
  return { trouble: 'repeated-entry', rule: 'repeated', severity: 'error', index, sentence, details: {} };
}

/** D26. */
export function unreadable(index: number, reason: string): RecordNews {
  const sentence = `entry ${index} is no statement: ${reason}`;
  return { trouble: 'not-a-statement', rule: 'D26', severity: 'warning', index, sentence, details: {} };
}

export function byRule({ rule, index, namespace, values, sentence }: DomainFinding): RecordNews {
  const { severity } = DOMAIN_RULES[rule];
  return { trouble: TROUBLE_OF[severity], rule, severity, index, sentence, details: { namespace, ...values } };
}

/** Something that did not come in time, as far as the entries say that the log serves. */
export function missed(finding: DomainFinding, withheld: number): RecordNews {
  const news = byRule(finding);
  if (withheld === 0) return news;
  const sentence = `${news.sentence}; ${withheld} entries are withheld, and it may be among them`;
  return { ...news, sentence, details: { ...news.details, withheld } };
}

/** The alert, given how many findings of its rule there were before: the same after a restart. */
export function alertOf(origin: string, news: RecordNews, before: number): PlainFinding {
  const { trouble, rule, severity, index, sentence, details } = news;
  const which = before < ALONE[severity] ? String(index) : 'more';
  // What cannot be read has had an alert a log since before there were rules.
  const keyDetail = trouble === 'not-a-statement' ? '' : `${rule} ${which}`;
  return plainFinding(trouble, origin, `${origin}: ${sentence}`, { rule, index, severity, ...details }, keyDetail);
}

/** The rules of which a finding may be that two entries cannot both be true. */
const BETWEEN_TWO: readonly string[] = ['D01', 'D06', 'D19', 'D28'];

/** The earlier of two entries that cannot both be true, as far as the log says; undefined of any other finding. */
export function otherOf({ rule, details }: RecordNews): number | undefined {
  const other = details['other'] ?? (rule === 'D06' ? details['build'] : undefined);
  // Where something was said in between, a file with two entries would leave it out.
  const isWhole = rule !== 'D19' || details['between'] === 0;
  return isWhole && BETWEEN_TWO.includes(rule) && typeof other === 'number' ? other : undefined;
}
