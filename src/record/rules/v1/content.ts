// What a record says, by type: which earlier entries and sites it names, and what must hold between it and them.

import { compareBytes, concat, equalBytes, toHex, utf8 } from '../../../bytes.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import {
  entryKey,
  identityKey,
  linkKey,
  nextLinkKey,
  recalledKey,
  releaseKey,
  rootKey,
  siteKey,
  sourceSubject,
  streamKey,
  type StateKey,
} from '../../admission/keys.ts';
import { Refused } from '../../admission/decision.ts';
import { identityValue, type EntryState } from '../../admission/values.ts';
import { streamOf } from '../../avdb-release.ts';
import type { BuildFields } from '../../build.ts';
import type { RebuildFields } from '../../rebuild.ts';
import type { ReviewFields } from '../../review.ts';
import type { SourceSnapshotFields } from '../../source-snapshot.ts';
import type { Statement } from '../../statement.ts';
import type { SupervisionFields } from '../../supervision.ts';
import type { Authority } from './authority.ts';
import type { Case } from './case.ts';
import { judgeLogEvent } from './log-event.ts';
import { checkRecalled, judgeRetraction } from './retraction.ts';
import { checkPlaces, checkSite, placesOf } from './sites.ts';
import { judgeRelease } from './stream.ts';
import { checkRoot } from './trees.ts';

/** The keys of what a record of its type names or is compared with. */
export function contentKeys({ record, sub, namespace }: Statement, hasher: Hasher): StateKey[] {
  const sites = (...ids: readonly (string | undefined)[]): StateKey[] => sitesOf(namespace, ids, hasher);
  switch (record.type) {
    case 'source-snapshot':
      return [identityKey(sub, hasher), ...sites(...(record.fields.heldAt ?? []))];
    case 'build': {
      const { source, previous, buildSite, signSite } = record.fields;
      const recalled = recalledKey(namespace, artifactSet(record.fields, hasher));
      return [identityKey(sub, hasher), recalled, ...entries(source, previous), ...sites(buildSite, signSite)];
    }
    case 'avdb-release': {
      const { prev, source, buildSite, signSite, rollback, contentDigest } = record.fields;
      const stream = streamOf(namespace, record.fields);
      return [
        streamKey(stream, hasher),
        recalledKey(namespace, contentDigest.sha256),
        ...(rollback === undefined ? [] : [releaseKey(stream, rollback.toSequence, hasher)]),
        ...entries(prev, source),
        ...sites(buildSite, signSite),
      ];
    }
    case 'relocation':
      return [...entries(record.fields.supervisor), ...sites(...placesOf(record.fields).map(([, site]) => site))];
    case 'commitment':
      return sites(...placesOf(record.fields).map(([, site]) => site));
    case 'rebuild':
      return entries(record.fields.build, record.fields.source);
    case 'supervision': {
      const { range, refs = [] } = record.fields;
      return range === undefined ? entries(...refs) : [rootKey(range.size)];
    }
    case 'review':
      return [...sites(record.fields.site), ...entries(...(record.fields.refs ?? []))];
    case 'retraction':
      return entries(record.fields.target, record.fields.replacement);
    case 'log-event': {
      const { heartbeat } = record.fields;
      if (heartbeat === undefined) return [];
      const keys = [rootKey(heartbeat.size)];
      for (const { namespace: named, sequence } of heartbeat.heads) {
        keys.push(linkKey(named, sequence));
        const next = nextLinkKey(named, sequence);
        if (next !== undefined) keys.push(next);
      }
      return keys;
    }
    default:
      return [];
  }
}

function entries(...refs: readonly (Uint8Array | undefined)[]): StateKey[] {
  const keys: StateKey[] = [];
  for (const ref of refs) if (ref !== undefined) keys.push(entryKey(ref));
  return keys;
}

function sitesOf(namespace: string, ids: readonly (string | undefined)[], hasher: Hasher): StateKey[] {
  const keys: StateKey[] = [];
  for (const id of ids) if (id !== undefined) keys.push(siteKey(namespace, id, hasher));
  return keys;
}

/** Judges the record by its type's rules; gives what its entry is about (`EntryState.about`). */
export function judgeContent(judged: Case, authority: Authority): Uint8Array | null {
  const { record } = judged.statement;
  switch (record.type) {
    case 'source-snapshot':
      return judgeSnapshot(judged, record.fields);
    case 'build':
      return judgeBuild(judged, record.fields);
    case 'avdb-release':
      return judgeRelease(judged, record.fields);
    case 'relocation':
      checkPlaces(judged, record.fields);
      if (record.fields.supervisor !== undefined) {
        judged.referred('supervisor', record.fields.supervisor, ['supervision']);
      }
      return null;
    case 'commitment':
      checkPlaces(judged, record.fields);
      return null;
    case 'rebuild':
      judgeRebuild(judged, record.fields);
      return null;
    case 'supervision':
      judgeSupervision(judged, record.fields);
      return null;
    case 'review':
      judgeReview(judged, record.fields);
      return null;
    case 'retraction':
      judgeRetraction(judged, authority, record.fields);
      return null;
    case 'log-event':
      judgeLogEvent(judged, record.fields);
      return null;
    default:
      return null;
  }
}

/** SHA-256 over the build's artifact digests, each once, ascending: equal for the same files in any order. */
export function artifactSet({ artifacts }: BuildFields, hasher: Hasher): Uint8Array {
  const digests = artifacts.map(({ digest }) => digest.sha256);
  if (digests.length === 1) return hasher.sha256(digests[0]!);
  const sorted = digests.toSorted(compareBytes);
  return hasher.sha256(concat(...sorted.filter((digest, i) => i === 0 || !equalBytes(digest, sorted[i - 1]!))));
}

function judgeBuild(judged: Case, f: BuildFields): Uint8Array {
  const { statement, hasher } = judged;
  const { namespace } = statement;
  const artifacts = artifactSet(f, hasher);
  if (f.source !== undefined) {
    const source = judged.referredInOwn('source', f.source, ['source-snapshot'], 'D03');
    const subject = sourceSubject(namespace, f.product, f.version);
    if (!equalBytes(source.about!, hasher.sha256(utf8(subject)))) {
      const found = `entry ${source.index}, the source of another product or version`;
      throw new Refused('D04', 'source', found, `the leaf hash of a source-snapshot about ${subject}`);
    }
    checkStanding(source, 'source');
  }
  if (f.previous !== undefined) judged.referredInOwn('previous', f.previous, ['build']);
  const at = f.finishedAt ?? statement.iat;
  if (f.buildSite !== undefined)
    checkSite(judged, 'D17', { field: 'buildSite', siteId: f.buildSite, kind: 'build', at });
  if (f.signSite !== undefined)
    checkSite(judged, 'D17', { field: 'signSite', siteId: f.signSite, kind: 'signing', at });
  checkIdentity(judged, ['artifacts'], [artifacts]);
  checkRecalled(judged, 'artifacts', artifacts);
  return artifacts;
}

function judgeSnapshot(judged: Case, f: SourceSnapshotFields): Uint8Array {
  for (const [i, siteId] of (f.heldAt ?? []).entries()) checkSite(judged, 'D25', { field: `heldAt[${i}]`, siteId });
  const digests = [f.treeDigest?.sha256 ?? null, f.archiveDigest?.sha256 ?? null];
  checkIdentity(judged, ['treeDigest', 'archiveDigest'], digests);
  return judged.hasher.sha256(utf8(judged.statement.sub));
}

/** D01: what was once said to have these digests has them for ever. What was not known may be added. */
function checkIdentity(judged: Case, fields: readonly string[], digests: readonly (Uint8Array | null)[]): void {
  const key = identityKey(judged.statement.sub, judged.hasher);
  const value = judged.facts.get(key);
  if (value === undefined) {
    judged.write(key, identityValue.format({ index: judged.index, digests }));
    return;
  }
  const known = identityValue.parse(value);
  let isMore = false;
  const joined = known.digests.map((digest, i) => {
    const stated = digests[i]!;
    if (digest !== null && stated !== null && !equalBytes(digest, stated)) {
      const found = `of digest ${toHex(stated)}`;
      const expected = `of digest ${toHex(digest)}, as entry ${known.index} says, or another version`;
      throw new Refused('D01', fields[i]!, found, expected);
    }
    isMore ||= digest === null && stated !== null;
    return digest ?? stated;
  });
  if (isMore) judged.write(key, identityValue.format({ index: known.index, digests: joined }));
}

/** D23: nothing new rests on what was taken back. */
function checkStanding({ standing, index }: EntryState, field: string): void {
  if (standing === 'stands' || standing === 'superseded') return;
  throw new Refused('D23', field, `entry ${index}, which was ${standing}`, 'an entry that stands');
}

function judgeRebuild(judged: Case, f: RebuildFields): void {
  const build = judged.referred('build', f.build, ['build']);
  if (f.source !== undefined) judged.referred('source', f.source, ['source-snapshot']);
  checkIndependent(judged, 'build', build);
}

/** D07: nobody verifies or supervises what the same key or the same organisation has signed. */
function checkIndependent(judged: Case, field: string, subject: EntryState): void {
  const { kid, iss } = judged.statement;
  if (equalBytes(subject.kid, kid)) {
    const found = `signed by ${toHex(kid)}, which signed entry ${subject.index} too`;
    throw new Refused('D07', field, found, 'an entry that another key signed');
  }
  if (subject.issuer === iss) {
    const found = `of the issuer of entry ${subject.index} itself`;
    throw new Refused('D07', field, found, 'an entry of another issuer');
  }
}

function judgeSupervision(judged: Case, f: SupervisionFields): void {
  for (const [i, ref] of (f.refs ?? []).entries()) {
    checkIndependent(judged, `refs[${i}]`, judged.referred(`refs[${i}]`, ref));
  }
  if (f.range !== undefined) checkRoot(judged, 'D21', 'range', f.range);
}

function judgeReview(judged: Case, f: ReviewFields): void {
  const at = f.startedAt ?? judged.statement.iat;
  checkSite(judged, 'D29', { field: 'site', siteId: f.site, kind: 'transparency-centre', at });
  for (const [i, ref] of (f.refs ?? []).entries()) judged.referred(`refs[${i}]`, ref, [], 'D29');
}
