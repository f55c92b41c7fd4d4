// The flags that a log's process runs best with; `npm start` gives the same.

/**
 * Node lets its young generation grow to three times 64 MB under a steady load. With 8 MB it stays in the processor's
 * cache for longer, and the process is 100 MB smaller at the same rate.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8'];
