// The settings that a monitor runs with: flags over monitor.toml over defaults, and the hooks that they name.

import { DEFAULT_LIMITS } from '../../monitor/limits.ts';
import type { MonitorLimits } from '../../monitor/limits.ts';
import type { SilenceRule } from '../../monitor/gossip/silence.ts';
import { LimmatError } from '../../errors.ts';
import { readMonitorConfig } from './config.ts';
import type { MonitorConfig } from './config.ts';
import { monitorPaths } from './data.ts';
import type { MonitorPaths } from './data.ts';
import { execHook } from './exec-hook.ts';
import type { Hook } from './hook.ts';
import { webhook } from './webhook.ts';
import type { WitnessSettings } from './lists.ts';

/** Long enough for a peer that is restarted. */
const DEFAULT_PEERS_WITHIN_MILLIS = 15 * 60_000;

/** A monitor's directory, and how it is to be run. */
export interface MonitorSettings {
  readonly paths: MonitorPaths;
  readonly config: MonitorConfig;
}

/** How the monitor in this directory runs when these flags are given. Errors: `bad-config`. */
export function readMonitorSettings(dir: string, flags: MonitorConfig = {}): MonitorSettings {
  const paths = monitorPaths(dir);
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { paths, config: { ...readMonitorConfig(paths.config), ...given } };
}

/** Whom the settings tell of alerts. Errors: those of webhook, and `bad-config` for a variable that is not set. */
export function hooksOf({ paths, config }: MonitorSettings): readonly Hook[] {
  const hooks: Hook[] = [];
  if (config.exec !== undefined) hooks.push(execHook({ argv: config.exec, cwd: paths.root }));
  for (const { url, private: mayBePrivate } of config.webhook ?? []) {
    hooks.push(
      webhook({
        url: fromEnvironment(url),
        allow: config['webhook-allow'] ?? [],
        ...(mayBePrivate !== undefined && { private: mayBePrivate }),
      }),
    );
  }
  return hooks;
}

function fromEnvironment(url: string): string {
  if (!url.startsWith('env:')) return url;
  const name = url.slice('env:'.length);
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new LimmatError(
    'bad-config',
    `the environment variable ${name} that should hold a webhook's address is not set`,
  );
}

/** What the settings say of a monitor's patience; the rest is DEFAULT_LIMITS. */
export function limitsOf(config: MonitorConfig): MonitorLimits {
  const { failures = DEFAULT_LIMITS.failures, grace } = config;
  const maxAge = config['max-age'];
  const witnessWithin = config['witness-within'];
  return {
    ...DEFAULT_LIMITS,
    failures,
    ...(maxAge !== undefined && { maxAgeSeconds: maxAge / 1000 }),
    ...(grace !== undefined && { graceSeconds: grace / 1000 }),
    ...(witnessWithin !== undefined && { witnessSeconds: witnessWithin / 1000 }),
  };
}

/** What the settings ask of witnesses, for the lists to be read with. */
export function witnessSettingsOf(config: MonitorConfig): WitnessSettings {
  const { log = [], witness = [] } = config;
  const quorum = config['witness-quorum'];
  return {
    ...(quorum !== undefined && { quorum }),
    quorums: new Map(log.map((one) => [one.origin, one['witness-quorum']])),
    readers: witness.map(({ key, url }) => ({ vkey: key, url })),
  };
}

/** How many peers have to be heard; half of them unless the settings say it, and none where there are none. */
export function silenceRuleOf(config: MonitorConfig): SilenceRule | undefined {
  const peers = config.peer?.length ?? 0;
  const needed = config['peers-needed'] ?? Math.ceil(peers / 2);
  if (needed > peers) {
    throw new LimmatError('bad-config', `peers-needed is ${needed}, and monitor.toml names ${peers} peers`);
  }
  if (needed === 0) return undefined;
  return { needed, withinSeconds: (config['peers-within'] ?? DEFAULT_PEERS_WITHIN_MILLIS) / 1000 };
}
