// Two statements that cannot both be true, whatever else their issuer said. Each function gives the sentence that says
// why, or undefined where both can be true.

import { equalBytes, toHex } from '../../../bytes.ts';
import type { AvdbReleaseFields } from '../../../record/avdb-release.ts';
import type { BuildFields } from '../../../record/build.ts';
import { comparePlaces, matterOf, mattersMeet } from '../../../record/matter.ts';
import type { Place } from '../../../record/matter.ts';
import type { RebuildFields } from '../../../record/rebuild.ts';
import { regionsEqual } from '../../../record/regions.ts';
import type { RelocationFields } from '../../../record/relocation.ts';
import { artifactSet } from '../../../record/rules/v1/content.ts';
import type { SourceSnapshotFields } from '../../../record/source-snapshot.ts';
import { formatTime } from '../../../record/time.ts';
import { count, placesInWords } from '../../../record/words.ts';
import type { Hasher } from '../../../merkle/hash.ts';
import { fieldsOf } from './claim.ts';
import type { LoggedRecord, RecordClaim } from './claim.ts';

/** Two accused entries, by index. */
export type Pair = readonly [earlier: LoggedRecord, later: LoggedRecord];

/** What one issuer said twice about the same, and differently (D01, D08, D28). */
export function recordConflictOf([a, b]: Pair, { hasher }: RecordClaim): string | undefined {
  if (a.statement.sub !== b.statement.sub || a.statement.iss !== b.statement.iss) return undefined;
  if (!isOwnWord(a) || !isOwnWord(b)) return undefined;
  const builds = both(a, b, 'build');
  if (builds !== undefined) return otherFiles(builds, hasher);
  const sources = both(a, b, 'source-snapshot');
  if (sources !== undefined) return otherSource(sources);
  const releases = both(a, b, 'avdb-release');
  if (releases !== undefined) return otherContent(releases);
  const relocations = both(a, b, 'relocation');
  return relocations && otherMove(relocations);
}

/** False where the record repeats what a document says: documents may differ, and who repeats them is honest. */
function isOwnWord({ statement: { record } }: LoggedRecord): boolean {
  return !('basis' in record.fields) || record.fields.basis?.kind !== 'reported';
}

function both<T extends 'build' | 'source-snapshot' | 'avdb-release' | 'relocation' | 'rebuild'>(
  a: LoggedRecord,
  b: LoggedRecord,
  type: T,
): readonly [NonNullable<ReturnType<typeof fieldsOf<T>>>, NonNullable<ReturnType<typeof fieldsOf<T>>>] | undefined {
  const [first, second] = [fieldsOf(a.statement.record, type), fieldsOf(b.statement.record, type)];
  return first === undefined || second === undefined ? undefined : [first, second];
}

function otherFiles([a, b]: readonly [BuildFields, BuildFields], hasher: Hasher): string | undefined {
  if (equalBytes(artifactSet(a, hasher), artifactSet(b, hasher))) return undefined;
  return 'They are about one build, the same product, version, channel and platform, and name other files.';
}

function otherSource([a, b]: readonly [SourceSnapshotFields, SourceSnapshotFields]): string | undefined {
  for (const [field, words] of [
    ['treeDigest', 'tree of files'],
    ['archiveDigest', 'archive'],
  ] as const) {
    const [first, second] = [a[field], b[field]];
    if (first === undefined || second === undefined || equalBytes(first.sha256, second.sha256)) continue;
    return `They are about the source of one version, and name another ${words}.`;
  }
  return undefined;
}

function otherContent([a, b]: readonly [AvdbReleaseFields, AvdbReleaseFields]): string | undefined {
  if (equalBytes(a.contentDigest.sha256, b.contentDigest.sha256)) return undefined;
  return `Both are release ${count(a.sequence)} of one database and channel, and their content is another.`;
}

/** Steps that are there once; the others may be said again, or say themselves that something changed. */
const ONCE: readonly string[] = ['plan', 'complete'];

/** D28: the same step of the same relocation, of the same things, at another time or place. */
function otherMove([a, b]: readonly [RelocationFields, RelocationFields]): string | undefined {
  if (a.action !== b.action || !ONCE.includes(a.action)) return undefined;
  for (const field of ['activity', 'category', 'phase', 'subject', 'scopePercent'] as const) {
    if (a[field] !== b[field]) return undefined;
  }
  if (
    a.regions === undefined || b.regions === undefined ? a.regions !== b.regions : !regionsEqual(a.regions, b.regions)
  ) {
    return undefined;
  }
  for (const [field, words] of [
    ['effectiveAt', 'when it takes effect'],
    ['deadline', 'by when it is due'],
  ] as const) {
    const [first, second] = [a[field], b[field]];
    if (first === undefined || second === undefined || first === second) continue;
    return `They state the same step of one relocation, and differ in ${words}: ${formatTime(first)} and ${formatTime(second)}.`;
  }
  for (const [field, words] of [
    ['from', 'from where'],
    ['to', 'to where'],
  ] as const) {
    if (comparePlaces(a[field], b[field]) !== 'elsewhere') continue;
    return `They state the same step of one relocation, and differ in ${words} it goes.`;
  }
  return undefined;
}

/** True when no place of one list can be one of the other, by the countries of the sites that the claim has. */
function areApart(a: readonly Place[], b: readonly Place[], { records }: RecordClaim, namespace: string): boolean {
  const countryOf = (siteId: string): string | undefined => {
    const sites = records.flatMap(({ statement }) => {
      const site = statement.namespace === namespace ? fieldsOf(statement.record, 'site') : undefined;
      return site?.siteId === siteId ? [site.country] : [];
    });
    return sites.at(-1);
  };
  return comparePlaces(a, b, countryOf) === 'elsewhere';
}

/** D17, D19: a relocation that is said to be complete, and a later record that places the same work elsewhere. */
export function locationBreachOf([a, b]: Pair, claim: RecordClaim): string | undefined {
  const { namespace, iss, record } = a.statement;
  const done = fieldsOf(record, 'relocation');
  if (b.statement.namespace !== namespace || b.statement.iss !== iss) return undefined;
  if (!isOwnWord(a) || !isOwnWord(b)) return undefined;
  if (done?.action !== 'complete' || done.to === undefined) return undefined;
  // Where only a part moved, or both places still do it, nothing is somewhere else.
  if ((done.scopePercent ?? 100) < 100) return undefined;
  const since = Math.max(done.effectiveAt ?? a.statement.iat, done.dualRunUntil ?? 0);
  const moved = fieldsOf(b.statement.record, 'relocation');
  if (moved !== undefined) {
    const isSame =
      mattersMeet(
        matterOf({ type: 'relocation', namespace, fields: done }),
        matterOf({ type: 'relocation', namespace, fields: moved }),
      ) &&
      moved.category === done.category &&
      moved.subject === done.subject &&
      (moved.effectiveAt ?? b.statement.iat) > since;
    if (!isSame || moved.from === undefined || !areApart(moved.from, done.to, claim, namespace)) return undefined;
    return `The first says that it was complete${placesInWords(undefined, done.to)}; the later one has the same thing move${placesInWords(moved.from, undefined)}, where it was not any more.`;
  }
  const made = madeAt(b, done.activity);
  // A product is not moved by what moves one kind of data, or the data of one region.
  if (made === undefined || done.regions !== undefined) return undefined;
  if (done.category !== undefined && !WORK.includes(done.category)) return undefined;
  if (made.at <= since || !areApart([{ site: made.site }], done.to, claim, namespace)) return undefined;
  return `The first says that it was complete${placesInWords(undefined, done.to)} by ${formatTime(since)}; the later one says that it was done at ${made.site}, at ${formatTime(made.at)}.`;
}

/** What a relocation of assembly or signing may be about. */
const WORK: readonly string[] = ['build-tools', 'update-production'];

function madeAt(
  { statement }: LoggedRecord,
  activity: string,
): { readonly site: string; readonly at: number } | undefined {
  const build = fieldsOf(statement.record, 'build');
  const release = fieldsOf(statement.record, 'avdb-release');
  const { buildSite, signSite } = build ?? release ?? {};
  const site = activity === 'assemble' ? buildSite : activity === 'sign' ? signSite : undefined;
  const at = build?.finishedAt ?? release?.producedAt;
  return site === undefined || at === undefined ? undefined : { site, at };
}

/** D06, D30: a build and a rebuild that obtained something else, or two verdicts on one build that exclude each other. */
export function verdictConflictOf([a, b]: Pair): string | undefined {
  if (!isOwnWord(a) || !isOwnWord(b)) return undefined;
  const rebuilds = both(a, b, 'rebuild');
  // Whoever says another thing later about its own work corrects itself.
  if (rebuilds !== undefined) return a.statement.iss === b.statement.iss ? undefined : otherVerdict(rebuilds);
  const build = fieldsOf(a.statement.record, 'build');
  const rebuild = fieldsOf(b.statement.record, 'rebuild');
  if (build === undefined || rebuild === undefined || !equalBytes(rebuild.build, a.leafHash)) return undefined;
  if (rebuild.result === 'mismatch') {
    // A build that says that it cannot be made again exactly claims nothing that this contradicts.
    if ((build.reproducible?.kind ?? 'exact') !== 'exact') return undefined;
    return 'The one says that these files are what the source makes; the other one made it again, and got other files.';
  }
  if (rebuild.result !== 'match') return undefined;
  const files = new Set(build.artifacts.map(({ digest }) => toHex(digest.sha256)));
  const stray = rebuild.obtained?.find(({ digest }) => !files.has(toHex(digest.sha256)));
  if (stray === undefined) return undefined;
  return `The rebuild says that the same files came out, and names one that the build has not: SHA-256 ${toHex(stray.digest.sha256)}.`;
}

function otherVerdict([a, b]: readonly [RebuildFields, RebuildFields]): string | undefined {
  if (!equalBytes(a.build, b.build)) return undefined;
  const isOther =
    (a.result === 'match' && b.result === 'mismatch') || (b.result === 'match' && a.result === 'mismatch');
  return isOther
    ? 'Both made the same build again. One says that the same files came out, the other that others did.'
    : undefined;
}
