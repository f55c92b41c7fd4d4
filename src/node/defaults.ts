// What every command needs of a log's settings to say what its options are, apart from all that settings are made of.

/** Where a log's data is unless told otherwise. */
export const DEFAULT_DATA_DIR = './data';

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
