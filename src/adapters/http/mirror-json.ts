// How a mirror stands, as JSON: /api/v1/mirror, and what the command prints.

import type { Mirror, MirroredLogView } from '../../mirror/mirror.ts';

export interface MirrorJson {
  readonly name: string;
  readonly vkeys: readonly string[];
  readonly logs: readonly MirroredLogView[];
}

/** The mirror's name and keys, and how each log stands; members that are unknown are left out. */
export function mirrorJson(mirror: Mirror): MirrorJson {
  const { name, vkeys } = mirror.signer;
  return { name, vkeys, logs: mirror.logs.map((log) => log.view()) };
}
