// The Merkle tree of a transparency log: hashes, compact ranges, proofs, tiles, and proofs out of tiles.

export { authenticateBundle } from './bundle.ts';
export { HASH_SIZE, asHash, emptyRootHash, isHash, portableHasher } from './hash.ts';
export type { Hash, Hasher } from './hash.ts';
export { consistencyPlan, inclusionPlan, rootFromInclusion, verifyConsistency, verifyInclusion } from './proof.ts';
export type { ConsistencyClaim, InclusionClaim, ProofPlan } from './proof.ts';
export { Prover } from './prover.ts';
export type { ProverOptions, TileReader } from './prover.ts';
export { CompactRange, foldRight, rangeNodes } from './range.ts';
export type { NodeId, NodeVisitor } from './range.ts';
export { isSubtree, subtreePlan, verifySubtree } from './subtree.ts';
export type { SubtreeClaim } from './subtree.ts';
export {
  MAX_ENTRY_SIZE,
  MAX_TILE_LEVEL,
  TILE_HEIGHT,
  TILE_WIDTH,
  bundlesForSize,
  formatEntryBundle,
  formatTilePath,
  levelWidth,
  nodeLocation,
  parseEntryBundle,
  parseTilePath,
  rightEdge,
  tileWidthAt,
  tilesForSize,
} from './tile.ts';
export type { EntryBundlePath, HashTilePath, NodeLocation, TilePath } from './tile.ts';
export type { TreeHead } from './tree-head.ts';
