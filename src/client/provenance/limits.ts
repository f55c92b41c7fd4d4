// Bounds of provenance: what is beyond them is not read.

/** Largest file. GitHub and GitLab write some 10 kB; a bundle has its statement in base64. */
export const MAX_PROVENANCE_BYTES: number = 4 * 1024 * 1024;
/** Lists and objects inside each other; parameters of a build are nested by others. */
export const MAX_PROVENANCE_DEPTH = 64;
/** A release of GitHub's attest action names at most 1,024. */
export const MAX_SUBJECTS = 4096;
/** Each is some base64 to decode and a signature to check. */
export const MAX_SIGNATURES = 16;
/** A base64 signature; those of the two algorithms take 96 characters. */
export const MAX_SIGNATURE_CHARACTERS = 8192;
