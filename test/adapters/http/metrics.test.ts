import { describe, expect, it } from 'vitest';
import { MetricsRegistry, httpMetrics, logMetrics, metricsApp } from '../../../src/adapters/http/index.ts';
import { opaqueEntries } from '../../support/test-log.ts';
import { appOf, refusal, serve } from './support.ts';

describe('a metrics registry', () => {
  it('writes counters, gauges and histograms in the exposition format', () => {
    const registry = new MetricsRegistry();
    const plain = registry.counter('a_total', 'All of\nit \\ here.');
    const labelled = registry.counter('b_total', 'By thing.', ['thing', 'other']);
    registry.gauge('c', 'Now.', () => 4.5);
    registry.gauge('d', 'Unknown now.', () => undefined);
    const seconds = registry.histogram('e_seconds', 'Time.', ['route']);
    plain.add();
    plain.add(2);
    labelled.add(1, 'x"\\\n', 'y');
    seconds.observe(0.002, '/add');
    seconds.observe(100, '/add');
    const text = registry.render();
    expect(text).toContain('# HELP a_total All of\\nit \\\\ here.\n# TYPE a_total counter\na_total 3\n');
    expect(text).toContain('b_total{thing="x\\"\\\\\\n",other="y"} 1\n');
    expect(text).toContain('# TYPE c gauge\nc 4.5\n');
    expect(text).toContain('# TYPE d gauge\n# HELP');
    expect(text).toContain('e_seconds_bucket{route="/add",le="0.001"} 0\n');
    expect(text).toContain('e_seconds_bucket{route="/add",le="0.0025"} 1\n');
    expect(text).toContain('e_seconds_bucket{route="/add",le="+Inf"} 2\n');
    expect(text).toContain('e_seconds_sum{route="/add"} 100.002\n');
    expect(text).toContain('e_seconds_count{route="/add"} 2\n');
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) |[a-z_]+(\{.*\})? [0-9.+-]+$)/);
  });

  it('refuses mistakes of the code that fills it', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('a_total', 'A.', ['x']);
    expect(() => registry.counter('a_total', 'Again.')).toThrow(TypeError);
    expect(() => registry.gauge('no-name', 'Bad.', () => 1)).toThrow(TypeError);
    expect(() => registry.counter('f_total', 'Bad label.', ['a b'])).toThrow(TypeError);
    expect(() => counter.add(1)).toThrow(TypeError);
    expect(() => counter.add(-1, 'x')).toThrow(RangeError);
    expect(() => counter.add(Number.NaN, 'x')).toThrow(RangeError);
  });

  it('does not grow without end', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('a_total', 'A.', ['x']);
    for (let i = 0; i < 5000; i++) counter.add(1, String(i));
    expect(registry.render().split('\n').length).toBeLessThan(1010);
  });
});

describe('/metrics', () => {
  it('shows the log and the requests by route, status and error code', async () => {
    const { log } = await serve(300);
    const registry = new MetricsRegistry();
    logMetrics(registry, log);
    const app = appOf(log, { metrics: httpMetrics(registry), prefix: '/p' });
    await app.request('/p/tile/0/000');
    await app.request('/p/tile/0/000');
    await app.request('/p/api/v1/entries/5');
    await app.request('/p/api/v1/entries/999');
    await app.request('/p/add', { method: 'PROPFIND' });
    for (let i = 0; i < 20; i++) await app.request(`/p/no/${i}`);
    await log.append(opaqueEntries(0, 3));
    const response = await metricsApp(registry).request('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    for (const line of [
      'limmat_http_requests_total{method="GET",route="/p/tile/:path{.+}",status="200"} 2',
      'limmat_http_requests_total{method="GET",route="/p/api/v1/entries/:index",status="200"} 1',
      'limmat_http_requests_total{method="GET",route="/p/api/v1/entries/:index",status="404"} 1',
      'limmat_http_requests_total{method="other",route="/p/add",status="405"} 1',
      'limmat_http_requests_total{method="GET",route="unknown",status="404"} 20',
      'limmat_http_problems_total{code="not-found"} 1',
      'limmat_http_problems_total{code="method-not-allowed"} 1',
      'limmat_tree_size 300',
      'limmat_published_size 300',
      'limmat_ready 1',
      'limmat_entries_appended_total 300',
      'limmat_entries_duplicate_total 3',
      'limmat_queue_entries 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toMatch(/^limmat_commit_seconds_count [1-9]/m);
    expect(await refusal(metricsApp(registry).request('/'))).toBe('404 not-found');
  });
});
