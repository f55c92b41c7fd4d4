// Record type `build`: these artifacts are this product in this version, for this channel and platform.

import { artifact, audience, basis, step } from './common.ts';
import { FieldError } from './field-error.ts';
import { digest, list, name, object, oneOf, optional, ref, required, text, time, type Values } from './fields.ts';
import { cases } from './form.ts';
import { approvals } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { bytesInWords, count, platformInWords, shortHex } from './words.ts';

const reproducible = object(
  {
    kind: required(oneOf('exact', 'normalised', 'no')),
    toolDigest: optional(digest, 'Of the normalising tool; only with `normalised`.'),
  },
  (value) => {
    if (value.toolDigest !== undefined && value.kind !== 'normalised') {
      throw new FieldError('toolDigest names the normalising tool: only with kind normalised');
    }
  },
  cases({ when: { kind: ['exact', 'no'] }, refuses: ['toolDigest'] }),
);

const fields = {
  product: required(step),
  version: required(name),
  channel: required(step, 'Such as `stable`.'),
  platform: required(step, 'Such as `linux/amd64`.'),
  artifacts: required(list(artifact)),
  audience: optional(audience),
  source: optional(ref, 'The entry of the source snapshot.'),
  buildType: optional(text(), 'Such as the URI of the build recipe.'),
  parametersDigest: optional(digest),
  dependencies: optional(list(digest, 256)),
  builder: optional(object({ id: required(name), version: optional(name) })),
  environmentDigest: optional(digest),
  buildSite: optional(name, 'The `siteId` of a site record.'),
  signSite: optional(name, 'The `siteId` of a site record.'),
  startedAt: optional(time),
  finishedAt: optional(time),
  reproducible: optional(reproducible, 'What a rebuild is expected to give.'),
  previous: optional(ref, 'The entry of the build that this one follows.'),
  plannedDistributionAt: optional(time),
  basis: optional(basis),
  approvals: optional(approvals),
};

export type BuildFields = Values<typeof fields>;

export const build = {
  type: 'build',
  summary: 'These files are this product in this version.',
  payload: object(fields),
  identity: (f: BuildFields): string => [f.product, f.version, f.channel, f.platform].map(subjectStep).join('/'),
  product: (f: BuildFields): string => f.product,
  channel: (f: BuildFields): string => f.channel,
  describe(f: BuildFields): string {
    const first = f.artifacts[0]!;
    const files =
      f.artifacts.length === 1
        ? `one file${first.size === undefined ? '' : ` of ${bytesInWords(first.size)}`}, SHA-256 ${shortHex(first.digest.sha256)}`
        : `${count(f.artifacts.length, 'file')}, the first with SHA-256 ${shortHex(first.digest.sha256)}`;
    return `Build of ${f.product} ${f.version} for ${platformInWords(f.platform)} in channel ${f.channel}: ${files}.`;
  },
} as const;
