// Finds the entries that decide why an entry is inadmissible, or whose keys signed two that contradict each other, in the
// state that judging the log's records left, and makes evidence of them. Nothing here is trusted: what is gathered wrongly
// makes no evidence.

import { equalBytes } from '../../bytes.ts';
import { isLimmatError } from '../../errors.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { keysFor } from '../../record/admission.ts';
import { entryKey, linkKey, LOG_KEY, namespaceKey } from '../../record/admission/keys.ts';
import type { StateKey } from '../../record/admission/keys.ts';
import {
  entryValue,
  identityValue,
  keyValue,
  linkValue,
  logValue,
  namespaceValue,
  streamValue,
} from '../../record/admission/values.ts';
import { parseStatement } from '../../record/statement.ts';
import type { Statement } from '../../record/statement.ts';
import type { LogIdentity } from '../watched-log.ts';
import type { Evidence } from './evidence.ts';
import { inadmissibleEntry, locationBreach, recordConflict, streamBreak, verdictConflict } from './make-record.ts';
import type { IncludedEntry, SignedHead } from './make.ts';
import { MAX_DECIDING_ENTRIES, fieldsOf } from './records/claim.ts';
import { broughtBy } from './records/judge.ts';
import { sitesOf } from './records/named.ts';

export interface AdmissionSource {
  /** Values of the derived state as it was before the entry, or later. */
  get(keys: readonly StateKey[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** An entry, and its proof in the tree of the head; `withheld` where the log no longer serves its body. */
  entry(index: number): Promise<IncludedEntry>;
  /** Where a heartbeat stands that names a tree with at least as many entries as come before the accused one. */
  readonly heartbeat?: number;
}

/**
 * Evidence that the log should not have taken its entry at this index; undefined where a file cannot show it, or cannot
 * yet, as before the log's next heartbeat. What the source rejects with is thrown.
 */
export async function admissionEvidence(
  log: LogIdentity,
  head: SignedHead,
  index: number,
  source: AdmissionSource,
  hasher: Hasher = portableHasher,
): Promise<Evidence | undefined> {
  const accused = await served(source, index);
  if (accused === undefined) return undefined;
  const statement = readStatement(accused.leaf);
  const few = new Set([0]);
  if (statement !== undefined) await addNamed(few, statement, source, hasher);
  else await addFirst(few, accused, source, hasher);
  const found = await attempt(log, head, accused, few, source);
  if (found !== undefined || statement === undefined) return found;
  // Then with all links of its chain, by which anybody can tell who was allowed to sign.
  const whole = new Set(few);
  if (!(await addChain(whole, statement.namespace, index, source))) return undefined;
  if (source.heartbeat !== undefined) whole.add(source.heartbeat);
  return attempt(log, head, accused, whole, source);
}

/**
 * Evidence that what two entries say cannot both be true, which accuses their issuers; undefined where a file cannot show
 * it. What the source rejects with is thrown.
 */
export async function issuerEvidence(
  log: LogIdentity,
  head: SignedHead,
  indexes: readonly [earlier: number, later: number],
  source: AdmissionSource,
): Promise<Evidence | undefined> {
  const [earlier, later] = indexes;
  const [first, second, genesis] = [
    await served(source, earlier),
    await served(source, later),
    await served(source, 0),
  ];
  if (first === undefined || second === undefined || genesis === undefined) return undefined;
  const accused = [first, second] as const;
  const statements = accused.map(({ leaf }) => readStatement(leaf)).filter((statement) => statement !== undefined);
  const links = new Set<number>();
  for (const namespace of new Set(statements.map((statement) => statement.namespace))) {
    if (!(await addChain(links, namespace, later, source))) return undefined;
  }
  const deciding = [genesis];
  for (const index of links) {
    if (index === 0) continue;
    const entry = await served(source, index);
    if (entry !== undefined && bringsWhatTheyName(readStatement(entry.leaf), statements)) deciding.push(entry);
  }
  for (const make of [locationBreach, verdictConflict, recordConflict]) {
    const evidence = await unlessNone(() => make(log, head, accused, deciding));
    if (evidence !== undefined) return evidence;
  }
  return undefined;
}

/** True for a link with the key of one of the statements, or about a site that one of them names. */
function bringsWhatTheyName(link: Statement | undefined, statements: readonly Statement[]): boolean {
  if (link === undefined) return false;
  const site = fieldsOf(link.record, 'site');
  const keys = broughtBy(link);
  return statements.some(
    (statement) =>
      keys.some(({ kid }) => equalBytes(kid, statement.kid)) ||
      (site !== undefined && statement.namespace === link.namespace && sitesOf(statement).includes(site.siteId)),
  );
}

/** Undefined where the parts do not show it. */
async function unlessNone(make: () => Promise<Evidence>): Promise<Evidence | undefined> {
  try {
    return await make();
  } catch (error) {
    // It is not the one kind, or it is none at all.
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

/** The entry; undefined where its body is withheld: then the others have to show it without it. */
async function served(source: AdmissionSource, index: number): Promise<IncludedEntry | undefined> {
  try {
    return await source.entry(index);
  } catch (error) {
    if (!isLimmatError(error, 'withheld')) throw error;
    return undefined;
  }
}

async function statementAt(source: AdmissionSource, index: number): Promise<Statement | undefined> {
  const entry = await served(source, index);
  return entry && readStatement(entry.leaf);
}

function readStatement(leaf: Uint8Array): Statement | undefined {
  try {
    return parseStatement(leaf);
  } catch (error) {
    if (isLimmatError(error)) return undefined;
    throw error;
  }
}

async function attempt(
  log: LogIdentity,
  head: SignedHead,
  accused: IncludedEntry,
  indexes: ReadonlySet<number>,
  source: AdmissionSource,
): Promise<Evidence | undefined> {
  const deciding: IncludedEntry[] = [];
  if (indexes.size > MAX_DECIDING_ENTRIES) return undefined;
  for (const index of indexes) {
    const entry = index !== accused.index && index < head.size ? await served(source, index) : undefined;
    if (entry !== undefined) deciding.push(entry);
  }
  for (const make of [inadmissibleEntry, streamBreak]) {
    const evidence = await unlessNone(() => make(log, head, accused, deciding));
    if (evidence !== undefined) return evidence;
  }
  return undefined;
}

/** An entry that is there already, byte for byte. */
async function addFirst(
  indexes: Set<number>,
  { leaf }: IncludedEntry,
  source: AdmissionSource,
  hasher: Hasher,
): Promise<void> {
  const [value] = await source.get([entryKey(hasher.leafHash(leaf))]);
  if (value !== undefined) indexes.add(entryValue.parse(value).index);
}

/** The entries behind every value that the rules look at: what it refers to, what came before it, what ended its key. */
async function addNamed(
  indexes: Set<number>,
  statement: Statement,
  source: AdmissionSource,
  hasher: Hasher,
): Promise<void> {
  const keys = keysFor(statement, hasher);
  const refs: Uint8Array[] = [hasher.leafHash(statement.bytes)];
  for (const [i, value] of (await source.get(keys)).entries()) {
    if (value === undefined) continue;
    switch (keys[i]![1]) {
      case 'k': {
        const { deadAt } = keyValue.parse(value);
        if (deadAt !== null) indexes.add(deadAt);
        break;
      }
      case 'n': {
        const { leftAt } = namespaceValue.parse(value);
        if (leftAt !== null) indexes.add(leftAt);
        break;
      }
      case 'e':
        indexes.add(entryValue.parse(value).index);
        break;
      case 'i':
        indexes.add(identityValue.parse(value).index);
        break;
      case 's':
        refs.push(streamValue.parse(value).leafHash);
        break;
      case 'c':
        indexes.add(linkValue.parse(value).index);
        break;
      case 'x': {
        const { index } = linkValue.parse(value);
        indexes.add(index);
        const recall = await statementAt(source, index);
        const target = recall && fieldsOf(recall.record, 'retraction')?.target;
        if (target !== undefined) refs.push(target);
        break;
      }
      default:
    }
  }
  for (const value of await source.get(refs.map(entryKey))) {
    if (value !== undefined) indexes.add(entryValue.parse(value).index);
  }
  // The link with its own number, where it is one.
  const { record } = statement;
  if (!('sequence' in record.fields) || record.type === 'avdb-release') return;
  const [link] = await source.get([linkKey(record.namespace, record.fields.sequence)]);
  if (link !== undefined) indexes.add(linkValue.parse(link).index);
}

/** Every link of the namespace's chain, and how it came into the log; false where there are too many for a file. */
async function addChain(
  indexes: Set<number>,
  namespace: string,
  before: number,
  source: AdmissionSource,
): Promise<boolean> {
  const [log, own] = await source.get([LOG_KEY, namespaceKey(namespace)]);
  if (log === undefined) return false;
  const logs = logValue.parse(log).namespace;
  const chain = own === undefined ? logs : namespace;
  const links = await linksOf(chain, before, source);
  if (links === undefined) return false;
  for (const index of links) indexes.add(index);
  if (chain === logs) return true;
  for (const index of (await linksOf(logs, before, source)) ?? []) {
    const link = await statementAt(source, index);
    if (link === undefined || fieldsOf(link.record, 'membership')?.namespace !== namespace) continue;
    indexes.add(index);
  }
  return true;
}

/** Where the links stand, and the first one after the entry; undefined when they are too many. */
async function linksOf(
  namespace: string,
  before: number,
  source: AdmissionSource,
): Promise<readonly number[] | undefined> {
  const [state] = await source.get([namespaceKey(namespace)]);
  const count = state === undefined ? 0 : namespaceValue.parse(state).sequence;
  const keys = Array.from({ length: Math.min(count, MAX_DECIDING_ENTRIES) }, (_, i) => linkKey(namespace, i + 1));
  const links = (await source.get(keys)).flatMap((value) =>
    value === undefined ? [] : [linkValue.parse(value).index],
  );
  const after = links.findIndex((index) => index > before);
  if (after === -1 && count > MAX_DECIDING_ENTRIES) return undefined;
  return after === -1 ? links : links.slice(0, after + 1);
}
