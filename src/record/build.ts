// Record type `build`: these artifacts are this product in this version, for this channel and platform.

import { artifact, audience, basis } from './common.ts';
import { FieldError } from './field-error.ts';
import { digest, list, name, object, oneOf, optional, ref, required, text, time, type Values } from './fields.ts';
import { subjectStep } from './text.ts';
import { bytesInWords, count, platformInWords, shortHex } from './words.ts';

const reproducible = object(
  { kind: required(oneOf('exact', 'normalised', 'no')), toolDigest: optional(digest) },
  (value) => {
    if (value.toolDigest !== undefined && value.kind !== 'normalised') {
      throw new FieldError('toolDigest names the normalising tool: only with kind normalised');
    }
  },
);

const fields = {
  product: required(name),
  version: required(name),
  channel: required(name),
  platform: required(name),
  artifacts: required(list(artifact)),
  audience: optional(audience),
  /** The source-snapshot entry. */
  source: optional(ref),
  buildType: optional(text()),
  parametersDigest: optional(digest),
  dependencies: optional(list(digest, 256)),
  builder: optional(object({ id: required(name), version: optional(name) })),
  environmentDigest: optional(digest),
  buildSite: optional(name),
  signSite: optional(name),
  startedAt: optional(time),
  finishedAt: optional(time),
  reproducible: optional(reproducible),
  /** The entry of the build that this one follows. */
  previous: optional(ref),
  plannedDistributionAt: optional(time),
  basis: optional(basis),
};

export type BuildFields = Values<typeof fields>;

export const build = {
  type: 'build',
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
