// Record type `rebuild`: somebody built it again, or compared it, and says what came of it. Who, is the issuer. Several
// statements about one build have the same subject; those of different issuers stand beside one another.

import { basis, checkOrder } from './common.ts';
import { toHex } from '../bytes.ts';
import { digest, list, name, object, oneOf, optional, ref, required, text, time, uint, type Values } from './fields.ts';
import { approvals } from './key-kinds.ts';
import { count, dayInWords, reportedInWords, shortHex } from './words.ts';

const obtained = object({ name: optional(name), size: optional(uint(), 'In bytes.'), digest: required(digest) });

const fields = {
  build: required(ref, 'The entry of the build that was rebuilt.'),
  result: required(oneOf('match', 'match-normalised', 'mismatch', 'not-buildable', 'inconclusive')),
  source: optional(ref, 'The entry of the source snapshot that was used.'),
  method: optional(oneOf('rebuild', 'compare-at-centre')),
  obtained: optional(list(obtained), 'The files that came out.'),
  environmentDigest: optional(digest),
  diffReportDigest: optional(digest, 'Of the report that says what differs.'),
  startedAt: optional(time),
  finishedAt: optional(time),
  independence: optional(text(), 'How whoever did it is independent of the vendor.'),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type RebuildFields = Values<typeof fields>;

const WORDS = {
  match: 'the same files came out',
  'match-normalised': 'the same files came out, but for what was normalised',
  mismatch: 'other files came out',
  'not-buildable': 'it could not be built',
  inconclusive: 'it is not clear whether the same files came out',
} as const;

export const rebuild = {
  type: 'rebuild',
  summary: 'A build was made again by somebody, or compared with its source, and this is what came of it.',
  payload: object(fields, (f) => checkOrder(f, 'startedAt', 'finishedAt')),
  identity: (f: RebuildFields): string => toHex(f.build),
  describe(f: RebuildFields): string {
    const how = f.method === 'compare-at-centre' ? 'Comparison at a centre' : 'Rebuild';
    const when = f.finishedAt === undefined ? '' : ` on ${dayInWords(f.finishedAt)}`;
    const files = f.obtained === undefined ? '' : ` (${count(f.obtained.length, 'file')} obtained)`;
    return `${how} of build ${shortHex(f.build)}${when}: ${WORDS[f.result]}${files}${reportedInWords(f.basis)}.`;
  },
} as const;
