// Opens the monitor in a directory: store, key, lists, gossip and hooks, put together. It connects parts and decides
// nothing else.

import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';

import type { MonitorView, ServedMonitor } from '../../adapters/http/index.ts';
import { openMonitorStore } from '../../adapters/monitor-store.ts';
import { createVerifierPool, nodeCrypto, nodeHasher } from '../../adapters/node-crypto.ts';
import type { VerifierPool } from '../../adapters/node-crypto.ts';
import { LimmatError, asLimmatError } from '../../errors.ts';
import { troubleKey } from '../../monitor/checks.ts';
import { signObservation } from '../../monitor/evidence/observe.ts';
import { httpPeerSend } from '../../monitor/gossip/http-peer.ts';
import { GossipNode } from '../../monitor/gossip/node.ts';
import type { GossipEvent } from '../../monitor/gossip/protocol.ts';
import { monitorVerifier } from '../../monitor/monitor-key.ts';
import type { MonitorSigner, MonitorVerifier } from '../../monitor/monitor-key.ts';
import type { MonitorStore } from '../../monitor/ports.ts';
import { Monitor } from '../../monitor/round.ts';
import type { RoundReport } from '../../monitor/round.ts';
import type { WatchedFiles } from '../watched-files.ts';
import { readMonitorKey } from './data.ts';
import { watchLogs } from './lists.ts';
import type { LocatedLog } from './lists.ts';
import type { Notifier } from './notify.ts';
import { alertMessage } from './notifying.ts';
import { explainMonitorLock, gossipLogs, logWatcher } from './parts.ts';
import { limitsOf, silenceRuleOf, witnessSettingsOf } from './settings.ts';
import type { MonitorSettings } from './settings.ts';
import { viewOf } from './view.ts';

export interface OpenMonitorOptions {
  /** Begins to watch here and now; refused where something is remembered already. */
  readonly init?: boolean;
  /** Where the lists' only log is that has no address, when the settings do not say it either. */
  readonly defaultUrl: string;
  /** Sends to whoever is to be told. */
  readonly notifier: Notifier;
  readonly onNotifyError?: (error: LimmatError) => void;
  readonly onProgress?: (origin: string, done: number, total: number) => void;
  readonly onGossip?: (event: GossipEvent) => void;
  /** The lists were read again: how many logs are watched now. */
  readonly onLists?: (logs: number) => void;
  /** A changed list that was not taken; the one before stays in force. */
  readonly onListsError?: (error: LimmatError) => void;
}

/** A monitor with everything that it needs on this machine. */
export class NodeMonitor implements ServedMonitor {
  readonly monitor: Monitor;
  readonly node: GossipNode;
  readonly signer: MonitorSigner;
  readonly observers: readonly MonitorVerifier[];
  readonly #store: MonitorStore;
  readonly #lists: WatchedFiles<unknown>;
  readonly #stop: AbortController;
  readonly #pool: VerifierPool;
  #roundAtSeconds: number | undefined;

  private constructor(parts: {
    readonly monitor: Monitor;
    readonly node: GossipNode;
    readonly signer: MonitorSigner;
    readonly store: MonitorStore;
    readonly lists: WatchedFiles<unknown>;
    readonly stop: AbortController;
    readonly pool: VerifierPool;
  }) {
    const { monitor, node, signer, store, lists, stop, pool } = parts;
    this.monitor = monitor;
    this.node = node;
    this.signer = signer;
    this.observers = [
      monitorVerifier(signer.vkey, nodeCrypto),
      ...[...node.peers.values()].map(({ verifier }) => verifier),
    ];
    this.#store = store;
    this.#lists = lists;
    this.#stop = stop;
    this.#pool = pool;
  }

  /**
   * Opens the monitor of these settings. Errors: `bad-config`, `bad-trust-file`, `bad-key`, `store-locked`,
   * `store-corrupt`, and `state-missing` unless options.init.
   */
  static async open(settings: MonitorSettings, options: OpenMonitorOptions): Promise<NodeMonitor> {
    const { paths, config } = settings;
    const signer = readMonitorKey(paths, nodeCrypto);
    const silence = silenceRuleOf(config);
    const stop = new AbortController();
    const watched = logWatcher(stop.signal);
    let changed: ((logs: readonly LocatedLog[]) => void) | undefined;
    const lists = watchLogs(
      {
        trust: config.trust ?? [],
        root: paths.root,
        url: config.url ?? options.defaultUrl,
        crypto: nodeCrypto,
        witnessing: witnessSettingsOf(config),
      },
      { onChange: (logs) => changed?.(logs), onError: (error) => options.onListsError?.(error) },
    );
    let store: MonitorStore | undefined;
    // Its threads come up with the first record.
    const pool = createVerifierPool({ threads: Math.max(1, availableParallelism() - 1) });
    try {
      store = await openMonitorStore(paths.store, { hasher: nodeHasher }).catch((error: unknown) => {
        throw explainMonitorLock(error, paths.root);
      });
      if (options.init === true && (await store.meta.load()) !== undefined) {
        throw new LimmatError(
          'bad-config',
          `the monitor in ${paths.root} has begun already, and goes on from what it remembers: leave --init out`,
        );
      }
      let node: GossipNode | undefined;
      const monitor = await Monitor.open(
        {
          store,
          logs: watched(lists.current()),
          notify: (alert) => options.notifier(alertMessage(signer.name, alert), stop.signal),
          nowMillis: Date.now,
          random: Math.random,
          hasher: nodeHasher,
          verifyMany: pool.verifyMany,
          limits: limitsOf(config),
          observe: (evidence, sources) =>
            signObservation(evidence, { observer: signer.name, atSeconds: nowSeconds(), sources }, signer),
          onEvidence: ({ id }) => void node?.spread(id).catch(() => undefined),
          onNotifyError: (error) => options.onNotifyError?.(asLimmatError(error)),
          ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
        },
        options.init,
      );
      node = new GossipNode({
        signer,
        peers: (config.peer ?? []).map(({ key, url, operator }) => ({ vkey: key, url, operator })),
        logs: () => gossipLogs(monitor),
        evidence: store.evidence,
        onHead: (head, source, cosigned) => monitor.offer(head, source, cosigned),
        onEvidence: (evidence, file) => monitor.takeEvidence(evidence, file),
        send: httpPeerSend({ signal: stop.signal }),
        crypto: nodeCrypto,
        nowSeconds,
        random: Math.random,
        randomBytes: (length) => new Uint8Array(randomBytes(length)),
        ...(silence !== undefined && { silence }),
        ...(options.onGossip !== undefined && { onEvent: options.onGossip }),
      });
      changed = (logs) => {
        monitor.setLogs(watched(logs)).then(
          () => options.onLists?.(logs.length),
          (error: unknown) => options.onListsError?.(asLimmatError(error)),
        );
      };
      return new NodeMonitor({ monitor, node, signer, store, lists, stop, pool });
    } catch (error) {
      lists.close();
      await store?.close();
      await pool.close();
      throw error;
    }
  }

  view(): MonitorView {
    const { monitor, node, signer } = this;
    return viewOf({ monitor, identity: signer, peers: node.peers.values(), roundAtSeconds: this.#roundAtSeconds });
  }

  evidenceIds(): Promise<readonly string[]> {
    return this.#store.evidence.ids();
  }

  evidence(id: string): Promise<Uint8Array | undefined> {
    return this.#store.evidence.get(id);
  }

  /** Aborts when the monitor is told to stop. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Looks at every log once, and at how many peers were heard. */
  async round(): Promise<RoundReport> {
    const report = await this.monitor.round(this.#stop.signal);
    const silence = this.node.silence();
    if (silence === undefined) await this.monitor.end(troubleKey('peers-silent', ''));
    else await this.monitor.report(silence);
    this.#roundAtSeconds = nowSeconds();
    return report;
  }

  /** Ends what is under way; what it came to is kept. */
  stop(): void {
    this.#lists.close();
    this.#stop.abort();
  }

  /** Stops, and lets go of everything once what was under way has ended. */
  async close(): Promise<void> {
    this.stop();
    await this.node.idle();
    await this.monitor.close();
    await this.#store.close();
    await this.#pool.close();
  }
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
