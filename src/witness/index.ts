// The witness part: what C2SP tlog-witness asks of a witness, without a network and without a disk.

export { decide } from './decide.ts';
export type { Verdict } from './decide.ts';
export type { SigningTime as WitnessClock } from '../signing-clock.ts';
export type { KnownHead, SignedHead } from './head.ts';
export { checkWitnessGuard, firstMark, nextMark } from './guard.ts';
export { MAX_HEAD_NOTE_BYTES, growLogs, openSignedHead, originOf } from './listed-log.ts';
export type { ListedLog, RefusedChange } from './listed-log.ts';
export { parseWitnessLogs } from './log-list.ts';
export type { LogKeys } from './log-list.ts';
export type {
  Keepsakes,
  StoredHead,
  StoredMark,
  StoredState,
  WitnessGuard,
  WitnessMark,
  WitnessStore,
} from './ports.ts';
export { suspicionId } from './suspicion.ts';
export type { Suspicion, SuspicionKind } from './suspicion.ts';
export { Witness } from './witness.ts';
export type { WitnessAnswer, WitnessOptions, WitnessedLog } from './witness.ts';
