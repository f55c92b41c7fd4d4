// The bounds of the HTTP surface (DESIGN §6, §7). Each is a number that some buffer or loop here depends on.

/** An entry bundle stores the length of an entry in 16 bits (tlog-tiles). */
export const MAX_ENTRY_BYTES = 65_535;

/** Entries in one batch request: 16 entry bundles, so that one request never fills the sequencer's queue alone. */
export const MAX_BATCH_ENTRIES = 4_096;

/** Bytes in one batch request; also bounds what one connection can make the process hold. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** Digests in one lookup: some 10 ms. */
export const MAX_LOOKUP_DIGESTS = 1_000;

/** How long `?wait=` waits before it answers 202. Below the 30 s after which proxies commonly give up. */
export const DEFAULT_WAIT_MILLIS = 20_000;

/** Bytes of entries in one get-entries answer: it may always return fewer than asked (RFC 6962 §4.6). */
export const MAX_ENTRIES_BYTES = 4 * 1024 * 1024;
