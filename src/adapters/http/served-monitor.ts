// What the HTTP apps ask of a monitor, as small as they need it. What they show is from memory: no page makes the monitor
// ask a log or a peer.

import type { Alert } from '../../monitor/alerts.ts';
import type { MonitorVerifier } from '../../monitor/monitor-key.ts';
import type { LogStatus } from '../../monitor/status.ts';
import type { LogIdentity } from '../../monitor/watched-log.ts';

/** How one log stands. */
export interface LogView extends LogIdentity, LogStatus {
  /** SHA-256 of the origin in lowercase hex: its name in paths (C2SP tlog-witness). */
  readonly originHash: string;
}

/** How one peer stands. */
export interface PeerView {
  /** Name and key id. */
  readonly id: string;
  readonly operator?: string;
  /** True when this monitor calls it; otherwise it only calls in. */
  readonly called: boolean;
  /** When it was last heard, either way. */
  readonly heardAtSeconds?: number;
  /** The code of what the last call failed with, when it did. */
  readonly trouble?: string;
}

/** What is known of a monitor at one moment. */
export interface MonitorView {
  /** The monitor's key: its name, and how others check what it says. */
  readonly name: string;
  readonly vkey: string;
  /** Since when this monitor watches anything. */
  readonly sinceSeconds: number;
  /** Absent before the first round ended. */
  readonly roundAtSeconds?: number;
  readonly logs: readonly LogView[];
  readonly peers: readonly PeerView[];
  /** Open and acknowledged ones. */
  readonly alerts: readonly Alert[];
}

export interface ServedMonitor {
  /** Keys of those who may have signed an observation: this monitor and its peers. */
  readonly observers: readonly MonitorVerifier[];
  view(): MonitorView;
  /** Ids of the evidence that is held, sorted. */
  evidenceIds(): Promise<readonly string[]>;
  /** The evidence file with this id. */
  evidence(id: string): Promise<Uint8Array | undefined>;
}
