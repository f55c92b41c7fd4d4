// A log that lies to some, and monitors that gossip about it, under a virtual clock: how likely a fork is proven, and how
// soon. Every run has a seed. Run as a program it prints the table of docs/gossip.md, from ten times as many runs as
// the tests make:
//   node test/monitor/gossip/simulation.ts

import { LimmatError } from '../../../src/errors.ts';
import type { Peer } from '../../../src/monitor/gossip/peer.ts';
import type { PeerAnswer, PeerRequest } from '../../../src/monitor/gossip/protocol.ts';
import { gossipLoop } from '../../../src/monitor/gossip/schedule.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { between, seededRandom } from '../../support/random.ts';
import type { Random } from '../../support/random.ts';
import { History, NOON, headOf } from '../evidence/support.ts';
import { SimMonitor, numberOf, signerOf, urlOf } from './network.ts';
import type { View } from './network.ts';
import { toyKeys } from './toy-crypto.ts';
import { VirtualTime } from './virtual-time.ts';

/** What happens in a run. Times are seconds from its start. */
export interface Scenario {
  readonly name: string;
  readonly monitors: number;
  /** How many monitors the log shows the fork to; 0: to one client, who hands its head to one monitor. */
  readonly shown: number;
  /** The part of messages that is lost, in [0, 1). */
  readonly loss: number;
  /** The log shows nobody a fork. */
  readonly honest?: boolean;
  /** Peers that each monitor chose; whoever is chosen knows the other too. Default: all know all. */
  readonly degree?: number;
  /** The monitors that see the fork can only call. */
  readonly callOnly?: boolean;
  /** Until then those that see the fork reach none of the others, nor are reached. */
  readonly cutUntil?: number;
  readonly runs: number;
  readonly seconds: number;
}

/** Between two calls of one peer pass 30 to 90 seconds. */
export const INTERVAL_SECONDS = 60;
/** The longest time between two calls of one peer. */
export const ROUND_SECONDS = 90;
/** The log grows and every monitor looks at it that often. */
const LOOK_SECONDS = 30;
/** A message takes up to so long, so that many overtake each other. */
const LATENCY_MILLIS = 4000;
/** When the fork begins. */
const FORK_SECONDS = 120;
/** A third of the peers within five minutes. */
const SILENCE_SECONDS = 300;

/** What came of a run; undefined for what did not happen. */
export interface Run {
  /** From when two monitors held both sides to the first evidence, and to the last monitor that has it. */
  readonly provenSeconds: number | undefined;
  readonly allSeconds: number | undefined;
  /** When a monitor that sees the fork first said that too few peers are heard, from the cut on. */
  readonly silentSeconds: number | undefined;
  /** Evidence files that each monitor holds at the end, sorted, without doubles. */
  readonly ids: readonly (readonly string[])[];
  /** Evidence before the fork: there must be none. */
  readonly early: number;
}

const keys = toyKeys('log.example/simulated', [SIGNATURE_TYPE.ed25519]);

/** One run of a scenario. */
export async function simulate(scenario: Scenario, seed: number): Promise<Run> {
  const random = seededRandom(seed);
  const time = new VirtualTime(NOON);
  // The log grows by a few entries a look; the branches part at a random size around the time of the fork.
  const sizes = growth(random, Math.ceil(scenario.seconds / LOOK_SECONDS) + 1);
  const forkAt = sizes[Math.floor(FORK_SECONDS / LOOK_SECONDS)]! - between(random, 0, 3);
  const total = sizes.at(-1)! + 10;
  const honest: View = { keys, history: History.of(total) };
  const forked: View = { keys, history: History.of(total, forkAt) };
  const liedTo = new Set<number>();
  while (liedTo.size < scenario.shown) liedTo.add(between(random, 0, scenario.monitors));

  const monitors: SimMonitor[] = [];
  const isCut = (a: number, b: number): boolean =>
    scenario.cutUntil !== undefined && time.nowSeconds() < NOON + scenario.cutUntil && liedTo.has(a) !== liedTo.has(b);
  const pass = async (from: number, to: number): Promise<void> => {
    await time.sleep(LATENCY_MILLIS * random());
    if (isCut(from, to) || random() < scenario.loss) throw new LimmatError('network', 'the message was lost');
  };
  const deliver = async (from: number, peer: Peer, request: PeerRequest): Promise<PeerAnswer> => {
    const to = numberOf(peer);
    await pass(from, to);
    const answer = await monitors[to]!.node.answer(request);
    await pass(to, from);
    return answer;
  };
  const isPeer = topology(scenario, random);
  const signers = Array.from({ length: scenario.monitors }, (_, i) => signerOf(i));
  for (let number = 0; number < scenario.monitors; number++) {
    const peers = signers.flatMap(({ vkey }, i) => {
      if (i === number || !isPeer(number, i)) return [];
      return [{ vkey, url: scenario.callOnly === true && liedTo.has(i) ? undefined : urlOf(i) }];
    });
    monitors.push(
      new SimMonitor({
        number,
        views: [liedTo.has(number) ? forked : honest],
        peers,
        send: (peer, request) => deliver(number, peer, request),
        nowSeconds: () => time.nowSeconds(),
        silence: { needed: Math.ceil(peers.length / 3), withinSeconds: SILENCE_SECONDS },
      }),
    );
  }

  const stop = new AbortController();
  let heldSeconds: number | undefined;
  /** True: a monitor holds a head of the fork; false: one holds an honest head of that size. */
  const sides = new Set<boolean>();
  let silentSeconds: number | undefined;
  const seconds = (): number => time.nowSeconds() - NOON;
  const watch = async (monitor: SimMonitor, number: number): Promise<void> => {
    for (let look = 0; look < sizes.length && !stop.signal.aborted; look++) {
      if (sizes[look]! > forkAt) sides.add(liedTo.has(number));
      if (sides.size === 2) heldSeconds ??= seconds();
      await monitor.look(sizes[look]!, undefined, NOON);
      if (liedTo.has(number) && monitor.node.silence() !== undefined) silentSeconds ??= seconds();
      // Not all of them at once.
      await time.sleep(1000 * (LOOK_SECONDS * (look + 1) + (number % LOOK_SECONDS) - seconds()));
    }
  };
  const handIn = async (): Promise<void> => {
    await time.sleep(1000 * (FORK_SECONDS + 1));
    const head = await headOf(keys, forked.history, forkAt + 1, NOON);
    heldSeconds = seconds();
    await monitors[between(random, 0, monitors.length)]!.node.handIn(new TextDecoder().decode(head.note));
  };
  const tasks = monitors.flatMap((monitor, number) => [
    watch(monitor, number),
    gossipLoop(monitor.node, {
      intervalSeconds: INTERVAL_SECONDS,
      sleep: (millis) => time.sleep(millis),
      random,
      signal: stop.signal,
    }),
  ]);
  if (scenario.shown === 0 && scenario.honest !== true) tasks.push(handIn());

  const isKnownToAll = (): boolean => monitors.every(({ files }) => files.size > 0);
  await time.runTo(NOON + scenario.seconds, () => isKnownToAll());
  const times = monitors.map(({ evidence }) => evidence[0]?.atSeconds);
  const since = NOON + (heldSeconds ?? 0);
  const first = Math.min(...times.map((at) => at ?? Infinity));
  const last = Math.max(...times.map((at) => at ?? Infinity));
  // What is under way may end.
  stop.abort();
  await time.runTo(time.nowSeconds() + 2 * ROUND_SECONDS);
  await Promise.all(tasks);
  return {
    provenSeconds: Number.isFinite(first) ? first - since : undefined,
    allSeconds: Number.isFinite(last) ? last - since : undefined,
    silentSeconds,
    ids: monitors.map(({ files }) => [...files.keys()].toSorted()),
    early: monitors.flatMap(({ evidence }) => evidence).filter(({ atSeconds }) => atSeconds < since).length,
  };
}

/** Who knows whom. */
function topology({ monitors, degree }: Scenario, random: Random): (a: number, b: number) => boolean {
  if (degree === undefined) return () => true;
  const known = new Set<string>();
  for (let a = 0; a < monitors; a++) {
    // The next one, so that nobody is left out, and others at random.
    const chosen = new Set([(a + 1) % monitors]);
    while (chosen.size < degree) chosen.add((a + between(random, 1, monitors)) % monitors);
    for (const b of chosen) known.add(`${a} ${b}`).add(`${b} ${a}`);
  }
  return (a, b) => known.has(`${a} ${b}`);
}

/** Sizes of the log, look by look. */
function growth(random: Random, looks: number): number[] {
  const sizes = [between(random, 20, 40)];
  while (sizes.length < looks) sizes.push(sizes.at(-1)! + between(random, 1, 6));
  return sizes;
}

/** The scenarios of the table. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'one of 5 monitors', monitors: 5, shown: 1, loss: 0, runs: 6, seconds: 900 },
  { name: 'one of 20', monitors: 20, shown: 1, loss: 0, runs: 3, seconds: 900 },
  { name: 'half of 20', monitors: 20, shown: 10, loss: 0, runs: 2, seconds: 900 },
  { name: 'all but one of 20', monitors: 20, shown: 19, loss: 0, runs: 2, seconds: 900 },
  { name: 'one of 50', monitors: 50, shown: 1, loss: 0, runs: 1, seconds: 900 },
  { name: 'one of 20, 30 % of all messages lost', monitors: 20, shown: 1, loss: 0.3, runs: 2, seconds: 1800 },
  { name: 'one of 20, 60 % of all messages lost', monitors: 20, shown: 1, loss: 0.6, runs: 2, seconds: 1800 },
  { name: 'one of 20, which can only call', monitors: 20, shown: 1, loss: 0, callOnly: true, runs: 2, seconds: 900 },
  { name: 'one of 20 that know 3 peers each', monitors: 20, shown: 1, loss: 0, degree: 3, runs: 4, seconds: 1800 },
  {
    name: 'one of 50 that know 3 peers each, 30 % of all messages lost',
    monitors: 50,
    shown: 1,
    loss: 0.3,
    degree: 3,
    runs: 2,
    seconds: 3600,
  },
  { name: 'half of 20, cut off for 5 minutes', monitors: 20, shown: 10, loss: 0, cutUntil: 420, runs: 1, seconds: 900 },
  { name: 'one of 20, cut off for good', monitors: 20, shown: 1, loss: 0, cutUntil: Infinity, runs: 1, seconds: 600 },
  { name: 'one client, which hands its head to one of 20', monitors: 20, shown: 0, loss: 0, runs: 2, seconds: 900 },
];

/** Half of the times are at most the first of these. */
function spread(times: readonly (number | undefined)[]): string {
  const known = times.filter((at) => at !== undefined).toSorted((a, b) => a - b);
  if (known.length === 0) return '';
  return `${known[Math.floor((known.length - 1) / 2)]} s, at most ${known.at(-1)} s`;
}

/** The rows of the table: scenario, proven, when, known to all, when, silence noticed. */
export function tableRow({ name, runs }: Scenario, results: readonly Run[]): string[] {
  const share = (times: readonly (number | undefined)[]): string =>
    `${times.filter((at) => at !== undefined).length} of ${runs}`;
  const proven = results.map(({ provenSeconds }) => provenSeconds);
  const all = results.map(({ allSeconds }) => allSeconds);
  const silent = results.map(({ silentSeconds }) => silentSeconds);
  return [name, share(proven), spread(proven), share(all), spread(all), share(silent)];
}

/** All runs of a scenario. */
export async function runsOf(scenario: Scenario, seed: number): Promise<readonly Run[]> {
  const results: Run[] = [];
  for (let run = 0; run < scenario.runs; run++) results.push(await simulate(scenario, seed + run));
  return results;
}

if (import.meta.main) {
  const header = ['the fork is shown to', 'proven', 'after', 'known to all', 'after', 'silence noticed'];
  console.log(`| ${header.join(' | ')} |\n| ${header.map(() => '---').join(' | ')} |`);
  for (const { runs, ...rest } of SCENARIOS) {
    const scenario = { ...rest, runs: 10 * runs };
    console.log(`| ${tableRow(scenario, await runsOf(scenario, 1)).join(' | ')} |`);
  }
}
