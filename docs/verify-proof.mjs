// node verify-proof.mjs ARTIFACT PROOF TRUST: checks a proof file with nothing but the specifications and Node 24. The
// steps are those of proof-file.md. For one log and Ed25519 issuers; `limmat verify` does the rest.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [artifact, proofFile, trustFile] = process.argv.slice(2).map((path) => readFileSync(path));
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const base64 = (text) => Buffer.from(text, 'base64');
const assert = (holds, what) => {
  if (!holds) throw new Error(`refused: ${what}`);
};
/** A raw public key in the form that Node takes: the fixed start of its SubjectPublicKeyInfo, then the key. */
const publicKey = (start, raw) =>
  createPublicKey({ key: Buffer.concat([Buffer.from(start, 'hex'), raw]), format: 'der', type: 'spki' });
const ed25519 = (raw) => publicKey('302a300506032b6570032100', raw);
const mlDsa44 = (raw) => publicKey('30820532300b06096086480165030403110382052100', raw);

// The trust file: the log's two keys "name+id+key", and the issuers' COSE_Keys, whose last 32 bytes are the key.
const trust = trustFile.toString().split('\n');
const logKeys = trust.filter((line) => line.startsWith('log ')).map((line) => line.split(' ')[1].split('+'));
const issuers = trust.filter((line) => line.startsWith('issuer ')).map((line) => base64(line.split(' ')[1]));

// The proof file: lines, an empty line, the checkpoint's text, an empty line, the checkpoint's signatures.
const [head, body, signatures] = proofFile.toString().split('\n\n');
const [format, extra, indexLine, ...hashes] = head.split('\n');
assert(format === 'c2sp.org/tlog-proof@v1', 'this is no proof file');
const leaf = base64(extra.slice('extra '.length));
const text = Buffer.from(`${body}\n`);
const [origin, size, root] = body.split('\n');

// 1 and 2: the leaf is in the tree (RFC 9162 §2.1.3.2, whose fn and sn are index and last).
let index = Number(indexLine.slice('index '.length));
let last = Number(size) - 1;
let hash = sha256(Buffer.of(0), leaf);
assert(index <= last, 'the index is not below the size');
for (const sibling of hashes.map(base64)) {
  assert(last > 0, 'the proof is too long');
  if (index % 2 === 1 || index === last) {
    hash = sha256(Buffer.of(1), sibling, hash);
    while (index % 2 === 0 && index > 0) [index, last] = [index / 2, Math.floor(last / 2)];
  } else {
    hash = sha256(Buffer.of(1), hash, sibling);
  }
  [index, last] = [Math.floor(index / 2), Math.floor(last / 2)];
}
assert(last === 0 && hash.equals(base64(root)), 'the proof does not lead to the root');

// 3 and 4: both keys of the log signed the tree.
const u64 = (number) => Buffer.from(BigInt(number).toString(16).padStart(16, '0'), 'hex');
const named = Buffer.concat([Buffer.of(Buffer.byteLength(origin)), Buffer.from(origin)]);
assert(logKeys.length === 2, 'the trust file does not name one log with two keys');
for (const [name, id, ...keyText] of logKeys) {
  assert(name === origin, `the checkpoint is of ${origin}`);
  const key = base64(keyText.join('+'));
  const lines = signatures.split('\n').map((line) => line.split(' '));
  const line = lines.find(([, who, what]) => who === name && base64(what).toString('hex', 0, 4) === id);
  assert(line !== undefined, `key ${id} has not signed`);
  const signature = base64(line[2]).subarray(4);
  if (key[0] === 0x01) {
    assert(verify(null, text, ed25519(key.subarray(1)), signature), 'the Ed25519 line does not hold');
  } else {
    const time = signature.subarray(0, 8);
    const message = Buffer.concat([Buffer.from('subtree/v1\n\0'), named, time, named, u64(0), u64(size), base64(root)]);
    assert(verify(null, message, mlDsa44(key.subarray(1)), signature.subarray(8)), 'the ML-DSA-44 line does not hold');
  }
}

// 5: the issuer signed the statement. A byte string here is a length in one to three bytes and as many bytes.
const byteString = (offset) => {
  const short = leaf[offset] - 0x40;
  const start = offset + (short < 24 ? 1 : short - 22);
  const length = short < 24 ? short : leaf.readUIntBE(offset + 1, short - 23);
  return { encoded: leaf.subarray(offset, start + length), content: leaf.subarray(start, start + length) };
};
const header = byteString(2);
const payload = byteString(2 + header.encoded.length + 1);
const signed = Buffer.concat([Buffer.from('\x84\x6aSignature1', 'latin1'), header.encoded, Buffer.of(0x40), payload.encoded]);
const issuer = issuers.find((key) => header.content.includes(sha256(key)));
assert(issuer !== undefined, 'the trust file does not name the key of this statement');
assert(verify(null, signed, ed25519(issuer.subarray(-32)), leaf.subarray(-64)), 'the issuer did not sign this');

// 6: it is about this artifact. (A CBOR decoder would say in which field the digest stands.)
assert(payload.content.includes(sha256(artifact)), 'the statement does not name this file');
console.log(`verified: entry ${indexLine.slice('index '.length)} of ${origin}, tree of ${size}`);
