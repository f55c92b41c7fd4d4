// Wiring for Node: a directory, level, native cryptography, HTTP and timers, put together into a running log, or into a
// running monitor.

export { CONFIG_KEY_NAMES, parseConfig, readConfig } from './node/config.ts';
export type { Config } from './node/config.ts';
export { createLog } from './node/create-log.ts';
export type { CreateLogOptions, CreatedLog } from './node/create-log.ts';
export { nodeGet } from './node/http-get.ts';
export { createLogger } from './node/logger.ts';
export { dataPaths, holdsLog, readMeta } from './node/meta.ts';
export type { DataPaths, Meta } from './node/meta.ts';
export { openNodeLog } from './node/open-log.ts';
export type { NodeLog, OpenLogOptions } from './node/open-log.ts';
export { serveNode } from './node/serve.ts';
export type { ServedNodeLog } from './node/serve.ts';
export { DEFAULT_DATA_DIR, DEFAULT_LISTEN, readSettings } from './node/settings.ts';
export type { Settings } from './node/settings.ts';
export { createMonitor, monitorPaths } from './node/monitor/data.ts';
export type { MonitorPaths, NewMonitor } from './node/monitor/data.ts';
export { serveMonitor } from './node/monitor/serve.ts';
export type { ServeMonitorOptions, ServedNodeMonitor } from './node/monitor/serve.ts';
export { readMonitorSettings } from './node/monitor/settings.ts';
export type { MonitorSettings } from './node/monitor/settings.ts';
