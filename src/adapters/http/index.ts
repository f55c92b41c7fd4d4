// The HTTP part without Node: apps, the frame around them, metrics. The Node listener is its own file.

export type { Answer } from './answer.ts';
export { newApp, requestIds, serverApp } from './app.ts';
export type { App, AppEnv, RequestEvent, ServerAppOptions } from './app.ts';
export { BodyBudget } from './body-budget.ts';
export { ctApp } from './ct-app.ts';
export { gossipApp } from './gossip-app.ts';
export type { GossipAppOptions } from './gossip-app.ts';
export { assertLogReady, healthApp } from './health-app.ts';
export { httpMetrics, logMetrics } from './http-metrics.ts';
export type { HttpMetrics, MeasuredLog } from './http-metrics.ts';
export { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_ENTRY_BYTES } from './limits.ts';
export { logApp } from './log-app.ts';
export type { LogAppOptions } from './log-app.ts';
export { MetricsRegistry } from './metrics.ts';
export { metricsApp } from './metrics-app.ts';
export { monitorApp } from './monitor-app.ts';
export { alertJson, monitorJson } from './monitor-json.ts';
export type { AlertJson, MonitorJson } from './monitor-json.ts';
export { monitorCounters, monitorGauges } from './monitor-metrics.ts';
export type { MonitorCounters } from './monitor-metrics.ts';
export { pagesApp } from './pages-app.ts';
export type { PagesOptions } from './pages-app.ts';
export { problemOf, publicError } from './problem.ts';
export { schemasApp } from './schemas-app.ts';
export type { ServedLog } from './served-log.ts';
export type { LogView, MonitorView, PeerView, ServedMonitor } from './served-monitor.ts';
