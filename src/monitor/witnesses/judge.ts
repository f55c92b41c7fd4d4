// What is the matter with the cosignatures on what a log shows (M07). Pure: whoever calls keeps who cosigned what when.

import { plainFinding } from '../checks.ts';
import type { PlainFinding } from '../finding.ts';
import type { MonitorLimits } from '../limits.ts';
import type { Quorum, Quorums } from '../watched-log.ts';
import { witnessName } from './standing.ts';
import type { WitnessStanding } from './standing.ts';
import type { Cosignature } from './cosigned.ts';

type WitnessLimits = Pick<MonitorLimits, 'maxAgeSeconds' | 'clockSkewSeconds' | 'witnessSeconds'>;

/**
 * The quorums that the cosignatures on a shown head do not meet. Those older than a head may be do not count, as they do
 * not for whoever relies on the log; nor those from a time that has not come.
 */
export function quorumTroubles(
  origin: string,
  size: number,
  quorums: Quorums,
  cosignatures: readonly Cosignature[],
  limits: WitnessLimits,
  nowSeconds: number,
): readonly PlainFinding[] {
  const oldest = nowSeconds - limits.maxAgeSeconds;
  const fresh = cosignatures.filter(
    ({ timestampSeconds }) => timestampSeconds >= oldest && timestampSeconds <= nowSeconds + limits.clockSkewSeconds,
  );
  const all = new Set(cosignatures.map(({ witness }) => witness.vkey));
  const vkeys = new Set(fresh.map(({ witness }) => witness.vkey));
  const missing = (quorum: Quorum | undefined): quorum is Quorum => quorum !== undefined && !quorum.isMet(vkeys);
  const found: PlainFinding[] = [];
  for (const [trouble, quorum, whose] of [
    ['quorum-missing', quorums.clients, 'its users'],
    ['strict-quorum-missing', quorums.monitor, 'this monitor'],
  ] as const) {
    if (!missing(quorum)) continue;
    const old = quorum.isMet(all) ? `, with older ones than ${limits.maxAgeSeconds} s it would` : '';
    const summary = `the head of size ${size} that ${origin} shows has ${vkeys.size} fresh cosignatures, which do not meet the quorum ${quorum.name} that ${whose} ask${whose === 'its users' ? '' : 's'} for${old}`;
    found.push(plainFinding(trouble, origin, summary, { size, fresh: vkeys.size, quorum: quorum.name }));
  }
  return found;
}

/** For how long the log has shown nothing fresh of a witness, in seconds; 0 where it never did. */
function silentSeconds({ shownSeconds }: WitnessStanding, nowSeconds: number): number {
  return shownSeconds === undefined ? 0 : nowSeconds - shownSeconds;
}

/** For how long others have cosigned a larger tree, in seconds. */
function behindSeconds({ behindSinceSeconds }: WitnessStanding, nowSeconds: number): number {
  return behindSinceSeconds === undefined ? 0 : nowSeconds - behindSinceSeconds;
}

/** Whether a witness has been silent, or behind others, for longer than it may. */
export function lossOf(
  standing: WitnessStanding,
  { witnessSeconds }: Pick<WitnessLimits, 'witnessSeconds'>,
  nowSeconds: number,
): { readonly isLost: boolean; readonly isBehind: boolean } {
  return {
    isLost: silentSeconds(standing, nowSeconds) > witnessSeconds,
    isBehind: behindSeconds(standing, nowSeconds) > witnessSeconds,
  };
}

/** Witnesses that have fallen silent, or that stand at a smaller tree than others, for longer than they may. */
export function standingTroubles(
  origin: string,
  standings: readonly WitnessStanding[],
  limits: WitnessLimits,
  nowSeconds: number,
): readonly PlainFinding[] {
  const found: PlainFinding[] = [];
  const largest = Math.max(0, ...standings.map(({ size }) => size));
  for (const standing of standings) {
    const { vkey, size } = standing;
    const name = witnessName(vkey);
    const { isLost, isBehind } = lossOf(standing, limits, nowSeconds);
    if (isLost) {
      const seconds = silentSeconds(standing, nowSeconds);
      const summary = `${name} has cosigned nothing of what ${origin} has shown for ${seconds} s, and did before`;
      found.push(plainFinding('witness-lost', origin, summary, { witness: name, seconds }, name));
    }
    if (isBehind && size < largest) {
      const seconds = behindSeconds(standing, nowSeconds);
      const summary = `${name} stands at size ${size} of ${origin} for ${seconds} s, and others cosigned ${largest}`;
      found.push(plainFinding('witness-spread', origin, summary, { witness: name, size, largest }, name));
    }
  }
  return found;
}
