// Bounds of the gossip protocol (docs/gossip.md): what is beyond them is refused before anything is computed.

/** Largest exchange, request or answer, in bytes (DESIGN §7). */
export const MAX_EXCHANGE_BYTES: number = 256 * 1024;
/** Lists and objects in each other: message, logs, log, notes. */
export const MAX_EXCHANGE_DEPTH = 4;
/** Logs that one message speaks of; whoever watches more sends several. */
export const MAX_EXCHANGE_LOGS = 256;
/** Heads of one log in one message. */
export const MAX_EXCHANGE_NOTES = 16;
/** Evidence ids of one log in one message: of all that is kept against it (MAX_CONVICTIONS), then of its records. */
export const MAX_EXCHANGE_IDS = 64;

/**
 * Largest head that is gossiped, trimmed to its text and one line a key. A limmat log's takes 3.6 kB, one with eight
 * ML-DSA-44 keys 27 kB. Evidence holds two of them (MAX_CLAIM_NOTE_CHARACTERS).
 */
export const MAX_HEAD_BYTES: number = 64 * 1024;

/** Longest origin that a message may name, in characters. */
export const MAX_ORIGIN_CHARACTERS = 1024;

/** Exchanges that one call of a peer may take to say all: 4 MiB each way. */
export const MAX_EXCHANGES_PER_CALL = 16;
/** Evidence files that one call fetches; the next call goes on. */
export const MAX_EVIDENCE_PER_CALL = 16;
/** Older heads, of any log, that a call sends beside the newest and the unresolved ones. */
export const RANDOM_HEADS_PER_CALL = 8;

/** How far the time of a signed request may be from the receiver's clock, in seconds, either way. */
export const REQUEST_WINDOW_SECONDS = 300;
/** Requests of one peer that are remembered within the window, so that none is taken twice: one every 150 ms. */
export const MAX_REMEMBERED_REQUESTS = 4096;
/** A signed request as it stands in the header, in characters: one short note in base64. */
export const MAX_CREDENTIAL_CHARACTERS = 4096;

/** How long a head that a peer was sent counts as known there, in seconds: it may have lost its state since. */
export const DELIVERED_SECONDS = 3600;
/** Heads that are remembered as delivered, for each peer. */
export const MAX_DELIVERED = 8192;

/** Requests of one peer that may wait while one of it is worked on; of strangers all together. */
export const MAX_WAITING_PER_PEER = 4;
export const MAX_WAITING_STRANGERS = 32;

/** Heads in one page of what anyone may read. */
export const MAX_PAGE_NOTES = 16;
/** Evidence ids that a client is told of the log whose head it handed in: answers to strangers stay small. */
export const MAX_HAND_IN_IDS = 8;
/** Evidence files that were refused and are remembered, so that nobody makes this monitor verify one again. */
export const MAX_REFUSED_FILES = 1024;
