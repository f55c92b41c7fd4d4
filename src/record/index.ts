// Records and statements: the types, their fields, the leaf they are signed into, and the rules that admit them to a log.

export type { Digest, Json } from './fields.ts';
export type { Schema } from './form.ts';
export {
  channelOf,
  decodePayload,
  describe,
  encodePayload,
  isNamespace,
  isRecordType,
  payloadKind,
  productOf,
  RECORD_TYPES,
  recordFromJson,
  recordToJson,
  subjectOf,
  summaryOf,
  type FieldsOf,
  type LimmatRecord,
  type RecordJson,
  type RecordType,
} from './types.ts';
export {
  admit,
  keysFor,
  RULE_IDS,
  RULES_VERSIONS,
  signatureJobs,
  verifyKeyFor,
  type Admitted,
  type AdmissionWrite,
  type Decision,
  type Facts,
  type Refusal,
  type RuleId,
} from './admission.ts';
export { Replay, replay, type ReplayFinding, type ReplayOptions, type ReplayResult } from './admission/replay.ts';
export { streamOf } from './avdb-release.ts';
export {
  buildChannel,
  CHANNEL_TYPES,
  channelPlace,
  channelType,
  releaseChannel,
  type ChannelPlace,
  type ChannelType,
} from './channel.ts';
export {
  APPROVAL_CONTEXT,
  approvalJob,
  approvalMessage,
  approvalsOf,
  createApproval,
  type ApprovedStatement,
} from './approval.ts';
export { CHAIN_TYPES, type ChainLink, type ChainType } from './chain.ts';
export { factsOf } from './facts.ts';
export { LOG_ROLE, ROOT_ROLE, sortApprovals, type Approval, type PublicKey, type RootKeys } from './key-kinds.ts';
export type { ChainHead } from './log-event.ts';
export type { Requirement } from './require.ts';
export { recordSchema, schemaId, schemaText } from './schema.ts';
export {
  createStatement,
  externalSigner,
  fileDigests,
  mediaType,
  parseStatement,
  statementSigner,
  statementToJson,
  verifySigned,
  type Statement,
  type StatementContent,
  type StatementJson,
  type StatementSigner,
} from './statement.ts';
export { formatTime, MAX_TIME, parseTime } from './time.ts';
