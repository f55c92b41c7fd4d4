// Public names of the note part.

export {
  MAX_NOTE_BYTES,
  MAX_SIGNATURES,
  checkNoteText,
  formatNote,
  formatSignatureLine,
  isKeyName,
  parseNote,
} from './note.ts';
export type { Note, NoteSignature } from './note.ts';
export {
  SIGNATURE_TYPE,
  formatKeyId,
  formatSignerKey,
  formatVerifierKey,
  generateSignerKey,
  keyIdFor,
  parseSignerKey,
  parseVerifierKey,
  verifierKeyOf,
} from './key.ts';
export type { SignatureTypeByte, SignerKey, VerifierKey } from './key.ts';
export { keysFingerprint, parseFingerprint } from './fingerprint.ts';
export { quorumNumbers } from './quorum.ts';
export type { QuorumNumbers } from './quorum.ts';
export {
  MAX_ADD_CHECKPOINT_BYTES,
  SIZE_MEDIA_TYPE,
  formatAddCheckpoint,
  parseAddCheckpoint,
} from './add-checkpoint.ts';
export type { AddCheckpointRequest } from './add-checkpoint.ts';
export {
  CHANNEL_HEAD_FORMAT,
  MAX_CHANNEL_HEAD_BYTES,
  channelHeadSigner,
  channelHeadVerifier,
  channelKeyName,
  formatChannelHead,
  openChannelHead,
  parseChannelHead,
  recalledDigest,
} from './channel-head.ts';
export type { ChannelHead, ChannelHeadSigner, OpenedChannelHead } from './channel-head.ts';
export { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
export type { Checkpoint } from './checkpoint.ts';
export {
  cosignatureMessage,
  formatTimestampedSignature,
  parseTimestampedSignature,
  subtreeMessage,
} from './cosignature.ts';
export type { SubtreeStatement, TimestampedSignature } from './cosignature.ts';
export { checkpointVerifier, externalSigner, noteSigner } from './signer.ts';
export type { CheckpointSigner, CheckpointVerifier } from './signer.ts';
export { openCheckpoint, openLogCheckpoint } from './open.ts';
export type { OpenedCheckpoint, OpenedLogCheckpoint, VerifiedSignature } from './open.ts';
export { MAX_TLOG_PROOF_BYTES, formatTlogProof, parseTlogProof } from './tlog-proof.ts';
export type { TlogProof } from './tlog-proof.ts';
export { NO_QUORUM, formatPolicy, parsePolicy, quorumMet } from './policy.ts';
export type { Policy, PolicyGroup, PolicyLog, PolicyWitness } from './policy.ts';
