// A record of each type with every field that it may have, and signers with fixed keys.

import { formatCoseKey } from '../../src/cose/key.ts';
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

const APPROVALS = [
  { kid: hash(30), signature: new Uint8Array(64).fill(31) },
  { kid: hash(32), signature: new Uint8Array(64).fill(33) },
] as const;

/** The public keys of SIGNER and P256_SIGNER, as records carry them. */
export const PUBLIC_KEYS = [SIGNER, P256_SIGNER].map(({ key, kid }) => ({ kid, key: formatCoseKey(key) }));

export const ORIGIN = 'log.example/2026';
/** A vkey of that name, of an Ed25519 key. */
export const VKEY = `${ORIGIN}+530d903a+${'A'.repeat(43)}=`;

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
      approvals: APPROVALS,
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
      baseSequence: 26_998,
      artifacts: [{ name: 'daily.cdiff', size: 10_000, digest: digest(13) }],
      minEngine: 90,
      producedAt: 1_783_765_031,
      validUntil: 1_784_000_000,
      nextDue: 1_783_768_631,
      urgency: 'normal',
      source: hash(14),
      buildSite: 'zrh',
      signSite: 'zrh',
      gap: { from: 26_999, to: 27_000, reason: 'the build failed' },
      rollback: { toSequence: 26_990, reason: 'false positives' },
      basis: { kind: 'own' },
      approvals: APPROVALS,
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
      approvals: APPROVALS,
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
      approvals: APPROVALS,
    },
  },
  {
    type: 'policy',
    namespace: 'log',
    fields: {
      sequence: 1,
      log: { origin: ORIGIN, vkeys: [VKEY], statementKeys: PUBLIC_KEYS, channelHead: VKEY.replace('+', '/channel+') },
      rules: 'v1',
      root: { threshold: 2, keys: PUBLIC_KEYS },
      roles: [
        {
          role: 'release',
          types: ['build', 'avdb-release'],
          keys: [hash(40), hash(41)],
          products: ['endpoint-security'],
          sites: ['zrh-1'],
          issuers: ['Vendor AG'],
          threshold: 2,
        },
        { role: 'rebuilders', types: ['rebuild'] },
      ],
      require: [
        { type: 'build', fields: ['source', 'buildSite'] },
        { type: 'site', fields: ['openedAt'] },
      ],
      parameters: {
        rebuildDays: 30,
        deltaLimit: 168,
        removalPercent: 10,
        cadenceSeconds: 3600,
        skewSeconds: 86_400,
        supervisionDays: 90,
        iatWindowSeconds: 3600,
        heartbeatSeconds: 600,
      },
      approvals: APPROVALS,
    },
  },
  {
    type: 'key-event',
    namespace: 'vendor',
    fields: {
      sequence: 7,
      prev: hash(42),
      action: 'rotate',
      kid: PUBLIC_KEYS[0]!.kid,
      key: PUBLIC_KEYS[0]!.key,
      role: 'release',
      previousKid: hash(43),
      site: 'zrh-1',
      validFrom: 1_783_765_000,
      validUntil: 1_883_765_000,
      hsmAttestationDigest: digest(44),
      approvals: APPROVALS,
    },
  },
  {
    type: 'site',
    namespace: 'vendor',
    fields: {
      sequence: 2,
      prev: hash(45),
      siteId: 'zrh-1',
      kinds: ['data-centre', 'signing'],
      country: 'CH',
      city: 'Zürich',
      operator: 'Interxion',
      jurisdiction: 'Canton of Zurich',
      openedAt: 1_542_067_200,
      closedAt: 1_742_067_200,
      certificates: [{ name: 'ISO 27001', digest: digest(46), validUntil: 1_642_067_200 }, { name: 'SOC 2' }],
      basis: REPORTED,
      approvals: APPROVALS,
    },
  },
  {
    type: 'source-snapshot',
    namespace: 'vendor',
    fields: {
      product: 'endpoint-security',
      version: '12.4.1.8801',
      vcs: 'git',
      commit: '301641aaefe473c2b9e10f3a8633f6a59da4848d',
      treeDigest: digest(47),
      archiveDigest: digest(48),
      size: 90_000_000,
      files: 314,
      toolchainDigest: digest(49),
      sbomDigest: digest(50),
      heldAt: ['zrh-1', 'zrh-2'],
      auditAccess: { from: 1_783_765_031, until: 1_883_765_031, scope: 'governments' },
      basis: { kind: 'own' },
      approvals: APPROVALS,
    },
  },
  {
    type: 'rebuild',
    namespace: 'verifier',
    fields: {
      build: hash(51),
      result: 'mismatch',
      source: hash(52),
      method: 'rebuild',
      obtained: [{ name: 'setup.exe', size: 5_000_000_001, digest: digest(53) }, { digest: digest(54) }],
      environmentDigest: digest(55),
      diffReportDigest: digest(56),
      startedAt: 1_783_765_031,
      finishedAt: 1_783_768_631,
      independence: 'paid by its members',
      basis: { kind: 'own' },
      approvals: APPROVALS,
    },
  },
  {
    type: 'supervision',
    namespace: 'supervisor',
    fields: {
      supervisionId: 'SOC2-2026-1',
      kind: 'supervised-assembly',
      result: 'qualified',
      range: { from: 100, to: 2000, size: 2048, rootHash: hash(57), namespaces: ['vendor', 'vendor-b'] },
      period: { from: 1_783_765_031, until: 1_793_765_031 },
      standard: 'SSAE 18',
      reportDigest: digest(58),
      basis: { kind: 'own' },
      approvals: APPROVALS,
    },
  },
  {
    type: 'review',
    namespace: 'vendor',
    fields: {
      reviewId: 'ZRH-2026-4',
      site: 'zrh-tc',
      reviewerClass: 'government',
      reviewer: 'BSI',
      scope: ['source', 'rules'],
      refs: [hash(59), hash(60)],
      startedAt: 1_783_765_031,
      endedAt: 1_783_865_031,
      outcome: 'no-finding',
      reportDigest: digest(61),
      underNda: true,
      basis: { kind: 'own' },
      approvals: APPROVALS,
    },
  },
  {
    type: 'retraction',
    namespace: 'vendor',
    fields: {
      target: hash(62),
      kind: 'supersede',
      reason: 'malfunction',
      replacement: hash(63),
      customerAction: 'update',
      effectiveAt: 1_783_765_031,
      approvals: APPROVALS,
    },
  },
  {
    type: 'membership',
    namespace: 'log',
    fields: {
      sequence: 3,
      prev: hash(64),
      action: 'admit',
      namespace: 'vendor-b',
      vendor: 'Vendor B GmbH',
      root: { threshold: 1, keys: PUBLIC_KEYS },
      bylawsDigest: digest(65),
      from: 1_783_765_031,
      until: 1_883_765_031,
      approvals: APPROVALS,
    },
  },
  {
    type: 'log-event',
    namespace: 'log',
    fields: {
      heartbeat: {
        size: 4096,
        rootHash: hash(66),
        heads: [
          { namespace: 'log', sequence: 3, leafHash: hash(67) },
          { namespace: 'vendor', sequence: 7, leafHash: hash(68) },
        ],
      },
      approvals: APPROVALS,
    },
  },
];
