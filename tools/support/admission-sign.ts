// Signing entries of an admission chain with the root keys that are at hand. Where these are too few, the record goes into
// a file, with the commands by which the others approve and sign it.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { equalBytes, toHex } from '../../src/bytes.ts';
import { LimmatError } from '../../src/errors.ts';
import { portableHasher } from '../../src/merkle/hash.ts';
import { dataPaths } from '../../src/node/meta.ts';
import { createApproval, createStatement, formatTime, sortApprovals } from '../../src/record/index.ts';
import type { LimmatRecord, StatementSigner } from '../../src/record/index.ts';
import type { NamespaceJson } from './admission-desk.ts';
import { commandWords, shellWord } from './command-name.ts';
import { loadStatementSigner } from './keys.ts';
import { fieldsText } from './policy-change.ts';

/**
 * The root keys of a namespace that are at hand: those of --root-key, else, for the log's own, keys/root.pem. No more of
 * them than sign together, as a log takes no further approvals.
 */
export function rootSigners(
  found: NamespaceJson,
  options: { readonly rootKey?: readonly string[]; readonly data: string },
): readonly StatementSigner[] {
  const { namespace, isLogs, root } = found;
  const { rootKey } = dataPaths(options.data);
  if (options.rootKey === undefined && !(isLogs && existsSync(rootKey))) {
    const where = isLogs ? `the root key is not in ${rootKey}` : `the root keys of ${namespace} are its vendor's`;
    throw new LimmatError('usage', `${where}: say where one is with --root-key FILE`);
  }
  const signers = (options.rootKey ?? [rootKey]).map((spec) => loadStatementSigner(spec));
  for (const [i, { kid }] of signers.entries()) {
    const id = toHex(kid);
    if (!root.keys.some((key) => key.kid === id)) {
      const known = root.keys.map((key) => key.kid).join(', ');
      throw new LimmatError(
        'usage',
        `key ${id} is no root key of ${namespace}; its root keys are ${known}: name one with --root-key`,
      );
    }
    if (signers.slice(0, i).some((other) => equalBytes(other.kid, kid))) {
      throw new LimmatError('usage', `key ${id} is given twice`);
    }
  }
  return signers.slice(0, root.threshold);
}

/** A signed entry, and its leaf hash in hexadecimal. */
export interface SignedLink {
  readonly bytes: Uint8Array;
  readonly leafHash: string;
}

/** Signs the record with the first key and the approvals of the others. */
export async function signLink(
  record: LimmatRecord,
  signers: readonly StatementSigner[],
  issuer: string,
): Promise<SignedLink> {
  const [first, ...others] = signers;
  const iatSeconds = Math.floor(Date.now() / 1000);
  const draft = { record, kid: first!.kid, iss: issuer, iat: iatSeconds };
  const approvals = await Promise.all(others.map((signer) => createApproval(draft, signer)));
  const fields = approvals.length === 0 ? record.fields : { ...record.fields, approvals: sortApprovals(approvals) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same type, with its fields
  const content = { ...record, fields, issuer, iatSeconds } as LimmatRecord & { issuer: string; iatSeconds: number };
  const bytes = await createStatement(content, first!);
  return { bytes, leafHash: toHex(portableHasher.leafHash(bytes)) };
}

/**
 * Writes the record for others to approve, and says how: each with its own key. The first key that is at hand signs, with
 * the time that all of them approved.
 */
export function writeForOthers(
  record: LimmatRecord,
  found: NamespaceJson,
  signers: readonly StatementSigner[],
  issuer: string,
  dir = '.',
): { readonly file: string; readonly lines: readonly string[] } {
  const { type, namespace, fields } = record;
  const sequence = 'sequence' in fields ? fields.sequence : 0;
  const file = join(dir, `${namespace}-${type}-${sequence}.json`);
  writeFileSync(file, fieldsText(record));
  const { threshold } = found.root;
  const sign = `${commandWords()} sign ${type} --fields ${shellWord(file)} --namespace ${namespace}`;
  const missing = threshold - 1;
  const signer = toHex(signers[0]!.kid);
  const signedAt = formatTime(Math.floor(Date.now() / 1000));
  const draft = `--issuer ${shellWord(issuer)} --signer ${signer} --signed-at ${signedAt}`;
  const approvals = Array.from({ length: missing }, (_, i) => ` --approval ${i + 1}.approval`).join('');
  return {
    file,
    lines: [
      `${namespace} has root keys of which ${threshold} sign together, and ${signers.length} is given: nothing was appended.`,
      `${file} holds the record. Holders of ${missing} further root keys approve it:`,
      `  ${sign} ${draft} --key ROOT.pem --approve --out 1.approval`,
      `and key ${signer} signs it with their approvals within a day of that time, and appends it:`,
      `  ${sign} --key ROOT.pem${approvals} --out link.statement`,
      `  ${commandWords()} add link.statement`,
    ],
  };
}
