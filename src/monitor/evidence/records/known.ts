// What a claim's entries tell of the state in which the log had to judge an entry. The rules themselves are run over it:
// where the claim does not determine a value, the rules get the one with which they refuse least, or no answer at all.
// So a refusal shows that no honest log, whatever else is in it, can have admitted that entry after those.

import { equalBytes } from '../../../bytes.ts';
import type { Facts } from '../../../record/admission/decision.ts';
import {
  entryKey,
  identityKey,
  keyKey,
  linkKey,
  LOG_KEY,
  namespaceKey,
  nextLinkKey,
  recalledKey,
  releaseKey,
  rootKey,
  siteKey,
  streamKey,
} from '../../../record/admission/keys.ts';
import type { StateKey } from '../../../record/admission/keys.ts';
import type { AdmissionState } from '../../../record/admission/state.ts';
import {
  entryValue,
  identityValue,
  keyValue,
  linkValue,
  logValue,
  namespaceValue,
  siteValue,
  STANDING,
  streamValue,
} from '../../../record/admission/values.ts';
import type { KeyState, NamespaceState, Standing } from '../../../record/admission/values.ts';
import { approvalsOf } from '../../../record/approval.ts';
import { streamOf } from '../../../record/avdb-release.ts';
import type { AvdbReleaseFields } from '../../../record/avdb-release.ts';
import { LOG_ROLE, ROOT_ROLE } from '../../../record/key-kinds.ts';
import type { Statement } from '../../../record/statement.ts';
import { productOf } from '../../../record/types.ts';
import { fieldsOf, linkOf } from './claim.ts';
import type { LoggedRecord, RecordClaim } from './claim.ts';
import { allLinks, isNeverIn, linksBefore } from './links.ts';
import { aboutOf, contentOf, digestsOf, kidsOf, kills, sitesOf } from './named.ts';

/** Thrown by `KnownFacts` where the claim leaves open what no value stands for. */
export class NotKnown extends Error {}

/**
 * The facts before an entry. `chain` is the state after all links of its namespace's chain before it, where the claim
 * has them all (chain.ts); without it every key is taken to live and to be a root key, and every site to be open.
 */
export class KnownFacts implements Facts {
  readonly #claim: RecordClaim;
  readonly #own: LoggedRecord;
  readonly #chain: AdmissionState | undefined;
  /** Entries before this one, by index. */
  readonly #before: readonly LoggedRecord[];
  readonly #values = new Map<StateKey, () => Uint8Array | undefined>();

  constructor(claim: RecordClaim, own: LoggedRecord, chain: AdmissionState | undefined) {
    this.#claim = claim;
    this.#own = own;
    this.#chain = chain;
    this.#before = claim.records.filter(({ index }) => index < own.index);
    this.#name();
  }

  get(key: StateKey): Uint8Array | undefined {
    const value = this.#values.get(key);
    if (value === undefined) throw new NotKnown('the entries do not tell all that the rules ask for');
    return value();
  }

  #set(key: StateKey, value: () => Uint8Array | undefined): void {
    this.#values.set(key, value);
  }

  /** What this entry may be judged by, key by key. */
  #name(): void {
    const { statement, leafHash } = this.#own;
    const { record, namespace, sub } = statement;
    const { hasher } = this.#claim;
    this.#set(LOG_KEY, () => this.#log());
    this.#nameRefs();
    this.#set(entryKey(leafHash), () => undefined);
    this.#set(namespaceKey(namespace), () => this.#namespace());
    const member = fieldsOf(record, 'membership');
    if (member !== undefined && member.namespace !== namespace) {
      this.#set(namespaceKey(member.namespace), () => this.#subject(member.namespace, member.action));
    }
    for (const kid of kidsOf(statement)) this.#set(keyKey(namespace, kid), () => this.#key(kid));
    for (const siteId of sitesOf(statement)) {
      const key = siteKey(namespace, siteId, hasher);
      this.#set(key, () => (this.#chain === undefined ? OPEN_SITE : this.#chain.get(key)));
    }
    this.#set(identityKey(sub, hasher), () => this.#identity());
    const content = contentOf(statement, this.#claim);
    if (content !== undefined) this.#set(recalledKey(namespace, content), () => this.#recalled(content));
    const release = fieldsOf(record, 'avdb-release');
    if (release !== undefined) this.#nameStream(release);
    const heartbeat = fieldsOf(record, 'log-event')?.heartbeat;
    for (const { namespace: named, sequence, leafHash: head } of heartbeat?.heads ?? []) {
      const next = nextLinkKey(named, sequence);
      if (next !== undefined) this.#set(next, () => this.#link(named, sequence + 1, undefined));
      // Named as a head: where the claim has no such link, it is taken to be there.
      this.#set(linkKey(named, sequence), () => this.#link(named, sequence, head));
    }
    const tree = heartbeat ?? fieldsOf(record, 'supervision')?.range;
    if (tree !== undefined) this.#set(rootKey(tree.size), () => tree.rootHash);
  }

  #log(): Uint8Array {
    const { genesis } = this.#claim;
    const shutdown = this.#before.map(({ statement }) => fieldsOf(statement.record, 'log-event')?.shutdown);
    const finalSize = shutdown.find((event) => event !== undefined)?.finalSize ?? null;
    return logValue.format({ rules: 'v1', namespace: genesis.statement.namespace, finalSize });
  }

  /** Memberships before this entry that speak of a namespace, oldest first. */
  #memberships(namespace: string, action: 'admit' | 'leave'): readonly LoggedRecord[] {
    return this.#before.filter(({ statement }) => {
      const fields = fieldsOf(statement.record, 'membership');
      return fields?.namespace === namespace && fields.action === action;
    });
  }

  #namespace(): Uint8Array | undefined {
    const { namespace, record } = this.#own.statement;
    const leftAt = this.#memberships(namespace, 'leave')[0]?.index ?? null;
    const known = this.#chain?.get(namespaceKey(namespace));
    if (known !== undefined) return namespaceValue.format({ ...namespaceValue.parse(known), leftAt });
    if (isNeverIn(this.#claim, namespace, this.#own.index)) return undefined;
    const root = { ...ANY_NAMESPACE.root, threshold: this.#threshold() };
    return namespaceValue.format({ ...ANY_NAMESPACE, root, leftAt, ...this.#chainHead(record) });
  }

  /** As many root keys have to sign as do: a record with fewer signatures than that is refused, and one with more. */
  #threshold(): number {
    const { record } = this.#own.statement;
    const approvals = approvalsOf(record).length;
    return record.type === 'log-event' ? Math.max(1, approvals) : approvals + 1;
  }

  /** The head of the chain that the record goes on, unless the claim's links say that this cannot be its head. */
  #chainHead(record: Statement['record']): Pick<NamespaceState, 'sequence' | 'head'> {
    const link = linkOf(record);
    if (link === undefined) return { sequence: 0, head: null };
    const { sequence, prev } = link.fields;
    const links = linksBefore(this.#claim, link.namespace, this.#own.index);
    const newest = links.at(-1);
    const named = this.#claim.records.some(({ leafHash }) => prev !== undefined && equalBytes(leafHash, prev));
    const contradicts = newest !== undefined && (newest.sequence >= sequence - 1 || named);
    if (contradicts) return { sequence: newest.sequence, head: newest.leafHash };
    return { sequence: sequence - 1, head: prev ?? null };
  }

  /** A namespace that this entry admits or lets leave, from outside its own. */
  #subject(namespace: string, action: 'admit' | 'leave'): Uint8Array | undefined {
    const leftAt = this.#memberships(namespace, 'leave')[0]?.index ?? null;
    const isIn = action === 'leave' || leftAt !== null || this.#memberships(namespace, 'admit').length > 0;
    if (!isIn || isNeverIn(this.#claim, namespace, this.#own.index)) return undefined;
    return namespaceValue.format({ ...ANY_NAMESPACE, leftAt });
  }

  #key(kid: Uint8Array): Uint8Array | undefined {
    const { namespace, alg } = this.#own.statement;
    if (this.#chain !== undefined) return this.#chain.get(keyKey(namespace, kid));
    const death = this.#before.find(({ statement }) => kills(statement, namespace, kid));
    return keyValue.format({ ...ANY_KEY, alg, deadAt: death?.index ?? null });
  }

  /** The entries that the record refers to. One that is in the tree after it was no entry yet: a leaf is logged once. */
  #nameRefs(): void {
    for (const { index, leafHash, statement } of this.#claim.records) {
      const isBefore = index < this.#own.index;
      this.#set(entryKey(leafHash), () => (isBefore ? this.#entry(index, leafHash, statement) : undefined));
    }
  }

  #entry(index: number, leafHash: Uint8Array, statement: Statement): Uint8Array {
    const { type, namespace, kid, iss, record } = statement;
    return entryValue.format({
      type,
      index,
      namespace,
      kid,
      issuer: iss,
      product: productOf(record) ?? null,
      about: aboutOf(statement, this.#claim),
      standing: this.#standing(leafHash),
    });
  }

  #standing(target: Uint8Array): Standing {
    const said = this.#before.flatMap(({ statement }): readonly Standing[] => {
      const fields = fieldsOf(statement.record, 'retraction');
      return fields !== undefined && equalBytes(fields.target, target) ? [STANDING_AFTER[fields.kind]] : [];
    });
    return STANDING.findLast((standing) => said.includes(standing)) ?? 'stands';
  }

  /** D01: what earlier entries about the same said. */
  #identity(): Uint8Array | undefined {
    const { sub } = this.#own.statement;
    const same = this.#before.filter(({ statement }) => statement.sub === sub);
    const [first] = same;
    if (first === undefined) return undefined;
    const stated = same.map(({ statement }) => digestsOf(statement, this.#claim));
    const digests = stated[0]!.map((_, i) => stated.map((row) => row[i]!).find((digest) => digest !== null) ?? null);
    return identityValue.format({ index: first.index, digests });
  }

  /** D23: the recall of an entry with this content. */
  #recalled(content: Uint8Array): Uint8Array | undefined {
    const { namespace } = this.#own.statement;
    const recall = this.#before.find(({ statement }) => {
      const fields = fieldsOf(statement.record, 'retraction');
      if (fields?.kind !== 'recall' || statement.namespace !== namespace) return false;
      const target = this.#before.find(({ leafHash }) => equalBytes(leafHash, fields.target));
      const about = target === undefined ? undefined : contentOf(target.statement, this.#claim);
      return about !== undefined && equalBytes(about, content);
    });
    return recall && linkValue.format({ index: recall.index, leafHash: recall.leafHash });
  }

  #nameStream(fields: AvdbReleaseFields): void {
    const { hasher } = this.#claim;
    const stream = streamOf(this.#own.statement.namespace, fields);
    const releases = this.#before.flatMap(({ statement, leafHash }) => {
      const release = fieldsOf(statement.record, 'avdb-release');
      const isSame = release !== undefined && streamOf(statement.namespace, release) === stream;
      return isSame ? [{ release, leafHash }] : [];
    });
    this.#set(streamKey(stream, hasher), () => {
      const { prev, sequence, gap } = fields;
      const newest = releases.at(-1);
      const isNamed = (hash: Uint8Array): boolean => prev !== undefined && equalBytes(hash, prev);
      if (newest === undefined) {
        if (prev === undefined) return undefined;
        // What it names as the release before it is something else, or comes after it.
        if (this.#claim.records.some(({ leafHash }) => isNamed(leafHash))) return undefined;
        throw new NotKnown('the release before it is not among the entries');
      }
      const { release, leafHash } = newest;
      const decides =
        prev === undefined ||
        // The number that the one before it has to have.
        (gap?.from ?? sequence) - 1 <= release.sequence ||
        this.#claim.records.some((record) => isNamed(record.leafHash));
      if (!decides) throw new NotKnown('the release before it is not among the entries');
      return streamValue.format({ sequence: release.sequence, leafHash, total: release.counts.total, deltas: 0 });
    });
    const { rollback } = fields;
    if (rollback === undefined) return;
    const earlier = releases.find(({ release }) => release.sequence === rollback.toSequence)?.release ?? fields;
    this.#set(releaseKey(stream, rollback.toSequence, hasher), () => earlier.contentDigest.sha256);
  }

  #link(namespace: string, sequence: number, otherwise: Uint8Array | undefined): Uint8Array | undefined {
    const link = allLinks(this.#claim, namespace).find((one) => one.sequence === sequence);
    if (link !== undefined) return link.index < this.#own.index ? linkValue.format(link) : undefined;
    return otherwise && linkValue.format({ index: 0, leafHash: otherwise });
  }
}

/** A key that may sign everything, and a namespace that lets it. */
const ANY_KEY: KeyState = Object.freeze({
  deadAt: null,
  alg: null,
  key: new Uint8Array(1),
  roles: new Map([
    [ROOT_ROLE, 0],
    [LOG_ROLE, 1],
  ]),
  site: null,
  validFrom: null,
  validUntil: null,
});

const ANY_NAMESPACE: NamespaceState = Object.freeze({
  leftAt: null,
  sequence: 0,
  head: null,
  policy: 0,
  root: { since: 0, threshold: 1, keys: 1000 },
  roles: [],
  require: [],
  deltaLimit: null,
});

const OPEN_SITE = siteValue.format({
  kinds: ['build', 'signing', 'data-centre', 'transparency-centre'],
  openedAt: null,
  closedAt: null,
});

const STANDING_AFTER = {
  supersede: 'superseded',
  correct: 'superseded',
  retract: 'retracted',
  recall: 'recalled',
} as const satisfies Readonly<Record<string, Standing>>;
