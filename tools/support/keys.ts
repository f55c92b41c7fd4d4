// Statement keys as the tools take them: those of src/node, and how --help describes them.

export * from '../../src/node/statement-key.ts';

/** For --help texts. */
export const KEY_SPEC_HELP = 'FILE, env:NAME or exec:COMMAND (signing input on stdin, signature on stdout)';
