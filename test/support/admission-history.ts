// What a naive model of admission reads out of a history: it keeps nothing else, and looks through all of it for every
// question.

import { toHex } from '../../src/bytes.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { parseStatement, type Statement } from '../../src/record/statement.ts';
import type { FieldsOf, RecordType } from '../../src/record/types.ts';
import { rfcLeafHash, RfcTree } from './rfc-tree.ts';

export interface Logged {
  readonly index: number;
  readonly leaf: string;
  readonly bytes: Uint8Array;
  readonly s: Statement;
}

export function fieldsOf<T extends RecordType>(s: Statement, type: T): FieldsOf<T> | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type says which fields they are
  return s.type === type ? (s.record.fields as FieldsOf<T>) : undefined;
}

/** The files of a build, in one form whatever their order. */
export function files({ artifacts }: FieldsOf<'build'>): string {
  return [...new Set(artifacts.map(({ digest }) => toHex(digest.sha256)))].toSorted().join();
}

export class AdmissionHistory {
  readonly history: Logged[] = [];

  append(bytes: Uint8Array): void {
    const leaf = toHex(portableHasher.leafHash(bytes));
    this.history.push({ index: this.history.length, leaf, bytes, s: parseStatement(bytes) });
  }

  /** Entries of a type in a namespace, oldest first. */
  of<T extends RecordType>(type: T, namespace?: string): { readonly e: Logged; readonly f: FieldsOf<T> }[] {
    return this.history.flatMap((e) => {
      const f = fieldsOf(e.s, type);
      return f === undefined || (namespace !== undefined && e.s.namespace !== namespace) ? [] : [{ e, f }];
    });
  }

  get logNamespace(): string {
    return this.history[0]!.s.namespace;
  }

  joined(namespace: string): boolean {
    if (namespace === this.logNamespace) return true;
    return this.of('membership').some(({ f }) => f.action === 'admit' && f.namespace === namespace);
  }

  left(namespace: string): boolean {
    return this.of('membership').some(({ f }) => f.action === 'leave' && f.namespace === namespace);
  }

  /** The root keys of a namespace that are alive, and how many have to sign. */
  root(namespace: string): { threshold: number; kids: Set<string> } {
    let root = { threshold: 1, kids: new Set<string>() };
    for (const { s } of this.history) {
      const member = fieldsOf(s, 'membership');
      const stated =
        member?.action === 'admit' && member.namespace === namespace
          ? member.root
          : s.namespace === namespace
            ? fieldsOf(s, 'policy')?.root
            : undefined;
      if (stated !== undefined) {
        root = { threshold: stated.threshold, kids: new Set(stated.keys.map(({ kid }) => toHex(kid))) };
      }
      const event = s.namespace === namespace ? fieldsOf(s, 'key-event') : undefined;
      if (event?.role === 'root') root.kids.add(toHex(event.kid));
    }
    for (const kid of this.dead(namespace)) root.kids.delete(kid);
    return root;
  }

  dead(namespace: string): Set<string> {
    const events = this.of('key-event', namespace).map(({ f }) => f);
    const gone = events.flatMap((f) => [f.previousKid, f.role === undefined ? f.kid : undefined]);
    return new Set(gone.flatMap((kid) => (kid === undefined ? [] : [toHex(kid)])));
  }

  policy(namespace: string): { readonly e: Logged; readonly f: FieldsOf<'policy'> } | undefined {
    return this.of('policy', namespace).at(-1);
  }

  /** Living keys of a role; for `root` and `log` too. */
  role(namespace: string, role: string): Set<string> {
    if (role === 'root') return this.root(namespace).kids;
    const policy = this.policy(namespace);
    const kids = new Set<string>();
    if (role === 'log' && namespace === this.logNamespace) {
      for (const { kid } of this.of('policy')[0]!.f.log!.statementKeys) kids.add(toHex(kid));
    }
    for (const kid of policy?.f.roles?.find((row) => row.role === role)?.keys ?? []) kids.add(toHex(kid));
    for (const { e, f } of this.of('key-event', namespace)) {
      if (f.role === role && (role === 'log' || e.index > (policy?.e.index ?? -1))) kids.add(toHex(f.kid));
    }
    for (const kid of this.dead(namespace)) kids.delete(kid);
    return kids;
  }

  /** Keys whose bytes the namespace has. */
  known(namespace: string): Set<string> {
    const kids = new Set<string>();
    for (const { f } of this.of('membership')) {
      if (f.namespace === namespace) for (const { kid } of f.root?.keys ?? []) kids.add(toHex(kid));
    }
    for (const { f } of this.of('policy', namespace)) {
      for (const { kid } of [...(f.root?.keys ?? []), ...(f.log?.statementKeys ?? [])]) kids.add(toHex(kid));
    }
    for (const { f } of this.of('key-event', namespace)) if (f.key !== undefined) kids.add(toHex(f.kid));
    return kids;
  }

  /** Where and when a key signs: as the entry said that brought its bytes. */
  limits(namespace: string, kid: string): Pick<FieldsOf<'key-event'>, 'site' | 'validFrom' | 'validUntil'> {
    for (const { s } of this.history) {
      const member = fieldsOf(s, 'membership');
      const policy = s.namespace === namespace ? fieldsOf(s, 'policy') : undefined;
      const root = member?.namespace === namespace ? member.root : policy?.root;
      const bare = [...(root?.keys ?? []), ...(policy?.log?.statementKeys ?? [])];
      if (bare.some((key) => toHex(key.kid) === kid)) return {};
      const event = s.namespace === namespace ? fieldsOf(s, 'key-event') : undefined;
      if (event?.key !== undefined && toHex(event.kid) === kid) return event;
    }
    return {};
  }

  find(ref: Uint8Array): Logged | undefined {
    return this.history.find(({ leaf }) => leaf === toHex(ref));
  }

  /** What the worst retraction of an entry made of it: 0 stands, 1 superseded, 2 retracted, 3 recalled. */
  standing(leaf: string): number {
    const kinds = this.of('retraction').flatMap(({ f }) => (toHex(f.target) === leaf ? [f.kind] : []));
    return Math.max(0, ...kinds.map((kind) => ({ supersede: 1, correct: 1, retract: 2, recall: 3 })[kind]));
  }

  isAnother(s: Statement, other: Statement): boolean {
    return toHex(s.kid) !== toHex(other.kid) && s.iss !== other.iss;
  }

  isRoot({ size, rootHash }: { readonly size: number; readonly rootHash: Uint8Array }): boolean {
    if (size > this.history.length) return false;
    const leaves = this.history.slice(0, size).map(({ bytes }) => rfcLeafHash(bytes));
    return toHex(new RfcTree(leaves).root(0, size)) === toHex(rootHash);
  }
}
