// Public names: files looked up by their digests.

export { Checker } from './checker.ts';
export type { CheckerOptions } from './checker.ts';
export { citedFromLeaf, openCited } from './cited.ts';
export type { CitationOptions, CitedEntry, ProvenCitation } from './cited.ts';
export { judgeFile } from './judge.ts';
export type {
  ChannelWord,
  FileFacts,
  FileVerdict,
  HeadTrouble,
  JudgeOptions,
  RecordVerdict,
  TakenBackVerdict,
} from './judge.ts';
export { partiesOf } from './parties.ts';
export type { Parties } from './parties.ts';
export type { RebuildVerdict } from './rebuilds.ts';
export { CHECK_WORDS, GRADES } from './words.ts';
export type { CheckWord, Grade, Saying } from './words.ts';
