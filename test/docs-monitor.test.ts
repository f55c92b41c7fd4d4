// docs/monitor.md says what the code does: alerts, settings, metrics, paths, and the message that hooks get.

import { describe, expect, test } from 'vitest';

import { MetricsRegistry, monitorApp, monitorCounters, monitorGauges } from '../src/adapters/http/index.ts';
import { TROUBLES, adviceOn } from '../src/monitor/checks.ts';
import { DOMAIN_RULES } from '../src/record/rules/domain.ts';
import type { DomainRule } from '../src/record/rules/domain.ts';
import { MONITOR_KEY_NAMES, monitorTemplate } from '../src/node/monitor/config.ts';
import { alertMessage } from '../src/node/monitor/notifying.ts';
import type { AlertMessage } from '../src/node/monitor/notifying.ts';
import { EXIT } from '../tools/support/exit.ts';
import { exitOf } from '../tools/monitor/report.ts';
import { blocks, tableRows } from './support/markdown.ts';

const PAGE = 'docs/monitor.md';
const plain = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

test('every alert is there, with its class, its check, what it means and what to do about it', () => {
  const rows = tableRows(PAGE, 'alert').map(([name, ...cells]) => [plain(name), ...cells]);
  const expected = Object.entries(TROUBLES).map(([name, { class: kind, check, means, advice }]) => [
    name,
    kind,
    check,
    means,
    advice,
  ]);
  expect(rows).toEqual(expected);
});

test('every rule about records is there, with its severity and its number', () => {
  const rows = tableRows(PAGE, 'rule').map((cells) => cells.map(plain));
  const rules: readonly DomainRule[] = Object.values(DOMAIN_RULES);
  const expected = rules.map(({ id, severity, sentence, parameter, unit, default: number }) => {
    const stated = parameter === undefined ? '' : ` (${parameter})`;
    return [id, severity, number === undefined ? '' : `${number} ${unit}${stated}`, sentence];
  });
  expect(rows).toEqual(expected);
});

test('exit codes are those of the classes', () => {
  const rows = tableRows(PAGE, 'exit code').map(([code, what]) => [Number(code), what!.split(/[:,]/)[0]]);
  const classes = ['operational', 'record', 'suspicion', 'proof'] as const;
  expect(rows).toEqual([[EXIT.clean, 'clean'], ...classes.map((kind) => [exitOf(kind), kind])]);
});

describe('settings', () => {
  const rows = tableRows(PAGE, 'key').map((cells) => cells.map(plain));

  test('are all there, in the order of the code', () => {
    expect(rows.map(([key]) => key)).toEqual(
      MONITOR_KEY_NAMES.toSorted((a, b) => order(a) - order(b) || a.localeCompare(b)),
    );
    function order(key: string): number {
      return rows.findIndex(([name]) => name === key);
    }
  });

  test('have the defaults of a new monitor.toml', () => {
    const template = monitorTemplate({ trust: ['x'] });
    const defaults = new Map(
      [...template.matchAll(/^# ([a-z-]+) = "?([^"\s]+)"?/gm)].map(([, key, value]) => [key, value]),
    );
    const examples = ['url', 'peers-needed', 'trust'];
    for (const [key, value] of rows) {
      if (value === 'none' || examples.includes(key!)) continue;
      expect([key, defaults.get(key)]).toEqual([key, value]);
    }
  });
});

test('every metric is there, and no other', () => {
  const registry = new MetricsRegistry();
  monitorCounters(registry);
  monitorGauges(registry, () => ({ name: '', vkey: '', sinceSeconds: 0, logs: [], peers: [], alerts: [] }));
  const names = [...registry.render().matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  const listed = tableRows(PAGE, 'metric').map(([name]) => plain(name));
  expect(listed).toHaveLength(names.length);
  expect(new Set(listed)).toEqual(new Set(names));
});

test('every path of the pages is there', () => {
  const app = monitorApp({
    observers: [],
    view: () => ({ name: '', vkey: '', sinceSeconds: 0, logs: [], peers: [], alerts: [] }),
    evidenceIds: () => Promise.resolve([]),
    evidence: () => Promise.resolve(undefined),
  });
  const listed = tableRows(PAGE, 'path').map(([path]) => plain(path));
  const declared = new Set(app.routes.filter(({ method }) => method === 'GET').map(({ path }) => path));
  for (const path of declared) {
    const shown = path.replace(':hash', '<origin hash>').replace(':name', '<id>');
    expect(listed.some((cell) => cell.startsWith(`GET ${shown}`))).toBe(true);
  }
  expect(declared.size).toBe(4);
});

test('the message that hooks get is the one that is shown', () => {
  const sample: AlertMessage = JSON.parse(blocks(PAGE, 'json')[0]!);
  const { format: _format, monitor, means, advice, ...alert } = sample;
  const { id, text } = alertMessage(monitor, { ...alert, notified: false });
  expect(JSON.parse(text)).toEqual(sample);
  expect(id).toBe(sample.id);
  expect(Object.keys(JSON.parse(text))).toEqual(Object.keys(sample));
  expect(adviceOn(alert)).toEqual({ means, advice });
});
