// The rules about records that admission does not judge, because nothing in an entry is wrong by itself, time has to pass
// first, or honest vendors do it too: what a reader of the whole log finds (docs/admission.md, "What becomes of each
// domain rule"). D22 and D24 are the monitor's check M08.

/** How grave what a rule finds is. */
export type Severity = 'critical' | 'error' | 'warning' | 'info';

export interface DomainRule {
  readonly id: string;
  readonly severity: Severity;
  /** In force where the namespace's policy states nothing; absent for rules without a number. */
  readonly default?: number;
  /** What the number counts, and the policy's parameter that replaces it. */
  readonly unit?: 'days' | 'percent' | 'seconds';
  readonly parameter?: 'rebuildDays' | 'removalPercent' | 'cadenceSeconds' | 'skewSeconds' | 'supervisionDays';
  readonly sentence: string;
}

export const DOMAIN_RULES = Object.freeze({
  D02: {
    id: 'D02',
    severity: 'info',
    sentence: 'No file is in builds of two identities (a product in a version, for a channel and a platform).',
  },
  D05: {
    id: 'D05',
    severity: 'error',
    default: 30,
    unit: 'days',
    parameter: 'rebuildDays',
    sentence: 'Every build that is not declared irreproducible was rebuilt with the same result in time.',
  },
  D06: {
    id: 'D06',
    severity: 'critical',
    sentence: 'No rebuild gave other files, and those who rebuilt a build agree.',
  },
  D09: {
    id: 'D09',
    severity: 'warning',
    sentence: 'Neither the time of production nor the version of a stream’s releases goes backwards.',
  },
  D11: {
    id: 'D11',
    severity: 'warning',
    default: 3600,
    unit: 'seconds',
    parameter: 'cadenceSeconds',
    sentence: 'No stream is silent for more than three times its cadence, or past the validity of its newest release.',
  },
  D12: {
    id: 'D12',
    severity: 'warning',
    default: 10,
    unit: 'percent',
    parameter: 'removalPercent',
    sentence: 'No release removes more of the one before it than it may.',
  },
  D13: {
    id: 'D13',
    severity: 'warning',
    sentence: 'Content of an earlier release comes back only in a release that says so.',
  },
  D14: {
    id: 'D14',
    severity: 'warning',
    default: 86_400,
    unit: 'seconds',
    parameter: 'skewSeconds',
    sentence:
      'Channels that count together, by the policy or by one version text, have the same content under one number, about the same time.',
  },
  D16: {
    id: 'D16',
    severity: 'critical',
    sentence: 'Nothing was signed by a key since it was compromised.',
  },
  D18: {
    id: 'D18',
    severity: 'error',
    sentence: 'What was promised or planned for a day was done by then, and the day was not put off.',
  },
  D19: {
    id: 'D19',
    severity: 'error',
    sentence:
      'What was moved, work at a site included, stays there, and is deleted where it came from once both places need not have it.',
  },
  D20: {
    id: 'D20',
    severity: 'warning',
    default: 365,
    unit: 'days',
    sentence: 'Every region of a promise is in some step of a relocation by its deadline.',
  },
  D21: {
    id: 'D21',
    severity: 'error',
    default: 90,
    unit: 'days',
    parameter: 'supervisionDays',
    sentence: 'What is said to be supervised was attested in time.',
  },
  D27: {
    id: 'D27',
    severity: 'warning',
    default: 30,
    unit: 'days',
    sentence: 'No stream of releases ends without a word that it does.',
  },
  D28: {
    id: 'D28',
    severity: 'warning',
    sentence: 'Nobody says two things about one relocation without saying that one replaces the other.',
  },
  D30: {
    id: 'D30',
    severity: 'warning',
    sentence: 'No product that was rebuilt exactly is declared irreproducible later.',
  },
} as const satisfies Readonly<Record<string, DomainRule>>);

export type DomainRuleId = keyof typeof DOMAIN_RULES;

/** How grave an entry is that admission's rule refuses and a log took all the same. */
export function severityOf(rule: string): Severity {
  if (['D08', 'D15', 'D16', 'D17', 'A01', 'A08'].includes(rule)) return 'critical';
  return ['D13', 'D29'].includes(rule) ? 'warning' : 'error';
}
