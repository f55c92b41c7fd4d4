// Bounds of an evidence file (DESIGN §7, docs/evidence-file.md): what is beyond them is not read, so that nobody can make
// a verifier work.

/** Largest evidence file, in bytes. */
export const MAX_EVIDENCE_BYTES: number = 512 * 1024;
/** Lists and objects in each other: file, claim, entries, entry, inclusion. */
export const MAX_EVIDENCE_DEPTH = 5;
/** No kind takes more. */
export const MAX_CLAIM_CHECKPOINTS = 2;
/** Room for the admission chain that a record broke. */
export const MAX_CLAIM_ENTRIES = 128;
/** What a proof of a u64 size could need. */
export const MAX_PROOF_HASHES = 63;
/** A limmat log has two keys; a log that changed its keys has some more. */
export const MAX_CLAIM_KEYS = 8;
/** A note with the lines of eight ML-DSA-44 keys takes 27 kB; extension lines are few or none. */
export const MAX_CLAIM_NOTE_CHARACTERS: number = 64 * 1024;
/** Checkpoints times ways to learn of them, several times. */
export const MAX_OBSERVED_SOURCES = 16;
