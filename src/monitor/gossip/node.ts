// A monitor's side of the gossip protocol (docs/gossip.md): what it says when it is called, and what it does when it
// calls. In scope: whom to believe what, in which order and how much. Out of scope: HTTP, stores, timers, and the
// judging itself, all of which are passed in.

import { utf8, utf8Text } from '../../bytes.ts';
import type { LogHead } from '../../client/state.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { LimmatError, asLimmatError } from '../../errors.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { MAX_EVIDENCE_BYTES } from '../evidence/limits.ts';
import type { PlainFinding } from '../finding.ts';
import type { HeadBook } from '../heads.ts';
import type { MonitorSigner } from '../monitor-key.ts';
import type { EvidenceStore } from '../ports.ts';
import type { HeadSource } from '../watched-log.ts';
import { openHead, originOf } from './admission.ts';
import type { ReceivedHead } from './admission.ts';
import { checkAnswer, openRequest, openSender, signAnswer, signRequest } from './credential.ts';
import type { Receiver, SignedRequest } from './credential.ts';
import { EvidenceDesk } from './evidence-desk.ts';
import {
  MAX_EVIDENCE_PER_CALL,
  MAX_EXCHANGES_PER_CALL,
  MAX_EXCHANGE_BYTES,
  MAX_HAND_IN_IDS,
  MAX_WAITING_STRANGERS,
} from './limits.ts';
import { formatExchange, isEvidenceId, parseExchange } from './message.ts';
import type { Exchange } from './message.ts';
import { answerTo, newsFor } from './news.ts';
import { openPeers } from './peer.ts';
import type { GossipPeer, Peer } from './peer.ts';
import { CHECKPOINT_PATH, EVIDENCE_PATH, EXCHANGE_PATH } from './protocol.ts';
import type { CallResult, GossipEvent, GossipLog, PeerAnswer, PeerRequest, PeerSend } from './protocol.ts';
import { silenceOf } from './silence.ts';
import type { SilenceRule } from './silence.ts';
import { Turns } from './turns.ts';

export interface GossipNodeOptions {
  /** The monitor's own key. */
  readonly signer: MonitorSigner;
  readonly peers: readonly GossipPeer[];
  /** The watched logs by origin; may change from call to call. */
  readonly logs: () => ReadonlyMap<string, GossipLog>;
  readonly evidence: Pick<EvidenceStore, 'ids' | 'get'>;
  /**
   * Takes a verified head: into the book, before the judge (judge.ts, takeHead), and what this makes into the store.
   * Resolves to that evidence.
   */
  readonly onHead: (head: LogHead, source: HeadSource, cosigned?: Uint8Array) => Promise<Evidence | undefined>;
  /** Takes evidence that somebody brought and that holds: into the store, and an alert. */
  readonly onEvidence: (evidence: Evidence, file: Uint8Array) => Promise<void>;
  readonly send: PeerSend;
  readonly crypto: CryptoSuite;
  readonly nowSeconds: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly silence?: SilenceRule;
  readonly onEvent?: (event: GossipEvent) => void;
}

/** One monitor among its peers. */
export class GossipNode {
  readonly peers: ReadonlyMap<string, Peer>;
  readonly #options: GossipNodeOptions;
  readonly #desk: EvidenceDesk;
  readonly #strangers = new Turns(MAX_WAITING_STRANGERS);
  readonly #startedSeconds: number;
  /** Evidence that is on its way to peers. */
  readonly #underWay = new Set<Promise<unknown>>();

  /** Errors: those of openPeers. */
  constructor(options: GossipNodeOptions) {
    this.#options = options;
    this.peers = openPeers(options.peers, options.signer, options.crypto);
    this.#desk = new EvidenceDesk(options);
    this.#startedSeconds = options.nowSeconds();
  }

  get logs(): ReadonlyMap<string, GossipLog> {
    return this.#options.logs();
  }

  get crypto(): CryptoSuite {
    return this.#options.crypto;
  }

  /**
   * Answers a request of the protocol: GET of an evidence file, POST of an exchange (peers only), of an evidence file and
   * of one checkpoint (anyone). LimmatError: `not-found`, `malformed`, `unknown-key`, `bad-signature`, `not-permitted`,
   * `queue-full`.
   */
  async answer(request: PeerRequest): Promise<PeerAnswer> {
    const { method, path, body } = request;
    if (method === 'GET' && path.startsWith(`${EVIDENCE_PATH}/`)) {
      return { status: 200, body: await this.evidenceFile(path.slice(EVIDENCE_PATH.length + 1)) };
    }
    if (method !== 'POST') throw new LimmatError('not-found', 'there is nothing of gossip here');
    if (path === CHECKPOINT_PATH) return this.#strangers.run(() => this.#takeCheckpoint(body));
    const peer = request.credential === undefined ? undefined : await this.#senderOf(request, request.credential);
    if (path === EVIDENCE_PATH) {
      const turns = peer === undefined ? this.#strangers : peer.turns;
      return this.#signed(request, peer, await turns.run(() => this.#takeEvidence(body, peer)));
    }
    if (path !== EXCHANGE_PATH) throw new LimmatError('not-found', 'there is nothing of gossip here');
    if (peer === undefined) {
      throw new LimmatError('unknown-key', 'an exchange is between peers: it has to be signed by one of this monitor');
    }
    return this.#signed(request, peer, await peer.turns.run(() => this.#exchange(peer, body)));
  }

  /** True when a peer made this credential, lately, for a request to this path: known before the body is read. */
  async isPeer(credential: string, method: string, path: string): Promise<boolean> {
    try {
      await openSender(credential, { method, path }, this.#receiver());
      return true;
    } catch {
      return false;
    }
  }

  /** The evidence file with this id. `not-found`. */
  async evidenceFile(id: string): Promise<Uint8Array> {
    const file = isEvidenceId(id) ? await this.#options.evidence.get(id) : undefined;
    if (file === undefined) throw new LimmatError('not-found', 'this monitor has no evidence with that id');
    return file;
  }

  /** The ids of all evidence, sorted. */
  evidenceIds(): Promise<readonly string[]> {
    return this.#options.evidence.ids();
  }

  /**
   * Takes the one head that a client hands in (a note, as in its proof file); the ids of evidence against its log, if
   * there is any. Errors: those of openHead, and `not-found` for a log that is not watched.
   */
  async handIn(note: string): Promise<readonly string[]> {
    const origin = originOf(note);
    const watched = this.logs.get(origin);
    if (watched === undefined) throw new LimmatError('not-found', 'this monitor does not watch the log of that note');
    const received = await openHead(note, watched.log, watched.book);
    if (!received.isKnown) await this.#take(received, 'client', undefined);
    // The newest are the ones that this head may have made.
    return watched.book.evidence.convictionIds().slice(-MAX_HAND_IN_IDS);
  }

  /** Says evidence to all peers that are not known to have it; resolves when each took it or failed to. */
  async spread(id: string): Promise<void> {
    const file = await this.#options.evidence.get(id);
    if (file === undefined) return;
    const now = this.#options.nowSeconds();
    const targets = this.#callable().filter(({ has }) => !has.hasEvidence(id, now));
    await Promise.all(
      targets.map(async (peer) => {
        try {
          await this.#bring(peer, id, file);
        } catch (error) {
          this.#failed(peer, error);
        }
      }),
    );
  }

  /** Resolves when the evidence that is on its way has arrived, or failed to. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Calls every peer that has a URL, all at once. */
  async round(): Promise<readonly CallResult[]> {
    return Promise.all(this.#callable().map((peer) => this.call(peer)));
  }

  /** Tells a peer what is new and hears what it has. Never throws for what the peer or the network does. */
  async call(peer: Peer): Promise<CallResult> {
    try {
      const { nowSeconds, random } = this.#options;
      const now = nowSeconds();
      const messages = newsFor(peer, this.logs, { maxMessages: MAX_EXCHANGES_PER_CALL, nowSeconds: now, random });
      let heads = 0;
      for (const { exchange, heads: told } of messages) {
        const answer = await this.#ask(peer, EXCHANGE_PATH, formatExchange(exchange));
        for (const head of told) peer.has.addHead(head, now);
        heads += await this.#hear(peer, parseExchange(answer));
      }
      peer.lastError = undefined;
      this.#event({ kind: 'called', peer: peer.id, exchanges: messages.length, heads });
      return { ok: true };
    } catch (error) {
      return { ok: false, error: this.#failed(peer, error) };
    }
  }

  /** The finding that too few peers are heard; undefined when all is well, or no rule was given. */
  silence(): PlainFinding | undefined {
    const { silence, nowSeconds } = this.#options;
    return silence && silenceOf([...this.peers.values()], silence, this.#startedSeconds, nowSeconds());
  }

  #callable(): readonly Peer[] {
    return [...this.peers.values()].filter(({ url }) => url !== undefined);
  }

  #receiver(): Receiver<Peer> {
    const { signer: self, crypto, nowSeconds } = this.#options;
    return { self, peers: [...this.peers.values()], crypto, nowSeconds: nowSeconds() };
  }

  async #senderOf(request: SignedRequest, credential: string): Promise<Peer> {
    const receiver = this.#receiver();
    const opened = await openRequest(credential, request, receiver);
    opened.peer.window.take(opened, receiver.nowSeconds);
    opened.peer.lastContactSeconds = receiver.nowSeconds;
    return opened.peer;
  }

  async #signed(request: PeerRequest, peer: Peer | undefined, body: Uint8Array | undefined): Promise<PeerAnswer> {
    const answer = { status: body === undefined ? 204 : 200, body: body ?? new Uint8Array(0) } as const;
    if (peer === undefined || request.credential === undefined) return answer;
    const { signer, crypto } = this.#options;
    const about = { request: request.credential, ...answer };
    return { ...answer, credential: await signAnswer(signer, peer.verifier, about, crypto) };
  }

  async #takeCheckpoint(body: Uint8Array): Promise<PeerAnswer> {
    const note = utf8Text(body);
    if (note === undefined) throw new LimmatError('malformed', 'the note is not UTF-8');
    const ids = await this.handIn(note);
    if (ids.length === 0) return { status: 204, body: new Uint8Array(0) };
    return { status: 200, body: utf8(ids.map((id) => `${id}\n`).join('')) };
  }

  async #exchange(peer: Peer, body: Uint8Array): Promise<Uint8Array> {
    const message = parseExchange(body);
    const heads = await this.#readNotes(peer, message);
    this.#event({ kind: 'heard', peer: peer.id, heads });
    const { nowSeconds, random } = this.#options;
    for (const { evidence } of message.logs) {
      for (const id of evidence) peer.has.addEvidence(id, nowSeconds());
    }
    this.#desk.follow(this.logs);
    const wants = (book: HeadBook, ids: readonly string[]): readonly string[] => this.#desk.wanted(book, ids, peer.id);
    return formatExchange(answerTo(peer, message, this.logs, { nowSeconds: nowSeconds(), random, wants }));
  }

  /** Takes in the answer of a peer: its heads, then its evidence, and brings it what it asks for. */
  async #hear(peer: Peer, message: Exchange): Promise<number> {
    const heads = await this.#readNotes(peer, message);
    this.#desk.follow(this.logs);
    let fetched = 0;
    for (const { origin, evidence, wanted } of message.logs) {
      const watched = this.logs.get(origin);
      if (watched === undefined) continue;
      for (const id of evidence) peer.has.addEvidence(id, this.#options.nowSeconds());
      for (const id of wanted) {
        const file = watched.book.evidence.has(id) ? await this.#options.evidence.get(id) : undefined;
        if (file !== undefined) await this.#bring(peer, id, file);
      }
      for (const id of this.#desk.wanted(watched.book, evidence, peer.id)) {
        if (fetched++ >= MAX_EVIDENCE_PER_CALL) break;
        await this.#fetch(peer, id);
      }
    }
    return heads;
  }

  /** The notes of a message, one verification after another; how many were heads not known before. */
  async #readNotes(peer: Peer, { logs }: Exchange): Promise<number> {
    let fresh = 0;
    for (const { origin, notes } of logs) {
      const watched = this.logs.get(origin);
      if (watched === undefined) continue;
      for (const note of notes) {
        try {
          const received = await openHead(note, watched.log, watched.book);
          peer.has.addHead(received.head, this.#options.nowSeconds());
          if (received.isKnown) continue;
          fresh++;
          await this.#take(received, 'peer', peer);
        } catch (thrown) {
          this.#event({ kind: 'head-refused', peer: peer.id, origin, error: asLimmatError(thrown) });
        }
      }
    }
    return fresh;
  }

  async #take({ head, cosigned }: ReceivedHead, source: HeadSource, peer: Peer | undefined): Promise<void> {
    const evidence = await this.#options.onHead(head, source, cosigned);
    if (evidence === undefined) return;
    this.#found(evidence, peer);
  }

  /** New evidence: everybody hears of it at once, and nobody waits for that. */
  #found({ id, origin }: Evidence, peer: Peer | undefined): void {
    this.#event({ kind: 'evidence', ...(peer !== undefined && { peer: peer.id }), origin, id });
    const task = this.spread(id).catch((error: unknown) => {
      this.#event({ kind: 'evidence-refused', error: asLimmatError(error) });
    });
    this.#underWay.add(task);
    void task.finally(() => this.#underWay.delete(task));
  }

  async #takeEvidence(file: Uint8Array, peer: Peer | undefined): Promise<undefined> {
    const { evidence, isNew } = await this.#desk.take(file, this.logs);
    peer?.has.addEvidence(evidence.id, this.#options.nowSeconds());
    if (isNew) this.#found(evidence, peer);
    return undefined;
  }

  async #fetch(peer: Peer, id: string): Promise<void> {
    const { send } = this.#options;
    const request = { method: 'GET', path: `${EVIDENCE_PATH}/${id}`, body: new Uint8Array(0) };
    const { body } = await send(peer, request, MAX_EVIDENCE_BYTES);
    try {
      const { evidence, isNew } = await this.#desk.take(body, this.logs);
      if (evidence.id !== id) throw new LimmatError('malformed', `the file of evidence ${id} is of ${evidence.id}`);
      peer.has.addEvidence(id, this.#options.nowSeconds());
      if (isNew) this.#found(evidence, peer);
      else this.#desk.refuseFrom(peer.id, id);
    } catch (thrown) {
      const error = asLimmatError(thrown);
      // A store that failed here says nothing about the file; where there is no room for it there will be none.
      if (error.code === 'malformed' || error.code === 'queue-full') this.#desk.refuseFrom(peer.id, id);
      this.#event({ kind: 'evidence-refused', peer: peer.id, error });
    }
  }

  /** Brings evidence to a peer; once, however many ask for it at a time. */
  #bring(peer: Peer, id: string, file: Uint8Array): Promise<void> {
    const underWay = peer.bringing.get(id);
    if (underWay !== undefined) return underWay;
    const task = (async (): Promise<void> => {
      try {
        await this.#ask(peer, EVIDENCE_PATH, file);
        peer.has.addEvidence(id, this.#options.nowSeconds());
      } finally {
        peer.bringing.delete(id);
      }
    })();
    peer.bringing.set(id, task);
    return task;
  }

  /** Posts a signed request; the body of the answer, which has to be signed as well. */
  async #ask(peer: Peer, path: string, body: Uint8Array): Promise<Uint8Array> {
    const { signer: self, crypto, nowSeconds, randomBytes, send } = this.#options;
    const request = { method: 'POST', path, body };
    const moment = { nowSeconds: nowSeconds(), randomBytes };
    const credential = await signRequest(self, peer.verifier, request, crypto, moment);
    const answer = await send(peer, { ...request, credential }, MAX_EXCHANGE_BYTES);
    if (answer.credential === undefined) {
      throw new LimmatError('bad-response', `${peer.id} did not sign its answer`);
    }
    const about = { request: credential, status: answer.status, body: answer.body };
    await checkAnswer(answer.credential, about, { self, peer: peer.verifier, crypto });
    peer.lastContactSeconds = nowSeconds();
    return answer.body;
  }

  #failed(peer: Peer, thrown: unknown): LimmatError {
    const error = asLimmatError(thrown);
    peer.lastError = error;
    this.#event({ kind: 'call-failed', peer: peer.id, error });
    return error;
  }

  #event(event: GossipEvent): void {
    this.#options.onEvent?.(event);
  }
}
