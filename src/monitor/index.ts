// The monitor: re-checks everything that a log signs and serves, and turns a contradiction into evidence.

export { AlertBook } from './alerts.ts';
export type { Alert, AlertState, Notify } from './alerts.ts';
export { CHECKS, TROUBLES, adviceOn, troubleKey } from './checks.ts';
export type { CheckRow, Trouble } from './checks.ts';
export type { EntryCounts } from './entries.ts';
export * from './evidence/index.ts';
export type { CheckId, Finding, FindingClass, PlainFinding, ProofFinding } from './finding.ts';
export { DEFAULT_LIMITS } from './limits.ts';
export type { MonitorLimits } from './limits.ts';
export { logIdentity, logsOfKeys, parseLogList } from './log-list.ts';
export type { ListedLog } from './log-list.ts';
export type {
  EvidenceStore,
  KeyedRow,
  KeyedState,
  LeafMirror,
  LineJournal,
  MonitorLogStore,
  MonitorStore,
  TextSlot,
} from './ports.ts';
export type { RecordCoverage, RecordFinding } from './records/coverage.ts';
export { Monitor } from './round.ts';
export type { MonitorOptions, RoundReport } from './round.ts';
export { pastCaches, readersOf } from './source.ts';
export type { LogReaders } from './source.ts';
export type { LogStatus, MonitorStatus } from './status.ts';
export { LogWatch } from './watch.ts';
export type { LogRound } from './watch.ts';
export type { HeadSource, LogIdentity, WatchedLog } from './watched-log.ts';
