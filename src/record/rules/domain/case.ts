// One entry, or one thing that has become due, looked at by the domain rules: what is known before it, what it changes,
// and what was found.

import { decodeCbor, encodeCbor, type CborValue } from '../../../cose/cbor.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import type { AdmissionWrite, Facts } from '../../admission/decision.ts';
import type { StateKey } from '../../admission/keys.ts';
import type { Statement } from '../../statement.ts';
import { MAX_TIME } from '../../time.ts';
import { dueKey, parametersKey } from './keys.ts';
import { DOMAIN_RULES, type DomainRuleId } from './table.ts';

/** What a rule found: about which entry, in whose namespace, the values that it compared, and a sentence with them. */
export interface DomainFinding {
  readonly rule: DomainRuleId;
  readonly index: number;
  readonly namespace: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly sentence: string;
}

/** What is to be judged when a time has passed; `about` is the rule's own affair. */
export interface Due {
  readonly rule: DomainRuleId;
  /** The last second at which nothing is the matter yet. */
  readonly atSeconds: number;
  /** Of the entry that it is about. */
  readonly index: number;
  readonly namespace: string;
  /** Tells apart what is due by one rule at one time. */
  readonly about: string;
  readonly values: CborValue;
}

/** The numbers that a policy states; null where it states none. */
export interface Parameters {
  readonly rebuildDays: number;
  readonly removalPercent: number;
  readonly cadenceSeconds: number;
  readonly skewSeconds: number;
  /** True where a policy states skewSeconds, and with it that the channels of a product count together. */
  readonly areChannelsTogether: boolean;
  readonly supervisionDays: number;
}

type ParameterRow = readonly (number | null)[];

export function parametersIn(value: Uint8Array | undefined): Parameters {
  const [rebuildDays, removalPercent, cadenceSeconds, skewSeconds, supervisionDays] =
    value === undefined ? [] : rowOf<ParameterRow>(value);
  return {
    rebuildDays: rebuildDays ?? DOMAIN_RULES.D05.default,
    removalPercent: removalPercent ?? DOMAIN_RULES.D12.default,
    cadenceSeconds: cadenceSeconds ?? DOMAIN_RULES.D11.default,
    skewSeconds: skewSeconds ?? DOMAIN_RULES.D14.default,
    areChannelsTogether: typeof skewSeconds === 'number',
    supervisionDays: supervisionDays ?? DOMAIN_RULES.D21.default,
  };
}

/** The values of a row. They are ours: written by the rules that read them. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says once, at the call, what the row is
export function rowOf<T>(bytes: Uint8Array): T {
  const value: unknown = decodeCbor(bytes);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return value as T;
}

/** Writes and findings that are gathered. */
export class Outcome {
  readonly hasher: Hasher;
  readonly writes: AdmissionWrite[] = [];
  readonly findings: DomainFinding[] = [];

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  write(key: StateKey, row: CborValue): void {
    this.writes.push({ key, value: encodeCbor(row) });
  }

  /** Asks to be called when a time has passed: once, unless it asks again. */
  schedule({ rule, atSeconds, index, namespace, about, values }: Due): void {
    // Later than any time there is: never.
    if (atSeconds > MAX_TIME) return;
    this.write(dueKey(this.hasher, atSeconds, rule, about), [rule, atSeconds, index, namespace, about, values]);
  }

  found(finding: DomainFinding): void {
    this.findings.push(finding);
  }
}

/** An admitted entry. `facts` is the state before it: of the keys that `domainKeysFor` and admission's `keysFor` name. */
export class DomainCase extends Outcome {
  readonly facts: Facts;
  readonly statement: Statement;
  readonly index: number;
  readonly leafHash: Uint8Array;

  constructor(facts: Facts, statement: Statement, index: number, leafHash: Uint8Array, hasher: Hasher) {
    super(hasher);
    this.facts = facts;
    this.statement = statement;
    this.index = index;
    this.leafHash = leafHash;
  }

  get namespace(): string {
    return this.statement.namespace;
  }

  /** The row of a key; undefined where there is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says once, at the call, what the row is
  row<T>(key: StateKey): T | undefined {
    const value = this.facts.get(key);
    return value && rowOf<T>(value);
  }

  get parameters(): Parameters {
    return parametersIn(this.facts.get(parametersKey(this.namespace)));
  }

  /** Something about this entry. */
  find(rule: DomainRuleId, values: DomainFinding['values'], sentence: string): void {
    this.found({ rule, index: this.index, namespace: this.namespace, values, sentence });
  }

  /** Something about this entry is to be judged once a time has passed. */
  remind(rule: DomainRuleId, atSeconds: number, about: string, values: CborValue): void {
    const { index, namespace } = this;
    this.schedule({ rule, atSeconds, index, namespace, about, values });
  }
}

/** How the rules get at the state when something is due: its keys follow from what they find. */
export interface StateReader {
  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]>;
  scan(
    from: StateKey,
    below: StateKey,
    limit: number,
  ): Promise<readonly { readonly key: StateKey; readonly value: Uint8Array }[]>;
}

/** Something that is due, and when it is looked at. */
export class DueCase extends Outcome {
  readonly due: Due;
  readonly nowSeconds: number;
  readonly reader: StateReader;

  constructor(due: Due, nowSeconds: number, reader: StateReader, hasher: Hasher) {
    super(hasher);
    this.due = due;
    this.nowSeconds = nowSeconds;
    this.reader = reader;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says once, at the call, what the row is
  async row<T>(key: StateKey): Promise<T | undefined> {
    const [value] = await this.reader.get([key]);
    return value && rowOf<T>(value);
  }

  /** What was put away with the reminder: the rule's own, so it is what that rule wrote. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says once, at the call, what it is
  values<T extends CborValue>(): T {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return this.due.values as T;
  }

  async parameters(): Promise<Parameters> {
    const [value] = await this.reader.get([parametersKey(this.due.namespace)]);
    return parametersIn(value);
  }

  /** Something about the entry that the reminder is about, or a later one. */
  find(values: DomainFinding['values'], sentence: string, index: number = this.due.index): void {
    const { rule, namespace } = this.due;
    this.found({ rule, index, namespace, values, sentence });
  }
}
