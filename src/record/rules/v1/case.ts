// One entry that is being judged: what it says, what is known before it, and the writes that it brings.

import { toHex } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { entryKey, keyKey, LOG_KEY, namespaceKey, siteKey, type StateKey } from '../../admission/keys.ts';
import { Refused, type AdmissionWrite, type Facts, type RuleId } from '../../admission/decision.ts';
import {
  entryValue,
  keyValue,
  logValue,
  namespaceValue,
  siteValue,
  type EntryState,
  type KeyState,
  type LogState,
  type NamespaceState,
  type SiteState,
} from '../../admission/values.ts';
import { show } from '../../field-error.ts';
import { productOf, type RecordType } from '../../types.ts';
import type { Statement } from '../../statement.ts';

export class Case {
  readonly facts: Facts;
  readonly statement: Statement;
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly hasher: Hasher;
  readonly writes: AdmissionWrite[] = [];
  readonly #log: LogState | undefined;
  readonly #own: NamespaceState | undefined;

  constructor(facts: Facts, statement: Statement, index: number, leafHash: Uint8Array, hasher: Hasher) {
    this.facts = facts;
    this.statement = statement;
    this.index = index;
    this.leafHash = leafHash;
    this.hasher = hasher;
    const log = facts.get(LOG_KEY);
    this.#log = log && logValue.parse(log);
    this.#own = this.namespace(statement.namespace);
  }

  write(key: StateKey, value: Uint8Array): void {
    this.writes.push({ key, value });
  }

  /** The log as its genesis says; only after `checkOpen`. */
  get log(): LogState {
    return this.#log!;
  }

  /** The statement's own namespace; only after `checkOpen`. */
  get own(): NamespaceState {
    return this.#own!;
  }

  /** True in the namespace in which the log speaks of itself. */
  get isLogs(): boolean {
    return this.statement.namespace === this.log.namespace;
  }

  /** Refuses what no log without genesis, no log that has ended and no namespace that is not in the log takes. */
  checkOpen(): void {
    const log = this.#log;
    if (log === undefined) throw new Refused('A01', 'typ', this.statement.type, 'a log whose entry 0 is its genesis');
    if (log.finalSize !== null && this.index >= log.finalSize) {
      throw new Refused('A09', 'typ', `entry ${this.index}`, `nothing: the log ended with ${log.finalSize} entries`);
    }
    const { namespace } = this.statement;
    if (this.#own === undefined) {
      throw new Refused('A02', 'sub', `of namespace ${namespace}`, 'a namespace that a membership has admitted');
    }
    if (this.#own.leftAt !== null) {
      const left = `nothing: the namespace left the log with entry ${this.#own.leftAt}`;
      throw new Refused('A02', 'sub', `of namespace ${namespace}`, left);
    }
  }

  namespace(name: string): NamespaceState | undefined {
    const value = this.facts.get(namespaceKey(name));
    return value && namespaceValue.parse(value);
  }

  /** A key in the statement's namespace. */
  key(kid: Uint8Array): KeyState | undefined {
    const value = this.facts.get(keyKey(this.statement.namespace, kid));
    return value && keyValue.parse(value);
  }

  site(siteId: string): SiteState | undefined {
    const value = this.facts.get(siteKey(this.statement.namespace, siteId, this.hasher));
    return value && siteValue.parse(value);
  }

  entry(ref: Uint8Array): EntryState | undefined {
    const value = this.facts.get(entryKey(ref));
    return value && entryValue.parse(value);
  }

  /** The entry that a field refers to; refused by the rule unless it is in the log and of one of the types. */
  referred(field: string, ref: Uint8Array, types: readonly RecordType[] = [], rule: RuleId = 'D25'): EntryState {
    const entry = this.entry(ref);
    const wanted = types.length === 0 ? 'of an entry' : `of a ${types.join(' or ')}`;
    if (entry === undefined) {
      throw new Refused(rule, field, `${toHex(ref)}, which is no entry yet`, `the leaf hash ${wanted} of this log`);
    }
    if (types.length > 0 && !types.includes(entry.type)) {
      throw new Refused(rule, field, `a ${entry.type} (entry ${entry.index})`, `the leaf hash ${wanted}`);
    }
    return entry;
  }

  /** As `referred`, for entries that only the own namespace's may be. */
  referredInOwn(field: string, ref: Uint8Array, types: readonly RecordType[], rule: RuleId = 'D25'): EntryState {
    const entry = this.referred(field, ref, types, rule);
    const { namespace } = this.statement;
    if (entry.namespace !== namespace) {
      throw new Refused(rule, field, `an entry of ${entry.namespace}`, `an entry of the namespace ${namespace}`);
    }
    return entry;
  }

  /** The value under which later entries find this one. */
  entryValue(about: Uint8Array | null): Uint8Array {
    const { type, namespace, kid, iss, record } = this.statement;
    return entryValue.format({
      type,
      index: this.index,
      namespace,
      kid,
      issuer: iss,
      product: productOf(record) ?? null,
      about,
      standing: 'stands',
    });
  }
}

/** Texts of a statement in a message: quoted, and never long. */
export function quoted(values: readonly string[] | string): string {
  return typeof values === 'string' ? show(values) : values.map((value) => show(value)).join(', ');
}
