// Records of the types that came after the first four, for the generator of statement vectors. One tree of values gives
// both the payload and the JSON. The order of members is that of the record's JSON; CBOR sorts them.

import { cbor, json, map, Pairs, Time, type Value } from './vector-cbor.ts';
import { IAT, ISSUER, OTHER, SIGNER, type VectorKey } from './vector-keys.ts';

export interface TypeVector {
  readonly desc: string;
  readonly type: string;
  readonly namespace: string;
  readonly subject: string;
  readonly payload: Pairs;
  readonly fields: unknown;
}

const hash = (byte: number): Buffer => Buffer.alloc(32, byte);
const digest = (byte: number): Pairs => map(['sha256', hash(byte)]);
const publicKey = ({ kid, coseKey }: VectorKey): Pairs => map(['kid', kid], ['key', coseKey]);
const ORIGIN = 'log.example/2026';
const vkey = (name: string): string => `${name}+870806f8+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c`;

/** A type, its namespace, what its subject ends in, and its fields. */
type Case = readonly [desc: string, type: string, namespace: string, identity: string, payload: Pairs];

const GENESIS = map(
  ['sequence', 1],
  [
    'log',
    map(
      ['origin', ORIGIN],
      ['vkeys', [vkey(ORIGIN)]],
      ['statementKeys', [publicKey(SIGNER)]],
      ['channelHead', vkey(`${ORIGIN}/channel`)],
    ),
  ],
  ['rules', 'v1'],
  ['root', map(['threshold', 2], ['keys', [publicKey(SIGNER), publicKey(OTHER)]])],
  [
    'roles',
    [
      map(
        ['role', 'release'],
        ['types', ['build', 'avdb-release']],
        ['keys', [OTHER.kid]],
        ['products', ['Endpoint Security']],
        ['sites', ['zrh-1']],
        ['issuers', ['Vendor AG']],
        ['threshold', 1],
      ),
    ],
  ],
  ['require', [map(['type', 'build'], ['fields', ['source', 'buildSite']])]],
  ['parameters', map(['rebuildDays', 30], ['removalPercent', 0])],
);

const CASES: readonly Case[] = [
  ['a genesis, approved by a second root key', 'policy', 'log', '1', approved('policy', 'log/policy/1', GENESIS)],
  [
    'a key that takes the place of another',
    'key-event',
    'vendor',
    OTHER.kid.toString('hex'),
    map(
      ['sequence', 2],
      ['prev', hash(1)],
      ['action', 'rotate'],
      ['kid', OTHER.kid],
      ['key', OTHER.coseKey],
      ['role', 'release'],
      ['previousKid', SIGNER.kid],
      ['site', 'zrh-1'],
      ['validUntil', new Time('2030-12-31T23:59:59Z')],
    ),
  ],
  [
    'a key that is compromised',
    'key-event',
    'vendor',
    OTHER.kid.toString('hex'),
    map(
      ['sequence', 3],
      ['prev', hash(2)],
      ['action', 'compromised'],
      ['kid', OTHER.kid],
      ['compromisedSince', new Time('2026-07-01T00:00:00Z')],
    ),
  ],
  [
    'a site',
    'site',
    'vendor',
    'a%2Fb',
    map(
      ['sequence', 4],
      ['prev', hash(3)],
      ['siteId', 'a/b'],
      ['kinds', ['data-centre', 'transparency-centre']],
      ['country', 'CH'],
      ['city', 'Zürich'],
      ['openedAt', new Time('2018-11-13T00:00:00Z')],
      ['certificates', [map(['name', 'ISO 27001'], ['digest', digest(4)])]],
    ),
  ],
  [
    'a source snapshot',
    'source-snapshot',
    'vendor',
    'clamav/0.70@502',
    map(
      ['product', 'clamav'],
      ['version', '0.70@502'],
      ['vcs', 'git'],
      ['commit', '5b68a87c3c01bc831fa9a465384dca795491375c'],
      ['treeDigest', digest(5)],
      ['files', 317],
      ['auditAccess', map(['from', new Time('2026-01-01T00:00:00Z')])],
    ),
  ],
  [
    'a database release after a gap',
    'avdb-release',
    'vendor',
    'p/daily/stable/10',
    map(
      ['product', 'p'],
      ['database', 'daily'],
      ['channel', 'stable'],
      ['sequence', 10],
      ['prev', hash(6)],
      ['contentDigest', digest(7)],
      ['counts', map(['total', 5])],
      ['gap', map(['from', 8], ['to', 9], ['reason', 'two builds failed'])],
    ),
  ],
  [
    'a rebuild that gave other files',
    'rebuild',
    'verifier',
    hash(8).toString('hex'),
    map(
      ['build', hash(8)],
      ['result', 'mismatch'],
      ['source', hash(9)],
      ['method', 'rebuild'],
      ['obtained', [map(['name', 'a.exe'], ['size', 10], ['digest', digest(10)])]],
      ['diffReportDigest', digest(11)],
    ),
  ],
  [
    'a supervision over a range',
    'supervision',
    'supervisor',
    'S-1',
    map(
      ['supervisionId', 'S-1'],
      ['kind', 'supervised-signing'],
      ['result', 'conform'],
      ['range', map(['from', 0], ['to', 256], ['size', 300], ['rootHash', hash(12)], ['namespaces', ['vendor']])],
    ),
  ],
  [
    'a review under secrecy',
    'review',
    'vendor',
    'R-1',
    map(
      ['reviewId', 'R-1'],
      ['site', 'zrh-tc'],
      ['reviewerClass', 'government'],
      ['scope', ['source', 'rules']],
      ['refs', [hash(13), hash(14)]],
      ['outcome', 'no-finding'],
      ['underNda', true],
    ),
  ],
  [
    'a recall',
    'retraction',
    'vendor',
    hash(15).toString('hex'),
    map(['target', hash(15)], ['kind', 'recall'], ['reason', 'malfunction'], ['customerAction', 'roll-back']),
  ],
  [
    'a namespace that joins',
    'membership',
    'log',
    'vendor-b',
    map(
      ['sequence', 2],
      ['prev', hash(16)],
      ['action', 'admit'],
      ['namespace', 'vendor-b'],
      ['vendor', 'Vendor B GmbH'],
      ['root', map(['threshold', 1], ['keys', [publicKey(OTHER)]])],
    ),
  ],
  [
    'a namespace that leaves by its own word',
    'membership',
    'vendor-b',
    'vendor-b',
    map(['sequence', 5], ['prev', hash(17)], ['action', 'leave'], ['namespace', 'vendor-b']),
  ],
  [
    'a heartbeat',
    'log-event',
    'log',
    'heartbeat/4096',
    map([
      'heartbeat',
      map(
        ['size', 4096],
        ['rootHash', hash(18)],
        [
          'heads',
          [
            map(['namespace', 'log'], ['sequence', 2], ['leafHash', hash(19)]),
            map(['namespace', 'vendor'], ['sequence', 4], ['leafHash', hash(20)]),
          ],
        ],
      ),
    ]),
  ],
  [
    'the end of a log, approved',
    'log-event',
    'log',
    'shutdown',
    approved(
      'log-event',
      'log/log-event/shutdown',
      map([
        'shutdown',
        map(
          ['finalSize', 5000],
          ['successor', map(['origin', 'log.example/2027'], ['vkeys', [vkey('log.example/2027')]])],
        ),
      ]),
    ),
  ],
  [
    'what a log follows',
    'log-event',
    'log',
    'successor-of/log.example%2F2026',
    map([
      'successorOf',
      map(['origin', ORIGIN], ['size', 5000], ['rootHash', hash(21)], ['checkpointDigest', digest(22)]),
    ]),
  ],
];

/** The payload with an approval by OTHER of the statement that SIGNER signs. */
function approved(type: string, subject: string, payload: Pairs): Pairs {
  const typ = `application/vnd.limmat.${type}.v1+cbor`;
  const message = cbor(['limmat/approval/v2', typ, SIGNER.kid, ISSUER, subject, IAT, cbor(payload)]);
  const approval: Value = map(['kid', OTHER.kid], ['signature', OTHER.sign(message)]);
  return map(...payload.pairs, ['approvals', [approval]]);
}

/** The cases, each with its JSON form beside its payload. */
export function typeVectors(): readonly TypeVector[] {
  return CASES.map(([desc, type, namespace, identity, payload]) => ({
    desc,
    type,
    namespace,
    subject: `${namespace}/${type}/${identity}`,
    payload,
    fields: json(payload),
  }));
}
