import { describe, expect, it } from 'vitest';
import { utf8, utf8Text } from '../../../src/bytes.ts';
import { LimmatError, isLimmatError } from '../../../src/errors.ts';
import { parseEvidence } from '../../../src/monitor/evidence/file.ts';
import { verifyEvidence } from '../../../src/monitor/evidence/verify.ts';
import { signRequest } from '../../../src/monitor/gossip/credential.ts';
import type { GossipNode } from '../../../src/monitor/gossip/node.ts';
import { formatExchange, parseExchange } from '../../../src/monitor/gossip/message.ts';
import type { LogNews } from '../../../src/monitor/gossip/message.ts';
import { CHECKPOINT_PATH, EVIDENCE_PATH, EXCHANGE_PATH } from '../../../src/monitor/gossip/protocol.ts';
import type { PeerAnswer } from '../../../src/monitor/gossip/protocol.ts';
import { monitorSigner } from '../../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { testKey } from '../../support/notes.ts';
import { errorOf } from '../../support/tile-source.ts';
import { History, headOf } from '../evidence/support.ts';
import { Network, signerOf } from './network.ts';
import type { View } from './network.ts';
import { toyCrypto, toyKeys } from './toy-crypto.ts';

const keys = toyKeys('log.example/a', [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44]);
const honest: View = { keys, history: History.of(60) };
const forked: View = { keys, history: History.of(60, 10) };

/** So many monitors on the honest branch, and the last one on the other. */
function networkOf(count: number, other: View = forked): Network {
  const network = new Network();
  network.add(count, (number) => [number === count - 1 ? other : honest]);
  return network;
}

async function codeOf(run: () => unknown): Promise<string> {
  const error = await errorOf(run);
  if (!isLimmatError(error)) throw error;
  return error.code;
}

let nonces = 0;
/** A signed request of monitor `from` to monitor `to`, whatever is in it. */
async function post(network: Network, from: number, to: number, path: string, body: Uint8Array): Promise<PeerAnswer> {
  const target = network.monitors[to]!;
  const request = { method: 'POST', path, body };
  const credential = await signRequest(signerOf(from), target.signer, request, toyCrypto, {
    nowSeconds: network.nowSeconds,
    randomBytes: (length) => new Uint8Array(length).fill(++nonces % 256).fill(Math.floor(nonces / 256), 0, 1),
  });
  return target.node.answer({ ...request, credential });
}

const newsOf = (news: Partial<LogNews>): Uint8Array =>
  formatExchange({ logs: [{ origin: keys.log.origin, notes: [], evidence: [], wanted: [], ...news }] });

const noteOf = async (view: View, size: number, seconds?: number): Promise<string> =>
  utf8Text((await headOf(view.keys, view.history, size, seconds)).note)!;

const handIn = (node: GossipNode, note: string): Promise<PeerAnswer> =>
  node.answer({ method: 'POST', path: CHECKPOINT_PATH, body: utf8(note) });

describe('two monitors', () => {
  it('tell each other their heads in one exchange, both ways', async () => {
    const network = networkOf(2, honest);
    const [a, b] = [network.monitors[0]!, network.monitors[1]!];
    await a.look(20);
    await b.look(30);
    expect((await a.node.call([...a.node.peers.values()][0]!)).ok).toBe(true);
    expect(
      a
        .log()
        .book.unresolved()
        .map(({ size }) => size),
    ).toEqual([30]);
    expect(b.log().book.record(20, honest.history.root(20))?.state).toBe('consistent');
    // When the log has shown it here too, there is nothing left to wait for.
    await a.look(30);
    expect(a.log().book.unresolved()).toEqual([]);
  });

  it('say nothing twice within the hour, and again after it', async () => {
    const network = networkOf(2, honest);
    for (const monitor of network.monitors) await monitor.look(20);
    await network.round();
    network.requests.length = 0;
    await network.round();
    const notes = (): number =>
      network.requests.reduce((sum, { request }) => {
        return sum + parseExchange(request.body).logs.reduce((count, log) => count + log.notes.length, 0);
      }, 0);
    expect(notes()).toBe(0);
    network.nowSeconds += 3600;
    await network.round();
    expect(notes()).toBeGreaterThan(0);
  });

  it('prove a fork by the larger tree, whoever calls, and both hold the evidence then', async () => {
    for (const [honestSize, forkedSize] of [
      [40, 30],
      [30, 40],
      [30, 30],
    ] as const) {
      for (const caller of [0, 1]) {
        const network = networkOf(2);
        await network.monitors[0]!.look(honestSize);
        await network.monitors[1]!.look(forkedSize);
        await network.monitors[caller]!.node.round();
        await network.idle();
        const ids = network.monitors.map(({ files }) => [...files.keys()]);
        expect(ids[0], `${honestSize} and ${forkedSize}`).toHaveLength(1);
        expect(ids[1]).toEqual(ids[0]);
        const [file] = network.monitors[1]!.files.values();
        const evidence = await verifyEvidence(parseEvidence(file!), [keys.log]);
        expect(evidence.kind).toBe(honestSize === forkedSize ? 'fork-same-size' : 'fork-prefix');
      }
    }
  });

  it('prove it where one of them can only call', async () => {
    const network = new Network();
    network.add(2, (number) => [number === 1 ? forked : honest]);
    // Nobody gets through to number 1.
    network.isCut = (_, to) => to === 1;
    await network.monitors[0]!.look(40);
    await network.monitors[1]!.look(30);
    await network.monitors[1]!.node.round();
    await network.idle();
    expect(network.monitors[0]!.files.size).toBe(1);
    // The evidence was made while number 1 was being answered; it fetches it with its next call at the latest.
    await network.monitors[1]!.node.round();
    expect(network.monitors[1]!.files.size).toBe(1);
  });

  it('do not hear of logs that they do not watch', async () => {
    const other: View = { keys: toyKeys('log.example/b', [SIGNATURE_TYPE.ed25519], 5), history: History.of(20) };
    const network = new Network();
    network.add(2, (number) => (number === 0 ? [honest, other] : [honest]));
    await network.monitors[0]!.look(20);
    await network.monitors[0]!.look(15, other.keys.log.origin);
    await network.round();
    expect(network.monitors[1]!.log().book.size).toBe(1);
    const answer = await post(network, 0, 1, EXCHANGE_PATH, newsOf({ origin: other.keys.log.origin }));
    expect(parseExchange(answer.body).logs).toEqual([]);
  });

  it('go on gossiping when a log signs a head that is too long to be told', async () => {
    const network = networkOf(2, honest);
    const [a, b] = [network.monitors[0]!, network.monitors[1]!];
    await a.look(20);
    const long = await headOf(keys, honest.history, 30, undefined, ['x'.repeat(70_000)]);
    await a.take(long, 'log');
    await a.take(await headOf(keys, honest.history, 31), 'client');
    expect(await a.node.round()).toEqual([{ ok: true }]);
    expect(
      b
        .log()
        .book.unresolved()
        .map(({ size }) => size),
    ).toEqual([20, 31]);
  });

  it('send all that waits, many exchanges long, and a few older heads', async () => {
    const network = networkOf(2, honest);
    const [a, b] = [network.monitors[0]!, network.monitors[1]!];
    await a.look(10);
    await b.look(10);
    for (let size = 11; size <= 58; size++) await a.take(await headOf(keys, honest.history, size), 'client');
    await a.node.round();
    expect(b.log().book.unresolved()).toHaveLength(48);
    const sizes = network.requests.map(({ request }) => request.body.length);
    expect(sizes.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
  });
});

describe('evidence', () => {
  it('is known to everybody at once after one monitor made it', async () => {
    const network = networkOf(8);
    for (const monitor of network.monitors) await monitor.look(40);
    await network.monitors[3]!.node.call([...network.monitors[3]!.node.peers.values()].at(-1)!);
    await network.idle();
    const ids = network.monitors.map(({ files }) => [...files.keys()].join());
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toHaveLength(64);
  });

  it('goes to each peer once, however often it is to be spread', async () => {
    const network = networkOf(3);
    for (const monitor of network.monitors) await monitor.look(40);
    network.isCut = () => true;
    const [a] = network.monitors;
    await a!.take(await headOf(keys, forked.history, 30), 'client');
    const [id] = a!.files.keys();
    network.isCut = () => false;
    network.requests.length = 0;
    await Promise.all([a!.node.spread(id!), a!.node.spread(id!)]);
    await a!.node.spread(id!);
    const brought = network.requests.filter(({ from, request }) => from === 0 && request.path === EVIDENCE_PATH);
    expect(new Set(brought.map(({ to }) => to))).toEqual(new Set([1, 2]));
    expect(brought).toHaveLength(2);
  });

  it('reaches a monitor that was cut off when it was made', async () => {
    const network = networkOf(4);
    for (const monitor of network.monitors) await monitor.look(40);
    network.isCut = (from, to) => from === 0 || to === 0;
    await network.round();
    expect(network.monitors.map(({ files }) => files.size)).toEqual([0, 1, 1, 1]);
    network.isCut = () => false;
    await network.monitors[0]!.node.round();
    expect(network.monitors[0]!.files.size).toBe(1);
  });

  it('is had from another peer when one gives garbage under its id, or the disk was full', async () => {
    const network = networkOf(4);
    const [victim, liar] = [network.monitors[0]!, network.monitors[1]!];
    // Without a tree of its own it cannot make the evidence itself, and nobody can call it.
    for (const [i, monitor] of network.monitors.entries()) if (i > 0) await monitor.look(i === 3 ? 30 : 40);
    network.isCut = (from, to) => from === 0 || to === 0;
    await network.round();
    const [id, file] = [...liar.files][0]!;
    liar.files.set(id, utf8('{}'));
    network.isCut = (_, to) => to === 0;
    const [toLiar, toFirst, toSecond] = [...victim.node.peers.values()];
    const refusals = (): readonly string[] =>
      victim.events.flatMap((event) => (event.kind === 'evidence-refused' ? [event.error.code] : []));
    await victim.node.call(toLiar!);
    await victim.node.call(toLiar!);
    expect([refusals(), victim.files.size]).toEqual([['malformed'], 0]);
    const set = victim.files.set.bind(victim.files);
    victim.files.set = () => {
      throw new LimmatError('store-failed', 'no space is left');
    };
    await victim.node.call(toFirst!);
    expect([refusals(), victim.files.size]).toEqual([['malformed', 'store-failed'], 0]);
    victim.files.set = set;
    await victim.node.call(toFirst!);
    expect(victim.files.get(id)).toEqual(file);
    await victim.node.call(toSecond!);
    expect(refusals()).toHaveLength(2);
  });

  it('that does not hold is refused, not stored, not passed on, and not looked at twice', async () => {
    const network = networkOf(3);
    for (const monitor of network.monitors) await monitor.look(40);
    await network.round();
    const [id, file] = [...network.monitors[0]!.files][0]!;
    const fresh = networkOf(3, honest);
    for (let i = 0; i < file.length; i += 97) {
      const bad = Uint8Array.from(file);
      bad[i] = bad[i]! ^ 1;
      const code = await codeOf(() => post(fresh, 1, 0, EVIDENCE_PATH, bad));
      // Another origin is one that is not watched.
      expect(['malformed', 'not-found'], `byte ${i}`).toContain(code);
    }
    const bad = Uint8Array.from(file);
    bad[200] = bad[200]! ^ 1;
    const first = await errorOf(() => post(fresh, 1, 0, EVIDENCE_PATH, bad));
    const second = await errorOf(() => post(fresh, 2, 0, EVIDENCE_PATH, bad));
    expect([String(first).includes('refused before'), String(second).includes('refused before')]).toEqual([
      false,
      true,
    ]);
    expect(fresh.monitors.map(({ files }) => files.size)).toEqual([0, 0, 0]);
    expect((await post(fresh, 1, 0, EVIDENCE_PATH, file)).status).toBe(204);
    await fresh.idle();
    expect(fresh.monitors.map(({ files }) => [...files.keys()])).toEqual([[id], [id], [id]]);
  });

  it('may come from anyone', async () => {
    const network = networkOf(2);
    for (const monitor of network.monitors) await monitor.look(40);
    await network.round();
    const [file] = network.monitors[0]!.files.values();
    const fresh = networkOf(2, honest);
    const answer = await fresh.monitors[0]!.node.answer({ method: 'POST', path: EVIDENCE_PATH, body: file! });
    expect(answer).toEqual({ status: 204, body: new Uint8Array(0) });
    expect(fresh.monitors[0]!.files.size).toBe(1);
  });

  it('is given out by its id, and by nothing else', async () => {
    const network = networkOf(2);
    for (const monitor of network.monitors) await monitor.look(40);
    await network.round();
    const { node, files } = network.monitors[0]!;
    const [id, file] = [...files][0]!;
    const get = (path: string): Promise<PeerAnswer> => node.answer({ method: 'GET', path, body: new Uint8Array(0) });
    expect((await get(`${EVIDENCE_PATH}/${id}`)).body).toEqual(file);
    for (const path of ['0'.repeat(64), id.toUpperCase(), '../state.json', '', `${id}/`]) {
      expect(await codeOf(() => get(`${EVIDENCE_PATH}/${path}`)), path).toBe('not-found');
    }
    expect(await node.evidenceIds()).toEqual([id]);
  });
});

describe('a client', () => {
  it('hands in a head, and hears nothing when all is well', async () => {
    const [monitor] = networkOf(2).monitors;
    await monitor!.look(40);
    const answer = await handIn(monitor!.node, await noteOf(honest, 30));
    expect(answer).toEqual({ status: 204, body: new Uint8Array(0) });
    expect(monitor!.log().book.record(30, honest.history.root(30))?.sources).toEqual(['client']);
  });

  it('that was shown a fork hears of the evidence at once, and so do all monitors', async () => {
    const network = networkOf(4, honest);
    for (const monitor of network.monitors) await monitor.look(40);
    const answer = await handIn(network.monitors[2]!.node, await noteOf(forked, 33));
    await network.idle();
    const ids = utf8Text(answer.body)!.trimEnd().split('\n');
    expect(ids).toHaveLength(1);
    expect(network.monitors.map(({ files }) => [...files.keys()])).toEqual([ids, ids, ids, ids]);
    // The answer is shorter than the question.
    expect(answer.body.length).toBeLessThan(1024);
  });

  it('that was shown a larger fork is vindicated when the tree has grown', async () => {
    const network = networkOf(3, honest);
    for (const monitor of network.monitors) await monitor.look(20);
    const answer = await handIn(network.monitors[0]!.node, await noteOf(forked, 33));
    expect(answer.status).toBe(204);
    await network.round();
    // A peer has the larger tree first, and proves it for all.
    await network.monitors[2]!.look(50);
    await network.idle();
    expect(network.monitors.map(({ files }) => files.size)).toEqual([1, 1, 1]);
  });

  it('is refused with the reason for what is no head of a watched log', async () => {
    const [monitor] = networkOf(2).monitors;
    await monitor!.look(40);
    const note = await noteOf(honest, 30);
    const other = toyKeys('log.example/b', [SIGNATURE_TYPE.ed25519], 5);
    const lines = note.split('\n');
    for (const [code, text] of [
      ['malformed', 'garbage'],
      ['malformed', ''],
      ['malformed', 'x'.repeat(65_537)],
      ['not-found', await noteOf({ ...honest, keys: other }, 30)],
      ['unknown-key', await noteOf({ ...honest, keys: toyKeys(keys.log.origin, [SIGNATURE_TYPE.ed25519], 7) }, 30)],
      // One of the two keys is not enough.
      ['unknown-key', `${lines.slice(0, 5).join('\n')}\n`],
      ['bad-signature', note.replace('\n30\n', '\n31\n')],
      ['malformed', note.replace('\n30\n', '\n030\n')],
      [
        'malformed',
        await noteOf({ ...honest, history: forked.history }, 0).then((empty) =>
          empty.replace(/^(.*\n0\n).{10}/, '$1AAAAAAAAAA'),
        ),
      ],
    ] as const) {
      expect(await codeOf(() => handIn(monitor!.node, text)), `${code} ${text.slice(0, 40)}`).toBe(code);
    }
    const bytes = Uint8Array.of(0xff, 0x0a);
    expect(await codeOf(() => monitor!.node.answer({ method: 'POST', path: CHECKPOINT_PATH, body: bytes }))).toBe(
      'malformed',
    );
    expect(monitor!.log().book.size).toBe(1);
  });
});

describe('a log whose keys changed', () => {
  const fresh = toyKeys(keys.log.origin, [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44], 7);
  const renewed = { ...fresh, log: { ...fresh.log, retired: keys.log.verifiers } };
  const view = (history: History): View => ({ keys: renewed, history });

  it('needs the keys of now on a head that a client or a peer brings, and no line of a retired one', async () => {
    const network = networkOf(2, view(honest.history));
    const monitor = network.monitors[1]!;
    await monitor.look(40);
    expect((await handIn(monitor.node, await noteOf(view(honest.history), 30))).status).toBe(204);
    expect(monitor.log().book.record(30, honest.history.root(30))?.sources).toEqual(['client']);
    const notes = [await noteOf(view(honest.history), 29)];
    await post(network, 0, 1, EXCHANGE_PATH, newsOf({ notes }));
    expect(monitor.log().book.record(29, honest.history.root(29))?.sources).toEqual(['peer']);
    // Whoever has the retired keys makes no head with them.
    expect(await codeOf(async () => handIn(monitor.node, await noteOf(honest, 28)))).toBe('unknown-key');
  });

  it('is convicted by gossip of a fork, by the keys of now and, in a file of a peer, by the retired ones', async () => {
    const network = new Network();
    network.add(2, () => [view(honest.history)]);
    for (const monitor of network.monitors) await monitor.look(40);
    await handIn(network.monitors[0]!.node, await noteOf(view(forked.history), 33));
    await network.idle();
    expect(network.monitors.map(({ files }) => files.size)).toEqual([1, 1]);
    const before = networkOf(2);
    for (const monitor of before.monitors) await monitor.look(20);
    await before.round();
    const [file] = before.monitors[0]!.files.values();
    await post(network, 0, 1, EVIDENCE_PATH, file!);
    expect(network.monitors[1]!.files.size).toBe(2);
  });
});

describe('a hostile peer', () => {
  it('cannot put in what the log did not sign', async () => {
    const network = networkOf(2, honest);
    const [monitor] = network.monitors;
    await monitor!.look(40);
    const good = await noteOf(honest, 30);
    const stranger = toyKeys(keys.log.origin, [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.mldsa44], 7);
    const notes = [
      'garbage',
      '',
      good.replace('\n30\n', '\n31\n'),
      await noteOf({ ...honest, keys: stranger }, 29),
      await noteOf({ ...honest, keys: toyKeys('log.example/b', [SIGNATURE_TYPE.ed25519], 5) }, 28),
      good,
    ];
    const answer = await post(network, 1, 0, EXCHANGE_PATH, newsOf({ notes }));
    expect(answer.status).toBe(200);
    const { book } = monitor!.log();
    expect([book.size, book.record(30, honest.history.root(30))?.sources]).toEqual([2, ['peer']]);
    const refused = monitor!.events.flatMap((event) => (event.kind === 'head-refused' ? [event.error.code] : []));
    expect(refused).toEqual(['malformed', 'malformed', 'bad-signature', 'unknown-key', 'wrong-log']);
  });

  it('has each of its notes verified with one line a key, however many it has', async () => {
    const network = networkOf(2, honest);
    const [monitor] = network.monitors;
    const note = await noteOf(honest, 30);
    const line = note.slice(note.indexOf('— '), note.indexOf('\n', note.indexOf('— ')) + 1);
    const answer = await post(network, 1, 0, EXCHANGE_PATH, newsOf({ notes: [note + line.repeat(90)] }));
    expect(answer.status).toBe(200);
    const head = monitor!.log().book.unresolved()[0]!;
    expect(utf8Text(head.note)).toBe(note);
  });

  it('is not taken for another, and no request is taken twice', async () => {
    const network = networkOf(3, honest);
    const target = network.monitors[0]!;
    const request = { method: 'POST', path: EXCHANGE_PATH, body: newsOf({}) };
    const moment = { nowSeconds: network.nowSeconds, randomBytes: (length: number) => new Uint8Array(length) };
    const stranger = monitorSigner(testKey('monitor.example/1', SIGNATURE_TYPE.ed25519, 99, toyCrypto), toyCrypto);
    const forged = await signRequest(stranger, target.signer, request, toyCrypto, moment);
    expect(await codeOf(() => target.node.answer({ ...request, credential: forged }))).toBe('unknown-key');
    const credential = await signRequest(signerOf(1), target.signer, request, toyCrypto, moment);
    const answer = await target.node.answer({ ...request, credential });
    expect(answer.credential).toBeDefined();
    expect(await codeOf(() => target.node.answer({ ...request, credential }))).toBe('not-permitted');
    // What was meant for one monitor is not taken by another.
    const fresh = await signRequest(signerOf(1), target.signer, request, toyCrypto, {
      ...moment,
      randomBytes: (length) => new Uint8Array(length).fill(1),
    });
    expect(await codeOf(() => network.monitors[2]!.node.answer({ ...request, credential: fresh }))).toBe(
      'not-permitted',
    );
    expect(await codeOf(() => target.node.answer(request))).toBe('unknown-key');
  });

  it('does not make its sender reached by an answer that is not its own', async () => {
    const network = networkOf(3, honest);
    const [a] = network.monitors;
    const peer = [...a!.node.peers.values()][0]!;
    const real = network.deliver.bind(network);
    for (const tamper of [
      (answer: PeerAnswer): PeerAnswer => ({ ...answer, credential: undefined }),
      (answer: PeerAnswer): PeerAnswer => ({ ...answer, body: utf8(`${utf8Text(answer.body)!} `) }),
      (answer: PeerAnswer): PeerAnswer => ({ ...answer, credential: 'AAAA' }),
    ]) {
      network.deliver = async (from, to, request) => tamper(await real(from, to, request));
      const result = await a!.node.call(peer);
      expect(result.ok).toBe(false);
      expect(peer.lastContactSeconds).toBeUndefined();
      expect(peer.lastError).toBeDefined();
    }
    network.deliver = real;
    expect(await a!.node.call(peer)).toEqual({ ok: true });
    expect(peer.lastContactSeconds).toBe(network.nowSeconds);
    expect(peer.lastError).toBeUndefined();
  });

  it('has one request worked on at a time, and few that wait', async () => {
    const network = networkOf(2, honest);
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, () => post(network, 1, 0, EXCHANGE_PATH, newsOf({}))),
    );
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(results.length - refused.length).toBeGreaterThanOrEqual(5);
    expect((await post(network, 1, 0, EXCHANGE_PATH, newsOf({}))).status).toBe(200);
  });

  it('that promises evidence and brings another file is not asked for it again', async () => {
    const network = networkOf(2);
    for (const monitor of network.monitors) await monitor.look(40);
    const [a] = network.monitors;
    const promised = 'ab'.repeat(32);
    let fetched = 0;
    const real = network.deliver.bind(network);
    network.deliver = async (from, peer, request) => {
      if (request.method !== 'GET') return real(from, peer, request);
      fetched++;
      return { status: 200, body: utf8('{"not":"evidence"}') };
    };
    network.monitors[1]!.log().book.evidence.convict({ id: promised, kind: 'future', heads: [] });
    await a!.node.round();
    await a!.node.round();
    expect(fetched).toBe(1);
    expect(a!.files.has(promised)).toBe(false);
  });

  it('is none of the configuration when it is named twice, is the monitor itself or has no usable URL', async () => {
    const { vkey } = signerOf(1);
    for (const peers of [
      [{ vkey }, { vkey }],
      [{ vkey: signerOf(0).vkey }],
      [{ vkey, url: 'file:///etc/passwd' }],
      [{ vkey, url: 'https://user:secret@m1.example/' }],
      [{ vkey, url: 'nonsense' }],
    ]) {
      const network = new Network();
      expect(await codeOf(() => network.add(1, () => [honest], { peers }))).toBe('bad-config');
    }
  });
});
