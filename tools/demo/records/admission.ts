// What the log refuses, and why: a build without its source, keys that may not sign, a database release out of turn.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { thumbprintHex } from '../../../src/cose/index.ts';
import { utf8 } from '../../../src/bytes.ts';
import type { FieldsOf, LimmatRecord } from '../../../src/record/index.ts';
import { treeDigest } from '../../rebuild/find.ts';
import { revocation } from '../../support/policy-change.ts';
import { tellGood, tellRefusal } from '../tell.ts';
import { ISSUER, PRODUCT, VENDOR, ZURICH, addKey, newKey, sha256 } from './scene.ts';
import type { Logged, Scene } from './scene.ts';

const CHANNEL = 'stable';
export const DATABASE = 'main';

/** A version of the product: its source, what was made of it, and the entry that says so. */
export interface Version {
  readonly version: string;
  readonly source: string;
  readonly file: string;
  readonly build: Logged;
}

/** A record was admitted. */
export function tellLogged({ index, says }: Logged): void {
  tellGood(`entry ${index}: ${says}`);
}

export function buildRecord(version: string, file: Uint8Array, more: Partial<FieldsOf<'build'>> = {}): LimmatRecord {
  return {
    type: 'build',
    namespace: VENDOR,
    fields: {
      product: PRODUCT,
      version,
      channel: CHANNEL,
      platform: 'all',
      artifacts: [{ name: 'scanner.bin', size: file.length, digest: { sha256: sha256(file) } }],
      signSite: ZURICH,
      ...more,
    },
  };
}

/** A build is refused without its source, and admitted after it. */
export async function tellSource(scene: Scene): Promise<Version> {
  const version = '1.0';
  const { source, made } = scene.build(version, { 'a-engine.txt': 'the engine\n', 'b-rules.txt': 'its first rules\n' });
  const file = new Uint8Array(readFileSync(made));
  await tellRefusal(
    `a build of ${PRODUCT} ${version} that names no source`,
    { code: 'not-admitted', says: /source/ },
    () => scene.add(buildRecord(version, file)),
  );
  return logVersion(scene, version, source, made);
}

/** Logs the source of a version, and then its build. */
export async function logVersion(scene: Scene, version: string, source: string, made: string): Promise<Version> {
  const snapshot = await scene.add({
    type: 'source-snapshot',
    namespace: VENDOR,
    fields: { product: PRODUCT, version, treeDigest: { sha256: await treeDigest(source) } },
  });
  tellLogged(snapshot);
  const record = buildRecord(version, new Uint8Array(readFileSync(made)), { source: snapshot.leafHash });
  const build = await scene.add(record);
  tellLogged(build);
  return { version, source, file: made, build };
}

/** A key of nobody's, a key of another namespace, a key that was revoked. */
export async function tellKeys(scene: Scene, { source }: Version): Promise<void> {
  const record = (version: string): LimmatRecord => ({
    type: 'source-snapshot',
    namespace: VENDOR,
    fields: { product: PRODUCT, version, treeDigest: { sha256: sha256(utf8(version + source)) } },
  });
  const stranger = newKey(join(scene.dir, 'stranger.pem'), ISSUER);
  await tellRefusal(
    `a record signed as ${ISSUER} by a key that no entry has brought`,
    { code: 'unknown-key', says: new RegExp(`^key ${thumbprintHex(stranger.signer.key)} `) },
    () => scene.add(record('8.0'), stranger),
  );
  await tellRefusal(
    'a promise, signed by the pipeline, which may sign other things',
    { code: 'not-admitted', says: /commitment/ },
    () =>
      scene.add({
        type: 'commitment',
        namespace: VENDOR,
        fields: { commitmentId: 'more', kind: 'process', subject: 'more of everything' },
      }),
  );
  const second = newKey(join(scene.dir, 'second.pem'), ISSUER);
  const { key } = second.signer;
  tellLogged(await scene.decide(addKey(key)));
  tellLogged(await scene.add(record('0.9'), second));
  tellLogged(await scene.decide((found) => revocation(found, thumbprintHex(key))));
  await tellRefusal('a record signed by that key from then on', { code: 'not-admitted', says: /dead|revoke/ }, () =>
    scene.add(record('0.10'), second),
  );
}

/** A release of the database. */
export function releaseRecord(
  sequence: number,
  prev: Logged | undefined,
  total: number,
  more: Partial<FieldsOf<'avdb-release'>> = {},
): LimmatRecord {
  return {
    type: 'avdb-release',
    namespace: VENDOR,
    fields: {
      product: PRODUCT,
      database: DATABASE,
      channel: CHANNEL,
      sequence,
      ...(prev !== undefined && { prev: prev.leafHash }),
      contentDigest: { sha256: sha256(releaseFile(sequence)) },
      counts: { total },
      signSite: ZURICH,
      ...more,
    },
  };
}

/** What customers get of a release. */
export function releaseFile(sequence: number): Uint8Array {
  return utf8(`rules of release ${sequence}\n`);
}

/** A release that skips a number is refused, and admitted when it says why. */
export async function tellReleases(scene: Scene): Promise<Logged> {
  const first = await scene.add(releaseRecord(1, undefined, 4_000));
  const second = await scene.add(releaseRecord(2, first, 4_120));
  for (const release of [first, second]) tellLogged(release);
  await tellRefusal('release 4, after release 2', { code: 'not-admitted', says: /sequence is 4.*3/ }, () =>
    scene.add(releaseRecord(4, second, 4_150)),
  );
  await tellRefusal('release 3, after release 1', { code: 'not-admitted', says: /prev/ }, () =>
    scene.add(releaseRecord(3, first, 4_150)),
  );
  const gap = { from: 3, to: 3, reason: 'failed its tests, never released' };
  const fourth = await scene.add(releaseRecord(4, second, 4_150, { gap }));
  tellLogged(fourth);
  return fourth;
}
