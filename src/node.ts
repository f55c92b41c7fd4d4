// Wiring for Node: a data directory, level, native cryptography, HTTP and timers, put together into a running log.

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
