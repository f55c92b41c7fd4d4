// Record type `source-snapshot`: the source of a product in a version, fixed by digests, before anything is built of it.

import { basis, checkOrder, step } from './common.ts';
import { FieldError } from './field-error.ts';
import { digest, distinct, name, object, oneOf, optional, required, text, time, uint, type Values } from './fields.ts';
import { anyOneOf } from './form.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { count, dayInWords, reportedInWords, shortHex } from './words.ts';

const auditAccess = object(
  {
    from: required(time),
    until: optional(time),
    scope: optional(text(), 'Who may see what of it.'),
  },
  (value) => checkOrder(value, 'from', 'until'),
);

const fields = {
  product: required(step),
  version: required(name),
  vcs: optional(oneOf('git', 'mercurial', 'subversion', 'perforce', 'other')),
  commit: optional(name, 'As the version control system names it.'),
  treeDigest: optional(digest, 'Of the list of files with their digests. This or `archiveDigest` is required.'),
  archiveDigest: optional(digest, 'Of the archive that is kept.'),
  size: optional(uint(), 'Of the archive, in bytes.'),
  files: optional(uint(), 'How many there are.'),
  toolchainDigest: optional(digest),
  sbomDigest: optional(digest),
  heldAt: optional(distinct(name), 'The `siteId` of every site that keeps it.'),
  auditAccess: optional(auditAccess, 'When it is kept for reviews.'),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type SourceSnapshotFields = Values<typeof fields>;

function rule(f: SourceSnapshotFields): void {
  if (f.treeDigest === undefined && f.archiveDigest === undefined) {
    throw new FieldError('is missing, and so is archiveDigest: nothing fixes the source', 'treeDigest');
  }
}

export const sourceSnapshot = {
  type: 'source-snapshot',
  summary: 'The source of a product in a version, fixed by digests before anything is built of it.',
  payload: object(fields, rule, anyOneOf('treeDigest', 'archiveDigest')),
  identity: (f: SourceSnapshotFields): string => [f.product, f.version].map(subjectStep).join('/'),
  product: (f: SourceSnapshotFields): string => f.product,
  describe(f: SourceSnapshotFields): string {
    const commit = f.commit === undefined ? '' : `, ${f.vcs ?? 'commit'} ${f.commit}`;
    const files = f.files === undefined ? '' : `, ${count(f.files, 'file')}`;
    const [what, { sha256 }] =
      f.treeDigest === undefined ? ['archive', f.archiveDigest!] : (['tree', f.treeDigest] as const);
    const from = f.auditAccess && `, open to audits from ${dayInWords(f.auditAccess.from)}`;
    return `Source of ${f.product} ${f.version}${commit}${files}: ${what} SHA-256 ${shortHex(sha256)}${from ?? ''}${reportedInWords(f.basis)}.`;
  },
} as const;
