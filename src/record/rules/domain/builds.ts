// Builds and who rebuilt them: one file in two builds (D02), rebuilt in time (D05) and with one result (D06), the same
// for all channels (D14), reproducible for good (D30).

import { equalBytes, toHex } from '../../../bytes.ts';
import { entryKey, type StateKey } from '../../admission/keys.ts';
import { entryValue } from '../../admission/values.ts';
import type { BuildFields } from '../../build.ts';
import type { RebuildFields } from '../../rebuild.ts';
import type { Statement } from '../../statement.ts';
import { formatTime } from '../../time.ts';
import type { DomainCase, DueCase } from './case.ts';
import { artifactKey, namedKey, verdictsKey } from './keys.ts';
import type { Hasher } from '../../../merkle/hash.ts';

const DAY = 86_400;

type ArtifactRow = readonly [index: number, subject: string];
type VersionRow = readonly [index: number, channel: string, digests: readonly Uint8Array[], isForAll: boolean];
/** Indexes and issuers of the first rebuild with the same files and of the first with others; when it was verified. */
type VerdictsRow = readonly [
  match: number | null,
  matchBy: string | null,
  mismatch: number | null,
  mismatchBy: string | null,
  verifiedAt: number | null,
];

function versionKey(hasher: Hasher, namespace: string, { product, version, platform }: BuildFields): StateKey {
  return namedKey('version', hasher, namespace, product, version, platform);
}

export function buildKeys({ namespace }: Statement, f: BuildFields, hasher: Hasher): StateKey[] {
  return [
    ...f.artifacts.map(({ digest }) => artifactKey(digest.sha256)),
    versionKey(hasher, namespace, f),
    ...(f.reproducible?.kind === 'no' ? [namedKey('exact', hasher, namespace, f.product)] : []),
  ];
}

export function judgeBuild(c: DomainCase, f: BuildFields): void {
  const { statement, hasher, namespace, index, leafHash } = c;
  const digests = f.artifacts.map(({ digest }) => digest.sha256);
  judgeFiles(c, digests);
  judgeChannels(c, f, digests);
  if (f.reproducible?.kind === 'no') {
    const exact = c.row<number>(namedKey('exact', hasher, namespace, f.product));
    if (exact === undefined) return;
    const sentence = `${f.product} ${f.version} is declared irreproducible, and entry ${exact} says that a build of ${f.product} was rebuilt exactly`;
    c.find('D30', { product: f.product, rebuild: exact }, sentence);
    return;
  }
  const { rebuildDays } = c.parameters;
  c.remind('D05', statement.iat + DAY * rebuildDays, toHex(leafHash), [leafHash, rebuildDays, index]);
}

/** D02. One finding a build, however many of its files are in others. */
function judgeFiles(c: DomainCase, digests: readonly Uint8Array[]): void {
  const { sub } = c.statement;
  let isFound = false;
  for (const digest of digests) {
    const first = c.row<ArtifactRow>(artifactKey(digest));
    if (first === undefined) {
      c.write(artifactKey(digest), [c.index, sub]);
    } else if (first[1] !== sub && !isFound) {
      isFound = true;
      const values = { sha256: toHex(digest), first: first[0], subject: sub, firstSubject: first[1] };
      c.find('D02', values, `the file ${toHex(digest)} of ${sub} is one of ${first[1]} too (entry ${first[0]})`);
    }
  }
}

/** D14 for builds: what is called the same version for the same platform is the same in every channel. */
function judgeChannels(c: DomainCase, f: BuildFields, digests: readonly Uint8Array[]): void {
  const key = versionKey(c.hasher, c.namespace, f);
  const first = c.row<VersionRow>(key);
  const isForAll = f.audience?.kind !== 'segment';
  if (first === undefined) {
    c.write(key, [c.index, f.channel, [...digests], isForAll]);
    return;
  }
  const [index, channel, known, wasForAll] = first;
  // Of one channel admission says it (D01); a part of the customers gets it with a reason that everybody can read.
  if (channel === f.channel || !isForAll || !wasForAll || sameDigests(known, digests)) return;
  const what = `${f.product} ${f.version} for ${f.platform}`;
  const values = { channel: f.channel, other: channel, first: index };
  c.find('D14', values, `${what} has other files in channel ${f.channel} than in ${channel} (entry ${index})`);
}

function isIn(digest: Uint8Array, all: readonly Uint8Array[]): boolean {
  return all.some((one) => equalBytes(one, digest));
}

function sameDigests(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.every((digest) => isIn(digest, b)) && b.every((digest) => isIn(digest, a));
}

export function rebuildKeys(f: RebuildFields): StateKey[] {
  return [verdictsKey(f.build)];
}

export function judgeRebuild(c: DomainCase, f: RebuildFields): void {
  const { index, statement, hasher } = c;
  const before = c.row<VerdictsRow>(verdictsKey(f.build)) ?? [null, null, null, null, null];
  const [match, matchBy, mismatch, mismatchBy, verifiedAt] = before;
  const build = entryValue.parse(c.facts.get(entryKey(f.build))!);
  const values = { build: build.index, issuer: statement.iss };
  if (f.result === 'mismatch') {
    const but = match === null ? '' : `, and in entry ${match} ${matchBy} says that they are the same`;
    c.find(
      'D06',
      { ...values, ...(match !== null && { other: match }) },
      `${statement.iss} rebuilt entry ${build.index} and got other files${but}`,
    );
    if (mismatch === null) c.write(verdictsKey(f.build), [match, matchBy, index, statement.iss, verifiedAt]);
    return;
  }
  if (f.result !== 'match' && f.result !== 'match-normalised') return;
  if (mismatch !== null) {
    const sentence = `${statement.iss} rebuilt entry ${build.index} and got the same files, and in entry ${mismatch} ${mismatchBy} got others`;
    c.find('D06', { ...values, other: mismatch }, sentence);
  }
  if (match === null || verifiedAt === null || statement.iat < verifiedAt) {
    const first = match === null ? ([index, statement.iss] as const) : ([match, matchBy] as const);
    c.write(verdictsKey(f.build), [...first, mismatch, mismatchBy, statement.iat]);
  }
  if (f.result === 'match' && build.product !== null) {
    c.write(namedKey('exact', hasher, build.namespace, build.product), index);
  }
}

/** D05: the time for rebuilding a build is over. */
export async function judgeNotRebuilt(c: DueCase): Promise<void> {
  const [leafHash, days, index] = c.values<readonly [Uint8Array, number, number]>();
  const [entry] = await c.reader.get([entryKey(leafHash)]);
  if (entry === undefined) return;
  const { standing } = entryValue.parse(entry);
  if (standing === 'retracted' || standing === 'recalled') return;
  const verdicts = await c.row<VerdictsRow>(verdictsKey(leafHash));
  const verifiedAt = verdicts?.[4] ?? null;
  if (verifiedAt !== null && verifiedAt <= c.due.atSeconds) return;
  const late = verifiedAt === null ? '' : `; it was on ${formatTime(verifiedAt)}`;
  const values = { days, until: formatTime(c.due.atSeconds) };
  c.find(values, `the build in entry ${index} was not rebuilt with the same result within ${days} days${late}`, index);
}
