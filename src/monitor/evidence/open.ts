// From what a claim says to what its signatures and inclusion proofs show. The only way from "parsed" to "opened".

import { fromBase64 } from '../../bytes.ts';
import { asHash } from '../../merkle/hash.ts';
import type { Hash, Hasher } from '../../merkle/hash.ts';
import { verifyInclusion } from '../../merkle/proof.ts';
import { parseChannelHead } from '../../note/channel-head.ts';
import type { ChannelHead } from '../../note/channel-head.ts';
import { parseCheckpoint } from '../../note/checkpoint.ts';
import { SIGNATURE_TYPE, formatKeyId, parseVerifierKey } from '../../note/key.ts';
import type { VerifierKey } from '../../note/key.ts';
import { parseNote } from '../../note/note.ts';
import type { Note } from '../../note/note.ts';
import type { CheckpointVerifier } from '../../note/signer.ts';
import { signatureTypeOf } from '../../note/signature-type.ts';
import type { LogIdentity } from '../watched-log.ts';
import type { Claim, ClaimEntry, EvidenceHead, HeadSignature } from './evidence.ts';
import { badEvidence } from './kind-row.ts';
import type { KindRow, OpenedClaim, OpenedEntry } from './kind-row.ts';
import { printable } from './words.ts';

/**
 * Verifies the signatures and the inclusion proofs of a claim of that kind. A checkpoint counts when at least one key
 * of the log signed it and every line of a known key holds. Throws `bad-evidence`, or `malformed` or `bad-key` for a
 * note or key that is none; whether the parts contradict each other is the row's to say.
 */
export async function openClaim(row: KindRow, claim: Claim, log: LogIdentity, hasher: Hasher): Promise<OpenedClaim> {
  checkShape(row, claim);
  const signers = signersOf(row, log);
  const keys = readKeys(claim.keys, signers.verifiers);
  const notes = claim.checkpoints.map((note) => parseNote(note));
  checkLines(keys, notes);
  const heads: EvidenceHead[] = [];
  for (const note of notes) heads.push(await openHead(row, note, keys, signers));
  return Object.freeze({
    log,
    heads: Object.freeze(heads),
    channelHead: row.signed === 'channel-head' ? parseChannelHead(notes[0]!.text) : undefined,
    entries: Object.freeze((claim.entries ?? []).map((entry) => openEntry(entry, heads, hasher))),
    prefixRoot: claim.prefixRoot === undefined ? undefined : hashOf(claim.prefixRoot),
    consistency: Object.freeze((claim.consistency ?? []).map(hashOf)),
    windowSeconds: claim.windowSeconds,
    iatWindowSeconds: log.iatWindowSeconds,
    hasher,
  });
}

const OPTIONAL_MEMBERS = ['prefixRoot', 'consistency', 'entries', 'windowSeconds'] as const;

function checkShape(row: KindRow, claim: Claim): void {
  const { mayHave = [] } = row;
  const had = mayHave.filter((member) => claim[member] !== undefined);
  if (had.length !== 0 && had.length !== mayHave.length) {
    throw badEvidence(`${row.kind} takes all of the members ${mayHave.join(', ')}, or none of them`);
  }
  const { checkpoints, entries = [] } = claim;
  if (checkpoints.length !== row.checkpoints) {
    throw badEvidence(`${row.kind} takes ${row.checkpoints} checkpoints, not ${checkpoints.length}`);
  }
  const [least, most] = typeof row.entries === 'number' ? [row.entries, row.entries] : row.entries;
  if (entries.length < least || entries.length > most) {
    const takes = least === most ? String(most) : `${least} to ${most}`;
    throw badEvidence(`${row.kind} takes ${takes} entries, not ${entries.length}`);
  }
  for (const member of OPTIONAL_MEMBERS) {
    const expected = row.members.includes(member);
    if ((claim[member] !== undefined) === expected || mayHave.includes(member)) continue;
    throw badEvidence(`${row.kind} ${expected ? 'takes' : 'does not take'} the member "${member}"`);
  }
}

/** Whose signatures count on the notes of that kind. */
function signersOf(row: KindRow, log: LogIdentity): LogIdentity {
  if (row.signed === 'checkpoint') return log;
  const { channelVerifiers = [], witnesses = [] } = log;
  if (row.signed === 'cosigned-checkpoint') {
    if (witnesses.length > 0) return { ...log, verifiers: witnesses };
    throw badEvidence(
      `nothing here says which keys witnesses of ${printable(log.origin)} have; name them with "witness" lines in the trust file`,
    );
  }
  if (channelVerifiers.length > 0) return { ...log, verifiers: channelVerifiers };
  throw badEvidence(
    `nothing here says which key signs the channel heads of ${printable(log.origin)}; if you know it, say so with a ` +
      '"channel-key" line in the trust file',
  );
}

/** What the note says of a tree; lines that not every signature covers are `extensions`. */
function readHead(
  row: KindRow,
  { text }: Note,
): Pick<ChannelHead, 'origin' | 'size' | 'rootHash'> & {
  readonly extensions: readonly string[];
} {
  return row.signed === 'channel-head' ? { ...parseChannelHead(text), extensions: [] } : parseCheckpoint(text);
}

/** A key of the claim's: the verifier's own, or what the file says of another. */
type ClaimKey = Pick<VerifierKey, 'name' | 'keyId' | 'type' | 'vkey'>;

/** The keys that signed, as the file says: each once, in the order of their texts, so that there is one way to say it. */
function readKeys(vkeys: readonly string[], known: readonly CheckpointVerifier[]): readonly ClaimKey[] {
  for (let i = 1; i < vkeys.length; i++) {
    if (vkeys[i - 1]! >= vkeys[i]!) throw badEvidence('the keys are not sorted, or one is there twice');
  }
  return vkeys.map((vkey) => known.find((verifier) => verifier.vkey === vkey) ?? parseVerifierKey(vkey));
}

/** Every line is by a listed key, every key has a line, and no key signs one note twice. */
function checkLines(keys: readonly ClaimKey[], notes: readonly Note[]): void {
  const used = new Set<ClaimKey>();
  for (const { signatures } of notes) {
    const here = new Set<ClaimKey>();
    for (const { name, keyId } of signatures) {
      const key = keys.find((candidate) => candidate.name === name && candidate.keyId === keyId);
      if (key === undefined) throw badEvidence(`a line is by a key that is not listed: ${keyName({ name, keyId })}`);
      if (here.has(key)) throw badEvidence(`a checkpoint has two lines by ${keyName(key)}`);
      here.add(key);
      used.add(key);
    }
  }
  const idle = keys.find((key) => !used.has(key));
  if (idle !== undefined) throw badEvidence(`the key ${keyName(idle)} is listed and has signed nothing here`);
}

async function openHead(row: KindRow, note: Note, keys: readonly ClaimKey[], log: LogIdentity): Promise<EvidenceHead> {
  const { origin, size, rootHash, extensions } = readHead(row, note);
  const what = row.signed === 'channel-head' ? 'channel head' : 'checkpoint';
  if (origin !== log.origin) {
    throw badEvidence(`a ${what} is of log ${printable(origin)}, not of ${printable(log.origin)}`);
  }
  const signatures: HeadSignature[] = [];
  // An ML-DSA-44 line is over origin, size and root; only the other types cover what may stand below them.
  let coversText = false;
  for (const line of note.signatures) {
    const key = keys.find(({ name, keyId }) => name === line.name && keyId === line.keyId)!;
    const verifier = verifierOf(key, log.verifiers);
    if (verifier === undefined) {
      if (!row.timed || !signatureTypeOf(key.type)!.timestamped) continue;
      throw badEvidence(`the time in the line of ${keyName(key)} cannot be checked: the key is not known here`);
    }
    const timestampSeconds = await verifier.verify(note, line);
    if (timestampSeconds === false) throw badEvidence(`the signature of ${keyName(key)} does not hold`);
    signatures.push(Object.freeze({ vkey: verifier.vkey, timestampSeconds }));
    if (key.type !== SIGNATURE_TYPE.mldsa44) coversText = true;
  }
  if (signatures.length === 0) {
    throw badEvidence(
      row.signed === 'cosigned-checkpoint'
        ? `a checkpoint is cosigned by none of the ${log.verifiers.length} witnesses that are known here`
        : `a ${what} is signed by none of the ${log.verifiers.length} known keys of ${printable(log.origin)}`,
    );
  }
  if (extensions.length > 0 && !coversText) throw badEvidence('a checkpoint has extension lines that nobody signed');
  // A checkpoint is signed with all of a log's keys, a channel head with the one that is in use.
  const all = row.signed === 'checkpoint' ? log.verifiers.map(({ vkey }) => vkey) : [];
  const missing = all.filter((vkey) => signatures.every((line) => line.vkey !== vkey));
  return Object.freeze({ size, rootHash, signatures: Object.freeze(signatures), missing: Object.freeze(missing) });
}

/** The verifier's own key of that name and id; a file that gives it other bytes is not about this log. */
function verifierOf(key: ClaimKey, verifiers: readonly CheckpointVerifier[]): CheckpointVerifier | undefined {
  const verifier = verifiers.find(({ name, keyId }) => name === key.name && keyId === key.keyId);
  if (verifier === undefined || verifier.vkey === key.vkey) return verifier;
  throw badEvidence(`the file gives the key ${keyName(key)} as another one than is known here`);
}

function openEntry(entry: ClaimEntry, heads: readonly EvidenceHead[], hasher: Hasher): OpenedEntry {
  const { index, checkpoint } = entry;
  const head = heads[checkpoint];
  const leaf = fromBase64(entry.leaf);
  if (head === undefined || leaf === undefined) throw badEvidence(`entry ${index} has no checkpoint, or no leaf`);
  const leafHash = hasher.leafHash(leaf);
  const { size, rootHash } = head;
  verifyInclusion({ leafHash, index, size, rootHash, proof: entry.inclusion.map(hashOf) }, hasher);
  return Object.freeze({ index, leaf, leafHash, checkpoint });
}

function hashOf(text: string): Hash {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw badEvidence('a hash is not base64');
  return asHash(bytes);
}

function keyName(key: { readonly name: string; readonly keyId: number }): string {
  return `${printable(key.name)}+${formatKeyId(key.keyId)}`;
}
