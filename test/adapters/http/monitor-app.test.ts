import { beforeAll, describe, expect, it } from 'vitest';

import {
  MetricsRegistry,
  monitorApp,
  monitorCounters,
  monitorGauges,
  serverApp,
} from '../../../src/adapters/http/index.ts';
import type { App, LogView, MonitorView, ServedMonitor } from '../../../src/adapters/http/index.ts';
import { nodeCrypto } from '../../../src/adapters/node-crypto.ts';
import { toHex, utf8 } from '../../../src/bytes.ts';
import type { Alert } from '../../../src/monitor/alerts.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import { formatEvidence } from '../../../src/monitor/evidence/file.ts';
import { forkSameSize } from '../../../src/monitor/evidence/make.ts';
import { signObservation } from '../../../src/monitor/evidence/observe.ts';
import { monitorSigner, monitorVerifier } from '../../../src/monitor/monitor-key.ts';
import { SIGNATURE_TYPE } from '../../../src/note/key.ts';
import { fixedKey } from '../../support/served-log.ts';
import { History, NOON, headOf, testKeys } from '../../monitor/evidence/support.ts';
import { jsonOf, refusal } from './support.ts';

const HOSTILE = '<script>alert(1)</script>';
const keys = testKeys();
const signer = monitorSigner(fixedKey('monitor.example/m', SIGNATURE_TYPE.ed25519), nodeCrypto);
const originHash = toHex(nodeCrypto.sha256(utf8(keys.log.origin)));

let evidence: Evidence;
let file: Uint8Array;

beforeAll(async () => {
  const head = await headOf(keys, History.of(9), 9, NOON);
  const other = await headOf(keys, History.of(9, 5), 9, NOON + 60);
  evidence = await forkSameSize(keys.log, head, other);
  const observation = {
    observer: signer.name,
    atSeconds: NOON + 70,
    sources: [{ checkpoint: 1, via: 'peer' as const, atSeconds: NOON + 65 }],
  };
  file = formatEvidence(evidence, await signObservation(evidence, observation, signer));
});

function alertOf(key: string, changes: Partial<Alert> = {}): Alert {
  return {
    id: `${key}#1`,
    key,
    occurrence: 1,
    check: 'M02',
    class: 'proof',
    origin: keys.log.origin,
    summary: `${key} happened`,
    details: {},
    evidence: [],
    state: 'open',
    openedAtSeconds: NOON,
    seenAtSeconds: NOON,
    count: 1,
    notified: true,
    ...changes,
  };
}

function logOf(changes: Partial<LogView> = {}): LogView {
  return {
    ...keys.log,
    originHash,
    url: 'https://log.example/',
    head: { size: 1_000, rootHash: History.of(9).root(), timestampSeconds: NOON },
    verifiedSize: 744,
    backlog: 256,
    seenAtSeconds: NOON + 10,
    failures: 0,
    unresolved: 0,
    forked: false,
    elsewhere: false,
    counts: { statements: 740, unknown: 3, withheld: 1 },
    evidence: [evidence.id],
    ...changes,
  };
}

function viewOf(changes: Partial<MonitorView> = {}): MonitorView {
  return {
    name: signer.name,
    vkey: signer.vkey,
    sinceSeconds: NOON,
    roundAtSeconds: NOON + 20,
    logs: [logOf()],
    peers: [{ id: 'peer.example/a+0123abcd', operator: 'Peer AG', called: true, heardAtSeconds: NOON }],
    alerts: [],
    ...changes,
  };
}

function appOf(view: MonitorView): App {
  const monitor: ServedMonitor = {
    observers: [monitorVerifier(signer.vkey, nodeCrypto)],
    view: () => view,
    evidenceIds: () => Promise.resolve([evidence.id]),
    evidence: (id) => Promise.resolve(id === evidence.id ? file : undefined),
  };
  return serverApp({
    mounts: [{ prefix: '/m', app: monitorApp(monitor, { nowMillis: () => (NOON + 120) * 1000 }) }],
  });
}

/** A page, with every run of white space as the one space that browsers show. */
async function textOf(app: App, path: string): Promise<string> {
  const response = await app.request(path, { headers: { accept: 'text/html' } });
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.text()).replaceAll(/\s+/g, ' ');
}

describe('the page of a monitor', () => {
  it('shows how every log stands, the peers, and that nothing is wrong', async () => {
    const page = await textOf(appOf(viewOf()), '/m');
    expect(page).toContain(`<a href="/m/logs/${originHash}">${keys.log.origin}</a>`);
    expect(page).toContain('744 of 1,000 entries checked, signed 2 minutes ago');
    expect(page).toContain('<p>None.</p>');
    expect(page).toContain('peer.example/a+0123abcd');
    expect(page).toContain('called, last heard 2 minutes ago');
    expect(page).toContain(signer.vkey);
  });

  it('says of a log that forked that the monitor does not follow all of it', async () => {
    const says = 'The log forked: this monitor stays at 744 entries on its branch and does not follow the other';
    const app = appOf(viewOf({ logs: [logOf({ forked: true })] }));
    expect(await textOf(app, '/m')).toContain(`${says}.`);
    expect(await textOf(app, `/m/logs/${originHash}`)).toContain(`${says}.`);
    const shown = appOf(viewOf({ logs: [logOf({ forked: true, elsewhere: true })] }));
    expect(await textOf(shown, '/m')).toContain(`${says}, which the log shows now.`);
    const unproven = appOf(viewOf({ logs: [logOf({ elsewhere: true })] }));
    expect(await textOf(unproven, '/m')).toContain('The log shows another branch: this monitor stays at 744 entries');
    expect(await textOf(appOf(viewOf()), '/m')).not.toContain('branch');
    const json: unknown = await (await app.request('/m/api/v1/monitor')).json();
    expect(json).toMatchObject({ logs: [{ forked: true, elsewhere: false }] });
  });

  it('shows alerts, the gravest first, what they mean and what to do, acknowledged ones last', async () => {
    const alerts = [
      alertOf('unreachable a', { class: 'operational', check: 'M09' }),
      alertOf('rollback a', { state: 'acknowledged' }),
      alertOf('freeze a', { class: 'suspicion', check: 'M06', openedAtSeconds: NOON + 5 }),
      alertOf('fork-same-size a', { evidence: [evidence.id], count: 1234 }),
    ];
    const page = await textOf(appOf(viewOf({ alerts })), '/m');
    const order = ['fork-same-size a', 'freeze a', 'unreachable a', 'rollback a'].map((key) =>
      page.indexOf(`${key} happened`),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order[0]).toBeGreaterThan(0);
    expect(page).toContain('it showed two histories');
    expect(page).toContain('Ask other monitors for the newest head');
    expect(page).toContain('seen 1,234 times');
    expect(page).toContain(`href="/m/evidence/${evidence.id}"`);
    expect(page).toContain('; acknowledged');
  });

  it('says so when no log was reached and no peer is known', async () => {
    const { head: _head, seenAtSeconds: _seen, ...unseen } = logOf();
    const page = await textOf(appOf(viewOf({ logs: [{ ...unseen, failures: 3 }], peers: [] })), '/m');
    expect(page).toContain('nothing verified in 3 rounds');
    expect(page).toContain('None: nobody else');
  });

  it('escapes what logs and peers say of themselves', async () => {
    const view = viewOf({
      logs: [logOf({ origin: HOSTILE, url: `https://log.example/${HOSTILE}` })],
      peers: [{ id: HOSTILE, operator: HOSTILE, called: true, trouble: HOSTILE }],
      alerts: [alertOf(HOSTILE, { origin: HOSTILE, summary: HOSTILE })],
    });
    const app = appOf(view);
    for (const path of ['/m', `/m/logs/${originHash}`]) {
      const page = await textOf(app, path);
      expect(page).toContain('&lt;script&gt;');
      expect(page).not.toContain(HOSTILE);
    }
  });
});

describe('the page of a log', () => {
  it('shows its head, how far the monitor is, and its alerts only', async () => {
    const alerts = [alertOf('freeze a'), alertOf('freeze b', { origin: 'another.example' })];
    const page = await textOf(appOf(viewOf({ alerts })), `/m/logs/${originHash}`);
    expect(page).toContain(toHex(History.of(9).root()));
    expect(page).toMatch(/<dt>Backlog<\/dt>\s*<dd>256<\/dd>/);
    expect(page).toContain('freeze a happened');
    expect(page).not.toContain('freeze b happened');
    expect(page).toContain(`href="/m/gossip/v1/${originHash}/checkpoint"`);
    for (const { name } of keys.log.verifiers) expect(page).toContain(name);
    expect(page).toContain(`href="/m/evidence/${evidence.id}"`);
  });

  it('is not there for a log that is not watched', async () => {
    const response = await appOf(viewOf()).request(`/m/logs/${'0'.repeat(64)}`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('not-found');
  });
});

describe('evidence', () => {
  it('has a page that explains it, with a drawing that the strictest page may show', async () => {
    const page = await textOf(appOf(viewOf()), `/m/evidence/${evidence.id}`);
    expect(page).toContain(`<h1>${keys.log.origin} signed two different `);
    expect(page).toContain('<svg xmlns=');
    expect(page).not.toMatch(/<svg[^]*(?:<style|style=)[^]*<\/svg>/);
    expect(page).toContain('signed with the observer');
    expect(page).toContain(`/m/gossip/v1/evidence/${evidence.id} -o evidence.json`);
    const { headers } = await appOf(viewOf()).request(`/m/evidence/${evidence.id}`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('is there as text and as a picture too', async () => {
    const app = appOf(viewOf());
    const text = await app.request(`/m/evidence/${evidence.id}.txt`);
    expect(await text.text()).toContain('Why this cannot all be true');
    const svg = await app.request(`/m/evidence/${evidence.id}.svg`);
    expect(svg.headers.get('content-type')).toBe('image/svg+xml');
    expect(svg.headers.get('content-security-policy')).toBe("default-src 'none'");
    expect(await svg.text()).toMatch(/^<svg /);
  });

  it('is not explained once its log is not watched any more', async () => {
    const app = appOf(viewOf({ logs: [] }));
    expect(await textOf(app, `/m/evidence/${evidence.id}`)).toContain('is not watched here any more');
    expect(await refusal(await app.request(`/m/evidence/${evidence.id}.txt`))).toBe('404 not-found');
  });

  it('is not explained, and is there all the same, once its log has other keys', async () => {
    const { verifiers } = testKeys(keys.log.origin, undefined, 7).log;
    const app = appOf(viewOf({ logs: [logOf({ verifiers })] }));
    const response = await app.request(`/m/evidence/${evidence.id}`);
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('or with other keys')]);
    expect(await refusal(await app.request(`/m/evidence/${evidence.id}.svg`))).toBe('404 not-found');
  });

  it.each(['0'.repeat(64), 'x', `${'a'.repeat(64)}.png`, '..%2f..%2fmonitor.skey'])(
    'is not there at %s',
    async (name) => {
      const response = await appOf(viewOf()).request(`/m/evidence/${name}`);
      expect(response.status).toBe(404);
    },
  );
});

describe('the JSON of a monitor', () => {
  it('says what the page says', async () => {
    const alerts = [alertOf('freeze a', { class: 'suspicion' }), alertOf('fork-same-size a')];
    const body = await jsonOf(await appOf(viewOf({ alerts })).request('/m/api/v1/monitor'));
    expect(body).toMatchObject({
      name: signer.name,
      vkey: signer.vkey,
      logs: [
        {
          origin: keys.log.origin,
          originHash,
          head: { size: 1_000, timestampSeconds: NOON },
          verifiedSize: 744,
          backlog: 256,
          vkeys: keys.log.verifiers.map(({ vkey }) => vkey),
        },
      ],
      peers: [{ id: 'peer.example/a+0123abcd' }],
      alerts: [{ key: 'fork-same-size a', means: expect.any(String), advice: expect.any(String) }, { key: 'freeze a' }],
      evidence: [evidence.id],
    });
  });
});

describe('the metrics of a monitor', () => {
  it('are by log, by class and by peer, and leave out what is not known', () => {
    const registry = new MetricsRegistry();
    const { head: _head, seenAtSeconds: _seen, ...unseen } = logOf({ origin: 'unseen.example' });
    const [w1, w2] = ['w.example/1+01234567', 'w.example/2+89abcdef'];
    const witnessed = [
      { witness: w1, size: 990, timestampSeconds: NOON + 60, isLost: false, isBehind: true },
      { witness: w2, size: 0, timestampSeconds: 0, isLost: true, isBehind: false },
    ];
    const view = viewOf({
      logs: [logOf({ witnessed }), unseen],
      alerts: [alertOf('a'), alertOf('b', { state: 'acknowledged' }), alertOf('c', { class: 'operational' })],
    });
    const counters = monitorCounters(registry);
    monitorGauges(
      registry,
      () => view,
      () => (NOON + 120) * 1000,
    );
    counters.round(0.2);
    counters.delivered('https://hooks.example');
    counters.failed('https://hooks.example');
    const text = registry.render();
    const origin = `{origin="${keys.log.origin}"}`;
    for (const line of [
      `limmat_monitor_log_size${origin} 1000`,
      `limmat_monitor_verified_entries${origin} 744`,
      `limmat_monitor_backlog_entries${origin} 256`,
      `limmat_monitor_head_age_seconds${origin} 120`,
      `limmat_monitor_seen_seconds_ago${origin} 110`,
      'limmat_monitor_verified_entries{origin="unseen.example"} 744',
      `limmat_monitor_witness_size{origin="${keys.log.origin}",witness="${w1}"} 990`,
      `limmat_monitor_witness_age_seconds{origin="${keys.log.origin}",witness="${w1}"} 60`,
      `limmat_monitor_witness_lost{origin="${keys.log.origin}",witness="${w1}"} 0`,
      `limmat_monitor_witness_behind{origin="${keys.log.origin}",witness="${w1}"} 1`,
      `limmat_monitor_witness_size{origin="${keys.log.origin}",witness="${w2}"} 0`,
      `limmat_monitor_witness_lost{origin="${keys.log.origin}",witness="${w2}"} 1`,
      'limmat_monitor_open_alerts{class="proof"} 1',
      'limmat_monitor_open_alerts{class="operational"} 1',
      'limmat_monitor_open_alerts{class="suspicion"} 0',
      'limmat_monitor_peer_heard_seconds_ago{peer="peer.example/a+0123abcd"} 120',
      'limmat_monitor_round_seconds_count 1',
      'limmat_monitor_messages_total{hook="https://hooks.example",outcome="taken"} 1',
      'limmat_monitor_messages_total{hook="https://hooks.example",outcome="failed"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toContain('head_age_seconds{origin="unseen.example"}');
    expect(text).not.toMatch(/witness_age_seconds\{[^}]*witness="w.example\/2/);
  });
});
