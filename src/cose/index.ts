// COSE: deterministic CBOR, keys and thumbprints, COSE_Sign1 and its leaf form, signers.

export { coseAlgorithm, type CoseAlg, type CoseAlgorithm } from './algorithm.ts';
export {
  CborReader,
  decodeCbor,
  encodeCbor,
  Tagged,
  type CborKey,
  type CborLimits,
  type CborMap,
  type CborValue,
} from './cbor.ts';
export { checkCoseKey, coseKey, formatCoseKey, parseCoseKey, thumbprint, thumbprintHex, type CoseKey } from './key.ts';
export {
  decodeLeaf,
  decodeProtected,
  decodeSign1,
  encodeLeaf,
  sigStructure,
  type LeafParts,
  type Sign1,
} from './sign1.ts';
export {
  checkSignatureForm,
  externalSigner,
  statementSigner,
  verifyJob,
  verifySigned,
  type Signed,
  type StatementSigner,
  type VerifyJob,
} from './signer.ts';
