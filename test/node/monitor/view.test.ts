import { describe, expect, test } from 'vitest';

import type { LogView, ServedMonitor } from '../../../src/adapters/http/index.ts';
import { explainFile } from '../../../src/adapters/http/evidence-view.ts';
import { monitorJson } from '../../../src/adapters/http/monitor-json.ts';
import { formatEvidence } from '../../../src/monitor/evidence/file.ts';
import { logView } from '../../../src/node/monitor/view.ts';
import { samples } from '../../monitor/evidence/samples.ts';
import { promisingKeys, testKeys } from '../../monitor/evidence/support.ts';

const { log } = promisingKeys();
const status = {
  origin: log.origin,
  url: 'https://log.example/',
  verifiedSize: 0,
  backlog: 0,
  failures: 0,
  unresolved: 0,
  forked: false,
  elsewhere: false,
  counts: { statements: 0, unknown: 0, withheld: 0 },
  evidence: [],
};

/** A monitor that shows this log alone. */
function showing(shown: LogView): ServedMonitor {
  return {
    observers: [],
    view: () => ({ name: 'monitor.example/m', vkey: '', sinceSeconds: 0, logs: [shown], peers: [], alerts: [] }),
    evidenceIds: () => Promise.resolve([]),
    evidence: () => Promise.resolve(undefined),
  };
}

describe('what a monitor shows of a log', () => {
  test('explains evidence of every kind', async () => {
    const explained: string[] = [];
    const kinds: string[] = [];
    for (const evidence of await samples()) {
      kinds.push(evidence.kind);
      const explanation = await explainFile(showing(logView(log, status)), formatEvidence(evidence));
      if (explanation !== undefined) explained.push(evidence.kind);
    }
    expect(kinds).toContain('false-channel-head');
    expect(explained).toEqual(kinds);
  });

  test('gives programs the keys as text, and only those of now', () => {
    const retired = testKeys(undefined, undefined, 9).log.verifiers;
    const view = showing(logView({ ...log, retired }, status)).view();
    const { originHash, ...shown } = monitorJson(view, []).logs[0]!;
    expect(originHash).toMatch(/^[0-9a-f]{64}$/);
    expect(shown).toEqual({ ...status, vkeys: log.verifiers.map(({ vkey }) => vkey) });
  });
});
