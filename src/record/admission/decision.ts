// What admission is asked and what it answers.

import type { StateKey } from './keys.ts';

/** The derived state before an entry, and this log's own roots: the values of the keys that `keysFor` names. */
export interface Facts {
  /** The value, or undefined where there is none. It must not change afterwards. */
  get(key: StateKey): Uint8Array | undefined;
}

/** One value to set, or to delete where it is null; the storage port's StateWrite has the same form. */
export interface AdmissionWrite {
  readonly key: StateKey;
  readonly value: Uint8Array | null;
}

/** The rules that admission holds entries to; docs/admission.md says what each refuses and accepts. */
export const RULE_IDS = Object.freeze([
  'A01',
  'A02',
  'A03',
  'A04',
  'A05',
  'A06',
  'A07',
  'A08',
  'A09',
  'A10',
  'D01',
  'D03',
  'D04',
  'D07',
  'D08',
  'D10',
  'D12',
  'D13',
  'D15',
  'D16',
  'D17',
  'D21',
  'D23',
  'D25',
  'D29',
] as const);

export type RuleId = (typeof RULE_IDS)[number];

/** Why an entry is not admitted: the rule, the field, what it says, and what would be accepted in its place. */
export interface Refusal {
  readonly admitted: false;
  readonly rule: RuleId;
  /** A field of the record, e.g. `refs[1]`, or a part of the header: `kid`, `iss`, `alg`, `typ`, `sub`, `iat`. */
  readonly field: string;
  readonly found: string;
  readonly expected: string;
  /** One sentence with both values. */
  readonly message: string;
}

/** The state writes that an admitted entry brings. */
export interface Admitted {
  readonly admitted: true;
  readonly writes: readonly AdmissionWrite[];
}

export type Decision = Admitted | Refusal;

/** Thrown inside the rules only; `admit` answers its refusal. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(rule: RuleId, field: string, found: string, expected: string) {
    const message = `rule ${rule}: ${field} is ${found}; accepted would be ${expected}`;
    super(message);
    this.refusal = Object.freeze({ admitted: false, rule, field, found, expected, message });
  }
}
