// limmat show: a statement, a proof file or a public key in words. It only reads: `limmat verify` is what checks.

import { readFileSync, statSync } from 'node:fs';

import type { Command } from 'commander';

import { toHex, utf8Text } from '../src/bytes.ts';
import { formatCoseKey, thumbprintHex } from '../src/cose/index.ts';
import { LimmatError } from '../src/errors.ts';
import { portableHasher } from '../src/merkle/hash.ts';
import { printable } from '../src/monitor/evidence/words.ts';
import { parseCheckpoint } from '../src/note/checkpoint.ts';
import type { Checkpoint } from '../src/note/checkpoint.ts';
import { parseNote } from '../src/note/note.ts';
import { MAX_TLOG_PROOF_BYTES, parseTlogProof } from '../src/note/tlog-proof.ts';
import { factsOf } from '../src/record/facts.ts';
import { describe, parseStatement, recordToJson, statementToJson } from '../src/record/index.ts';
import type { Statement } from '../src/record/index.ts';
import { jsonOption } from './support/config.ts';
import { parsePublicKey } from './support/keys.ts';
import { createOutput } from './support/output.ts';

/** What was shown, for programs and for people. */
interface Shown {
  readonly json: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

export function register(program: Command): void {
  program
    .command('show')
    .summary('say what a statement, a proof file or a key is')
    .description(
      'Says in words what is in a statement, in a proof file, or in a public key (SPKI PEM): of a key its id and its ' +
        'bytes, as policies and key events name them. Nothing is verified: "limmat verify" does that.',
    )
    .argument('<file>', 'the file; "-" for standard input')
    .addOption(jsonOption())
    .action(show);
}

function show(path: string, options: { readonly json?: boolean }): void {
  const output = createOutput(options);
  const { json, lines } = shownOf(read(path), path);
  output.result(json, lines);
}

function read(path: string): Uint8Array {
  // The size first: a path may name anything, and a proof file is the largest of what is shown.
  const size = path === '-' ? 0 : statSync(path).size;
  const bytes = size > MAX_TLOG_PROOF_BYTES ? undefined : readFileSync(path === '-' ? 0 : path);
  if (bytes === undefined || bytes.length > MAX_TLOG_PROOF_BYTES) {
    throw new LimmatError('malformed', `${path} is larger than any proof file, ${MAX_TLOG_PROOF_BYTES} bytes`);
  }
  return new Uint8Array(bytes);
}

const TAGGED_SIGN1 = 0xd2;

function shownOf(bytes: Uint8Array, path: string): Shown {
  if (bytes[0] === TAGGED_SIGN1) return shownStatement(parseStatement(bytes));
  const start = utf8Text(bytes.subarray(0, 64)) ?? '';
  if (start.startsWith('c2sp.org/tlog-proof@')) return shownProof(bytes);
  if (start.startsWith('-----BEGIN ')) return shownKey(utf8Text(bytes) ?? '', path);
  throw new LimmatError('malformed', `${path} is neither a statement nor a proof file nor a public key in PEM`);
}

function shownStatement(statement: Statement): Shown {
  const leafHash = toHex(portableHasher.leafHash(statement.bytes));
  const json = statementToJson(statement);
  const description = describe(statement.record);
  return {
    json: { kind: 'statement', description, ...json, leafHash, size: statement.bytes.length },
    lines: [
      description,
      '',
      ...aligned(factsOf(recordToJson(statement.record).fields)),
      '',
      ...aligned([
        ['issuer', json.issuer],
        ['subject', json.subject],
        ['type', json.type],
        ['namespace', json.namespace],
        ['signed at', `${json.signedAt} (by the signer's own clock)`],
        ['key', `${json.keyId} (${json.algorithm})`],
        ['leaf hash', leafHash],
        ['size', `${statement.bytes.length} bytes`],
      ]),
    ],
  };
}

function shownProof(bytes: Uint8Array): Shown {
  const { extra, index, proof, checkpoint } = parseTlogProof(bytes);
  const note = parseNote(checkpoint);
  const head = parseCheckpoint(note.text);
  const names = note.signatures.map(({ name }) => name);
  // Any tlog's proof file may carry anything here, or nothing.
  const statement = extra?.[0] === TAGGED_SIGN1 ? shownStatement(parseStatement(extra)) : undefined;
  return {
    json: {
      kind: 'proof',
      index,
      hashes: proof.length,
      checkpoint: { origin: head.origin, size: head.size, rootHash: toHex(head.rootHash), signatures: names },
      ...(statement && { statement: statement.json }),
    },
    lines: [
      ...(statement?.lines ?? ['A proof file that carries no statement.']),
      '',
      ...aligned(proofFacts(index, head, names)),
    ],
  };
}

function proofFacts(index: number, head: Checkpoint, names: readonly string[]): [string, string][] {
  return [
    // Whoever wrote the file chose these names, and nobody has checked a signature yet.
    ['proof of', `entry ${index} of ${head.size} of the log ${printable(head.origin)}`],
    ['root hash', toHex(head.rootHash)],
    ['signatures', `${printable(names.join(', '))} (not checked)`],
  ];
}

function shownKey(pem: string, path: string): Shown {
  const key = parsePublicKey(pem, path);
  const [kid, bytes] = [thumbprintHex(key), toHex(formatCoseKey(key))];
  return {
    json: { kind: 'key', kid, key: bytes },
    lines: aligned([
      ['kid', kid],
      ['key', bytes],
    ]),
  };
}

/** Names and values in two columns. */
function aligned(facts: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}
