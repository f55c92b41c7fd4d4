import { describe, expect, it } from 'vitest';
import { asHash } from '../../../src/merkle/hash.ts';
import { gossipLoop } from '../../../src/monitor/gossip/schedule.ts';
import { hiddenGrowth, silenceOf } from '../../../src/monitor/gossip/silence.ts';
import { HeadBook } from '../../../src/monitor/heads.ts';
import type { HeadSource } from '../../../src/monitor/watched-log.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { seededRandom } from '../../support/random.ts';
import { History } from '../evidence/support.ts';
import { Network } from './network.ts';
import { toyKeys } from './toy-crypto.ts';
import { VirtualTime } from './virtual-time.ts';

const peersAt = (...seconds: readonly (number | undefined)[]): Parameters<typeof silenceOf>[0] =>
  seconds.map((lastContactSeconds, i) => ({ id: `monitor.example/${i}+00000000`, lastContactSeconds }));

describe('the silence of peers', () => {
  const rule = { needed: 2, withinSeconds: 100 };

  it('is found when fewer were heard than are needed', () => {
    const finding = silenceOf(peersAt(950, 899, undefined), rule, 0, 1000);
    expect(finding).toMatchObject({
      check: 'M10',
      class: 'suspicion',
      origin: '',
      key: 'peers-silent',
      details: { heard: 1, needed: 2, peers: 3 },
    });
    expect(finding?.summary).toContain('1 of 3 peers were heard within 100 s, fewer than the 2 that are needed');
    expect(finding?.details['silent']).toBe('monitor.example/1+00000000, monitor.example/2+00000000');
  });

  it('is none when enough were heard, to the second', () => {
    expect(silenceOf(peersAt(900, 901, undefined), rule, 0, 1000)).toBeUndefined();
  });

  it('is none before there was time to hear anybody', () => {
    expect(silenceOf(peersAt(undefined, undefined), rule, 950, 1000)).toBeUndefined();
    expect(silenceOf(peersAt(undefined, undefined), rule, 899, 1000)).toBeDefined();
  });

  it('ends when the peers are heard again, by calls either way', async () => {
    const keys = toyKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);
    const network = new Network();
    const silence = { needed: 2, withinSeconds: 300 };
    network.add(3, () => [{ keys, history: History.of(10) }], { silence });
    const { node } = network.monitors[0]!;
    network.nowSeconds += 301;
    expect(node.silence()?.key).toBe('peers-silent');
    await node.call([...node.peers.values()][0]!);
    expect(node.silence()?.details['heard']).toBe(1);
    // The other one calls here.
    await network.monitors[2]!.node.call([...network.monitors[2]!.node.peers.values()][0]!);
    expect(node.silence()).toBeUndefined();
    network.nowSeconds += 301;
    expect(node.silence()?.details['heard']).toBe(0);
  });
});

describe('growth that the log hides here', () => {
  const origin = 'log.example/a';
  const book = (...heads: readonly (readonly [size: number, source: HeadSource, seen: number])[]): HeadBook => {
    const made = new HeadBook({ origin, random: () => 0.5 });
    const rootHash = asHash(new Uint8Array(32));
    for (const [size, source, seen] of heads) {
      made.admit({ origin, size, rootHash, timestampSeconds: 0, note: new Uint8Array(1) }, source, seen);
    }
    return made;
  };

  it('is found when a larger head has been held for too long', () => {
    const held = book([10, 'log', 0], [20, 'client', 100]);
    held.resolve({ size: 10, rootHash: asHash(new Uint8Array(32)) }, 'consistent');
    expect(hiddenGrowth(held, 600, 700)).toBeUndefined();
    expect(hiddenGrowth(held, 600, 701)).toMatchObject({
      check: 'M10',
      class: 'suspicion',
      origin,
      key: `hidden-growth ${origin}`,
      details: { size: 20, known: 10, waitedSeconds: 601 },
    });
  });

  it('is none while this monitor is only behind with its reading', () => {
    expect(hiddenGrowth(book([20, 'client', 0], [30, 'log', 50]), 600, 9999)).toBeUndefined();
    expect(hiddenGrowth(book(), 600, 9999)).toBeUndefined();
  });
});

describe('the schedule', () => {
  it('calls each peer again and again at times that differ, and ends when it is told to', async () => {
    const keys = toyKeys('log.example/a', [SIGNATURE_TYPE.ed25519]);
    const network = new Network();
    network.add(4, () => [{ keys, history: History.of(10) }]);
    const time = new VirtualTime(network.nowSeconds);
    const stop = new AbortController();
    const calls = new Map<number, number[]>();
    const real = network.deliver.bind(network);
    network.deliver = (from, peer, request) => {
      const number = Number(peer.verifier.name.split('/')[1]);
      calls.set(number, [...(calls.get(number) ?? []), time.nowMillis]);
      return real(from, peer, request);
    };
    const loop = gossipLoop(network.monitors[0]!.node, {
      intervalSeconds: 60,
      sleep: (millis) => time.sleep(millis),
      random: seededRandom(3),
      signal: stop.signal,
    });
    await time.runTo(network.nowSeconds + 3600);
    stop.abort();
    await time.runTo(network.nowSeconds + 3700);
    await loop;
    expect([...calls.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    for (const moments of calls.values()) {
      const gaps = moments.slice(1).map((at, i) => (at - moments[i]!) / 1000);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(90);
      expect(new Set(gaps).size).toBeGreaterThan(gaps.length / 2);
      expect(moments.length).toBeGreaterThan(45);
    }
  });
});
