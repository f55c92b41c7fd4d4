// What a log says about promises: the promises, and the records that could show them kept or contradict them. Takes a
// log's entries in order and keeps the few that matter, so that a log of any length can be read through.

import { toHex } from '../../bytes.ts';
import { comparePlaces, matterOf, mattersMeet, type Matter, type Place } from '../../record/matter.ts';
import { parseStatement, type Statement } from '../../record/statement.ts';
import { describe, type FieldsOf, type LimmatRecord } from '../../record/types.ts';
import { isLimmatError } from '../../errors.ts';

/** An entry that a report cites. */
export interface CitedEntry {
  readonly index: number;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly type: LimmatRecord['type'];
  /** The record in one sentence. Contains its texts as they are. */
  readonly says: string;
  readonly issuer: string;
  /** When it was signed, by the signer's own clock. */
  readonly signedAt: number;
  /** Whose word it is; a document's is `reported`. */
  readonly basis: 'own' | 'reported';
  readonly documentName?: string;
  readonly documentDate?: number;
}

/** One statement of a promise. */
export interface PromiseStatement {
  readonly entry: CitedEntry;
  readonly fields: FieldsOf<'commitment'>;
  readonly matter: Matter;
}

/** All statements of a promise, in the order of the log: those with its id, and those that took their place. */
export interface PromiseHistory {
  readonly namespace: string;
  readonly statements: readonly PromiseStatement[];
}

/** One step of a relocation. */
export interface RelocationStep {
  readonly entry: CitedEntry;
  readonly fields: FieldsOf<'relocation'>;
  readonly matter: Matter;
  /** When it took effect: what it says, else the document's date, else when it was signed. */
  readonly at: number;
}

/** A record of another type that may show a promise kept. */
export interface Deed {
  readonly entry: CitedEntry;
  readonly record: LimmatRecord;
  /** The namespaces whose promise it can show kept. */
  readonly namespaces: readonly string[];
  readonly at: number;
}

/** A history that may get more statements. */
interface OpenHistory extends PromiseHistory {
  readonly statements: PromiseStatement[];
}

export type TakenBack = 'retracted' | 'superseded';

/** Types that say something about promises. */
const KEPT: ReadonlySet<string> = new Set([
  'commitment',
  'relocation',
  'retraction',
  'site',
  'build',
  'avdb-release',
  'rebuild',
  'supervision',
  'review',
  'membership',
]);

export class PromiseFacts {
  readonly relocations: RelocationStep[] = [];
  readonly deeds: Deed[] = [];
  #size = 0;
  #unread = 0;
  /** By subject; two subjects may have become one promise. */
  readonly #promises = new Map<string, OpenHistory>();
  /** By leaf hash: the promise that the statement belongs to. */
  readonly #promiseOf = new Map<string, OpenHistory>();
  /** By leaf hash: whose entry it is, of those that a supervision may name. */
  readonly #namespaceOf = new Map<string, string>();
  readonly #takenBack = new Map<string, TakenBack>();
  readonly #countries = new Map<string, string>();
  /** By type: the namespaces that promised what such a record would show. Only what comes after the promise counts. */
  readonly #awaited = new Map<LimmatRecord['type'], Set<string>>();

  /** Entries so far. */
  get size(): number {
    return this.#size;
  }

  /** Entries so far that are no statements, or of a type that this version does not know. */
  get unread(): number {
    return this.#unread;
  }

  /** Takes the next entry of the log. */
  add(bytes: Uint8Array, leafHash: Uint8Array): void {
    const index = this.#size++;
    try {
      const statement = parseStatement(bytes);
      // What is kept is parsed from a copy: a view would keep the whole bundle that it came in.
      if (KEPT.has(statement.type)) this.#take(parseStatement(bytes.slice()), index, leafHash.slice());
    } catch (error) {
      if (!isLimmatError(error)) throw error;
      this.#unread++;
    }
  }

  /** The promises, in the order in which they were first stated. */
  promises(): readonly PromiseHistory[] {
    return [...new Set(this.#promises.values())].toSorted(
      (a, b) => a.statements[0]!.entry.index - b.statements[0]!.entry.index,
    );
  }

  /** What became of the entry; undefined while it stands. */
  takenBack({ leafHash }: CitedEntry): TakenBack | undefined {
    return this.#takenBack.get(toHex(leafHash));
  }

  comparePlaces(
    namespace: string,
    a: readonly Place[] | undefined,
    b: readonly Place[] | undefined,
  ): ReturnType<typeof comparePlaces> {
    return comparePlaces(a, b, (siteId) => this.#countries.get(siteKey(namespace, siteId)));
  }

  /** The steps about something that the promise is about, in the order of the log. */
  stepsAbout(matter: Matter): readonly RelocationStep[] {
    return this.relocations.filter(
      (step) => mattersMeet(matter, step.matter) && this.takenBack(step.entry) !== 'retracted',
    );
  }

  #take(statement: Statement, index: number, leafHash: Uint8Array): void {
    const { record, namespace, sub } = statement;
    switch (record.type) {
      case 'commitment': {
        const promise: OpenHistory = this.#promises.get(sub) ?? { namespace, statements: [] };
        this.#promises.set(sub, promise);
        this.#promiseOf.set(toHex(leafHash), promise);
        this.#namespaceOf.set(toHex(leafHash), namespace);
        const entry = citedEntry(statement, index, leafHash);
        promise.statements.push({ entry, fields: record.fields, matter: matterOf(record) });
        this.#await(record.fields.fulfilledBy?.type, namespace);
        return;
      }
      case 'relocation': {
        const { effectiveAt, basis } = record.fields;
        this.#namespaceOf.set(toHex(leafHash), namespace);
        const at = effectiveAt ?? basis?.documentDate ?? statement.iat;
        const entry = citedEntry(statement, index, leafHash);
        this.relocations.push({ entry, fields: record.fields, matter: matterOf(record), at });
        return;
      }
      case 'retraction':
        this.#takeBack(record.fields);
        return;
      case 'site':
        this.#countries.set(siteKey(namespace, record.fields.siteId), record.fields.country);
        break;
      case 'build':
        if (this.#awaits('rebuild', namespace)) this.#namespaceOf.set(toHex(leafHash), namespace);
        break;
      default:
        break;
    }
    const namespaces = this.#concerns(record).filter((each) => this.#awaits(record.type, each));
    if (namespaces.length === 0 && record.type !== 'site') return;
    const entry = citedEntry(statement, index, leafHash);
    this.deeds.push({
      entry,
      record,
      namespaces: record.type === 'site' ? [namespace] : namespaces,
      at: timeOf(statement),
    });
  }

  /** The namespaces whose promises the record may show kept. */
  #concerns(record: LimmatRecord): readonly string[] {
    switch (record.type) {
      case 'rebuild': {
        const namespace = this.#namespaceOf.get(toHex(record.fields.build));
        return namespace === undefined ? [] : [namespace];
      }
      case 'supervision': {
        const { range, refs = [] } = record.fields;
        const named = refs.flatMap((ref) => this.#namespaceOf.get(toHex(ref)) ?? []);
        return [...new Set([...(range?.namespaces ?? [record.namespace]), ...named])];
      }
      case 'membership':
        return [record.namespace, record.fields.namespace];
      case 'build':
      case 'avdb-release':
      case 'review':
      case 'site':
        return [record.namespace];
      default:
        return [];
    }
  }

  #await(type: LimmatRecord['type'] | undefined, namespace: string): void {
    if (type === undefined) return;
    this.#awaited.set(type, (this.#awaited.get(type) ?? new Set()).add(namespace));
  }

  #awaits(type: LimmatRecord['type'], namespace: string): boolean {
    return this.#awaited.get(type)?.has(namespace) === true;
  }

  #takeBack({ target, kind, replacement }: FieldsOf<'retraction'>): void {
    const isReplaced = kind === 'supersede' || kind === 'correct';
    this.#takenBack.set(toHex(target), isReplaced ? 'superseded' : 'retracted');
    const from = this.#promiseOf.get(toHex(target));
    const to = isReplaced ? this.#promiseOf.get(toHex(replacement!)) : undefined;
    if (from === undefined || to === undefined || from === to) return;
    // One promise under two ids from here on.
    from.statements.push(...to.statements);
    from.statements.sort((a, b) => a.entry.index - b.entry.index);
    for (const [subject, promise] of this.#promises) if (promise === to) this.#promises.set(subject, from);
    for (const { entry } of to.statements) this.#promiseOf.set(toHex(entry.leafHash), from);
  }
}

function siteKey(namespace: string, siteId: string): string {
  return `${namespace}/${siteId}`;
}

function citedEntry(statement: Statement, index: number, leafHash: Uint8Array): CitedEntry {
  const { record, iss, iat } = statement;
  const basis = 'basis' in record.fields ? record.fields.basis : undefined;
  return {
    index,
    leafHash,
    type: record.type,
    says: describe(record),
    issuer: iss,
    signedAt: iat,
    basis: basis?.kind ?? 'own',
    ...(basis?.documentName !== undefined && { documentName: basis.documentName }),
    ...(basis?.documentDate !== undefined && { documentDate: basis.documentDate }),
  };
}

/** When what the record says was so, as far as it says. */
function timeOf({ record, iat }: Statement): number {
  switch (record.type) {
    case 'site':
      return record.fields.openedAt ?? record.fields.basis?.documentDate ?? iat;
    case 'rebuild':
    case 'build':
      return record.fields.finishedAt ?? iat;
    case 'avdb-release':
      return record.fields.producedAt ?? iat;
    case 'review':
      return record.fields.endedAt ?? record.fields.startedAt ?? iat;
    case 'supervision':
      return record.fields.period?.until ?? iat;
    case 'membership':
      return record.fields.from ?? iat;
    default:
      return iat;
  }
}
