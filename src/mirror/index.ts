// The mirror: verified copies of logs (C2SP tlog-mirror), by pulling and by taking uploads.

export { MirrorSigner } from './cosign.ts';
export type { MirrorSignerOptions } from './cosign.ts';
export { Mirror, MirrorLog, originHashOf } from './mirror.ts';
export type { MirrorOptions, MirrorRound, MirrorSource, MirrorTrouble, MirroredLogView } from './mirror.ts';
export { MirroredLog } from './mirrored-log.ts';
export type { MirrorCheckpoint, MirrorIdentity, MirroredLogOptions } from './mirrored-log.ts';
export { pull } from './pull.ts';
export type { PullOptions, PullReport } from './pull.ts';
