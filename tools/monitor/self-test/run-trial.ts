// One trial: a log that is honest at first, a monitor that gets to know it, the lie, and rounds until it is caught.

import { randomBytes } from 'node:crypto';

import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { readHead } from '../../../src/client/follow.ts';
import { httpReader } from '../../../src/client/http-reader.ts';
import type { LogHead } from '../../../src/client/state.ts';
import type { Clock } from '../../../src/log/index.ts';
import type { Alert } from '../../../src/monitor/alerts.ts';
import type { CheckId, FindingClass } from '../../../src/monitor/finding.ts';
import { GossipNode } from '../../../src/monitor/gossip/node.ts';
import { monitorSigner } from '../../../src/monitor/monitor-key.ts';
import type { MonitorSigner } from '../../../src/monitor/monitor-key.ts';
import { generateSignerKey, SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { DEFAULT_VICTIM, startLyingLog } from '../../misbehave/lying-log.ts';
import type { LyingLog } from '../../misbehave/lying-log.ts';
import { ShiftedClock } from './shifted-clock.ts';
import type { Company, Trial } from './trials.ts';
import { evidenceHolds, startWatcher } from './watcher.ts';
import type { Watcher } from './watcher.ts';

/** Twice the rounds that a failure has to go on for before somebody is told. */
const MAX_ROUNDS = 6;
const HONEST_ROUNDS = 2;

/** An alert of a monitor, as far as the self-test looks at it. */
export interface Caught {
  /** The first word of the alert's key. */
  readonly trouble: string;
  readonly check: CheckId;
  readonly class: FindingClass;
  /** The monitor's own words. */
  readonly summary: string;
}

export interface TrialResult {
  readonly trial: Trial;
  /** True when there was every alert that there had to be, and no other, and all evidence holds. */
  readonly passed: boolean;
  readonly caught: readonly Caught[];
  /** Rounds after the lie began until the last of the expected alerts; undefined when one did not come, or none has to. */
  readonly rounds: number | undefined;
  /** Milliseconds from the beginning of the lie until then. */
  readonly millis: number | undefined;
  /** Whether the evidence holds offline; undefined where none is expected. */
  readonly evidenceHolds: boolean | undefined;
}

/** Runs a trial. Its log takes a moment to end: `ending` gets the promise of that. */
export async function runTrial(trial: Trial, ending: (closed: Promise<void>) => void): Promise<TrialResult> {
  const clock = new ShiftedClock();
  const log = await startLyingLog({ mode: trial.lie === 'honest' ? 'fork' : trial.lie, clock });
  const watchers: Watcher[] = [];
  try {
    const watcher = await startWatcher(log, log.url, clock);
    watchers.push(watcher);
    for (let round = 0; round < HONEST_ROUNDS; round++) {
      await watcher.monitor.round();
      await log.grow(1);
    }
    await watcher.monitor.round();
    const startMillis = performance.now();
    if (trial.lie !== 'honest') await log.lie();
    const meet = await COMPANY[trial.company](log, watcher, watchers, clock);
    let rounds: number | undefined;
    let millis: number | undefined;
    // All of them, though it may be caught before: what comes later must not be a false alert.
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      clock.aheadSeconds += trial.everySeconds;
      await log.grow(trial.growth);
      await watcher.monitor.round();
      await meet();
      if (rounds !== undefined || trial.expected.length === 0 || !hasAll(watcher, trial)) continue;
      rounds = round;
      millis = performance.now() - startMillis;
    }
    const caught = caughtBy(watcher);
    const isProof = caught.some((one) => one.class === 'proof');
    const holds = isProof ? await allHold(watchers, log) : undefined;
    const isExact = hasAll(watcher, trial) && caught.length === trial.expected.length;
    return { trial, passed: isExact && holds !== false, caught, rounds, millis, evidenceHolds: holds };
  } finally {
    for (const watcher of watchers) await watcher.close();
    ending(log.close());
  }
}

/** The alerts that are about the log, each once. */
function caughtBy({ alerts }: Watcher): readonly Caught[] {
  const byKey = new Map<string, Alert>();
  for (const alert of alerts) if (alert.class !== 'info') byKey.set(alert.key, alert);
  return [...byKey.values()].map(({ key, check, class: kind, summary }) => ({
    trouble: key.split(' ', 1)[0]!,
    check,
    class: kind,
    summary,
  }));
}

function hasAll(watcher: Watcher, { expected }: Trial): boolean {
  const troubles = caughtBy(watcher).map(({ trouble }) => trouble);
  return expected.every((trouble) => troubles.includes(trouble));
}

async function allHold(watchers: readonly Watcher[], log: LyingLog): Promise<boolean> {
  for (const watcher of watchers) if (!(await evidenceHolds(watcher, log))) return false;
  return true;
}

/** What happens beside the monitor's own round. */
type Meeting = () => Promise<void>;

type Gathering = (log: LyingLog, watcher: Watcher, watchers: Watcher[], clock: Clock) => Promise<Meeting>;

const COMPANY: Readonly<Record<Company, Gathering>> = {
  alone: async () => () => Promise.resolve(),

  client: async (log, { monitor }) => {
    await log.grow(1);
    const head = await shownToClient(log);
    return async () => void (await monitor.offer(head, 'client'));
  },

  peer: async (log, watcher, watchers, clock) => {
    const other = await startWatcher(log, log.urlFor(DEFAULT_VICTIM), clock);
    watchers.push(other);
    const [node] = connect(watcher, other, clock);
    return async () => {
      await other.monitor.round();
      await node.round();
      await node.idle();
    };
  },
};

/** A head that the monitor was not shown: a victim's, or the newest one. */
function shownToClient(log: LyingLog): Promise<LogHead> {
  const { mode, origin, verifiers } = log;
  if (mode !== 'targeted') return Promise.resolve({ origin, ...log.head() });
  return readHead({ reader: httpReader({ url: log.urlFor(DEFAULT_VICTIM) }), origin, verifiers });
}

/** Two monitors as peers of each other, without a network between them. */
function connect(one: Watcher, other: Watcher, clock: Clock): readonly [GossipNode, GossipNode] {
  const signers = [freshMonitorKey('one'), freshMonitorKey('other')] as const;
  const nodes = new Map<string, GossipNode>();
  const nodeOf = (watcher: Watcher, self: MonitorSigner, peer: MonitorSigner): GossipNode => {
    const node = new GossipNode({
      signer: self,
      // Never fetched: what is sent goes straight to the other node.
      peers: [{ vkey: peer.vkey, url: 'http://peer.invalid/' }],
      logs: watcher.gossipLogs,
      evidence: watcher.evidence,
      onHead: (head, source, cosigned) => watcher.monitor.offer(head, source, cosigned),
      onEvidence: (evidence, file) => watcher.monitor.takeEvidence(evidence, file),
      send: (to, request) => nodes.get(to.verifier.vkey)!.answer(request),
      crypto: nodeCrypto,
      nowSeconds: () => Math.floor(clock.nowMillis() / 1000),
      random: Math.random,
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
    });
    nodes.set(self.vkey, node);
    watcher.joins(node);
    return node;
  };
  return [nodeOf(one, signers[0], signers[1]), nodeOf(other, signers[1], signers[0])];
}

function freshMonitorKey(name: string): MonitorSigner {
  const origin = `limmat.invalid/self-test/${name}`;
  const key = generateSignerKey(
    origin,
    SIGNATURE_TYPE.ed25519,
    (length) => new Uint8Array(randomBytes(length)),
    nodeCrypto,
  );
  return monitorSigner(key, nodeCrypto);
}
