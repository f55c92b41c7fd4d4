// node verify-evidence.mjs EVIDENCE VKEY...: checks an evidence file with nothing but the specifications and Node 24. The
// steps are those of evidence-file.md. For the kinds about histories; `limmat evidence verify` does the rest.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [path, ...vkeys] = process.argv.slice(2);
const { format, kind, origin, claim } = JSON.parse(readFileSync(path));
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left, right) => sha256(Buffer.of(1), left, right);
const base64 = (text) => Buffer.from(text, 'base64');
const assert = (holds, what) => {
  if (!holds) throw new Error(`refused: ${what}`);
};
assert(format === 'limmat/evidence/v1', 'this is no evidence file');
const known = ['fork-same-size', 'fork-prefix', 'rollback', 'proof-contradicted'];
assert(known.includes(kind), `this script does not know the kind ${kind}`);

// 1: a known key signed each checkpoint, and every line of a known key holds.
const spki = { 1: '302a300506032b6570032100', 6: '30820532300b06096086480165030403110382052100' };
const u64 = (number) => Buffer.from(BigInt(number).toString(16).padStart(16, '0'), 'hex');
const short = (text) => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);
const heads = claim.checkpoints.map((note) => {
  const [body, lines] = note.split('\n\n');
  const [name, size, root] = body.split('\n');
  assert(name === origin, `a checkpoint is of ${name}`);
  const times = new Map();
  for (const line of lines
    .trimEnd()
    .split('\n')
    .map((text) => text.split(' '))) {
    const [id, signature] = [base64(line[2]).toString('hex', 0, 4), base64(line[2]).subarray(4)];
    const vkey = vkeys.find((text) => text.startsWith(`${line[1]}+${id}+`));
    if (vkey === undefined) continue;
    const key = base64(vkey.slice(line[1].length + 10));
    const publicKey = Buffer.concat([Buffer.from(spki[key[0]], 'hex'), key.subarray(1)]);
    const time = key[0] === 1 ? Buffer.alloc(8) : signature.subarray(0, 8);
    const message =
      key[0] === 1
        ? Buffer.from(`${body}\n`)
        : Buffer.concat([
            Buffer.from('subtree/v1\n\0'),
            short(line[1]),
            time,
            short(origin),
            u64(0),
            u64(size),
            base64(root),
          ]);
    const holds = verify(
      null,
      message,
      createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
      key[0] === 1 ? signature : signature.subarray(8),
    );
    assert(holds, `the signature of ${line[1]}+${id} does not hold`);
    times.set(vkey, Number(time.readBigUInt64BE()));
  }
  assert(times.size > 0, 'a checkpoint is signed by none of these keys');
  return { size: Number(size), root: base64(root), times };
});

// 2: every entry is in the tree of its checkpoint (RFC 9162 §2.1.3.2, whose fn and sn are index and last).
const half = (number) => Math.floor(number / 2);
const leafHashes = (claim.entries ?? []).map((entry) => {
  let index = entry.index;
  let last = heads[entry.checkpoint].size - 1;
  const leafHash = sha256(Buffer.of(0), base64(entry.leaf));
  let hash = leafHash;
  assert(index <= last, 'the index is not below the size');
  for (const sibling of entry.inclusion.map(base64)) {
    assert(last > 0, 'an inclusion proof is too long');
    hash = index % 2 === 1 || index === last ? node(sibling, hash) : node(hash, sibling);
    if (index === last) while (index % 2 === 0 && index > 0) [index, last] = [half(index), half(last)];
    [index, last] = [half(index), half(last)];
  }
  assert(last === 0 && hash.equals(heads[entry.checkpoint].root), 'an entry is not in its tree');
  return leafHash;
});

// 3: no honest log signs all of that.
const [a, b] = heads;
if (kind === 'fork-same-size') {
  assert(a.size === b.size && a.size > 0 && !a.root.equals(b.root), 'these are not two trees of one size');
} else if (kind === 'rollback') {
  const back = vkeys.some((vkey) => a.times.get(vkey) > 0 && b.times.get(vkey) > a.times.get(vkey));
  assert(a.size > b.size && back, 'no key says that the tree got smaller');
} else if (kind === 'proof-contradicted') {
  assert(claim.entries[0].index === claim.entries[1].index, 'the entries are at two places');
  assert(claim.entries[0].checkpoint !== claim.entries[1].checkpoint, 'the entries are in one tree');
  assert(!leafHashes[0].equals(leafHashes[1]), 'it is one entry');
} else {
  // RFC 9162 §2.1.4.2: the larger tree's root follows from the prefix root's parts.
  const prefix = base64(claim.prefixRoot);
  assert(a.size > 0 && a.size < b.size && !prefix.equals(a.root), 'the larger tree begins with the smaller one');
  let [index, last] = [a.size - 1, b.size - 1];
  while (index % 2 === 1) [index, last] = [half(index), half(last)];
  const path = claim.consistency.map(base64);
  let old = index === 0 ? prefix : path.shift();
  let whole = old;
  for (const sibling of path) {
    assert(last > 0, 'the consistency proof is too long');
    const isLeft = index % 2 === 1 || index === last;
    whole = isLeft ? node(sibling, whole) : node(whole, sibling);
    if (isLeft) old = node(sibling, old);
    if (index === last) while (index % 2 === 0 && index > 0) [index, last] = [half(index), half(last)];
    [index, last] = [half(index), half(last)];
  }
  assert(last === 0 && old?.equals(prefix) && whole.equals(b.root), 'the larger tree does not imply this root');
}
console.log(
  `proven: ${origin} contradicts itself (${kind}, trees of ${heads.map(({ size }) => size).join(' and ')} entries)`,
);
