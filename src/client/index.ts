// Public names of the client part.

export { CHANNEL_REFUSALS, RECORD_REFUSALS, checkChannel, openChannel } from './channel-check.ts';
export type { ChannelVerdict, LoggedRecord, OpenChannelOptions, Standing } from './channel-check.ts';
export {
  NO_CHANNELS,
  channelName,
  compareChannelHeads,
  formatChannelState,
  parseChannelState,
  takeChannelHead,
} from './channel-state.ts';
export type { CurrentChannel, RememberedChannels } from './channel-state.ts';
export { CHECK_WORDS, Checker, GRADES, citedFromLeaf, judgeFile, openCited, partiesOf } from './check/index.ts';
export type {
  ChannelWord,
  CheckWord,
  CheckerOptions,
  CitationOptions,
  CitedEntry,
  FileFacts,
  FileVerdict,
  Grade,
  HeadTrouble,
  JudgeOptions,
  Parties,
  ProvenCitation,
  RebuildVerdict,
  RecordVerdict,
  Saying,
  TakenBackVerdict,
} from './check/index.ts';
export { follow, readHead } from './follow.ts';
export type { FollowedEntries, FollowOptions } from './follow.ts';
export { fetchEvidence, handIn, headToHandIn } from './hand-in.ts';
export type { HandInOptions } from './hand-in.ts';
export { httpReader, logPrefix } from './http-reader.ts';
export type { Fetch, HttpReaderOptions, LogReader } from './http-reader.ts';
export { pushToMirror } from './mirror-client.ts';
export type { PushOptions } from './mirror-client.ts';
export { addLines, parseParty, pinLines } from './pin.ts';
export type { Party } from './pin.ts';
export { proveEntry } from './prove.ts';
export type { ProvenEntry } from './prove.ts';
export { PromiseFacts } from './report/promise-facts.ts';
export { promisesJson, promisesText } from './report/promise-words.ts';
export { promisesReport, reportPromises } from './report/promises.ts';
export type { PromiseReport, PromisesReport, PromiseState } from './report/promises.ts';
export { NOTHING_REMEMBERED, advance, checkRemembered, compareHeads, formatState, parseState } from './state.ts';
export type { LogHead, RememberedHeads } from './state.ts';
export {
  DEFAULT_CLOCK_SKEW_SECONDS,
  EXPECTED_FIELDS,
  formatDuration,
  formatTrust,
  parseDuration,
  parseTrust,
} from './trust.ts';
export type { Expected, ExpectedField, KeysByOrigin, Trust, TrustedIssuer, TrustedLog } from './trust.ts';
export { REFUSALS, checkExpected, openTrustedCheckpoint, verifyProofFile } from './verify.ts';
export type {
  CountedCosignature,
  OpenedCheckpoints,
  TrustedCheckpoint,
  VerifiedProof,
  VerifyOptions,
} from './verify.ts';
