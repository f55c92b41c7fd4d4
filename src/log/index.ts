// The log part: what wiring and adapters use.

export { Archive } from './archive.ts';
export type { PublishedHead, TimeBracket } from './archive.ts';
export { CLOCK_TOLERANCE_MILLIS, systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { Histogram, LogCounters } from './events.ts';
export type { LogEvent } from './events.ts';
export { checkGuard } from './guard.ts';
export type { Guard, GuardState } from './guard.ts';
export { DEFAULT_INTAKE_LIMITS } from './intake.ts';
export type { AppendResult, IntakeLimits } from './intake.ts';
export { Log } from './log.ts';
export type { LogStatus } from './log.ts';
export type { LogOptions } from './options.ts';
export { DEFAULT_CHECKPOINT_INTERVAL_MILLIS, DEFAULT_REFRESH_INTERVAL_MILLIS } from './publish.ts';
export type { Published } from './publish.ts';
export { DEFAULT_IAT_WINDOW_SECONDS } from './validate.ts';
