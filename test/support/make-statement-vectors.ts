// Writes test/vectors/statements.json: whole statements, right and wrong, made without any code of src. Keys and
// signatures come from Node's OpenSSL.
// Run: node test/support/make-statement-vectors.ts (test/record/statement.test.ts fails when that would change the file).

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cbor, head, hex, map, Pairs, type Value } from './vector-cbor.ts';
import { IAT, ISSUER, OTHER, SIGNER } from './vector-keys.ts';
import { typeVectors } from './vector-types.ts';

interface Parts {
  readonly protected: Buffer;
  readonly payload: Buffer;
}

function signature(parts: Parts): Buffer {
  return SIGNER.sign(cbor(['Signature1', parts.protected, Buffer.alloc(0), parts.payload]));
}

function leaf(parts: Parts): Buffer {
  return Buffer.concat([hex('d284'), cbor(parts.protected), hex('a0'), cbor(parts.payload), cbor(signature(parts))]);
}

function header(type: string, subject: string, change: readonly (readonly [string | number, Value])[] = []): Buffer {
  const claims = map([1, ISSUER], [2, subject], [6, IAT]);
  const usual = [
    [1, -19],
    [4, SIGNER.kid],
    [15, claims],
    [16, `application/vnd.limmat.${type}.v1+cbor`],
  ] as const;
  const rest = usual.filter(([label]) => !change.some(([other]) => other === label));
  return cbor(map(...rest, ...change));
}

const digest = (byte: number): Pairs => map(['sha256', Buffer.alloc(32, byte)]);
const digestJson = (byte: number): object => ({ sha256: Buffer.alloc(32, byte).toString('hex') });

const BUILD = map(
  ['product', '2vcard'],
  ['version', '0.6-4'],
  ['channel', 'bookworm'],
  ['platform', 'all'],
  ['artifacts', [map(['size', 14_544], ['digest', digest(0x91)])]],
);
const BUILD_JSON = {
  product: '2vcard',
  version: '0.6-4',
  channel: 'bookworm',
  platform: 'all',
  artifacts: [{ size: 14_544, digest: digestJson(0x91) }],
};
const BUILD_SUBJECT = 'debian/build/2vcard/0.6-4/bookworm/all';

const good = [
  {
    desc: 'a build with the required fields',
    type: 'build',
    namespace: 'debian',
    subject: BUILD_SUBJECT,
    payload: BUILD,
    fields: BUILD_JSON,
  },
  {
    desc: 'a build with nested optional fields, an escaped subject and text beyond ASCII',
    type: 'build',
    namespace: 'vendor',
    subject: 'vendor/build/a%2Fb/1%25/stäbil/windows x64',
    payload: map(
      ['product', 'a/b'],
      ['version', '1%'],
      ['channel', 'stäbil'],
      ['platform', 'windows x64'],
      [
        'artifacts',
        [map(['name', 'setup.exe'], ['size', 5_000_000_000], ['digest', digest(1)], ['signatureDigest', digest(2)])],
      ],
      ['audience', map(['kind', 'segment'], ['segment', 'beta'], ['reason', 'trial'])],
      ['source', Buffer.alloc(32, 3)],
      ['builder', map(['id', 'zrh-1'], ['version', '4.1'])],
      ['finishedAt', 1_783_765_000],
      ['reproducible', map(['kind', 'normalised'], ['toolDigest', digest(4)])],
      ['dependencies', [digest(5), digest(6)]],
      ['basis', map(['kind', 'own'])],
    ),
    fields: {
      product: 'a/b',
      version: '1%',
      channel: 'stäbil',
      platform: 'windows x64',
      artifacts: [{ name: 'setup.exe', size: 5_000_000_000, digest: digestJson(1), signatureDigest: digestJson(2) }],
      audience: { kind: 'segment', segment: 'beta', reason: 'trial' },
      source: '03'.repeat(32),
      dependencies: [digestJson(5), digestJson(6)],
      builder: { id: 'zrh-1', version: '4.1' },
      finishedAt: '2026-07-11T10:16:40Z',
      reproducible: { kind: 'normalised', toolDigest: digestJson(4) },
      basis: { kind: 'own' },
    },
  },
  {
    desc: 'a database release that names the one before it',
    type: 'avdb-release',
    namespace: 'sigmahq',
    subject: 'sigmahq/avdb-release/SigmaHQ/sigma/release/2',
    payload: map(
      ['product', 'SigmaHQ'],
      ['database', 'sigma'],
      ['channel', 'release'],
      ['sequence', 2],
      ['prev', Buffer.alloc(32, 0xaa)],
      ['contentDigest', digest(0xdb)],
      ['counts', map(['total', 3075], ['added', 139], ['changed', 157], ['removed', 65])],
      ['producedAt', 1_696_843_076],
      ['versionText', 'r2023-10-09'],
    ),
    fields: {
      product: 'SigmaHQ',
      database: 'sigma',
      channel: 'release',
      sequence: 2,
      prev: 'aa'.repeat(32),
      contentDigest: digestJson(0xdb),
      counts: { total: 3075, added: 139, changed: 157, removed: 65 },
      versionText: 'r2023-10-09',
      producedAt: '2023-10-09T09:17:56Z',
    },
  },
  {
    desc: 'a reported promise',
    type: 'commitment',
    namespace: 'kaspersky-lab',
    subject: 'kaspersky-lab/commitment/r022',
    payload: map(
      ['commitmentId', 'r022'],
      ['kind', 'relocation'],
      ['subject', 'customer data'],
      ['activities', ['store', 'process']],
      ['regions', ['US']],
      ['from', [map(['country', 'RU'])]],
      ['to', [map(['name', 'Zurich'], ['country', 'CH'])]],
      ['deadline', 1_577_836_799],
      ['fulfilledBy', map(['type', 'relocation'], ['action', 'complete'])],
      ['basis', map(['kind', 'reported'], ['documentName', '002_662ab65c504d6dea.txt'])],
    ),
    fields: {
      commitmentId: 'r022',
      kind: 'relocation',
      subject: 'customer data',
      activities: ['store', 'process'],
      regions: ['US'],
      from: [{ country: 'RU' }],
      to: [{ name: 'Zurich', country: 'CH' }],
      deadline: '2019-12-31T23:59:59Z',
      fulfilledBy: { type: 'relocation', action: 'complete' },
      basis: { kind: 'reported', documentName: '002_662ab65c504d6dea.txt' },
    },
  },
  {
    desc: 'a step of a relocation',
    type: 'relocation',
    namespace: 'vendor',
    subject: 'vendor/relocation/eu-files',
    payload: map(
      ['relocationId', 'eu-files'],
      ['action', 'complete'],
      ['activity', 'process'],
      ['category', 'suspicious-file'],
      ['regions', ['150', 'CH']],
      ['scopePercent', 100],
      ['originDeletion', map(['claimedAt', 1_600_000_000], ['certificateDigest', digest(8)])],
      ['legalBasis', map(['kind', 'adequacy'])],
    ),
    fields: {
      relocationId: 'eu-files',
      action: 'complete',
      activity: 'process',
      category: 'suspicious-file',
      regions: ['150', 'CH'],
      scopePercent: 100,
      originDeletion: { claimedAt: '2020-09-13T12:26:40Z', certificateDigest: digestJson(8) },
      legalBasis: { kind: 'adequacy' },
    },
  },
] as const;

const build: Parts = { protected: header('build', BUILD_SUBJECT), payload: cbor(BUILD) };
const right = leaf(build);
const withHeader = (...change: readonly (readonly [string | number, Value])[]): Buffer =>
  leaf({ ...build, protected: header('build', BUILD_SUBJECT, change) });
const withClaims = (...claims: readonly (readonly [string | number, Value])[]): Buffer =>
  withHeader([15, map(...claims)]);
const withPayload = (payload: Buffer): Buffer => leaf({ ...build, payload });
const withField = (name: string, value: Value): Buffer =>
  withPayload(cbor(map(...BUILD.pairs.filter(([key]) => key !== name), [name, value])));
const withoutField = (name: string): Buffer => withPayload(cbor(map(...BUILD.pairs.filter(([key]) => key !== name))));
const replaced = (from: Buffer, to: Buffer): Buffer => {
  const at = right.indexOf(from);
  if (at < 0) throw new Error('bad vector: nothing to replace');
  return Buffer.concat([right.subarray(0, at), to, right.subarray(at + from.length)]);
};
/** The payload with the bytes of one field (name and value) changed, signed again. */
const rawPayload = (from: Buffer, to: Buffer): Buffer => {
  const at = build.payload.indexOf(from);
  if (at < 0) throw new Error('bad vector: nothing to replace');
  return withPayload(Buffer.concat([build.payload.subarray(0, at), to, build.payload.subarray(at + from.length)]));
};
const version = Buffer.concat([cbor('version'), cbor('0.6-4')]);
const product = Buffer.concat([cbor('product'), cbor('2vcard')]);
const channel = Buffer.concat([cbor('channel'), cbor('bookworm')]);
const twice = Buffer.concat([
  build.payload.subarray(1, build.payload.indexOf(version)),
  version,
  build.payload.subarray(build.payload.indexOf(version)),
]);
const size = Buffer.concat([cbor('size'), cbor(14_544)]);

const bad = [
  ['no tag', right.subarray(1), 'malformed'],
  ['another tag', Buffer.concat([hex('d3'), right.subarray(1)]), 'malformed'],
  ['the tag in a longer form', Buffer.concat([hex('d812'), right.subarray(1)]), 'malformed'],
  ['five elements', Buffer.concat([hex('d285'), right.subarray(2), hex('f6')]), 'malformed'],
  ['an unprotected header', replaced(hex('a0 58'), hex('a1 04 41 31 58')), 'malformed'],
  ['an unprotected header of indefinite length', replaced(hex('a0 58'), hex('bf ff 58')), 'malformed'],
  [
    'a detached payload',
    Buffer.concat([right.subarray(0, right.indexOf(hex('a058')) + 1), hex('f6'), cbor(signature(build))]),
    'malformed',
  ],
  ['bytes left over', Buffer.concat([right, hex('00')]), 'malformed'],
  ['a signature of 63 bytes', Buffer.concat([right.subarray(0, -66), hex('583f'), right.subarray(-63)]), 'malformed'],
  [
    'a payload length in a longer form',
    replaced(
      Buffer.concat([hex('a0'), head(2, build.payload.length)]),
      Buffer.concat([hex('a0 59 00'), Buffer.from([build.payload.length])]),
    ),
    'malformed',
  ],
  ['an empty protected header', leaf({ ...build, protected: Buffer.alloc(0) }), 'malformed'],
  ['a protected header that is no map', leaf({ ...build, protected: cbor([1]) }), 'malformed'],
  ['a payload that is no map', withPayload(cbor([1])), 'bad-record'],
  ['an empty payload', withPayload(Buffer.alloc(0)), 'malformed'],
  ['alg EdDSA', withHeader([1, -8]), 'bad-record'],
  ['a short key id', withHeader([4, Buffer.alloc(8)]), 'bad-record'],
  ['a content type beside the four labels', withHeader([3, 'application/cbor']), 'bad-record'],
  ['critical labels', withHeader([2, [15]]), 'bad-record'],
  ['a text label', withHeader(['alg', 'none']), 'bad-record'],
  [
    'no type',
    leaf({
      ...build,
      protected: cbor(map([1, -19], [4, SIGNER.kid], [15, map([1, ISSUER], [2, BUILD_SUBJECT], [6, IAT])])),
    }),
    'bad-record',
  ],
  ['an unknown type', withHeader([16, 'application/vnd.limmat.treaty.v1+cbor']), 'bad-record'],
  ['another version of the type', withHeader([16, 'application/vnd.limmat.build.v2+cbor']), 'bad-record'],
  ['another type than the subject says', withHeader([16, 'application/vnd.limmat.relocation.v1+cbor']), 'bad-record'],
  ['no time of signing', withClaims([1, ISSUER], [2, BUILD_SUBJECT]), 'bad-record'],
  ['a negative time of signing', withClaims([1, ISSUER], [2, BUILD_SUBJECT], [6, -1]), 'bad-record'],
  ['an expiry', withClaims([1, ISSUER], [2, BUILD_SUBJECT], [6, IAT], [4, IAT]), 'bad-record'],
  ['an empty issuer', withClaims([1, ''], [2, BUILD_SUBJECT], [6, IAT]), 'bad-record'],
  [
    'the subject of another build',
    withClaims([1, ISSUER], [2, 'debian/build/2vcard/0.6-5/bookworm/all'], [6, IAT]),
    'bad-record',
  ],
  ['a subject without a path', withClaims([1, ISSUER], [2, 'debian'], [6, IAT]), 'bad-record'],
  [
    'a namespace in capitals',
    withClaims([1, ISSUER], [2, BUILD_SUBJECT.replace('debian', 'Debian')], [6, IAT]),
    'bad-record',
  ],
  ['an unknown field', withField('section', 'utils'), 'bad-record'],
  ['a field with an integer name', withPayload(cbor(map(...BUILD.pairs, [1, 'x']))), 'bad-record'],
  ['a required field missing', withoutField('platform'), 'bad-record'],
  ['no artifacts', withField('artifacts', []), 'bad-record'],
  ['null for an unknown fact', rawPayload(version, Buffer.concat([cbor('version'), hex('f6')])), 'bad-record'],
  ['a float', rawPayload(size, Buffer.concat([cbor('size'), hex('f97000')])), 'malformed'],
  ['an undefined', rawPayload(size, Buffer.concat([cbor('size'), hex('f7')])), 'malformed'],
  ['a tagged text', rawPayload(version, Buffer.concat([cbor('version'), hex('c1'), cbor('0.6-4')])), 'bad-record'],
  ['a negative size', withField('artifacts', [map(['size', -1], ['digest', digest(1)])]), 'bad-record'],
  ['a digest of 31 bytes', withField('artifacts', [map(['digest', map(['sha256', Buffer.alloc(31)])])]), 'bad-record'],
  [
    'a digest of another algorithm',
    withField('artifacts', [map(['digest', map(['sha1', Buffer.alloc(20)])])]),
    'bad-record',
  ],
  ['a bare digest', withField('artifacts', [map(['digest', Buffer.alloc(32)])]), 'bad-record'],
  ['an empty text', withField('version', ''), 'bad-record'],
  ['a line break in a text', withField('version', '0.6\n-4'), 'bad-record'],
  ['a direction mark in a text', withField('version', '0.6\u{202e}-4'), 'bad-record'],
  ['a text of 257 bytes', withField('version', 'v'.repeat(257)), 'bad-record'],
  [
    'fields out of order',
    rawPayload(Buffer.concat([channel, product]), Buffer.concat([product, channel])),
    'malformed',
  ],
  ['a field twice', withPayload(Buffer.concat([hex('a6'), version, version, build.payload.subarray(1)])), 'malformed'],
  ['a field twice, side by side', withPayload(Buffer.concat([hex('a6'), twice])), 'malformed'],
  [
    'a number that is not in its shortest form',
    rawPayload(size, Buffer.concat([cbor('size'), hex('1a000038d0')])),
    'malformed',
  ],
  ['text that is not UTF-8', rawPayload(cbor('bookworm'), hex('68 626f6f6b776f72ff')), 'malformed'],
  [
    'a map of indefinite length',
    withPayload(Buffer.concat([hex('bf'), build.payload.subarray(1), hex('ff')])),
    'malformed',
  ],
] as const;

/** The file's content. */
export function statementVectors(): string {
  const vectors = {
    note: 'written by test/support/make-statement-vectors.ts, which shares no code with src',
    secretHex: SIGNER.secret.toString('hex'),
    coseKeyHex: SIGNER.coseKey.toString('hex'),
    kidHex: SIGNER.kid.toString('hex'),
    approverCoseKeyHex: OTHER.coseKey.toString('hex'),
    issuer: ISSUER,
    iatSeconds: IAT,
    good: [...good, ...typeVectors()].map(({ desc, type, namespace, subject, payload, fields }) => {
      const statement = leaf({ protected: header(type, subject), payload: cbor(payload) });
      const leafHash = createHash('sha256')
        .update(Buffer.from([0]))
        .update(statement)
        .digest('hex');
      return {
        desc,
        record: { type, namespace, fields },
        subject,
        statementHex: statement.toString('hex'),
        leafHashHex: leafHash,
      };
    }),
    bad: bad.map(([desc, statement, code]) => ({ desc, code, statementHex: statement.toString('hex') })),
  };
  return `${JSON.stringify(vectors, undefined, 1)}\n`;
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '..', 'vectors', 'statements.json'), statementVectors());
}
