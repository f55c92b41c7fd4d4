// Records and statements: the types, their fields, the leaf they are signed into, and who may submit them.

export type { Digest, Json } from './fields.ts';
export {
  channelOf,
  decodePayload,
  describe,
  encodePayload,
  isNamespace,
  isRecordType,
  productOf,
  RECORD_TYPES,
  recordFromJson,
  recordToJson,
  subjectOf,
  type FieldsOf,
  type LimmatRecord,
  type RecordJson,
  type RecordType,
} from './types.ts';
export { streamOf } from './avdb-release.ts';
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
export {
  addSubmitter,
  formatSubmitters,
  parseSubmitters,
  permits,
  removeSubmitter,
  signatureJob,
  submitterList,
  type Submitter,
  type SubmitterList,
} from './submitters.ts';
export { formatTime, MAX_TIME, parseTime } from './time.ts';
