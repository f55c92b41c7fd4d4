// A record of each type with every field that it may have, and signers with fixed keys.

import { externalSigner, statementSigner, type StatementSigner } from '../../src/cose/signer.ts';
import { portableCrypto } from '../../src/crypto/index.ts';
import type { LimmatRecord } from '../../src/record/types.ts';

export const SIGNER: StatementSigner = statementSigner(new Uint8Array(32).fill(7), -19, portableCrypto);
export const P256_SIGNER: StatementSigner = statementSigner(new Uint8Array(32).fill(8), -9, portableCrypto);
/** Signs nothing: 64 zero bytes, for tests of form only. */
export const UNSIGNED: StatementSigner = externalSigner(SIGNER.key, () => Promise.resolve(new Uint8Array(64)));

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const digest = (byte: number): { sha256: Uint8Array } => ({ sha256: hash(byte) });

const REPORTED = {
  kind: 'reported',
  documentName: 'article.txt',
  documentDigest: digest(20),
  documentDate: 1_526_342_400,
  inferred: ['from'],
} as const;

const PLACES = [{ site: 'zrh-1', name: 'data centre, Zurich', country: 'CH' }, { country: 'DE' }] as const;

export const FULL_RECORDS: readonly LimmatRecord[] = [
  {
    type: 'build',
    namespace: 'vendor',
    fields: {
      product: 'endpoint-security',
      version: '12.4.1.8801',
      channel: 'stable',
      platform: 'windows-x64',
      artifacts: [
        { name: 'setup.exe', size: 5_000_000_000, digest: digest(1), signatureDigest: digest(2) },
        { digest: digest(3) },
      ],
      audience: { kind: 'segment', segment: 'beta', reason: 'trial' },
      source: hash(4),
      buildType: 'https://vendor.example/build/v1',
      parametersDigest: digest(5),
      dependencies: [digest(6), digest(7)],
      builder: { id: 'zrh-1', version: '4.1' },
      environmentDigest: digest(8),
      buildSite: 'zrh',
      signSite: 'zrh',
      startedAt: 1_783_765_000,
      finishedAt: 1_783_765_031,
      reproducible: { kind: 'normalised', toolDigest: digest(9) },
      previous: hash(10),
      plannedDistributionAt: 1_783_800_000,
      basis: { kind: 'own' },
    },
  },
  {
    type: 'avdb-release',
    namespace: 'vendor',
    fields: {
      product: 'endpoint-security',
      database: 'daily',
      channel: 'stable',
      sequence: 27_001,
      prev: hash(11),
      contentDigest: digest(12),
      counts: { total: 2_000_000, added: 120, changed: 1, removed: 0 },
      audience: { kind: 'all' },
      versionText: '27001',
      kind: 'delta',
      baseSequence: 27_000,
      artifacts: [{ name: 'daily.cdiff', size: 10_000, digest: digest(13) }],
      minEngine: 90,
      producedAt: 1_783_765_031,
      validUntil: 1_784_000_000,
      nextDue: 1_783_768_631,
      urgency: 'normal',
      source: hash(14),
      buildSite: 'zrh',
      signSite: 'zrh',
      rollback: { toSequence: 26_990, reason: 'false positives' },
      basis: { kind: 'own' },
    },
  },
  {
    type: 'commitment',
    namespace: 'vendor',
    fields: {
      commitmentId: 'gti-1',
      kind: 'relocation',
      subject: 'customer data',
      activities: ['store', 'process', 'match-source'],
      regions: ['150', 'US'],
      from: [{ country: 'RU' }],
      to: PLACES,
      deadline: 1_577_836_799,
      fulfilledBy: { type: 'relocation', action: 'complete' },
      phase: 'phase one',
      supervisedBy: 'a third party',
      basis: REPORTED,
    },
  },
  {
    type: 'relocation',
    namespace: 'vendor',
    fields: {
      relocationId: 'eu-files',
      action: 'complete',
      activity: 'process',
      category: 'suspicious-file',
      subject: 'files that users share',
      regions: ['150'],
      from: [{ country: 'RU' }],
      to: PLACES,
      deadline: 1_577_836_799,
      effectiveAt: 1_542_067_200,
      scopePercent: 100,
      dualRunUntil: 1_577_836_799,
      originDeletion: { claimedAt: 1_580_000_000, certificateDigest: digest(15) },
      legalBasis: { kind: 'scc-module', documentDigest: digest(16) },
      registerEntry: 'art30-17',
      phase: 'phase one',
      supervisor: hash(17),
      supervisedBy: 'a third party',
      basis: REPORTED,
    },
  },
];
