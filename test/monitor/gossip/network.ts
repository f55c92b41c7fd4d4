// Monitors that gossip, in one process: each with its own view of a log, a store in memory and a node; and between them
// a network that does what it is told. Nothing here checks anything.

import { utf8 } from '../../../src/bytes.ts';
import type { LogHead } from '../../../src/client/state.ts';
import type { CryptoSuite } from '../../../src/crypto/suite.ts';
import { LimmatError } from '../../../src/errors.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { formatEvidence } from '../../../src/monitor/evidence/file.ts';
import { GossipNode } from '../../../src/monitor/gossip/node.ts';
import type { GossipPeer, Peer } from '../../../src/monitor/gossip/peer.ts';
import type {
  GossipEvent,
  GossipLog,
  PeerAnswer,
  PeerRequest,
  PeerSend,
} from '../../../src/monitor/gossip/protocol.ts';
import type { SilenceRule } from '../../../src/monitor/gossip/silence.ts';
import { HeadBook } from '../../../src/monitor/heads.ts';
import { judgeWaiting, takeHead } from '../../../src/monitor/judge.ts';
import type { OwnTree } from '../../../src/monitor/judge.ts';
import { monitorSigner } from '../../../src/monitor/monitor-key.ts';
import type { MonitorSigner } from '../../../src/monitor/monitor-key.ts';
import { identityOf } from '../../../src/monitor/watched-log.ts';
import type { HeadSource } from '../../../src/monitor/watched-log.ts';
import { SIGNATURE_TYPE, generateSignerKey } from '../../../src/note/key.ts';
import { seededRandom } from '../../support/random.ts';
import type { History, TestKeys } from '../evidence/support.ts';
import { headOf } from '../evidence/support.ts';
import { ownTree } from '../own-tree.ts';
import { toyCrypto } from './toy-crypto.ts';

/** A monitor's key: number i. */
export function signerOf(i: number, crypto: CryptoSuite = toyCrypto): MonitorSigner {
  const name = `monitor.example/${i}`;
  const secret = crypto.sha256(utf8(name));
  return monitorSigner(
    generateSignerKey(name, SIGNATURE_TYPE.ed25519, () => secret, crypto),
    crypto,
  );
}

/** A view of one log: what it shows to this monitor. */
export interface View {
  readonly keys: TestKeys;
  readonly history: History;
}

export interface SimOptions {
  readonly number: number;
  readonly views: readonly View[];
  readonly peers: readonly GossipPeer[];
  readonly send: PeerSend;
  readonly nowSeconds: () => number;
  readonly silence?: SilenceRule;
  readonly crypto?: CryptoSuite;
}

interface Watched extends GossipLog {
  readonly view: View;
  own: OwnTree | undefined;
}

/** One monitor. */
export class SimMonitor {
  readonly signer: MonitorSigner;
  readonly node: GossipNode;
  readonly files = new Map<string, Uint8Array>();
  /** In the order in which it came to hold them. */
  readonly evidence: { readonly evidence: Evidence; readonly atSeconds: number }[] = [];
  readonly events: GossipEvent[] = [];
  readonly #logs = new Map<string, Watched>();
  readonly #now: () => number;

  constructor(options: SimOptions) {
    const { number, views, peers, send, nowSeconds, silence, crypto = toyCrypto } = options;
    this.#now = nowSeconds;
    this.signer = signerOf(number, crypto);
    const random = seededRandom(number + 1);
    for (const view of views) {
      const { log } = view.keys;
      const watched: Watched = {
        log,
        view,
        book: new HeadBook({ origin: log.origin, random }),
        own: undefined,
        tree: () => watched.own,
      };
      this.#logs.set(log.origin, watched);
    }
    let nonce = 0;
    this.node = new GossipNode({
      signer: this.signer,
      peers,
      logs: () => this.#logs,
      evidence: {
        ids: () => Promise.resolve([...this.files.keys()].toSorted()),
        get: (id) => Promise.resolve(this.files.get(id)),
      },
      onHead: (head, source) => this.take(head, source),
      onEvidence: (evidence, file) => Promise.resolve(this.#store(evidence, file)),
      send,
      crypto,
      nowSeconds,
      random,
      randomBytes: (length) => crypto.sha256(utf8(`${number} ${nonce++}`)).subarray(0, length),
      onEvent: (event) => this.events.push(event),
      ...(silence !== undefined && { silence }),
    });
  }

  /** Its own log, or the one of that origin. */
  log(origin: string = [...this.#logs.keys()][0]!): Watched {
    return this.#logs.get(origin)!;
  }

  /** The way of every head in this monitor. */
  async take(head: LogHead, source: HeadSource): Promise<Evidence | undefined> {
    const { log, book, own } = this.log(head.origin);
    const { evidence } = await takeHead({ log: identityOf(log), book, tree: own }, head, source, this.#now());
    if (evidence !== undefined) this.#store(evidence, formatEvidence(evidence));
    return evidence;
  }

  /** The log shows a head of so many entries, and the monitor fetches all of them and takes the head for its own. */
  async look(size: number, origin?: string, timestampSeconds: number = this.#now()): Promise<LogHead> {
    const watched = this.log(origin);
    const { log, book, view } = watched;
    const head = await headOf(view.keys, view.history, size, timestampSeconds);
    if (watched.own === undefined || size > watched.own.own.size) watched.own = ownTree(head, view.history);
    const made = await this.take(head, 'log');
    const waited = await judgeWaiting({ log: identityOf(log), book, tree: watched.own });
    for (const evidence of waited) this.#store(evidence, formatEvidence(evidence));
    for (const evidence of made === undefined ? waited : [made, ...waited]) await this.node.spread(evidence.id);
    return head;
  }

  #store(evidence: Evidence, file: Uint8Array): void {
    if (this.files.has(evidence.id)) return;
    this.files.set(evidence.id, file);
    this.evidence.push({ evidence, atSeconds: this.#now() });
  }
}

/** Monitors that reach each other at once, except where `isCut` says so. */
export class Network {
  readonly monitors: SimMonitor[] = [];
  /** True when nothing gets from one monitor (by number) to the other. */
  isCut: (from: number, to: number) => boolean = () => false;
  /** Every request that was delivered. */
  readonly requests: { readonly from: number; readonly to: number; readonly request: PeerRequest }[] = [];
  nowSeconds = 1_790_000_000;

  /** Adds so many monitors that all know each other; the view of number i is views[i % views.length]. */
  add(count: number, viewsOf: (number: number) => readonly View[], options: Partial<SimOptions> = {}): void {
    const signers = Array.from({ length: count }, (_, i) => signerOf(i, options.crypto));
    for (let number = 0; number < count; number++) {
      const peers = signers.flatMap(({ vkey }, i) => (i === number ? [] : [{ vkey, url: urlOf(i) }]));
      this.monitors.push(
        new SimMonitor({
          number,
          views: viewsOf(number),
          peers,
          send: (peer, request) => this.deliver(number, peer, request),
          nowSeconds: () => this.nowSeconds,
          ...options,
        }),
      );
    }
  }

  async deliver(from: number, peer: Peer, request: PeerRequest): Promise<PeerAnswer> {
    const to = numberOf(peer);
    const target = this.monitors[to];
    if (target === undefined || this.isCut(from, to)) throw new LimmatError('network', `cannot reach ${peer.id}`);
    this.requests.push({ from, to, request });
    return target.node.answer(request);
  }

  /** Every monitor calls all others, one monitor after another. */
  async round(): Promise<void> {
    for (const { node } of this.monitors) await node.round();
    await this.idle();
  }

  async idle(): Promise<void> {
    for (const { node } of this.monitors) await node.idle();
  }
}

export function urlOf(number: number): string {
  return `https://m${number}.example/`;
}

/** The number of the monitor that this peer is. */
export function numberOf({ verifier }: Peer): number {
  return Number(verifier.name.split('/')[1]);
}
