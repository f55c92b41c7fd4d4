// What a browser or a verifier gets: everything that checks a log, nothing that runs one. No name of a runtime is needed.

export { ERROR_STATUS, LimmatError, isLimmatError } from './errors.ts';
export type { ErrorCode, ErrorDetails } from './errors.ts';
export * from './client/index.ts';
export * from './cose/index.ts';
export * from './crypto/index.ts';
export * from './merkle/index.ts';
export * from './note/index.ts';
export * from './record/index.ts';
// Two parts have one of these each, and here their names stand side by side.
export { externalSigner } from './note/index.ts';
export { externalSigner as externalStatementSigner } from './cose/index.ts';
