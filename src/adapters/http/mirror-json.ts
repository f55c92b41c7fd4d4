// How a mirror stands, as JSON: /api/v1/mirror, and what the command prints.

import { keysFingerprint } from '../../note/fingerprint.ts';
import type { Mirror, MirroredLogView } from '../../mirror/mirror.ts';

export interface MirrorJson {
  readonly name: string;
  readonly vkeys: readonly string[];
  /** Of both keys, to compare with what the operator says elsewhere. */
  readonly fingerprint: string;
  readonly logs: readonly MirroredLogView[];
}

/** The mirror's name and keys, and how each log stands; members that are unknown are left out. */
export function mirrorJson(mirror: Mirror): MirrorJson {
  const { name, vkeys } = mirror.signer;
  return { name, vkeys, fingerprint: keysFingerprint(vkeys), logs: mirror.logs.map((log) => log.view()) };
}
