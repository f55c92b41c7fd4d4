// The peers of a monitor: keys from its configuration, and what it remembers about each while it runs. No peer is ever
// learned of from a message.

import { logPrefix } from '../../client/http-reader.ts';
import type { LogHead } from '../../client/state.ts';
import { toHex } from '../../bytes.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError } from '../../errors.ts';
import { monitorVerifier } from '../monitor-key.ts';
import type { MonitorIdentity, MonitorVerifier } from '../monitor-key.ts';
import { RequestWindow, monitorId } from './credential.ts';
import { DELIVERED_SECONDS, MAX_DELIVERED, MAX_WAITING_PER_PEER } from './limits.ts';
import { Turns } from './turns.ts';

/** A peer as the operator names it. */
export interface GossipPeer {
  /** Its monitor key. */
  readonly vkey: string;
  /** Where it is called; absent for one that only calls. The only URLs that gossip ever fetches. */
  readonly url?: string | undefined;
  /** Who runs it, for people. */
  readonly operator?: string | undefined;
}

/** A peer, and what this process remembers about it. */
export class Peer {
  readonly verifier: MonitorVerifier;
  /** Ends in a slash. */
  readonly url: string | undefined;
  readonly operator: string | undefined;
  /** Name and key id. */
  readonly id: string;
  readonly window = new RequestWindow();
  /** One request is worked on at a time. */
  readonly turns = new Turns(MAX_WAITING_PER_PEER);
  /** What it is known to have. */
  readonly has = new KnownThere();
  /** Evidence that is on its way to it, by id. */
  readonly bringing = new Map<string, Promise<void>>();
  /** When it was last heard: it signed a request that came in, or an answer. */
  lastContactSeconds: number | undefined;
  /** Why the last call failed; undefined after one that did not. */
  lastError: LimmatError | undefined;

  constructor(peer: GossipPeer, crypto: CryptoSuite) {
    this.verifier = monitorVerifier(peer.vkey, crypto);
    this.id = monitorId(this.verifier);
    this.url = peer.url === undefined ? undefined : prefixOf(peer.url, this.id);
    this.operator = peer.operator;
  }
}

/** The peers of a configuration. `bad-config` when one is named twice, is this monitor itself, or has no usable URL; `bad-key`. */
export function openPeers(
  peers: readonly GossipPeer[],
  self: MonitorIdentity,
  crypto: CryptoSuite,
): ReadonlyMap<string, Peer> {
  const opened = new Map<string, Peer>();
  for (const given of peers) {
    const peer = new Peer(given, crypto);
    if (peer.id === monitorId(self)) throw new LimmatError('bad-config', `peer ${peer.id} has this monitor's own key`);
    if (opened.has(peer.id)) throw new LimmatError('bad-config', `peer ${peer.id} is named twice`);
    opened.set(peer.id, peer);
  }
  return opened;
}

function prefixOf(url: string, id: string): string {
  try {
    return logPrefix(url);
  } catch (error) {
    throw new LimmatError('bad-config', `peer ${id}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Heads and evidence that a peer has, because it sent them or took them; the oldest are forgotten first. */
export class KnownThere {
  /** When it was learned, by name. */
  readonly #since = new Map<string, number>();

  addHead(head: LogHead, nowSeconds: number): void {
    this.#add(headKey(head), nowSeconds);
  }

  /** True for an hour: a peer may lose its state, and is then told again. */
  hasHead(head: LogHead, nowSeconds: number): boolean {
    return this.#has(headKey(head), nowSeconds);
  }

  addEvidence(id: string, nowSeconds: number): void {
    this.#add(id, nowSeconds);
  }

  hasEvidence(id: string, nowSeconds: number): boolean {
    return this.#has(id, nowSeconds);
  }

  #add(name: string, nowSeconds: number): void {
    this.#since.delete(name);
    this.#since.set(name, nowSeconds);
    if (this.#since.size <= MAX_DELIVERED) return;
    for (const oldest of this.#since.keys()) {
      this.#since.delete(oldest);
      break;
    }
  }

  #has(name: string, nowSeconds: number): boolean {
    const since = this.#since.get(name);
    return since !== undefined && nowSeconds - since < DELIVERED_SECONDS;
  }
}

function headKey({ origin, size, rootHash, timestampSeconds }: LogHead): string {
  return `${size} ${toHex(rootHash)} ${timestampSeconds} ${origin}`;
}
